//! A program written in the one way we write it, its comments where they were.
//!
//! The tree printed ([`super::print()`]) says which tokens there are and which of them begin a line; the
//! source says after which token a comment stands and where lines were left blank. Both are sequences
//! of the same tokens but for brackets and commas that mean nothing, so they are walked side by side
//! ([`align`]), and comments are put between the printed tokens: where a new line may not stand, after
//! the next token where it may. What is too long for a line is broken at commas and operators, the
//! outermost that help ([`Writer`]).

use super::ast::Ast;
use super::lexer::{self, Piece, Token};
use super::print::print_like;
use crate::diag::SourceId;
use std::mem::discriminant;

/// Lines are broken where they would be longer, in characters.
const WIDTH: usize = 100;

/// How far a line inside brackets is moved to the right.
const STEP: usize = 2;

/// The program as text; `text` is what it was parsed from, and tells where comments, blank lines and
/// items on lines of their own were. Formatting the result again changes nothing.
///
/// A text with mistakes, of which the tree does not hold everything, is given back as it is, and so are
/// the ends of its lines (`\n` or `\r\n`).
///
/// ```
/// use elbo::{diag::SourceId, syntax};
/// let text = "let x=(a*b)+  // first\n c // second\ny~Normal(x,(1))";
/// let (ast, _) = syntax::parse(SourceId(0), text);
/// let formatted = "let x = a * b +  // first\n  c  // second\ny ~ Normal(x, 1)\n";
/// assert_eq!(syntax::format(&ast, text), formatted);
/// ```
pub fn format(ast: &Ast, text: &str) -> String {
    let printed = print_like(ast, text);
    let Some(tokens) = align(ast, text, &printed) else {
        return text.to_string();
    };
    let out = Writer::new(&tokens).write();
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => out.replace('\n', "\r\n"),
        _ => out,
    }
}

/// A comment as it is written again.
#[derive(Clone)]
struct Note {
    text: String,
    /// On a line of its own.
    own_line: bool,
    /// After a blank line.
    blank_before: bool,
}

/// A token of the printed program with what the source has around it.
struct Word<'p> {
    token: Token<'p>,
    text: &'p str,
    /// Begins a line of the printed program.
    begins_line: bool,
    space_before: bool,
    blank_before: bool,
    /// In the source a new line follows.
    newline_after: bool,
    /// Comments between this token and the next.
    notes: Vec<Note>,
    /// The bracket that closes the one opened here, or opens the one closed here.
    partner: Option<usize>,
    /// The innermost bracket around this token.
    inside: Option<usize>,
    /// An open bracket whose items stand on lines of their own.
    tall: bool,
}

/// The printed tokens with what the source has between them; the first word is empty and has the comments
/// before all. `None` if the source has other tokens.
fn align<'p>(ast: &Ast, text: &str, printed: &'p str) -> Option<Vec<Word<'p>>> {
    let mut words = words(printed);
    let items = items(ast, text);
    let (mut at, mut end, mut reached) = (0, 0, 0);
    // Where comments may stand never goes back.
    let mut note_at = 0;
    let mut source = items.into_iter().peekable();
    while let Some(item) = source.next() {
        let newlines = text[end..item.start].matches('\n').count();
        end = item.end;
        let Some(token) = item.token else {
            let first = reached == 0 && words[0].notes.is_empty();
            note_at = (note_at.max(reached)..words.len()).find(|&at| may_break(&words, at))?;
            let note = Note {
                text: comment(&text[item.start..item.end]),
                own_line: newlines > 0 || first,
                blank_before: newlines > 1,
            };
            words[note_at].notes.push(note);
            continue;
        };
        // What is printed but not in the source makes the meaning plain: a bracket, or `=` for braces.
        while let Some(word) = words.get(at + 1)
            && discriminant(&word.token) != discriminant(&token)
            && !means_nothing(token)
        {
            if !means_nothing(word.token) && word.token != Token::Assign {
                return None;
            }
            at += 1;
        }
        match words.get_mut(at + 1) {
            Some(word) if discriminant(&word.token) == discriminant(&token) => {
                word.blank_before = newlines > 1;
                let next = source.peek().map_or(end, |next| next.start);
                word.newline_after = text[end..next].contains('\n');
                at += 1;
                reached = at;
            }
            _ if means_nothing(token) => {}
            _ => return None,
        }
    }
    let rest = words.get(at + 1..).unwrap_or(&[]);
    if !rest.iter().all(|word| means_nothing(word.token)) {
        return None;
    }
    find_tall(&mut words);
    Some(words)
}

/// Whether a token may be there or not with the same meaning.
fn means_nothing(token: Token) -> bool {
    use Token::*;
    matches!(token, LParen | RParen | LBrace | RBrace | Comma | Semicolon)
}

