//! A tree back to text, in the one way we write it.
//!
//! Parentheses stand only where the tree needs them: each kind of expression has a [`Level`], and one
//! that stands where a tighter level is wanted is enclosed. Printing and parsing again gives the same
//! tree up to places. [`super::format`] puts comments and blank lines back where they were.

use super::ast::*;
use super::level::Level;
use std::iter::Peekable;
use std::slice::Iter;

/// The program as text, comments on lines of their own.
///
/// ```
/// use elbo::{diag::SourceId, syntax};
/// let (ast, _) = syntax::parse(SourceId(0), "let x=(a*b)+c; y~Normal(x,(1))");
/// assert_eq!(syntax::print(&ast), "let x = a * b + c\ny ~ Normal(x, 1)\n");
/// ```
pub fn print(ast: &Ast) -> String {
    Printer::new(&ast.comments, None).program(ast)
}

/// Lines are broken where they would be longer, in characters.
pub(super) const WIDTH: usize = 100;

/// How long a block inside brackets may be that stays on one line.
const INNER_WIDTH: usize = 60;

/// The program without its comments, numbers as `text`, which it was parsed from, has them, and blocks
/// on one line that are so there, if they fit.
pub(super) fn print_like(ast: &Ast, text: &str) -> String {
    Printer::new(&[], Some(text)).program(ast)
}

/// One expression as text.
pub fn print_expr(expr: &Expr) -> String {
    let mut printer = Printer::new(&[], None);
    printer.expr(expr, Level::Any);
    printer.out
}

struct Printer<'a> {
    out: String,
    indent: usize,
    comments: Peekable<Iter<'a, Comment>>,
    source: Option<&'a str>,
    /// Blocks are printed on one line.
    flat: bool,
}

