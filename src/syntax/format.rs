//! A program written in the one way we write it, its comments where they were.
//!
//! The tree printed ([`super::print()`]) says which tokens there are and which of them begin a line; the
//! source says after which token a comment stands and where lines were left blank. Both are sequences
//! of the same tokens but for brackets and commas that mean nothing, so they are walked side by side
//! ([`align`]), and comments are put between the printed tokens: where a new line may not stand, after
//! the next token where it may. What is too long for a line is broken at commas and operators, the
//! outermost that help, and line breaks that were written there are kept ([`Writer`]). At last draws and
//! comments are put in [columns](super::columns).

use super::ast::Ast;
use super::columns::{Line, in_columns};
use super::lexer::{self, Piece, Token};
use super::print::{WIDTH, print_like};
use crate::diag::SourceId;
use std::mem::discriminant;

/// How far a line inside brackets is moved to the right.
const STEP: usize = 2;

/// The program as text; `text` is what it was parsed from, and tells where comments, blank lines and line
/// breaks were. Formatting the result again changes nothing.
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
    let out = in_columns(Writer::new(&tokens).write());
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
    /// In the source a new line stands before this token, or before the operator before it.
    newline_before: bool,
    /// In the source a new line follows.
    newline_after: bool,
    /// In the source a comma follows that the printed program does not have.
    comma_after: bool,
    /// Comments between this token and the next.
    notes: Vec<Note>,
    /// The bracket that closes the one opened here, or opens the one closed here.
    partner: Option<usize>,
    /// The innermost bracket around this token.
    inside: Option<usize>,
    /// An open bracket whose items stand on lines between its own and that of the one that closes it.
    tall: bool,
    /// One of the parameters of `|x, y| e`.
    between_bars: bool,
}

/// The printed tokens with what the source has between them; the first word is empty and has the comments
/// before all. `None` if the source has other tokens.
fn align<'p>(ast: &Ast, text: &str, printed: &'p str) -> Option<Vec<Word<'p>>> {
    let mut words = words(printed);
    let items = items(ast, text);
    let (mut at, mut end, mut reached) = (0, 0, 0);
    // Where comments may stand never goes back.
    let mut note_at = 0;
    // A new line since the last token that is printed.
    let mut newline = false;
    let mut source = items.into_iter().peekable();
    while let Some(item) = source.next() {
        let newlines = text[end..item.start].matches('\n').count();
        newline |= newlines > 0;
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
                word.newline_before |= newline;
                let moved = std::mem::take(&mut newline) && token.is_operator();
                let next = source.peek().map_or(end, |next| next.start);
                word.newline_after = text[end..next].contains('\n');
                if let Some(next) = words.get_mut(at + 2) {
                    next.newline_before |= moved;
                }
                at += 1;
                reached = at;
            }
            _ if means_nothing(token) => words[at].comma_after |= token == Token::Comma,
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
        newline_before: false,
        newline_after: false,
        comma_after: false,
        notes: Vec::new(),
        partner: None,
        inside: None,
        tall: false,
        between_bars: false,
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
    let mut between_bars = false;
    for at in 0..words.len() {
        if closes(words[at].token)
            && let Some(opener) = open.pop()
        {
            words[opener].partner = Some(at);
            words[at].partner = Some(opener);
        }
        words[at].inside = open.last().copied();
        between_bars ^= words[at].token == Token::Bar;
        words[at].between_bars = between_bars;
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

/// Finds the brackets whose items are to stand on lines between theirs: those that were written so, and
/// those with comments inside. Blocks with comments inside are put on several lines.
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
        if let Some(open) = around.filter(|&open| words[open].token == Token::LBrace) {
            open_block(words, open);
        }
        while let Some(open) = around.filter(|&open| words[open].token != Token::LBrace) {
            words[open].tall = true;
            around = words[open].inside;
        }
    }
}