fn opens(token: Token) -> bool {
    matches!(token, Token::LParen | Token::LBracket | Token::LBrace)
}

fn closes(token: Token) -> bool {
    matches!(token, Token::RParen | Token::RBracket | Token::RBrace)
}

/// The tokens of the printed program, after an empty one.
fn words(printed: &str) -> Vec<Word<'_>> {
    let word = |token, text, gap: &str| Word {
        token,
        text,
        begins_line: gap.contains('\n'),
        space_before: !gap.is_empty(),
        blank_before: false,
        newline_after: false,
        notes: Vec::new(),
        partner: None,
        inside: None,
        tall: false,
    };
    let mut words = vec![word(Token::End, "", "\n")];
    let mut end = 0;
    let pieces = lexer::lex(SourceId(0), printed).pieces;
    for piece in pieces.iter().filter(|p| p.token != Token::Newline) {
        let text = printed[piece.start..piece.end].trim_end();
        words.push(word(piece.token, text, &printed[end..piece.start]));
        end = piece.end;
    }
    if let Some(first) = words.get_mut(1) {
        first.begins_line = true;
    }
    let mut open: Vec<usize> = Vec::new();
    for at in 0..words.len() {
        if closes(words[at].token)
            && let Some(opener) = open.pop()
        {
            words[opener].partner = Some(at);
            words[at].partner = Some(opener);
        }
        words[at].inside = open.last().copied();
        if opens(words[at].token) {
            open.push(at);
        }
    }
    words
}

/// A token or (`None`) a comment of the source.
struct Item<'t> {
    token: Option<Token<'t>>,
    start: usize,
    end: usize,
}

/// What the source holds, in order.
fn items<'t>(ast: &Ast, text: &'t str) -> Vec<Item<'t>> {
    let comments = ast.comments.iter().map(|c| Item {
        token: None,
        start: c.span.start as usize,
        end: c.span.end as usize,
    });
    let is_comment = |p: &Piece| {
        let found = |c: &super::ast::Comment| (c.span.start as usize).cmp(&p.start);
        ast.comments.binary_search_by(found).is_ok()
    };
    let pieces = lexer::lex(SourceId(0), text).pieces.into_iter();
    let tokens = pieces.filter(|p| p.token != Token::Newline && !is_comment(p));
    let tokens = tokens.map(|p| Item {
        token: Some(p.token),
        start: p.start,
        end: p.end,
    });
    let mut items: Vec<Item> = comments.chain(tokens).collect();
    items.sort_by_key(|item| item.start);
    items
}

/// A comment as we write it: a space after the slashes unless a sign follows (`//---`, `//!`).
fn comment(written: &str) -> String {
    let written = written.trim_end();
    match written.strip_prefix("///") {
        // A doc comment with nothing to document.
        Some(rest) if !rest.starts_with('/') => {
            let text = rest.strip_prefix(' ').unwrap_or(rest);
            format!("// {text}").trim_end().to_string()
        }
        _ => {
            let text = written.strip_prefix("//").unwrap_or(written);
            match text.starts_with(|c: char| c.is_alphanumeric() || "\"'`([{$".contains(c)) {
                true => format!("// {text}"),
                false => written.to_string(),
            }
        }
    }
}

/// Whether a new line after this token leaves the statement whole (see `layout`).
fn may_break(words: &[Word], at: usize) -> bool {
    let Some(next) = words.get(at + 1) else {
        return true;
    };
    let word = &words[at];
    // A comma belongs to what stands before it.
    if matches!(next.token, Token::Comma | Token::Semicolon) {
        return false;
    }
    let around = match opens(word.token) {
        true => Some(at),
        false => word.inside,
    };
    let in_brackets = around.is_some_and(|o| words[o].token != Token::LBrace);
    next.begins_line
        || in_brackets
        || word.token == Token::LBrace
        || word.token.continues_line()
        || matches!(next.token, Token::RBrace | Token::Dot | Token::Else)
}

/// Finds the brackets whose items are to stand on lines of their own: those that were written so, and those
/// with comments inside.
fn find_tall(words: &mut [Word]) {
    for at in 0..words.len() {
        let bracket = matches!(words[at].token, Token::LParen | Token::LBracket);
        let empty = words[at].partner == Some(at + 1) && words[at].notes.is_empty();
        words[at].tall |= bracket && words[at].newline_after && !empty;
        if words[at].notes.is_empty() {
            continue;
        }
        let mut around = match opens(words[at].token) {
            true => Some(at),
            false => words[at].inside,
        };
        while let Some(open) = around.filter(|&open| words[open].token != Token::LBrace) {
            words[open].tall = true;
            around = words[open].inside;
        }
    }
}