impl<'a> Printer<'a> {
    fn new(comments: &'a [Comment], source: Option<&'a str>) -> Printer<'a> {
        Printer {
            out: String::new(),
            indent: 0,
            comments: comments.iter().peekable(),
            source,
            flat: false,
        }
    }

    fn program(mut self, ast: &Ast) -> String {
        self.statements(&ast.statements);
        self.comments_before(u32::MAX);
        self.out
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Begins a line; the last one has ended.
    fn margin(&mut self) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
    }

    // ---- Lines and comments

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.comments_before(statement.span.start);
            for line in &statement.doc {
                self.margin();
                self.put(&comment_line("///", line));
                self.put("\n");
            }
            self.margin();
            self.statement(statement);
            self.put("\n");
        }
    }

    fn comments_before(&mut self, place: u32) {
        while let Some(comment) = self.comments.next_if(|c| c.span.start < place) {
            self.margin();
            self.put(&comment_line("//", &comment.text));
            self.put("\n");
        }
    }

    /// Prints something with blocks: on one line if it stands on one from `start` to `end` of the source
    /// and fits, else over several.
    fn blocks(&mut self, start: u32, end: u32, print: impl Fn(&mut Self)) {
        let written = self
            .source
            .and_then(|s| s.get(start as usize..end as usize));
        if !self.flat && written.is_some_and(|text| !text.contains('\n')) {
            let before = self.out.len();
            self.flat = true;
            print(self);
            self.flat = false;
            if self.is_short(before) {
                return;
            }
            self.out.truncate(before);
        }
        print(self);
    }

    /// Whether what was printed from `before` on may stay on its line.
    fn is_short(&self, before: usize) -> bool {
        let line = self.out[..before].rfind('\n').map_or(0, |at| at + 1);
        let width = |text: &str| text.chars().count();
        match self.in_brackets(before) {
            true => width(&self.out[before..]) <= INNER_WIDTH,
            false => width(&self.out[line..]) <= WIDTH,
        }
    }

    /// Whether a bracket is open on the line printed last, up to `end`.
    fn in_brackets(&self, end: usize) -> bool {
        let line = self.out[..end].rfind('\n').map_or(0, |at| at + 1);
        let count = |signs: [char; 2]| self.out[line..end].matches(signs).count();
        count(['(', '[']) > count([')', ']'])
    }

    /// `{ … }`; `end` is where it ends in the source.
    fn braces(&mut self, statements: &[Statement], end: u32) {
        let comment = self.comments.peek().is_some_and(|c| c.span.start < end);
        if statements.is_empty() && !comment {
            return self.put("{}");
        }
        if self.flat {
            for (i, statement) in statements.iter().enumerate() {
                self.put(if i > 0 { "; " } else { "{ " });
                self.statement(statement);
            }
            return self.put(" }");
        }
        self.put("{\n");
        self.indent += 1;
        self.statements(statements);
        self.comments_before(end);
        self.indent -= 1;
        self.margin();
        self.put("}");
    }

    // ---- Statements

    fn statement(&mut self, statement: &Statement) {
        let end = statement.span.end;
        match &statement.kind {
            StatementKind::Import { path, alias } => self.import(path, alias.as_ref()),
            StatementKind::Data {
                name,
                ty,
                default,
                condition,
            } => {
                self.declaration("data", name, ty, default.as_ref());
                self.optional(" where ", condition.as_ref());
            }
            StatementKind::Param { name, ty, init } => {
                self.declaration("param", name, ty, init.as_ref())
            }
            StatementKind::Draw { target, dist } => {
                self.target(target);
                self.optional(" ~ ", Some(dist));
            }
            StatementKind::Let { target, value } => {
                self.put("let ");
                self.target(target);
                self.optional(" = ", Some(value));
            }
            StatementKind::Factor { value } => self.optional("factor ", Some(value)),
            StatementKind::For {
                var,
                range,
                batch,
                body,
            } => self.blocks(var.span.start, end, |printer| {
                printer.put("for ");
                printer.put(&var.name);
                printer.optional(" in ", Some(range));
                printer.optional(" batch ", batch.as_ref());
                printer.put(" ");
                printer.braces(body, end);
            }),
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => self.blocks(condition.span.start, end, |printer| {
                printer.if_statement(condition, then, otherwise.as_deref(), end);
            }),
            StatementKind::Fn(function) => self.function(function),
            StatementKind::Guide { strategy } => self.optional("guide ", Some(strategy)),
            StatementKind::GuideBlock { body } => {
                self.put("guide ");
                let start = statement.span.start;
                self.blocks(start, end, |printer| printer.braces(body, end));
            }
            StatementKind::Expr { value } => self.expression_statement(value),
            StatementKind::Error => self.original(statement),
        }
    }

    /// What could not be parsed, as it was written.
    fn original(&mut self, statement: &Statement) {
        let range = statement.span.start as usize..statement.span.end as usize;
        let text = self.source.and_then(|s| s.get(range));
        self.put(text.map_or("// not understood", str::trim_end));
        while self
            .comments
            .next_if(|c| c.span.start < statement.span.end)
            .is_some()
        {}
    }

    fn import(&mut self, path: &ImportPath, alias: Option<&Ident>) {
        self.put("import ");
        match path {
            ImportPath::Module(name) => self.put(&name.name),
            ImportPath::File { path, .. } => self.string(path),
        }
        if let Some(alias) = alias {
            self.put(" as ");
            self.put(&alias.name);
        }
    }

    fn declaration(&mut self, word: &str, name: &Ident, ty: &TypeExpr, value: Option<&Expr>) {
        self.put(word);
        self.put(" ");
        self.put(&name.name);
        self.put(": ");
        self.type_expr(ty);
        self.optional(" = ", value);
    }

    fn optional(&mut self, before: &str, value: Option<&Expr>) {
        if let Some(value) = value {
            self.put(before);
            self.expr(value, Level::Any);
        }
    }

    fn if_statement(
        &mut self,
        condition: &Expr,
        then: &[Statement],
        otherwise: Option<&[Statement]>,
        end: u32,
    ) {
        self.optional("if ", Some(condition));
        self.put(" ");
        let Some(otherwise) = otherwise else {
            return self.braces(then, end);
        };
        // Comments at the end of this branch move into the next: the tree does not say where it ends.
        self.braces(then, 0);
        self.put(" else ");
        match otherwise {
            [
                Statement {
                    kind:
                        StatementKind::If {
                            condition,
                            then,
                            otherwise,
                        },
                    doc,
                    ..
                },
            ] if doc.is_empty() => {
                self.if_statement(condition, then, otherwise.as_deref(), end);
            }
            [
                Statement {
                    kind: StatementKind::Expr { value },
                    doc,
                    ..
                },
            ] if doc.is_empty() && matches!(value.kind, ExprKind::If { .. }) => {
                self.expression_statement(value);
            }
            _ => self.braces(otherwise, end),
        }
    }

    fn function(&mut self, function: &FnDef) {
        let (start, end) = (function.name.span.start, function.body.span.end);
        self.blocks(start, end, |printer| printer.function_in_form(function));
    }

    fn function_in_form(&mut self, function: &FnDef) {
        self.put("fn ");
        self.put(&function.name.name);
        self.put("(");
        self.params(&function.params);
        self.put(")");
        if let Some(result) = &function.result {
            self.put(" -> ");
            self.type_expr(result);
        }
        match &function.body.kind {
            ExprKind::Block(statements) => {
                self.put(" ");
                self.braces(statements, function.body.span.end);
            }
            _ => self.optional(" = ", Some(&function.body)),
        }
    }

    fn params(&mut self, params: &[FnParam]) {
        for (i, param) in params.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            self.put(&param.name.name);
            if let Some(ty) = &param.ty {
                self.put(": ");
                self.type_expr(ty);
            }
            self.optional(" = ", param.default.as_ref());
        }
    }

    fn type_expr(&mut self, ty: &TypeExpr) {
        self.put(&ty.base.name);
        if !ty.dims.is_empty() {
            self.put("[");
            self.list(&ty.dims);
            self.put("]");
        }
    }

    fn target(&mut self, target: &Target) {
        match target {
            Target::Element { name, indices, .. } => {
                self.put(&name.name);
                if !indices.is_empty() {
                    self.indices(indices);
                }
            }
            Target::Tuple { items, .. } => {
                self.put("(");
                for (i, item) in items.iter().enumerate() {
                    self.put(if i > 0 { ", " } else { "" });
                    self.target(item);
                }
                self.put(if items.len() == 1 { ",)" } else { ")" });
            }
        }
    }

    /// An expression by itself. An `if` there is read as a statement unless every branch has a value.
    fn expression_statement(&mut self, value: &Expr) {
        if matches!(value.kind, ExprKind::If { .. }) && !reads_as_value(value) {
            self.enclosed(value);
        } else {
            self.expr(value, Level::Any);
        }
    }

    // ---- Expressions

    /// Prints an expression where `wanted` or something tighter may stand.
    fn expr(&mut self, expr: &Expr, wanted: Level) {
        if Level::of(expr) < wanted {
            return self.enclosed(expr);
        }
        match &expr.kind {
            ExprKind::Int(value) => self.number(expr, &value.to_string()),
            ExprKind::Real(value) => self.number(expr, &format!("{value:?}")),
            ExprKind::Bool(value) => self.put(&value.to_string()),
            ExprKind::String(text) => self.string(text),
            ExprKind::Name(name) => self.put(name),
            ExprKind::Unary { op, value } => {
                self.put(if *op == UnaryOp::Neg { "-" } else { "!" });
                self.expr(value, Level::Unary);
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right),
            ExprKind::Transpose(value) => {
                self.expr(value, Level::Postfix);
                self.put("'");
            }
            ExprKind::Call { callee, args } => self.call(callee, args),
            ExprKind::Field { value, name } => {
                self.expr(value, Level::Postfix);
                self.put(".");
                self.put(&name.name);
            }
            ExprKind::Index { value, indices } => {
                self.expr(value, Level::Postfix);
                self.indices(indices);
            }
            ExprKind::Array(items) => {
                self.put("[");
                self.list(items);
                self.put("]");
            }
            ExprKind::Tuple(items) => {
                self.put("(");
                self.list(items);
                self.put(if items.len() == 1 { ",)" } else { ")" });
            }
            ExprKind::Comprehension { body, clauses } => self.comprehension(body, clauses),
            ExprKind::Lambda { params, body } => {
                self.put("|");
                self.params(params);
                self.optional("| ", Some(body));
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => self.blocks(expr.span.start, expr.span.end, |printer| {
                printer.if_expr(condition, then, otherwise, false)
            }),
            ExprKind::Block(statements) => {
                let (start, end) = (expr.span.start, expr.span.end);
                self.blocks(start, end, |printer| printer.braces(statements, end));
            }
            ExprKind::Range { start, end } => self.range(Some(start), Some(end)),
            // Cannot be read back, as it never could be read.
            ExprKind::Error => self.put("<error>"),
        }
    }

    fn enclosed(&mut self, expr: &Expr) {
        self.put("(");
        self.expr(expr, Level::Any);
        self.put(")");
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let level = Level::of_operator(op);
        if op == BinaryOp::Pow {
            // Copies of a distribution, `Normal(0, 1) ^ (N, K)`, are spaced; a power, `x^2`, is not.
            let copies = is_distribution(left) || matches!(right.kind, ExprKind::Tuple(_));
            self.expr(left, Level::Postfix);
            self.put(if copies { " ^ " } else { "^" });
            return self.expr(right, Level::Unary);
        }
        self.expr(
            left,
            if level == Level::Comparison {
                level.tighter()
            } else {
                level
            },
        );
        self.put(" ");
        self.put(op.symbol());
        self.put(" ");
        self.expr(right, level.tighter());
    }

    fn call(&mut self, callee: &Expr, args: &[Arg]) {
        self.expr(callee, Level::Postfix);
        self.put("(");
        for (i, arg) in args.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            if let Some(name) = &arg.name {
                self.put(&name.name);
                self.put(" = ");
            }
            self.expr(&arg.value, Level::Any);
        }
        self.put(")");
    }

    fn indices(&mut self, indices: &[Index]) {
        self.put("[");
        for (i, index) in indices.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            match index {
                Index::At(value) => self.expr(value, Level::Any),
                Index::Range { start, end, .. } => self.range(start.as_ref(), end.as_ref()),
                Index::All(_) => self.put(":"),
            }
        }
        self.put("]");
    }

    fn list(&mut self, items: &[Expr]) {
        for (i, item) in items.iter().enumerate() {
            self.put(if i > 0 { ", " } else { "" });
            self.expr(item, Level::Any);
        }
    }

    /// `1..N`, with spaces where an end is a sum or product.
    fn range(&mut self, start: Option<&Expr>, end: Option<&Expr>) {
        let simple = [start, end]
            .into_iter()
            .flatten()
            .all(|e| Level::of(e) >= Level::Unary);
        if let Some(start) = start {
            self.expr(start, Level::Sum);
        }
        self.put(match (simple, start.is_some(), end.is_some()) {
            (false, true, true) => " .. ",
            _ => "..",
        });
        if let Some(end) = end {
            self.expr(end, Level::Sum);
        }
    }

    fn comprehension(&mut self, body: &Expr, clauses: &[Clause]) {
        self.put("[");
        self.expr(body, Level::Any);
        for clause in clauses {
            self.put(" for ");
            self.put(&clause.var.name);
            self.optional(" in ", Some(&clause.range));
            for condition in &clause.conditions {
                self.optional(" if ", Some(condition));
            }
        }
        self.put("]");
    }

    /// On one line if no branch needs several, and it fits or the line may be broken in brackets.
    fn if_expr(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, tall: bool) {
        let lines = |value: &Expr| has_block(value) || self.is_on_own_line(value);
        let mut tall = tall || !self.flat && (lines(then) || lines(otherwise));
        let before = self.out.len();
        if !tall && !self.flat && self.source.is_some() && !self.in_brackets(before) {
            self.branches(condition, then, otherwise, false);
            tall = !self.is_short(before);
            if !tall {
                return;
            }
            self.out.truncate(before);
        }
        self.branches(condition, then, otherwise, tall);
    }

    fn branches(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, tall: bool) {
        self.optional("if ", Some(condition));
        self.put(" ");
        self.branch(then, tall);
        self.put(" else ");
        match &otherwise.kind {
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => self.if_expr(condition, then, otherwise, tall),
            _ => self.branch(otherwise, tall),
        }
    }

    /// Whether the source has only blanks before the expression on its line.
    fn is_on_own_line(&self, expr: &Expr) -> bool {
        let before = self.source.and_then(|s| s.get(..expr.span.start as usize));
        before.is_some_and(|text| text.trim_end_matches([' ', '\t']).ends_with('\n'))
    }

    fn branch(&mut self, value: &Expr, tall: bool) {
        match &value.kind {
            ExprKind::Block(statements) => self.braces(statements, value.span.end),
            _ if tall => {
                self.put("{\n");
                self.indent += 1;
                self.margin();
                self.expression_statement(value);
                self.indent -= 1;
                self.put("\n");
                self.margin();
                self.put("}");
            }
            _ => {
                self.put("{ ");
                self.expression_statement(value);
                self.put(" }");
            }
        }
    }

    /// A number as it was written, if the source is at hand, or else in its shortest form.
    fn number(&mut self, expr: &Expr, shortest: &str) {
        let range = expr.span.start as usize..expr.span.end as usize;
        let written = self
            .source
            .and_then(|s| s.get(range))
            .map(|text| text.trim_matches(['(', ')', ' ']));
        let same = |text: &str| {
            let plain = text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
            plain && text.replace('_', "").parse::<f64>() == shortest.parse::<f64>()
        };
        self.put(written.filter(|text| same(text)).unwrap_or(shortest));
    }

    fn string(&mut self, text: &str) {
        self.put("\"");
        for c in text.chars() {
            match c {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\t' => self.put("\\t"),
                '\r' => self.put("\\r"),
                c if c.is_control() => self.put(&format!("\\u{{{:x}}}", c as u32)),
                c => self.out.push(c),
            }
        }
        self.put("\"");
    }
}

