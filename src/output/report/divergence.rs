//! What each latent has learned: the Kullback–Leibler divergence from guide to prior, as bars.

use super::{Report, counted, prose};
use maud::{Markup, html};

/// The most latents that are listed.
const MOST: usize = 40;
/// Nats below which a latent has learned next to nothing.
const NOTHING: f64 = 0.01;
/// From here on the estimate cannot tell divergences apart: it is at most log 20, and a little less of few draws.
const CAP: f64 = 2.9;

pub(super) fn section(report: &Report) -> Option<Markup> {
    if let Some(why) = report.missing.prior {
        return Some(html! {
            p { "How far the latents have moved is not known, since the prior cannot be drawn from: " (prose(why)) "." }
        });
    }
    let mut sorted: Vec<&(String, f64)> = report.kl.iter().collect();
    // What is not a number comes last; what is at the cap stays in the program's order.
    let key = |kl: f64| match kl.is_nan() {
        true => f64::NEG_INFINITY,
        false => kl.min(CAP),
    };
    sorted.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)));
    let largest = sorted.iter().map(|(_, kl)| key(*kl)).fold(0.0, f64::max);
    // The ends are what matters: what has learned most, and what least.
    let (front, back) = match sorted.len() <= MOST {
        true => (sorted.len(), sorted.len()),
        false => (MOST / 2, sorted.len() - MOST / 2),
    };
    let section = html! {
        (in_words(&report.kl))
        p.note {
            "KL(q‖p): how far a latent's posterior q has moved from its prior p, in nats. It is a lower bound, from draws of
            both counted in twenty shares of the prior, and ends near " (format!("{:.1}", 20_f64.ln()))
            "."
            @if largest >= CAP { " What reaches " (CAP) " may be any larger: it comes first, in the program's order." }
        }
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

/// How many have learned next to nothing.
fn in_words(kl: &[(String, f64)]) -> Markup {
    let still = kl.iter().filter(|(_, kl)| *kl < NOTHING).count();
    let unknown = kl.iter().filter(|(_, kl)| kl.is_nan()).count();
    html! {
        p {
            @if still > 0 {
                strong { (still) " of " (counted(kl.len(), "latent")) " learned next to nothing" }
                " (below " (NOTHING) " nats). The guide leaves them at their prior: the data say nothing of them, or the fit does not use them."
            } @else if unknown < kl.len() {
                @match kl.len() - unknown {
                    1 => "The latent has learned something from the data.",
                    n => { "All " (n) " latents have learned something from the data." }
                }
            }
            @if unknown > 0 { " Of " (counted(unknown, "latent")) " it is not known." }
        }
    }
}

fn bar((name, kl): &(String, f64), largest: f64) -> Markup {
    let text = match *kl {
        kl if kl.is_nan() => "–".into(),
        kl if kl >= CAP => format!("≥ {CAP}"),
        kl => format!("{kl:.3}"),
    };
    let share = match kl.is_nan() {
        true => f64::NAN,
        false => (100.0 * kl.min(CAP) / largest).clamp(0.0, 100.0),
    };
    html! {
        tr {
            th scope="row" { (name) @if *kl < NOTHING { " " span.tag { "next to nothing" } } }
            td { (text) }
            td { @if share.is_finite() { div.bar style=(format!("width:{share:.1}%")) {} } }
        }
    }
}
