//! Properties of the syntax stage: nothing makes it panic or overflow, and printing loses nothing.

use elbo::diag::{SourceId, Span};
use elbo::syntax::{self, Ast, ast::*};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

/// Words and signs of the language, and some of none.
const FRAGMENTS: &[&str] = &[
    "data", "param", "let", "factor", "for", "in", "if", "else", "fn", "import", "as", "guide",
    "batch", "where", "true", "x", "N", "Normal", "1", "2.5", "1e-3", "\"s\"", "\"", "(", ")", "[",
    "]", "{", "}", ",", ";", ":", ":=", ".", "..", "->", "~", "=", "|", "'", "+", "-", "*", "**",
    "/", "%", "@", "^", "==", "!=", "<", "<=", "&&", "||", "!", "&", "$", "\n", " ", "// c\n",
    "/// d\n", "#", "/*", "*/", "elif", "μ", "\r\n", "\\",
];

fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .flatten()
        .map(|e| e.path())
        .collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "vi"));
    paths.sort();
    paths
        .iter()
        .map(|p| fs::read_to_string(p).expect("a case can be read"))
        .collect()
}

/// The tree with every place removed, as text.
fn without_places(ast: &Ast) -> String {
    let text = format!("{:?}", ast.statements);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        let end = rest[at..]
            .find('}')
            .expect("a span is printed with its brace");
        rest = &rest[at + end + 1..];
    }
    out + rest
}

/// Everything that is done with a text; true if it was a program.
fn exercise(text: &str) -> bool {
    let (ast, problems) = syntax::parse(SourceId(0), text);
    for label in problems.iter().flat_map(|p| &p.labels) {
        let (start, end) = (label.span.start as usize, label.span.end as usize);
        assert!(
            text.get(start..end).is_some(),
            "a label outside the text: {label:?}"
        );
    }
    syntax::is_incomplete(text);
    syntax::parse_expr(SourceId(0), text);
    let formatted = syntax::format(&ast, text);
    let printed = syntax::print(&ast);
    if !problems.is_empty() {
        return false;
    }
    for again in [formatted, printed] {
        let (second, problems) = syntax::parse(SourceId(0), &again);
        assert!(
            problems.is_empty(),
            "{text:?} was printed as {again:?}: {problems:?}"
        );
        assert_eq!(
            without_places(&ast),
            without_places(&second),
            "{text:?} was printed as {again:?}"
        );
        assert_eq!(
            ast.comments.len(),
            second.comments.len(),
            "comments of {text:?} in {again:?}"
        );
    }
    true
}

#[test]
fn every_case_program_survives_printing_and_truncation() {
    for text in cases() {
        exercise(&text);
        for (at, _) in text.char_indices().step_by(1 + text.len() / 200) {
            exercise(&text[..at]);
            exercise(&text[at..]);
        }
    }
}

#[test]
fn depth_is_bounded_in_every_direction() {
    let n = 20_000;
    let deep = [
        "(".repeat(n),
        "[".repeat(n) + "1" + &"]".repeat(n),
        "for i in 1..2 {".repeat(n),
        "{".repeat(n) + &"}".repeat(n),
        "let a = ".to_string() + &"-".repeat(n) + "1",
        "let a = ".to_string() + &"!".repeat(n) + "1",
        "let a = x".to_string() + &"^x".repeat(n),
        "let a = x".to_string() + &"+x".repeat(n),
        "let a = x".to_string() + &"<x".repeat(n),
        "let a = x".to_string() + &"(1)".repeat(n),
        "let a = x".to_string() + &"[1]".repeat(n),
        "let a = x".to_string() + &".y".repeat(n),
        "let a = x".to_string() + &"'".repeat(n),
        "let a = ".to_string() + &"|x| ".repeat(n) + "1",
        "let a = f(".to_string() + &"|x, y| ".repeat(n) + "1)",
        "if a {} ".to_string() + &"else if a {} ".repeat(n),
        "let a = ".to_string() + &"if a {1} else ".repeat(n) + "{2}",
        "let a = ".to_string() + &"if ".repeat(n),
        "f(\n".repeat(n),
    ];
    for text in &deep {
        let (ast, problems) = syntax::parse(SourceId(0), text);
        assert!(
            problems.iter().any(|p| p.code == "E0008"),
            "{}",
            &text[..40]
        );
        drop(ast);
        syntax::parse_expr(SourceId(0), text);
        syntax::is_incomplete(text);
    }
}

