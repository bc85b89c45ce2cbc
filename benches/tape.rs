//! Time per gradient of small models written as graphs, on one core.
//!
//! Each is a log density with its gradient as one tape; printed is the median over rounds. An
//! argument filters by name, `--profile` lists instructions, `--rows` times each elementwise function
//! on a block and on single values: `cargo bench --bench tape -- garch`.

use elbo::autodiff::grad;
use elbo::graph::{Graph, Rebuild, Tensor, Var};
use elbo::ops::{Body, concat, scan};
use elbo::tape::Tape;
use std::sync::Arc;
use std::time::Instant;

/// Parameters and the log density of them.
type Model = fn(&Graph) -> (Var<'_>, Var<'_>);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--rows") {
        return rows();
    }
    let profile = arguments.iter().any(|a| a == "--profile");
    let filter = arguments.iter().find(|a| !a.starts_with('-'));
    let models: [(&str, Model); 10] = [
        ("eight schools", eight_schools),
        ("linear 500 x 5", |g| linear(g, 500)),
        ("linear 1e6 x 5", |g| linear(g, 1_000_000)),
        ("logistic 3020 x 5", |g| logistic(g, 3020)),
        ("mixture 1000 [2,N]", |g| mixture(g, 1000, true)),
        ("mixture 1000 [N,2]", |g| mixture(g, 1000, false)),
        ("mixture 1000 log_add_exp", mixture_by_parts),
        ("groups 919 of 85", radon),
        ("garch 200", garch),
        ("hmm 2 x 100", hidden_markov),
    ];
    println!(
        "{:<36}{:>14}{:>12}{:>14}{:>12}{:>10}",
        "", "ns/gradient", "least", "instructions", "operations", "arena"
    );
    for (name, model) in models {
        if filter.is_none_or(|f| name.contains(f.as_str())) {
            measure(name, model, None, profile);
            if !name.contains("1e6") {
                measure(&format!("{name}, 8 at once"), model, Some(8), profile);
            }
        }
    }
}

/// Times a model at one point, or at several as a leading axis.
fn measure(name: &str, model: Model, points: Option<usize>, profile: bool) {
    let g = Graph::new();
    let (mut theta, y) = model(&g);
    let mut outputs = vec![y.id, grad(y, &[theta])[0].id];
    let wide = Graph::new();
    let mut graph = &g;
    if let Some(points) = points {
        let mut walk = Rebuild::batched(&g, &wide, points);
        let input = wide.input(&[points, theta.numel()]);
        walk.substitute(theta.id, input, true);
        outputs = walk.emit_batched(&outputs).iter().map(|v| v.id).collect();
        (graph, theta) = (&wide, input);
    }
    let mut tape = Tape::compile(graph, &[theta.id], &outputs);
    let at = numbers(theta.numel(), -0.5, 0.5);
    tape.set_input(0, &at);
    tape.run();
    assert!(tape.outputs_flat().iter().all(|x| x.is_finite()), "{name}");
    let once = Instant::now();
    tape.run();
    let calls = (2_000_000 / once.elapsed().as_nanos().max(20)).clamp(1, 20_000) as u32;
    let mut rounds: Vec<f64> = (0..25)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                tape.set_inputs_flat(&at);
                tape.run();
                std::hint::black_box(tape.outputs_flat());
            }
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let operations: usize = tape.instructions().iter().map(|i| i.operations).sum();
    println!(
        "{name:<36}{:>14.0}{:>12.0}{:>14}{operations:>12}{:>10}",
        rounds[rounds.len() / 2],
        rounds[0],
        tape.instruction_count(),
        tape.arena_len()
    );
    if profile {
        list(&mut tape);
    }
}

