//! Long texts cut to what can be shown: of a line of a million characters, what is around the labels.

use super::Label;
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::ops::Range;

/// Lines of more bytes than this are cut.
const LONGEST_LINE: usize = 400;
/// Bytes that stay on either side of where a label begins.
const AROUND: usize = 60;
/// Messages and labels of more characters than this are cut.
const LONGEST_TEXT: usize = 1000;

/// A source whose long lines were cut. It still tells the true column of what is left.
#[derive(Clone, Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// For each line that lost its beginning, where it lies now and how many bytes it lost.
    lost: Vec<(Range<usize>, usize)>,
}

impl Excerpt {
    /// Cuts the long lines of a text and moves the labels along.
    pub(super) fn new(name: &str, text: &str, labels: &mut [Label]) -> Excerpt {
        let before: Vec<(usize, usize)> = labels
            .iter()
            .map(|l| (l.span.start as usize, l.span.end as usize))
            .collect();
        let mut excerpt = Excerpt {
            name: name.to_owned(),
            text: String::new(),
            lost: Vec::new(),
        };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let here = at..at + line.len();
            let first = before
                .iter()
                .map(|b| b.0)
                .filter(|s| here.contains(s))
                .min();
            let kept = kept(line, first.map_or(0, |f| f - at));
            let shift = excerpt.push(line, &kept);
            let moved = |p: usize| (p - at).clamp(kept.start, kept.end) - kept.start + shift;
            for (label, &(start, end)) in labels.iter_mut().zip(&before) {
                if (here.start..=here.end).contains(&start) {
                    label.span.start = moved(start) as u32;
                }
                if (here.start..=here.end).contains(&end) {
                    label.span.end = moved(end) as u32;
                }
            }
            at = here.end;
        }
        excerpt
    }

    /// Adds what is kept of a line; gives where it begins.
    fn push(&mut self, line: &str, kept: &Range<usize>) -> usize {
        let (begin, end) = (self.text.len(), line.trim_end_matches(['\n', '\r']).len());
        if kept.start > 0 {
            self.text.push('…');
        }
        let shift = self.text.len();
        self.text.push_str(&line[kept.clone()]);
        if kept.end < end {
            self.text.push('…');
            self.text.push_str(&line[end..]);
        }
        if kept.start > 0 {
            let lost = kept.start - '…'.len_utf8();
            self.lost.push((begin..self.text.len(), lost));
        }
        shift
    }
}

/// The part of a line that is shown, around the byte where its first label begins.
fn kept(line: &str, first: usize) -> Range<usize> {
    if line.len() <= LONGEST_LINE {
        return 0..line.len();
    }
    let boundary = |at: usize| {
        (0..=at)
            .rev()
            .find(|&i| line.is_char_boundary(i))
            .unwrap_or(0)
    };
    let end = line.trim_end_matches(['\n', '\r']).len();
    let start = first.saturating_sub(AROUND);
    // A cut has to save more than the mark that stands for it.
    let start = if start > AROUND { start } else { 0 };
    boundary(start)..boundary((first + AROUND).min(end))
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let part = self.text.read_span(span, before, after)?;
        let lost = self
            .lost
            .iter()
            .find(|(line, _)| line.contains(&span.offset()));
        // Without lines around it the answer is asked for its position alone.
        let lost = match (before, lost) {
            (0, Some((_, bytes))) => *bytes,
            _ => 0,
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            part.data(),
            *part.span(),
            part.line(),
            part.column() + lost,
            part.line_count(),
        )))
    }
}

/// A text of readable length: what is too long loses its middle.
pub(super) fn shorten(text: &mut String) {
    let count = text.chars().count();
    if count > LONGEST_TEXT {
        let front: String = text.chars().take(LONGEST_TEXT / 2).collect();
        let back: String = text.chars().skip(count - LONGEST_TEXT / 4).collect();
        *text = format!("{front} … {back}");
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::{Diagnostic, Sources, Span, render};

    #[test]
    fn long_lines_are_cut_around_the_label_and_keep_their_column() {
        let mut sources = Sources::default();
        let text = format!(
            "short\n{}here{}\nlast\n",
            "a ".repeat(5000),
            " b".repeat(5000)
        );
        let at = text.find("here").expect("it is in the text");
        let id = sources.add("long.vi", &text);
        let found =
            Diagnostic::error("E0001", "x".repeat(5000)).at(Span::new(id, at, at + 4), "this");
        let shown = render(&vec![found], &sources, false);
        assert!(shown.len() < 4000, "{} bytes", shown.len());
        // 5000 times two bytes come before.
        assert!(shown.contains("long.vi:2:10001"), "{shown}");
        let line = shown
            .lines()
            .find(|l| l.contains("here"))
            .expect("the line is shown");
        let marks = shown
            .lines()
            .find(|l| l.contains('┬'))
            .expect("the label is shown");
        let column = |line: &str, what: &str| {
            let at = line.find(what).expect("it is in the line");
            line[..at].chars().count()
        };
        assert!((column(line, "here")..column(line, "here") + 4).contains(&column(marks, "┬")));
        assert!(shown.contains("short") && shown.contains("last"), "{shown}");
    }
}