#[test]
fn depth_just_below_the_limit_fits_the_stack() {
    for text in [
        "let a = ".to_string() + &"(".repeat(199) + "1" + &")".repeat(199),
        "let a = x".to_string() + &" + x".repeat(199),
        "let a = f(".to_string() + &"|x| ".repeat(98) + "1)",
        "if a {} ".to_string() + &"else if a {} ".repeat(64),
        "for i in 1..2 {\n".repeat(99) + &"}".repeat(99),
    ] {
        assert!(exercise(&text), "{}", &text[..40]);
    }
}

#[test]
fn long_programs_are_not_deep() {
    let text = "let a = [".to_string()
        + &"1 + x, ".repeat(5000)
        + "]\n"
        + &"x ~ Normal(0, 1)\n".repeat(2000);
    assert!(exercise(&text));
}

#[test]
fn incomplete_input_is_told_from_wrong_input() {
    for text in [
        "f(",
        "for i in 1..N {\n x",
        "let a = [1,",
        "let a = 1 +",
        "x ~",
        "/// doc",
        "f(|x| {",
        "let a =",
    ] {
        assert!(syntax::is_incomplete(text), "{text}");
    }
    for text in [
        "",
        "x",
        "f(1))",
        "let a = \"(",
        "x ~ Normal(0, 1)\n",
        "let = 1",
        "// c (",
        "x'",
    ] {
        assert!(!syntax::is_incomplete(text), "{text}");
    }
}

#[test]
fn an_expression_parses_by_itself() {
    for text in [
        "if a { 1 } else { 2 }",
        "x' @ y",
        "{ let a = 1; a }",
        "|x| x^2",
    ] {
        let (expr, problems) = syntax::parse_expr(SourceId(0), text);
        assert!(problems.is_empty(), "{text}: {problems:?}");
        assert_eq!(
            syntax::parse_expr(SourceId(0), &syntax::print_expr(&expr.expect(text))).1,
            []
        );
    }
    for text in ["", "x y", "let a = 1", "x; y", "("] {
        assert!(
            !syntax::parse_expr(SourceId(0), text).1.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn places_are_those_of_the_text() {
    let text = "/// d\nlet β = (a + b) * c'";
    let (ast, _) = syntax::parse(SourceId(0), text);
    let span = |s: Span| &text[s.start as usize..s.end as usize];
    assert_eq!(span(ast.statements[0].span), "let β = (a + b) * c'");
    let StatementKind::Let {
        target: Target::Element { name, .. },
        value,
    } = &ast.statements[0].kind
    else {
        panic!("a let statement");
    };
    assert_eq!(span(name.span), "β");
    let ExprKind::Binary { left, right, .. } = &value.kind else {
        panic!("a product");
    };
    assert_eq!((span(left.span), span(right.span)), ("(a + b)", "c'"));
}

/// The first program of each page has the error that the page is about, the second has none.
#[test]
fn the_pages_on_errors_are_right() {
    for number in 1..=15 {
        let code = format!("E{number:04}");
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/errors/{code}.md"));
        let page = fs::read_to_string(&page).expect("each code has its page");
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        let programs: Vec<&str> = page
            .split("```vi\n")
            .skip(1)
            .filter_map(|p| p.split("```").next())
            .collect();
        let [wrong, right] = programs[..] else {
            panic!("{code} has two programs");
        };
        let codes: Vec<_> = syntax::parse(SourceId(0), wrong)
            .1
            .iter()
            .map(|d| d.code)
            .collect();
        assert_eq!(codes, [code.as_str()], "{wrong}");
        assert_eq!(syntax::parse(SourceId(0), right).1, [], "{code}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_string_makes_it_panic(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn no_soup_of_tokens_makes_it_panic(picks in prop::collection::vec(0..FRAGMENTS.len(), 0..60), spaced: bool) {
        let words: Vec<&str> = picks.iter().map(|&i| FRAGMENTS[i]).collect();
        exercise(&words.join(if spaced { " " } else { "" }));
    }

    #[test]
    fn no_change_to_a_program_makes_it_panic(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, 0..FRAGMENTS.len()), 1..4),
    ) {
        let cases = cases();
        let mut text: Vec<char> = which.get(&cases).chars().collect();
        for (at, removed, fragment) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, FRAGMENTS[fragment].chars());
        }
        exercise(&text.into_iter().collect::<String>());
    }

    #[test]
    fn printing_and_parsing_a_tree_gives_it_back(statements in prop::collection::vec(statement(), 1..5)) {
        let ast = Ast { statements, comments: Vec::new() };
        let text = syntax::print(&ast);
        let (again, problems) = syntax::parse(SourceId(0), &text);
        prop_assert!(problems.is_empty(), "{}\n{:?}", text, problems);
        prop_assert_eq!(without_places(&ast), without_places(&again), "{}", text);
    }
}