/// Puts the statements of a block that is printed on one line on lines of their own, and those of the
/// other branches of an `if`.
fn open_block(words: &mut [Word], open: usize) {
    let Some(close) = words[open].partner.filter(|&at| !words[at].begins_line) else {
        return;
    };
    words[open + 1].begins_line = true;
    words[close].begins_line = true;
    for at in open + 1..close {
        if words[at].inside == Some(open) && words[at].token == Token::Semicolon {
            words[at].text = "";
            words[at + 1].begins_line = true;
        }
    }
    let beside = |words: &[Word], at: usize| {
        words[at].token == Token::LBrace && words[at].inside == words[open].inside
    };
    let next = (close..words.len()).find(|&at| beside(words, at));
    let is_else = |words: &[Word], at: usize| words.get(at).is_some_and(|w| w.token == Token::Else);
    if let Some(next) = next.filter(|_| is_else(words, close + 1)) {
        open_block(words, next);
    }
    let before = (0..open).rev().find(|&at| beside(words, at));
    let joined = |at: &usize| {
        words[*at]
            .partner
            .is_some_and(|close| is_else(words, close + 1))
    };
    if let Some(before) = before.filter(joined) {
        open_block(words, before);
    }
}

/// The rank of an operator among the places for a new line, those that hold together loosest first.
fn looseness(operator: Token) -> usize {
    use Token::*;
    match operator {
        OrOr => 1,
        AndAnd => 2,
        EqEq | NotEq | Less | LessEq | Greater | GreaterEq => 3,
        Plus | Minus => 4,
        _ => 5,
    }
}

/// Writes the tokens, line by line.
struct Writer<'w, 'p> {
    words: &'w [Word<'p>],
    lines: Vec<Line>,
    /// Width of the last line so far.
    column: usize,
    /// The first token of the last line.
    first: usize,
    /// How far the line in writing is moved to the right, or that on which the bracket was opened that was
    /// closed last.
    indent: usize,
    /// The indents of the lines on which the brackets were opened that are still open.
    open: Vec<usize>,
}