/// Writes the tokens, line by line.
struct Writer<'w, 'p> {
    words: &'w [Word<'p>],
    out: String,
    column: usize,
    /// How far the line in writing is moved to the right.
    indent: usize,
    /// The indents of the lines on which the brackets were opened that are still open.
    open: Vec<usize>,
}

impl<'w, 'p> Writer<'w, 'p> {
    fn new(words: &'w [Word<'p>]) -> Writer<'w, 'p> {
        Writer {
            words,
            out: String::new(),
            column: 0,
            indent: 0,
            open: Vec::new(),
        }
    }

    fn write(mut self) -> String {
        self.notes(0);
        for at in 1..self.words.len() {
            let word = &self.words[at];
            if self.breaks_before(at) {
                let blank = word.blank_before
                    && !closes(word.token)
                    && !opens(self.words[at - 1].token)
                    && self.begins_item(at);
                self.line(self.indent_of(at), blank);
            } else if word.space_before {
                self.put(" ");
            }
            if closes(word.token) {
                self.open.pop();
            }
            self.put(word.text);
            if opens(word.token) {
                self.open.push(self.indent);
            }
            self.notes(at);
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// Begins a line, after a blank one if so wanted.
    fn line(&mut self, indent: usize, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
        (self.column, self.indent) = (indent, indent);
    }

    /// The comments after a token.
    fn notes(&mut self, at: usize) {
        let word = &self.words[at];
        for (i, note) in word.notes.iter().enumerate() {
            if i == 0 && !note.own_line {
                self.put("  ");
            } else {
                let indent = match self.words.get(at + 1) {
                    Some(next) if closes(next.token) => self.inner_indent(),
                    Some(_) => self.indent_of(at + 1),
                    None => 0,
                };
                let first_inside = i == 0 && opens(word.token);
                self.line(indent, note.blank_before && !first_inside);
            }
            self.put(&note.text);
        }
    }

    /// The indent of what stands inside the innermost bracket.
    fn inner_indent(&self) -> usize {
        self.open.last().map_or(0, |indent| indent + STEP)
    }

    /// The indent of a line that begins with this token.
    fn indent_of(&self, at: usize) -> usize {
        match self.words[at].token {
            token if closes(token) => self.open.last().copied().unwrap_or(0),
            Token::Else => self.inner_indent(),
            _ if self.begins_item(at) => self.inner_indent(),
            _ => self.inner_indent() + STEP,
        }
    }

    /// Whether a statement, or an item between brackets, begins here.
    fn begins_item(&self, at: usize) -> bool {
        let word = &self.words[at];
        let before = self.words[at - 1].token;
        let in_brackets = word
            .inside
            .is_some_and(|o| self.words[o].token != Token::LBrace);
        word.begins_line
            || opens(before)
            || in_brackets && (before == Token::Comma || word.token == Token::For)
    }

    fn breaks_before(&self, at: usize) -> bool {
        let (word, before) = (&self.words[at], &self.words[at - 1]);
        if word.begins_line || !before.notes.is_empty() {
            return true;
        }
        let closes_tall =
            closes(word.token) && word.partner.is_some_and(|open| self.words[open].tall);
        let item_of_tall =
            self.begins_item(at) && word.inside.is_some_and(|open| self.words[open].tall);
        closes_tall || item_of_tall || self.is_too_long(at)
    }

    /// How deep inside brackets a line may be broken before this token, if it may.
    fn depth(&self, at: usize) -> Option<usize> {
        let (word, before) = (&self.words[at], &self.words[at - 1]);
        let brackets = std::iter::successors(word.inside, |&open| self.words[open].inside);
        let in_brackets = word
            .inside
            .is_some_and(|o| self.words[o].token != Token::LBrace);
        let operator = before.token.is_operator() && before.space_before && word.space_before;
        match () {
            () if word.begins_line => Some(0),
            () if in_brackets && !opens(before.token) && self.begins_item(at) => {
                Some(2 * brackets.count())
            }
            () if operator => Some(2 * brackets.count() + 1),
            () => None,
        }
    }

    /// Whether what follows, up to the next place that is as good for a new line, fits a line but not this one.
    fn is_too_long(&self, at: usize) -> bool {
        let Some(depth) = self.depth(at) else {
            return false;
        };
        let room = WIDTH.saturating_sub(self.column);
        let mut width = 0;
        for next in at..self.words.len() {
            let word = &self.words[next];
            let ends = word.begins_line || self.depth(next).is_some_and(|d| d <= depth);
            if next > at && (ends || !self.words[next - 1].notes.is_empty()) {
                break;
            }
            width += usize::from(word.space_before) + word.text.chars().count();
            if word.tall || width > WIDTH {
                break;
            }
        }
        width > room && width < WIDTH - self.indent_of(at)
    }
}