// ---- Arbitrary trees

fn at(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn ident() -> impl Strategy<Value = Ident> {
    prop::sample::select(vec![
        "x", "mu", "β_1", "N", "Normal", "guide", "batch", "where", "as", "_",
    ])
    .prop_map(|name| Ident {
        name: name.into(),
        span: Span::default(),
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (0..i64::MAX).prop_map(ExprKind::Int),
        (0.0..1e300f64).prop_map(ExprKind::Real),
        (-300.0..300f64).prop_map(|e| ExprKind::Real(10f64.powf(e))),
        any::<bool>().prop_map(ExprKind::Bool),
        any::<String>().prop_map(ExprKind::String),
        ident().prop_map(|i| ExprKind::Name(i.name)),
    ]
    .prop_map(at);
    leaf.prop_recursive(4, 30, 4, compound)
}

fn compound(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    use BinaryOp::*;
    let boxed = || inner.clone().prop_map(Box::new);
    let many = |from: usize| prop::collection::vec(inner.clone(), from..4);
    let operators = vec![
        Add, Sub, Mul, Div, Rem, Pow, MatMul, Eq, Ne, Lt, Le, Gt, Ge, And, Or,
    ];
    let lambda_param = ident().prop_map(|name| FnParam {
        name,
        ty: None,
        default: None,
    });
    let arg =
        (prop::option::of(ident()), inner.clone()).prop_map(|(name, value)| Arg { name, value });
    let clause = (
        ident(),
        inner.clone(),
        prop::collection::vec(inner.clone(), 0..3),
    )
        .prop_map(|(var, range, conditions)| Clause {
            var,
            range,
            conditions,
        });
    let block = (let_statement(inner.clone()), inner.clone()).prop_map(|(first, value)| {
        let last = Statement {
            kind: StatementKind::Expr { value },
            span: Span::default(),
            doc: vec!["d".into()],
        };
        ExprKind::Block(vec![first, last])
    });
    prop_oneof![
        (
            prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]),
            boxed()
        )
            .prop_map(|(op, value)| ExprKind::Unary { op, value }),
        (prop::sample::select(operators), boxed(), boxed())
            .prop_map(|(op, left, right)| ExprKind::Binary { op, left, right }),
        boxed().prop_map(ExprKind::Transpose),
        (boxed(), prop::collection::vec(arg, 0..3))
            .prop_map(|(callee, args)| ExprKind::Call { callee, args }),
        (boxed(), ident()).prop_map(|(value, name)| ExprKind::Field { value, name }),
        (boxed(), indices(inner.clone()))
            .prop_map(|(value, indices)| ExprKind::Index { value, indices }),
        many(0).prop_map(ExprKind::Array),
        many(1).prop_map(ExprKind::Tuple),
        (boxed(), prop::collection::vec(clause, 1..3))
            .prop_map(|(body, clauses)| ExprKind::Comprehension { body, clauses }),
        (prop::collection::vec(lambda_param, 1..3), boxed())
            .prop_map(|(params, body)| ExprKind::Lambda { params, body }),
        (boxed(), boxed(), boxed()).prop_map(|(condition, then, otherwise)| ExprKind::If {
            condition,
            then,
            otherwise
        }),
        (boxed(), boxed()).prop_map(|(start, end)| ExprKind::Range { start, end }),
        block,
    ]
    .prop_map(at)
    .boxed()
}

