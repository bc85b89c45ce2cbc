//! What a fit gains from an earlier one, by its code ([`Program::reusable`]) and by its end ([`Options::from`]): steps and milliseconds of
//! a fit to slightly other data.
//!
//! `cargo bench --bench refits`

use elbo::data::{self, Disk, Values};
use elbo::diag::Sources;
use elbo::{Data, Fit, Model, Options, Program};
use std::error::Error;
use std::path::Path;

const EXAMPLES: &[&str] = &[
    "linear_regression",
    "logistic_regression",
    "hierarchical_regression",
    "eight_schools",
    "survival",
];

/// The data with their last rows, one in twenty and one at least, replaced by copies of the first.
fn newer(data: &Data) -> Data {
    let rows = |shape: &[usize]| shape.first().copied().unwrap_or(0);
    let longest = data.entries().iter().map(|e| rows(&e.values.shape())).max();
    let mut changed = data.clone();
    for entry in data.entries() {
        let mut entry = entry.clone();
        if let Values::Numbers { shape, data, .. } = &mut entry.values
            && rows(shape) > 1
            && Some(rows(shape)) == longest
        {
            let row = data.len() / rows(shape);
            let last = data.len() - rows(shape).div_ceil(20) * row;
            let (head, tail) = data.split_at_mut(last);
            tail.copy_from_slice(&head[..tail.len()]);
        }
        changed.insert_entry(entry);
    }
    changed
}

/// The median fit of five by its time.
fn median(fit: &dyn Fn() -> Result<Fit, elbo::Error>) -> Result<Fit, elbo::Error> {
    let mut fits = (0..5).map(|_| fit()).collect::<Result<Vec<_>, _>>()?;
    fits.sort_by(|a, b| {
        a.details()
            .seconds
            .total
            .total_cmp(&b.details().seconds.total)
    });
    Ok(fits.swap_remove(2))
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:24} {:>30}", "", "steps, draws, compile + fit ms");
    println!(
        "{:24} {:>30}   {:>30}   {:>30}   {:>30}",
        "", "from nothing", "by its code", "from its end", "both"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in EXAMPLES {
        let model = root.join(name).join(name).with_extension("vi");
        let program = Program::load(&model)?;
        let given = data::beside(&Disk, &model).ok_or("an example has data")?;
        let mut sources = Sources::default();
        let data = data::load(&Disk, &given, &mut sources);
        let data = data.map_err(|all| elbo::Error::new(all, &sources))?;
        let reusable = program.clone().reusable();
        let before = reusable.bind(&data)?.fit(&Options::default())?;
        let plain = program.bind(&newer(&data))?;
        let shared = reusable.bind(&newer(&data))?;
        let from = Options {
            from: Some(before.params().clone()),
            ..Options::default()
        };
        let said = |model: &Model, options: &Options| -> Result<String, elbo::Error> {
            let fit = median(&|| model.fit(options))?;
            let (details, time) = (fit.details(), fit.details().seconds);
            let (steps, draws) = (details.steps, details.samples);
            let (compile, fit) = (1e3 * time.compile, 1e3 * time.fit);
            Ok(format!("{steps:4} {draws:6}   {compile:6.1} + {fit:6.1}"))
        };
        println!(
            "{name:24} {:>30}   {:>30}   {:>30}   {:>30}",
            said(&plain, &Options::default())?,
            said(&shared, &Options::default())?,
            said(&plain, &from)?,
            said(&shared, &from)?
        );
    }
    Ok(())
}
