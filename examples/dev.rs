//! dev
use elbo::{Program, data, graph::evaluate, infer};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let files = data::Disk;
    let program = match Program::load(&files, args[1].as_ref()) {
        Ok(p) => p,
        Err(e) => {
            println!("{e}");
            return;
        }
    };
    let mut sources = program.sources().clone();
    let d = match data::load(&files, args[2].as_ref(), &mut sources) {
        Ok(d) => d,
        Err(e) => {
            println!("{e:?}");
            return;
        }
    };
    let t = std::time::Instant::now();
    let model = match program.bind(&d) {
        Ok(m) => m,
        Err(e) => {
            println!("{e}");
            return;
        }
    };
    println!(
        "bind {:?}, size {} nodes {}",
        t.elapsed(),
        model.size(),
        model.graph.len()
    );
    let fit = match infer::fit(&model, &infer::Options::default(), &mut |_| {}) {
        Ok(f) => f,
        Err(e) => {
            println!("{e:?}");
            return;
        }
    };
    println!("{:?} {} {:?}", fit.elbo, fit.verdict, fit.seconds);
    let _ = evaluate;
}