fn indices(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Vec<Index>> {
    let is_range = |e: &Expr| matches!(e.kind, ExprKind::Range { .. });
    let index = prop_oneof![
        inner
            .clone()
            .prop_filter("is a slice there", move |e| !is_range(e))
            .prop_map(Index::At),
        (prop::option::of(inner.clone()), prop::option::of(inner)).prop_map(|(start, end)| {
            Index::Range {
                start,
                end,
                span: Span::default(),
            }
        }),
        Just(Index::All(Span::default())),
    ];
    prop::collection::vec(index, 1..3).boxed()
}

fn target(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Target> {
    let element = prop_oneof![Just(Vec::new()).boxed(), indices(inner)];
    let element = (ident(), element)
        .prop_map(|(name, indices)| Target::Element {
            name,
            indices,
            span: Span::default(),
        })
        .boxed();
    let tuple = prop::collection::vec(element.clone(), 1..3).prop_map(|items| Target::Tuple {
        items,
        span: Span::default(),
    });
    prop_oneof![element, tuple].boxed()
}

fn let_statement(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Statement> {
    (target(inner.clone()), inner)
        .prop_map(|(target, value)| bare(StatementKind::Let { target, value }))
        .boxed()
}

fn bare(kind: StatementKind) -> Statement {
    Statement {
        kind,
        span: Span::default(),
        doc: Vec::new(),
    }
}

fn statement() -> BoxedStrategy<Statement> {
    let e = || expr().boxed();
    let ty = || {
        (ident(), prop::collection::vec(expr(), 0..2)).prop_map(|(base, dims)| TypeExpr {
            base,
            dims,
            span: Span::default(),
        })
    };
    let maybe = || prop::option::of(expr());
    let param = (ident(), prop::option::of(ty()), maybe())
        .prop_map(|(name, ty, default)| FnParam { name, ty, default });
    let path = prop_oneof![
        ident().prop_map(ImportPath::Module),
        any::<String>().prop_map(|path| ImportPath::File {
            path,
            span: Span::default()
        }),
    ];
    let simple = prop_oneof![
        (path, prop::option::of(ident()))
            .prop_map(|(path, alias)| StatementKind::Import { path, alias }),
        (ident(), ty(), maybe(), maybe()).prop_map(|(name, ty, default, condition)| {
            StatementKind::Data {
                name,
                ty,
                default,
                condition,
            }
        }),
        (ident(), ty(), maybe()).prop_map(|(name, ty, init)| StatementKind::Param {
            name,
            ty,
            init
        }),
        (target(e()), e()).prop_map(|(target, dist)| StatementKind::Draw { target, dist }),
        (target(e()), e()).prop_map(|(target, value)| StatementKind::Let { target, value }),
        e().prop_map(|value| StatementKind::Factor { value }),
        e().prop_map(|value| StatementKind::Expr { value }),
        (
            ident(),
            prop::collection::vec(param, 0..3),
            prop::option::of(ty()),
            e()
        )
            .prop_map(|(name, params, result, body)| StatementKind::Fn(FnDef {
                name,
                params,
                result,
                body
            })),
        ident().prop_map(|i| StatementKind::Guide {
            strategy: at(ExprKind::Name(i.name))
        }),
    ];
    let doc = prop::collection::vec("[a-z/]{0,4}", 0..2);
    let simple = (simple, doc).prop_map(|(kind, doc)| Statement {
        kind,
        span: Span::default(),
        doc,
    });
    simple.prop_recursive(2, 12, 3, with_bodies).boxed()
}

fn with_bodies(inner: BoxedStrategy<Statement>) -> BoxedStrategy<Statement> {
    let body = || prop::collection::vec(inner.clone(), 0..3);
    // Ends in a draw, for an `if` whose branches all end in values is an expression.
    let branch = (body(), let_statement(expr().boxed())).prop_map(|(mut body, last)| {
        body.push(last);
        body
    });
    prop_oneof![
        (ident(), expr(), prop::option::of(expr()), body()).prop_map(
            |(var, range, batch, body)| StatementKind::For {
                var,
                range,
                batch,
                body
            }
        ),
        (expr(), branch, prop::option::of(body())).prop_map(|(condition, then, otherwise)| {
            StatementKind::If {
                condition,
                then,
                otherwise,
            }
        }),
        body().prop_map(|body| StatementKind::GuideBlock { body }),
    ]
    .prop_map(bare)
    .boxed()
}