fn comment_line(slashes: &str, text: &str) -> String {
    if text.is_empty() {
        slashes.to_string()
    } else {
        format!("{slashes} {text}")
    }
}

/// Whether a branch, or a later branch of the `if` that it is, is a block.
fn has_block(branch: &Expr) -> bool {
    match &branch.kind {
        ExprKind::Block(_) => true,
        ExprKind::If {
            then, otherwise, ..
        } => has_block(then) || has_block(otherwise),
        _ => false,
    }
}

/// Whether this reads as a distribution: a call whose name is capitalised, or a method of one.
fn is_distribution(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { callee, .. } => is_distribution(callee),
        ExprKind::Field { value, .. } => is_distribution(value),
        ExprKind::Name(name) => name.chars().count() > 1 && name.starts_with(char::is_uppercase),
        _ => false,
    }
}

/// Whether an `if` at the head of a statement is read as the value that it is.
fn reads_as_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::If {
            then, otherwise, ..
        } => branch_has_value(then) && branch_has_value(otherwise),
        _ => true,
    }
}

fn branch_has_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Block(statements) => {
            matches!(
                statements.last(),
                Some(Statement {
                    kind: StatementKind::Expr { .. },
                    ..
                })
            )
        }
        ExprKind::If { .. } => reads_as_value(expr),
        _ => true,
    }
}
