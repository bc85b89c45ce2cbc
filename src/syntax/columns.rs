//! Lines that follow each other at one depth, with what they have in common in one column: the `~` of
//! draws, and the comments after code, also past lines without one.
//!
//! A run of lines is aligned as a whole or not at all: not where a line would become too long, or the gap
//! before a `~` wider than [`MAX_GAP`].

use super::print::WIDTH;

/// By how many columns at most a draw is stretched.
const MAX_GAP: usize = 16;

/// A line of a formatted program.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub text: String,
    pub indent: usize,
    /// A statement begins here, or nothing does; the line is not the rest of one above.
    pub begins: bool,
    /// Where in the text the `~` of the draw that begins here stands.
    pub tilde: Option<usize>,
    /// Where the comment after the code begins.
    pub comment: Option<usize>,
}

/// The lines as text, in columns.
pub(super) fn in_columns(mut lines: Vec<Line>) -> String {
    let draws = Column {
        belongs: is_draw,
        place: |line| line.tilde,
        may_stretch: |line, gap| gap <= MAX_GAP && width(line.code()) + gap <= WIDTH,
    };
    let comments = Column {
        belongs: |lines, at| lines[at].is_plain_code(),
        place: |line| line.comment,
        may_stretch: |line, gap| width(&line.text) + gap <= WIDTH,
    };
    draws.align(&mut lines);
    comments.align(&mut lines);
    let mut out = String::new();
    for line in lines {
        out.push_str(&line.text);
        out.push('\n');
    }
    out
}

impl Line {
    /// The line without the comment after it.
    fn code(&self) -> &str {
        self.text[..self.comment.unwrap_or(self.text.len())].trim_end()
    }

    /// Whether there is more than a comment, and no bracket is left open at the end.
    fn is_plain_code(&self) -> bool {
        let text = self.text.trim_start();
        !text.is_empty() && !text.starts_with("//") && !self.code().ends_with(['(', '[', '{'])
    }

    /// Puts blanks where a column is to begin.
    fn stretch(&mut self, place: usize, gap: usize) {
        if gap == 0 {
            return;
        }
        self.text.insert_str(place, &" ".repeat(gap));
        for mark in [&mut self.tilde, &mut self.comment].into_iter().flatten() {
            *mark += if *mark >= place { gap } else { 0 };
        }
    }
}

/// Whether the line is a draw, the whole of it.
fn is_draw(lines: &[Line], at: usize) -> bool {
    let ends = lines.get(at + 1).is_none_or(|next| next.begins);
    ends && lines[at].tilde.is_some()
}

/// What is put in one column.
struct Column {
    /// Whether a line is part of a run.
    belongs: fn(&[Line], usize) -> bool,
    /// Where in a line of the run that stands which is aligned, if it has it.
    place: fn(&Line) -> Option<usize>,
    /// Whether a line may become longer by this gap.
    may_stretch: fn(&Line, usize) -> bool,
}

impl Column {
    fn align(&self, lines: &mut [Line]) {
        let mut start = 0;
        while start < lines.len() {
            let indent = lines[start].indent;
            let run = (start..lines.len())
                .take_while(|&at| lines[at].indent == indent && (self.belongs)(lines, at))
                .count();
            self.align_run(&mut lines[start..start + run]);
            start += run.max(1);
        }
    }

    fn align_run(&self, run: &mut [Line]) {
        let own = |line: &Line| (self.place)(line).map(|place| width(&line.text[..place]));
        let column = run.iter().filter_map(own).max().unwrap_or(0);
        let gap = |line: &Line| own(line).map_or(0, |own| column - own);
        let fits = |line: &Line| gap(line) == 0 || (self.may_stretch)(line, gap(line));
        if run.iter().all(fits) {
            for line in run {
                let gap = gap(line);
                line.stretch((self.place)(line).unwrap_or(0), gap);
            }
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
