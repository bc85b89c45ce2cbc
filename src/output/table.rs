//! Summaries as a table for the terminal.
//!
//! Digits follow the standard deviation: digits of a mean beyond the third of its sd say nothing.
//! When there are more rows than fit, long arrays are cut and scalars stay.

use super::{Summary, element};
use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Table, TableStyle};

/// How a table is to look.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOptions {
    /// Columns of the terminal; long names are shortened to fit. `None` for no limit.
    pub width: Option<usize>,
    /// Bold headers.
    pub colour: bool,
    /// About how many rows to show; `None` for all.
    pub rows: Option<usize>,
    /// How to see the rows left out, such as ``use `--all` to see them``.
    pub how_to_see_all: String,
}

impl Default for TableOptions {
    fn default() -> TableOptions {
        TableOptions {
            width: None,
            colour: false,
            rows: Some(40),
            how_to_see_all: String::new(),
        }
    }
}

impl TableOptions {
    /// For standard output: its width, and colour if it is a terminal and `NO_COLOR`
    /// (<https://no-color.org>) is unset or empty.
    pub fn for_stdout() -> TableOptions {
        let table = Table::new();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        TableOptions {
            width: table.width().map(usize::from),
            colour: table.is_tty() && !no_colour,
            ..TableOptions::default()
        }
    }
}

/// Space that a column takes besides its content: one on each side and one between columns.
const PADDING: usize = 3;
/// Names are never shortened below this, however narrow the terminal is.
const NARROWEST_NAME: usize = 12;
/// The fewest rows of an array that is cut: one, the gap, and the last.
const FEWEST_ROWS: usize = 3;

const HEADER: [&str; 6] = ["", "mean", "sd", "5 %", "50 %", "95 %"];

/// The table, with no line break at its end.
pub fn table(summaries: &[Summary], options: &TableOptions) -> String {
    let (rows, hidden) = rows(summaries, options.rows);
    let mut table = Table::new();
    table.force_no_tty();
    if options.colour {
        table.enforce_styling();
    }
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let name_width = name_width(&rows, options.width);
    let bold = |cell: Cell| {
        if options.colour {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    };
    table.set_header(HEADER.map(|h| bold(Cell::new(h).set_alignment(CellAlignment::Right))));
    for [name, numbers @ ..] in &rows {
        let name = Cell::new(shorten(name, name_width));
        let numbers = numbers
            .iter()
            .map(|n| Cell::new(n).set_alignment(CellAlignment::Right));
        table.add_row(std::iter::once(name).chain(numbers));
    }
    let mut text = table.trim_fmt();
    if hidden > 0 {
        let rows = if hidden == 1 { "row is" } else { "rows are" };
        text.push_str(&format!("\n {hidden} {rows} not shown"));
        if !options.how_to_see_all.is_empty() {
            text.push_str(&format!("; {}", options.how_to_see_all));
        }
    }
    text
}

/// The cells of all rows that are shown, and how many are not.
fn rows(summaries: &[Summary], limit: Option<usize>) -> (Vec<[String; 6]>, usize) {
    let longest = longest_shown(summaries, limit);
    let (mut rows, mut hidden) = (Vec::new(), 0);
    for summary in summaries {
        let numel = summary.mean.len();
        if numel <= longest {
            rows.extend((0..numel).map(|i| row(summary, i)));
            continue;
        }
        let cut = numel - (longest - 1);
        rows.extend((0..longest - 2).map(|i| row(summary, i)));
        let mut gap: [String; 6] = Default::default();
        gap[0] = format!("… {cut} more");
        rows.push(gap);
        rows.push(row(summary, numel - 1));
        hidden += cut;
    }
    (rows, hidden)
}

/// The most rows that one quantity may take so that all together stay within the limit.
fn longest_shown(summaries: &[Summary], limit: Option<usize>) -> usize {
    let Some(limit) = limit else {
        return usize::MAX;
    };
    let total =
        |longest: usize| -> usize { summaries.iter().map(|s| s.mean.len().min(longest)).sum() };
    if total(usize::MAX) <= limit {
        return usize::MAX;
    }
    (FEWEST_ROWS..=limit)
        .rev()
        .find(|&n| total(n) <= limit)
        .unwrap_or(FEWEST_ROWS)
}

fn row(s: &Summary, i: usize) -> [String; 6] {
    let name = element::labelled(&s.name, &s.shape, &s.labels, i);
    let format = Digits::of(s.mean[i], s.sd[i]);
    let quantile = |x: f64| match s.integer && x.fract() == 0.0 && x.abs() < 1e15 {
        true => format!("{x:.0}"),
        false => format.write(x),
    };
    let [q05, q50, q95] = [s.q05[i], s.q50[i], s.q95[i]].map(quantile);
    [
        name,
        format.write(s.mean[i]),
        format.write(s.sd[i]),
        q05,
        q50,
        q95,
    ]
}

/// How the numbers of one row are written.
enum Digits {
    /// This many after the point.
    Fixed(usize),
    /// With an exponent, down to this power of ten.
    Exponent(i32),
}

impl Digits {
    /// Three significant digits of the sd; where it is 0 or unknown, five of the mean.
    fn of(mean: f64, sd: f64) -> Digits {
        let power = |x: f64| x.abs().log10().floor() as i32;
        let usable = |x: f64| x.is_finite() && x != 0.0;
        // A double has no digits below 1e-16 of its size, so neither can the row.
        let last = match (usable(mean), usable(sd)) {
            (true, true) => (power(sd) - 2).max(power(mean) - 15),
            (false, true) => power(sd) - 2,
            (true, false) => power(mean) - 4,
            (false, false) => return Digits::Fixed(2),
        };
        let largest = [mean, sd]
            .into_iter()
            .filter(|x| usable(*x))
            .map(power)
            .max()
            .unwrap_or(0);
        match last < -6 || largest >= 8 {
            true => Digits::Exponent(last),
            false => Digits::Fixed((-last).max(0) as usize),
        }
    }

    fn write(&self, x: f64) -> String {
        if !x.is_finite() {
            return match x.is_nan() {
                true => "–".into(),
                false if x > 0.0 => "∞".into(),
                false => "-∞".into(),
            };
        }
        match *self {
            Digits::Fixed(digits) => {
                let text = format!("{x:.digits$}");
                match text.strip_prefix('-') {
                    Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
                    _ => text,
                }
            }
            Digits::Exponent(_) if x == 0.0 => "0".into(),
            Digits::Exponent(last) => {
                let digits = (x.abs().log10().floor() as i32 - last).clamp(0, 15) as usize;
                format!("{x:.digits$e}")
            }
        }
    }
}

/// How wide the column of names may be: what the numbers leave.
fn name_width(rows: &[[String; 6]], width: Option<usize>) -> usize {
    let Some(width) = width else {
        return usize::MAX;
    };
    let column = |i: usize| {
        let cells = rows.iter().map(|row| row[i].chars().count());
        cells.chain([HEADER[i].chars().count()]).max().unwrap_or(0) + PADDING
    };
    let numbers: usize = (1..HEADER.len()).map(column).sum();
    width.saturating_sub(numbers + PADDING).max(NARROWEST_NAME)
}

/// Cuts the middle out of a name: its beginning and its indices tell the most.
fn shorten(name: &str, width: usize) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= width {
        return name.to_owned();
    }
    let (front, back) = ((width - 1).div_ceil(2), (width - 1) / 2);
    let (front, back) = (&chars[..front], &chars[chars.len() - back..]);
    front.iter().chain(&['…']).chain(back).collect()
}