/// Time per value of every elementwise function, in a block of 512 and singly.
fn rows() {
    use elbo::{ops::binary, ops::unary, special::Level};
    let level = Level::detect();
    let x = numbers(512, 0.1, 0.9);
    let mut out = vec![0.0; 512];
    let median = |f: &mut dyn FnMut()| {
        let mut times: Vec<f64> = (0..25)
            .map(|_| {
                let start = Instant::now();
                (0..50).for_each(|_| f());
                start.elapsed().as_nanos() as f64 / (50.0 * 512.0)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[12]
    };
    for row in unary::TABLE {
        let kernel = (row.block)(level);
        // SAFETY: both vectors hold 512 values.
        let block = median(&mut || unsafe { kernel(x.as_ptr(), out.as_mut_ptr(), 512) });
        let single = median(&mut || {
            for &x in &x {
                std::hint::black_box((row.value)(std::hint::black_box(x)));
            }
        });
        println!("{:<16}{block:>8.2}{single:>8.2}", row.name);
    }
    for row in binary::TABLE {
        let kernel = (row.blocks)(level).both;
        // SAFETY: as above.
        let block =
            median(&mut || unsafe { kernel(x.as_ptr(), x.as_ptr(), out.as_mut_ptr(), 512) });
        let single = median(&mut || {
            for &x in &x {
                std::hint::black_box((row.value)(std::hint::black_box(x), 0.7));
            }
        });
        println!("{:<16}{block:>8.2}{single:>8.2}", row.name);
    }
}

/// The least time of each instruction (with some 20 ns for the clock).
fn list(tape: &mut Tape) {
    let mut least = vec![u64::MAX; tape.instruction_count()];
    for _ in 0..200 {
        let times = tape.run_timed();
        least
            .iter_mut()
            .zip(times)
            .for_each(|(l, t)| *l = t.min(*l));
    }
    for (listing, time) in tape.instructions().iter().zip(least) {
        let (size, operations) = (listing.size, listing.operations);
        println!(
            "    {time:>8} ns {size:>9} {operations:>4}  {}",
            listing.name
        );
    }
}

/// Irregular numbers between two ends.
fn numbers(n: usize, low: f64, high: f64) -> Vec<f64> {
    (0..n)
        .map(|i| low + (high - low) * ((i + 1) as f64 * 0.754_877_666_246_692_7).fract())
        .collect()
}

fn data<'g>(g: &'g Graph, shape: &[usize], low: f64, high: f64) -> Var<'g> {
    let n = shape.iter().product();
    g.constant(Tensor::new(shape.into(), numbers(n, low, high)))
}

/// Log density of a Normal without its constant.
fn normal<'g>(x: Var<'g>, mean: Var<'g>, sd: Var<'g>) -> Var<'g> {
    ((x - mean) / sd).square() * -0.5 - sd.log()
}

fn part<'g>(theta: Var<'g>, i: usize) -> Var<'g> {
    theta.slice(0, i, 1).reshape(&[])
}

fn eight_schools(g: &Graph) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[10]);
    let (mu, log_tau, z) = (part(theta, 0), part(theta, 1), theta.slice(0, 2, 8));
    let y = g.constant(Tensor::vector([
        28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0,
    ]));
    let sd = g.constant(Tensor::vector([
        15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0,
    ]));
    let tau = log_tau.exp();
    let prior = (mu * 0.2).square() * -0.5 - (tau * 0.2).square().log1p() + log_tau;
    let density = prior + (z.square() * -0.5).sum() + normal(y, mu + tau * z, sd).sum();
    (theta, density)
}

fn linear(g: &Graph, n: usize) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[7]);
    let (beta, alpha, sigma) = (theta.slice(0, 0, 5), part(theta, 5), part(theta, 6).exp());
    let (x, y) = (data(g, &[n, 5], -1.0, 1.0), data(g, &[n], -2.0, 2.0));
    let density = normal(y, x.matmul(beta) + alpha, sigma).sum();
    (theta, density + (theta.square() * -0.5).sum())
}

fn logistic(g: &Graph, n: usize) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[6]);
    let x = data(g, &[n, 5], -1.0, 1.0);
    let y = g.constant(Tensor::vector(
        (0..n)
            .map(|i| f64::from(u8::from(i % 3 == 0)))
            .collect::<Vec<_>>(),
    ));
    let eta = x.matmul(theta.slice(0, 0, 5)) + part(theta, 5);
    let density = (y * eta - eta.softplus()).sum();
    (theta, density + (theta.square() * -0.5).sum())
}

