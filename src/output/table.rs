//! Summaries as a table for the terminal.
//!
//! When there are more rows than fit, long arrays are cut and scalars stay.

use super::Summary;
use super::cells::{HEADER, row};
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
    /// For standard output: its width, and colour if it is a terminal and [wanted](wants_colour).
    pub fn for_stdout() -> TableOptions {
        let table = Table::new();
        TableOptions {
            width: table.width().map(usize::from),
            colour: table.is_tty() && wants_colour(),
            ..TableOptions::default()
        }
    }
}

/// Whether colours are wanted: `NO_COLOR` is unset or empty (<https://no-color.org>), and the terminal is not dumb.
pub fn wants_colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    !no_colour && !dumb
}

/// Space that a column takes besides its content: one on each side and one between columns.
const PADDING: usize = 3;
/// Names are never shortened below this, however narrow the terminal is.
const NARROWEST_NAME: usize = 12;
/// The fewest rows of an array that is cut: one, the gap, and the last.
const FEWEST_ROWS: usize = 3;

/// The table, with no line break at its end.
pub fn table(summaries: &[Summary], options: &TableOptions) -> String {
    let (rows, hidden) = rows(summaries, options.rows);
    let mut table = Table::new();
    table.force_no_tty();
    if options.colour {
        table.enforce_styling();
    }
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let columns = columns(&rows, options.width);
    let name_width = name_width(&rows, &columns, options.width);
    let bold = |cell: Cell| {
        if options.colour {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    };
    let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
    let header = columns.iter().map(|&c| HEADER[c]);
    table.set_header(std::iter::once("").chain(header).map(|h| bold(right(h))));
    for row in &rows {
        let name = Cell::new(shorten(&row[0], name_width));
        let numbers = columns.iter().map(|&c| right(&row[c]));
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

/// Rows of text under a header, the first column to the left and all others to the right, with no line break at the end.
pub fn grid(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.force_no_tty();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(header.iter().map(|h| right(h)));
    for row in rows {
        let first = row.iter().take(1).map(Cell::new);
        table.add_row(first.chain(row.iter().skip(1).map(|cell| right(cell))));
    }
    table.trim_fmt()
}

/// The cells of all rows that are shown, and how many are not.
fn rows(summaries: &[Summary], limit: Option<usize>) -> (Vec<[String; 6]>, usize) {
    let longest = longest_shown(summaries, limit);
    let (mut rows, mut hidden) = (Vec::new(), 0);
    for summary in summaries {
        let all = summary.rows();
        if all.len() <= longest {
            rows.extend(all.iter().map(|&i| row(summary, i)));
            continue;
        }
        let cut = all.len() - (longest - 1);
        rows.extend(all[..longest - 2].iter().map(|&i| row(summary, i)));
        let mut gap: [String; 6] = Default::default();
        gap[0] = format!("… {cut} more");
        rows.push(gap);
        rows.extend(all.last().map(|&i| row(summary, i)));
        hidden += cut;
    }
    (rows, hidden)
}

/// The most rows that one quantity may take so that all together stay within the limit.
fn longest_shown(summaries: &[Summary], limit: Option<usize>) -> usize {
    let Some(limit) = limit else {
        return usize::MAX;
    };
    let lengths: Vec<usize> = summaries.iter().map(|s| s.rows().len()).collect();
    let total = |longest: usize| -> usize { lengths.iter().map(|&n| n.min(longest)).sum() };
    if total(usize::MAX) <= limit {
        return usize::MAX;
    }
    (FEWEST_ROWS..=limit)
        .rev()
        .find(|&n| total(n) <= limit)
        .unwrap_or(FEWEST_ROWS)
}

/// The columns of numbers that fit, of [`HEADER`]: where it is narrow the quantiles go, the median first.
fn columns(rows: &[[String; 6]], width: Option<usize>) -> Vec<usize> {
    const CHOICES: [&[usize]; 4] = [&[1, 2, 3, 4, 5], &[1, 2, 3, 5], &[1, 2], &[1]];
    let Some(width) = width else {
        return CHOICES[0].to_vec();
    };
    let fits = |columns: &&[usize]| numbers_width(rows, columns) + NARROWEST_NAME <= width;
    let widest = CHOICES.into_iter().find(fits);
    widest.unwrap_or(CHOICES[CHOICES.len() - 1]).to_vec()
}

/// What columns of numbers take, with the padding of the names' column.
fn numbers_width(rows: &[[String; 6]], columns: &[usize]) -> usize {
    let column = |&i: &usize| {
        let cells = rows.iter().map(|row| row[i].chars().count());
        cells.chain([HEADER[i].chars().count()]).max().unwrap_or(0) + PADDING
    };
    columns.iter().map(column).sum::<usize>() + PADDING
}

/// How wide the column of names may be: what the numbers leave.
fn name_width(rows: &[[String; 6]], columns: &[usize], width: Option<usize>) -> usize {
    match width {
        Some(width) => width
            .saturating_sub(numbers_width(rows, columns))
            .max(NARROWEST_NAME),
        None => usize::MAX,
    }
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