impl<'w, 'p> Writer<'w, 'p> {
    fn new(words: &'w [Word<'p>]) -> Writer<'w, 'p> {
        Writer {
            words,
            lines: Vec::new(),
            column: 0,
            first: 0,
            indent: 0,
            open: Vec::new(),
        }
    }

    fn write(mut self) -> Vec<Line> {
        self.notes(0);
        for at in 1..self.words.len() {
            let word = &self.words[at];
            if self.breaks_before(at) {
                let blank = word.blank_before
                    && !closes(word.token)
                    && !opens(self.words[at - 1].token)
                    && self.begins_item(at);
                self.line(self.indent_of(at), blank, word.begins_line);
                self.first = at;
            } else if word.space_before {
                self.put(" ");
            }
            if closes(word.token) {
                self.indent = self.open.pop().unwrap_or(0);
            }
            if word.token == Token::Tilde && self.is_first_of_line(at) {
                self.mark(|line| &mut line.tilde);
            }
            self.put(word.text);
            if self.keeps_comma(at) {
                self.put(",");
            }
            if opens(word.token) {
                self.open.push(self.indent);
            }
            self.notes(at);
        }
        self.lines
    }

    /// Whether a statement begins the last line that this token is a part of, inside no bracket of it.
    fn is_first_of_line(&self, at: usize) -> bool {
        let first = &self.words[self.first];
        first.begins_line && first.inside == self.words[at].inside
    }

    /// Whether a comma was written after the last item, and the bracket is closed on the next line.
    fn keeps_comma(&self, at: usize) -> bool {
        let next = self.words.get(at + 1).filter(|next| closes(next.token));
        let open = next.and_then(|next| next.partner);
        self.words[at].comma_after && open.is_some_and(|open| self.words[open].tall)
    }

    fn put(&mut self, text: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(text);
        }
        self.column += text.chars().count();
    }

    /// Remembers where in its line the text stands that is written next.
    fn mark(&mut self, place: impl Fn(&mut Line) -> &mut Option<usize>) {
        if let Some(line) = self.lines.last_mut() {
            let at = line.text.len();
            *place(line) = Some(at);
        }
    }

    /// Begins a line, after a blank one if so wanted.
    fn line(&mut self, indent: usize, blank: bool, begins: bool) {
        if blank && !self.lines.is_empty() {
            self.lines.push(Line {
                begins: true,
                ..Line::default()
            });
        }
        self.lines.push(Line {
            text: " ".repeat(indent),
            indent,
            begins,
            ..Line::default()
        });
        (self.column, self.indent) = (indent, indent);
    }

    /// The comments after a token.
    fn notes(&mut self, at: usize) {
        let word = &self.words[at];
        for (i, note) in word.notes.iter().enumerate() {
            if i == 0 && !note.own_line {
                self.put("  ");
                self.mark(|line| &mut line.comment);
            } else {
                let next_begins = self.words.get(at + 1).is_none_or(|next| next.begins_line);
                let indent = match self.words.get(at + 1) {
                    Some(next) if closes(next.token) => self.inner_indent(),
                    Some(_) => self.indent_of(at + 1),
                    None => 0,
                };
                let first_inside = i == 0 && opens(word.token);
                self.line(indent, note.blank_before && !first_inside, next_begins);
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
            _ if self.begins_item(at) && !self.is_parameter(at) => self.inner_indent(),
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

    /// Whether this is inside the parentheses of `fn f(…`, which are closed on the line of the last
    /// parameter: the others are moved further than the body.
    fn is_parameter(&self, at: usize) -> bool {
        self.words[at].inside.is_some_and(|open| {
            let function = open >= 2 && self.words[open - 2].token == Token::Fn;
            function && !self.words[open].tall
        })
    }

    fn breaks_before(&self, at: usize) -> bool {
        let (word, before) = (&self.words[at], &self.words[at - 1]);
        if word.begins_line || !before.notes.is_empty() {
            return true;
        }
        let closes_tall =
            closes(word.token) && word.partner.is_some_and(|open| self.words[open].tall);
        let opens_tall = before.tall && opens(before.token);
        closes_tall || opens_tall || self.is_kept(at) || self.is_too_long(at)
    }

    /// Whether a line was broken before this token and may be.
    fn is_kept(&self, at: usize) -> bool {
        self.words[at].newline_before && self.depth(at).is_some()
    }

    /// How deep inside brackets a line may be broken before this token, if it may.
    fn depth(&self, at: usize) -> Option<usize> {
        let (word, before) = (&self.words[at], &self.words[at - 1]);
        let brackets = std::iter::successors(word.inside, |&open| self.words[open].inside);
        let depth = || brackets.map(|open| self.weight(open)).sum::<usize>();
        let in_brackets = word
            .inside
            .is_some_and(|o| self.words[o].token != Token::LBrace);
        let operator = before.token.is_operator() && before.space_before && word.space_before;
        match () {
            () if word.begins_line => Some(0),
            () if word.between_bars => None,
            () if !in_brackets && before.token == Token::Assign => Some(0),
            () if in_brackets && !opens(before.token) && self.begins_item(at) => Some(depth()),
            () if operator => Some(depth() + looseness(before.token)),
            () => None,
        }
    }

    /// How much deeper what stands inside this bracket is: most so between indices.
    fn weight(&self, open: usize) -> usize {
        let bracket = &self.words[open];
        let indices = bracket.token == Token::LBracket
            && !bracket.space_before
            && !opens(self.words[open - 1].token);
        if indices { 24 } else { 8 }
    }

    /// Whether what follows, up to the next place that is as good for a new line, fits a line but not this
    /// one; or this line has no room for the part up to the next place at all.
    ///
    /// Lines that were broken in this way are found so when the result is formatted again, and kept; that
    /// what follows is then shorter changes nothing, as all that stands on a line had room.
    fn is_too_long(&self, at: usize) -> bool {
        let Some(depth) = self.depth(at) else {
            return false;
        };
        let (room, indent) = (WIDTH.saturating_sub(self.column), self.indent_of(at));
        let (mut width, mut first) = (0, None);
        for next in at..self.words.len() {
            let word = &self.words[next];
            if next > at {
                let place = self.depth(next);
                let noted = !self.words[next - 1].notes.is_empty();
                if noted || self.is_kept(next) || place.is_some_and(|place| place <= depth) {
                    break;
                }
                first = first.or(place.map(|_| width));
            }
            width += usize::from(word.space_before) + word.text.chars().count();
            width += usize::from(self.keeps_comma(next));
            if word.tall || width > 2 * WIDTH {
                break;
            }
        }
        let fits_below = width <= WIDTH + 1 - indent;
        let has_no_room = first.unwrap_or(width) > room && indent < self.column;
        width > room && (fits_below || has_no_room)
    }
}
