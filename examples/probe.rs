//! probe
use elbo::{Program, data, graph::{evaluate, Tensor}};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let program = match Program::load(&data::Disk, args[1].as_ref()) { Ok(p) => p, Err(e) => { println!("{e}"); return } };
    let mut sources = program.sources().clone();
    let d = if args.len() > 2 { data::load(&data::Disk, args[2].as_ref(), &mut sources).unwrap() } else { data::Data::default() };
    let model = match program.bind(&d) { Ok(m) => m, Err(e) => { println!("{e}"); return } };
    let feeds: Vec<_> = model.blocks.iter().map(|b| (b.input, Tensor::vector((1..=b.size).map(|k| (k as f64).cos() / 2.0).collect::<Vec<_>>()))).collect();
    for q in &model.quantities { println!("{} {:?} {:?}", q.name, q.shape, evaluate(&model.graph, &feeds, &[q.node])[0].data()); }
    for t in &model.terms { println!("term {} {:?}", t.name, evaluate(&model.graph, &feeds, &[t.pointwise])[0].data()); }
    if args.len() > 3 { println!("{:?}", model.graph); }
}