fn mixture(g: &Graph, n: usize, components_first: bool) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[5]);
    let y = data(g, &[n], -2.0, 3.0);
    let (mu, sd) = (theta.slice(0, 0, 2), theta.slice(0, 2, 2).exp());
    let weight = part(theta, 4);
    let weights = concat(
        &[
            weight.log_sigmoid().reshape(&[1]),
            (-weight).log_sigmoid().reshape(&[1]),
        ],
        0,
    );
    let density = if components_first {
        let column = |v: Var<'_>| v.reshape(&[2, 1]).id;
        let (m, s, w) = (column(mu), column(sd), column(weights));
        (normal(y, g.var(m), g.var(s)) + g.var(w)).log_sum_exp(&[1])
    } else {
        (normal(y.reshape(&[n, 1]), mu, sd) + weights).log_sum_exp(&[0])
    };
    (theta, density.sum() + (theta.square() * -0.5).sum())
}

fn mixture_by_parts(g: &Graph) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[5]);
    let y = data(g, &[1000], -2.0, 3.0);
    let weight = part(theta, 4);
    let component = |i: usize, weight: Var<'_>| {
        let sd = part(theta, 2 + i).exp();
        (normal(y, part(theta, i), sd) + g.var(weight.log_sigmoid().id)).id
    };
    let (a, b) = (component(0, weight), component(1, -weight));
    let density = g.var(a).log_add_exp(g.var(b)).sum();
    (theta, density + (theta.square() * -0.5).sum())
}

/// Observations in groups with an effect each.
fn radon(g: &Graph) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[85 + 4]);
    let (effects, mu, tau) = (
        theta.slice(0, 0, 85),
        part(theta, 85),
        part(theta, 86).exp(),
    );
    let (slope, sigma) = (part(theta, 87), part(theta, 88).exp());
    let group: Vec<f64> = (0..919).map(|i| ((i * 37 + i / 11) % 85) as f64).collect();
    let floor = data(g, &[919], 0.0, 1.0).gt(0.7);
    let y = data(g, &[919], -1.0, 3.0);
    let county = (effects * tau + mu).gather(0, g.constant(Tensor::vector(group)));
    let density = normal(y, county + slope * floor, sigma).sum();
    (theta, density + (theta.square() * -0.5).sum())
}

fn garch(g: &Graph) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[4]);
    let y = data(g, &[200], -2.0, 2.0);
    let (mu, a0) = (part(theta, 0), part(theta, 1).exp());
    let (a1, b1) = (
        part(theta, 2).sigmoid() * 0.5,
        part(theta, 3).sigmoid() * 0.5,
    );
    let body = Arc::new(Graph::new());
    let (h, e) = (body.input(&[]), body.input(&[]));
    let (a0_in, a1_in, b1_in) = (body.input(&[]), body.input(&[]), body.input(&[]));
    let next = a0_in + a1_in * e.square() + b1_in * h;
    let body = Body {
        inputs: vec![h.id, e.id, a0_in.id, a1_in.id, b1_in.id],
        output: next.id,
        graph: body.clone(),
    };
    let errors = y - mu;
    let before = errors.slice(0, 0, 199);
    let variances = scan(body, 199, false, a0, &[before], &[a0, a1, b1]);
    let errors = errors.slice(0, 1, 199);
    let density = (errors.square() / variances + variances.log()).sum() * -0.5;
    (theta, density + (theta.square() * -0.5).sum())
}

fn hidden_markov(g: &Graph) -> (Var<'_>, Var<'_>) {
    let theta = g.input(&[6]);
    let y = data(g, &[100], -1.0, 4.0);
    let mu = theta.slice(0, 0, 2);
    let stay = theta.slice(0, 2, 2);
    let (to_first, to_second) = (stay.log_sigmoid(), (-stay).log_sigmoid());
    let transition = concat(&[to_first.reshape(&[2, 1]), to_second.reshape(&[2, 1])], 0);
    let emission = (y.reshape(&[100, 1]) - mu).square() * -0.5;
    let body = Arc::new(Graph::new());
    let (alpha, e, t) = (body.input(&[2]), body.input(&[2]), body.input(&[2, 2]));
    let next = (alpha.reshape(&[2, 1]) + t).log_sum_exp(&[1]) + e;
    let body = Body {
        inputs: vec![alpha.id, e.id, t.id],
        output: next.id,
        graph: body.clone(),
    };
    let first = emission.slice(1, 0, 1).reshape(&[2]);
    let alphas = scan(
        body,
        99,
        false,
        first,
        &[emission.slice(1, 1, 99)],
        &[transition],
    );
    let last = alphas.slice(1, 98, 1).reshape(&[2]);
    (
        theta,
        last.log_sum_exp(&[0]) + (theta.square() * -0.5).sum(),
    )
}
