//! `elbo explain`: the page of an error code.

use super::streams::{Exit, Failure, Result, print};
use crate::diag::{Diagnostic, Sources};
use clap::Args;

/// Codes and their pages, in order.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

/// Explains an error code: what it means, a program that has it, and one that does not
#[derive(Args)]
#[command(after_help = "Example:\n  elbo explain E0203")]
pub(super) struct Explain {
    /// The code, such as E0203
    code: String,
}

impl Explain {
    pub(super) fn run(&self) -> Result<Exit> {
        let code = self.code.trim().to_uppercase();
        match PAGES.iter().find(|(known, _)| *known == code) {
            Some((_, page)) => print(page).map(|()| Exit::Good),
            None => Err(Failure::usage(
                vec![unknown(&self.code, &code)],
                &Sources::default(),
            )),
        }
    }
}

fn unknown(written: &str, code: &str) -> Diagnostic {
    let near = nearest(code);
    let message = format!("there is no error code `{written}`");
    Diagnostic::error("E0640", message).help(format!("the nearest are {}", near.join(", ")))
}

/// The three codes whose numbers are nearest; the first three where there is no number.
fn nearest(code: &str) -> Vec<&'static str> {
    let number = |code: &str| -> Option<i64> {
        let digits: String = code.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let wanted = number(code).unwrap_or(0);
    let mut near: Vec<&str> = PAGES.iter().map(|(code, _)| *code).collect();
    near.sort_by_key(|code| number(code).map_or(i64::MAX, |n| n.saturating_sub(wanted).abs()));
    near.truncate(3);
    near.sort_unstable();
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_begins_with_its_code() {
        assert!(!PAGES.is_empty());
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        }
    }

    #[test]
    fn the_nearest_codes_are_by_number() {
        assert!(nearest("600").contains(&"E0601"));
        assert_eq!(nearest("nonsense"), nearest("0"));
    }
}
