//! Turns a list of step sizes into the one that goes furthest downhill in a short run.
//!
//! Each is tried from the same start with the same noise, so that the differences are the step
//! sizes' own (Agrawal, Sheldon & Domke 2020). The winner's run is not thrown away: it goes on.

use super::stochastic::Control;
use super::walk::{Place, mean_and_error};
use crate::infer::optim::Stop;

/// Tries all step sizes and leaves the walk where the best one ended; gives that step size.
pub(super) fn find_step_size(control: &mut Control) -> Result<f64, Stop> {
    let settings = control.settings;
    let start = control.walk.place.x.clone();
    let mut best: Option<(f64, f64, Place)> = None;
    let mut stop = None;
    for &step_size in &settings.step_sizes {
        control.walk.place = Place::new(&start, (settings.stepper)());
        let (score, ended) = match try_out(control, step_size) {
            Ok(score) => (score, None),
            Err(stop) => (f64::INFINITY, Some(stop)),
        };
        if score.is_finite() && best.as_ref().is_none_or(|(_, least, _)| score < *least) {
            let place = std::mem::replace(
                &mut control.walk.place,
                Place::new(&start, (settings.stepper)()),
            );
            best = Some((step_size, score, place));
        }
        match ended {
            // Too long a step may run out of the finite region; a shorter one need not.
            None | Some(Stop::NonFinite) => {}
            Some(_) => {
                stop = ended;
                break;
            }
        }
    }
    let Some((step_size, _, place)) = best else {
        return Err(stop.unwrap_or(Stop::NonFinite));
    };
    control.walk.place = place;
    stop.map_or(Ok(step_size), Err)
}

/// Mean objective over the last quarter of a short run.
fn try_out(control: &mut Control, step_size: f64) -> Result<f64, Stop> {
    let steps = control.settings.search_steps.max(4);
    let mut late = Vec::new();
    for step in 0..steps {
        let value = control.step(step_size)?;
        if step >= steps - steps / 4 {
            late.push(value.unwrap_or(f64::INFINITY));
        }
    }
    let (score, std_error) = mean_and_error(&late);
    if score.is_finite() {
        control.report(score, std_error, step_size);
    }
    Ok(score)
}
