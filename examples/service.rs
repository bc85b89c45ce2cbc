//! A service that refits a model for each request, within a deadline: it starts from the fit before, can be cancelled from
//! another thread, and answers from the last good fit where there was no time for a new one.
//!
//! `cargo run --release --example service`

use elbo::infer::Stop;
use elbo::{Data, Error, Fit, Options, Program};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Orders of a shop per hour, on weekends others than on weekdays.
const MODEL: &str = "
data weekend: bool[N]
data orders: int[N]
level  ~ Normal(3, 2)
more   ~ Normal(0, 1)
spread ~ Gamma(2, 0.1)
orders ~ NegBinomial(mean = exp(level + more * weekend), dispersion = spread)
";

/// One hour: its fields are columns of the data.
#[derive(Clone, Serialize)]
struct Hour {
    weekend: bool,
    orders: i64,
}

/// What the service says of the orders of the next hour.
struct Answer {
    low: f64,
    high: f64,
    /// Why it is from an earlier fit, if it is.
    stale: Option<String>,
    steps: usize,
    took: Duration,
}

struct Service {
    program: Program,
    /// The last fit that converged.
    last: Option<Fit>,
}

impl Service {
    /// Fits to the last hours and forecasts one more, in about `time`; `cancel` ends it at once.
    ///
    /// What is wrong with the hours is an error, and the service is as it was.
    fn answer(
        &mut self,
        hours: &[Hour],
        time: Duration,
        cancel: &Arc<AtomicBool>,
    ) -> Result<Answer, Error> {
        let begin = Instant::now();
        let model = self.program.bind(&Data::from_serialize(hours)?)?;
        // Most hours are those of the request before, so what was found then is near.
        let from = self.last.as_ref().map(|fit| fit.params().clone());
        let options = Options {
            max_time: Some(time),
            cancel: Some(cancel.clone()),
            from,
            ..Options::default()
        };
        let fit = model.fit(&options)?;
        let stale = (!fit.converged()).then(|| match fit.details().stop {
            Stop::Deadline => "no time".to_string(),
            Stop::Cancelled => "cancelled".to_string(),
            _ => fit.verdict().to_string(),
        });
        let steps = fit.details().steps;
        if stale.is_none() || self.last.is_none() {
            self.last = Some(fit);
        }
        let best = self.last.as_ref().expect("it was set just above");
        let mut next = Data::default();
        next.insert("weekend", [hours.last().is_some_and(|hour| hour.weekend)]);
        let orders = &best.predict(&next)?.observed[0];
        Ok(Answer {
            low: orders.quantile(0.05)[0],
            high: orders.quantile(0.95)[0],
            stale,
            steps,
            took: begin.elapsed(),
        })
    }
}

/// Hours that the model itself makes up.
fn simulated(program: &Program, hours: usize) -> Result<Vec<Hour>, Error> {
    let (mut data, mut truth) = (Data::default(), Data::default());
    let weekend: Vec<bool> = (0..hours).map(|i| i / 24 % 7 > 4).collect();
    data.insert("weekend", &weekend);
    truth.insert("level", 3.0);
    truth.insert("more", 0.5);
    truth.insert("spread", 10.0);
    let made = program.simulate(&data, &truth, 1, 1)?.remove(0).data;
    let orders = made
        .get("orders")
        .expect("the program observes them")
        .numbers()?;
    let hour = |(&weekend, &orders): (&bool, &f64)| Hour {
        weekend,
        orders: orders as i64,
    };
    Ok(weekend.iter().zip(orders.data).map(hour).collect())
}

/// Requests of several kinds, each with the hours up to it. Gives back how many were answered by a new fit, from an
/// earlier one, and not at all.
pub fn run(window: usize, requests: usize, deadline: Duration) -> Result<[usize; 3], Error> {
    let program = Program::parse(MODEL)?;
    let hours = simulated(&program, window + requests)?;
    // A request with a mistake in it.
    let broken = requests / 2;
    let mut service = Service {
        program,
        last: None,
    };
    let mut count = [0; 3];
    for request in 0..requests {
        let cancel = Arc::new(AtomicBool::new(false));
        let (kind, time) = match request % 4 {
            _ if request == broken => ("bad data", deadline),
            2 => ("hurried", Duration::ZERO),
            3 => ("cancelled", deadline),
            _ => ("usual", deadline),
        };
        let mut seen = hours[request..request + window].to_vec();
        if request == broken {
            seen[0].orders = -1;
        }
        let answer = std::thread::scope(|scope| {
            if kind == "cancelled" {
                // Whoever asked has gone away.
                scope.spawn(|| cancel.store(true, Ordering::Relaxed));
            }
            service.answer(&seen, time, &cancel)
        });
        let said = match answer {
            Ok(Answer {
                low,
                high,
                stale,
                steps,
                took,
            }) => {
                count[usize::from(stale.is_some())] += 1;
                let from =
                    stale.map_or("fresh".to_string(), |why| format!("the fit before: {why}"));
                format!("{low:3.0} to {high:3.0} orders  {steps:3} steps  {took:8.1?}  {from}")
            }
            Err(error) => {
                count[2] += 1;
                format!("refused: {error}")
            }
        };
        println!("{request:3}  {kind:9}  {said}");
    }
    Ok(count)
}

fn main() -> Result<(), Error> {
    let [fresh, stale, refused] = run(24 * 14, 16, Duration::from_secs(1))?;
    println!("{fresh} new fits, {stale} answers from earlier ones, {refused} refused");
    Ok(())
}
