//! What each latent has learned: the Kullback–Leibler divergence from guide to prior, as bars.

use super::{Report, counted};
use maud::{Markup, html};

/// The most latents that are listed.
const MOST: usize = 40;
/// Nats below which a latent has learned next to nothing.
const NOTHING: f64 = 0.01;

pub(super) fn section(report: &Report) -> Option<Markup> {
    let mut sorted: Vec<&(String, f64)> = report.kl.iter().collect();
    // What is not a number comes last.
    let key = |kl: f64| if kl.is_nan() { f64::NEG_INFINITY } else { kl };
    sorted.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)));
    let still = sorted.iter().filter(|(_, kl)| *kl < NOTHING).count();
    let largest = sorted
        .iter()
        .map(|(_, kl)| *kl)
        .filter(|kl| kl.is_finite())
        .fold(0.0, f64::max);
    // The ends are what matters: what has learned most, and what least.
    let (front, back) = match sorted.len() <= MOST {
        true => (sorted.len(), sorted.len()),
        false => (MOST / 2, sorted.len() - MOST / 2),
    };
    let section = html! {
        p {
            strong { (still) " of " (counted(sorted.len(), "latent")) " learned next to nothing" }
            " (below " (NOTHING) " nats)."
            @if still > 0 { " The guide leaves them at their prior: the data say nothing of them, or the fit does not use them." }
        }
        p.note { "KL(q‖p): how far a latent's posterior q has moved from its prior p, in nats; from draws of both, counted in twenty shares, and so at most "
            (format!("{:.1}", 20_f64.ln())) "." }
        div.scroll tabindex="0" role="region" aria-label="Divergence of each latent" {
            table.bars {
                thead { tr { th scope="col" { "latent" } th scope="col" { "nats" } td {} } }
                tbody {
                    @for latent in &sorted[..front] { (bar(latent, largest)) }
                    @if front < back { tr { th scope="row" { "… " (back - front) " more" } td {} td {} } }
                    @for latent in &sorted[back..] { (bar(latent, largest)) }
                }
            }
        }
    };
    (!sorted.is_empty()).then_some(section)
}

fn bar((name, kl): &(String, f64), largest: f64) -> Markup {
    let text = match kl {
        kl if kl.is_nan() => "–".into(),
        kl if kl.is_infinite() => "∞".into(),
        kl if *kl >= 1e6 => format!("{kl:.1e}"),
        kl => format!("{kl:.3}"),
    };
    let share = (100.0 * kl / largest).clamp(0.0, 100.0);
    html! {
        tr {
            th scope="row" { (name) @if *kl < NOTHING { " " span.tag { "next to nothing" } } }
            td { (text) }
            td { @if share.is_finite() { div.bar style=(format!("width:{share:.1}%")) {} } }
        }
    }
}
