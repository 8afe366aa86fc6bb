#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::error::{ScimError, ScimType};
use proptest::prelude::*;

fn path(text: &str) -> AttrPath {
    AttrPath::parse(text).unwrap()
}

fn eq(name: &str, value: &str) -> Filter {
    let value = Literal::Text(value.to_owned());
    Filter::Test(path(name), Condition::Compare(CompareOp::Eq, value))
}

fn pr(name: &str) -> Filter {
    Filter::Test(path(name), Condition::Present)
}

fn refused(text: &str) -> ScimError {
    let error = Filter::parse(text).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
    error
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_and() {
    assert_eq!(
        Filter::parse(r#"a pr or b pr AND Not (c PR) oR d eq "x""#).unwrap(),
        Filter::Or(vec![
            pr("a"),
            Filter::And(vec![pr("b"), Filter::Not(Box::new(pr("c")))]),
            eq("d", "x"),
        ])
    );
    assert_eq!(
        Filter::parse("(a pr or b pr) and c pr").unwrap(),
        Filter::And(vec![Filter::Or(vec![pr("a"), pr("b")]), pr("c")])
    );
}

#[test]
fn every_operator_and_literal_is_read_in_any_case() {
    for op in CompareOp::ALL {
        let word = op.as_str().to_uppercase();
        let filter = Filter::parse(&format!("a {word} -1.5e+3")).unwrap();
        let Filter::Test(_, Condition::Compare(parsed, Literal::Number(number))) = filter else {
            panic!("no comparison");
        };
        assert_eq!((parsed, number.as_f64()), (op, Some(-1500.0)));
    }
    for (word, literal) in [
        ("TRUE", Literal::Flag(true)),
        ("False", Literal::Flag(false)),
        ("NULL", Literal::Null),
    ] {
        assert_eq!(
            Filter::parse(&format!("a eq {word}")).unwrap(),
            Filter::Test(path("a"), Condition::Compare(CompareOp::Eq, literal))
        );
    }
}

#[test]
fn strings_hold_every_json_escape() {
    let filter = Filter::parse(r#"a eq "q\"b\\s\/\n\u00e9 \ud83d\ude00 + % 'é'""#).unwrap();
    assert_eq!(filter, eq("a", "q\"b\\s/\né 😀 + % 'é'"));
}

#[test]
fn value_paths_are_read_with_and_without_a_tail() {
    let inner = Filter::And(vec![eq("type", "work"), eq("value", "x")]);
    assert_eq!(
        Filter::parse(r#"emails[type eq "work" and value eq "x"]"#).unwrap(),
        Filter::ValuePath {
            path: path("emails"),
            filter: Box::new(inner.clone()),
            tail: None
        }
    );
    assert_eq!(
        Filter::parse(r#"emails[ type eq "work" and value eq "x" ].display pr"#).unwrap(),
        Filter::ValuePath {
            path: path("emails"),
            filter: Box::new(inner),
            tail: Some(("display".to_owned(), Condition::Present))
        }
    );
}

#[test]
fn a_urn_with_dots_and_digits_is_part_of_the_path() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    assert_eq!(
        Filter::parse(&format!(r#"{urn} eq "1""#)).unwrap(),
        eq(urn, "1")
    );
}

#[test]
fn a_refusal_says_where_and_what_to_change() {
    let cases = [
        ("", "the text ends where an attribute name should follow"),
        ("userName", "the text ends where an operator should follow"),
        ("userName eq", "the text ends where a value should follow"),
        (
            "userName eq bob",
            "put `bob` in double quotes, at character 13 near `userName eq bob`",
        ),
        (
            "userName eq 'bob'",
            "put values in straight double quotes, at character 13",
        ),
        (
            "userName eq “bob”",
            "put values in straight double quotes, at character 13",
        ),
        ("userName = \"bob\"", "`=` is no operator; use `eq`"),
        ("userName eq \"bob", "a string is not closed"),
        (r#"userName eq "\x""#, "a string is not JSON"),
        (r#"userName eq "\ud800""#, "a string is not JSON"),
        (
            "userName eq \"b\" xor a pr",
            "expected `and`, `or` or the end",
        ),
        ("(a pr", "`)` is missing"),
        ("a pr)", "closed that was not opened"),
        ("(a pr]", "expected `)`, `and` or `or`, at character 6"),
        ("emails[type pr)", "expected `]`, `and` or `or`"),
        ("emails[type pr", "`]` is missing"),
        ("emails[a[b pr]]", "brackets cannot stand inside brackets"),
        ("emails.value[a pr]", "brackets follow an attribute"),
        ("not a pr", "put what follows `not` in parentheses"),
        ("a.b.c pr", "`b.c` is not an attribute name"),
        ("a eq (", "expected a value"),
        (
            "a eq 1 and",
            "the text ends where an attribute name should follow",
        ),
        ("é eq 1", "does not belong here"),
        ("emails[type pr].1 pr", "is not a sub-attribute"),
    ];
    for (text, detail) in cases {
        let error = refused(text);
        assert!(error.detail.contains(detail), "{text}: {error}");
    }
}

#[test]
fn the_bounds_of_a_filter_are_kept() {
    let deep = |n: usize| format!("{}a pr{}", "(".repeat(n), ")".repeat(n));
    Filter::parse(&deep(MOST_LEVELS)).unwrap();
    assert!(
        refused(&deep(MOST_LEVELS + 1))
            .detail
            .contains("more than 32 levels")
    );
    assert!(
        refused(&"(".repeat(8000))
            .detail
            .contains("more than 32 levels")
    );

    let beside = ["(a pr)", "b[c pr]"].repeat(MOST_LEVELS).join(" or ");
    Filter::parse(&beside).unwrap();

    let wide = |n: usize| vec!["a pr"; n].join(" or ");
    Filter::parse(&wide(MOST_TESTS)).unwrap();
    assert!(
        refused(&wide(MOST_TESTS + 1))
            .detail
            .contains("more than 200 comparisons")
    );

    let long = |n: usize| format!("a eq \"{}\"", "x".repeat(n - 7));
    Filter::parse(&long(MOST_BYTES)).unwrap();
    assert!(refused(&long(MOST_BYTES + 1)).detail.contains("too long"));
}

#[test]
fn patch_paths_of_every_form_are_read() {
    for text in [
        "userName",
        "name.givenName",
        "urn:x:2.0:User:a.b",
        "emails[type eq \"work\"]",
    ] {
        value_path(text).unwrap();
    }
    let parsed = value_path("emails[type eq \"work\"].value").unwrap();
    assert_eq!(parsed.tail.as_deref(), Some("value"));
    for text in [
        "",
        "a b",
        "a[",
        "a[]",
        "a[b pr].",
        "a[b pr] c",
        "a pr",
        "a.b[c pr]",
        "a..b",
    ] {
        value_path(text).unwrap_err();
    }
}

fn any_name() -> impl Strategy<Value = String> {
    "[a-zA-Z$][a-zA-Z0-9_-]{0,6}"
}

fn any_path() -> impl Strategy<Value = AttrPath> {
    (
        proptest::option::of("urn:[a-z0-9.:]{1,12}[a-z0-9]"),
        any_name(),
        proptest::option::of(any_name()),
    )
        .prop_map(|(schema, attr, sub)| AttrPath { schema, attr, sub })
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let literal = prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|n| Literal::Number(n.into())),
        any::<bool>().prop_map(Literal::Flag),
        Just(Literal::Null),
    ];
    let compare = (proptest::sample::select(CompareOp::ALL.to_vec()), literal)
        .prop_map(|(op, literal)| Condition::Compare(op, literal));
    prop_oneof![Just(Condition::Present), compare]
}

/// Trees of tests; with `brackets` some leaves are value paths.
fn any_filter(brackets: bool) -> BoxedStrategy<Filter> {
    let test = (any_path(), any_condition())
        .prop_map(|(path, condition)| Filter::Test(path, condition))
        .boxed();
    let leaf = if brackets {
        let tail = proptest::option::of((any_name(), any_condition()));
        let value_path = (any_path(), any_filter(false), tail).prop_map(|(path, filter, tail)| {
            Filter::ValuePath {
                path: AttrPath { sub: None, ..path },
                filter: Box::new(filter),
                tail,
            }
        });
        prop_oneof![test, value_path].boxed()
    } else {
        test
    };
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

#[test]
fn what_is_nested_as_deep_as_allowed_prints_no_deeper() {
    let deep = "not (".repeat(MOST_LEVELS) + "a pr and b pr or c pr" + &")".repeat(MOST_LEVELS);
    let filter = Filter::parse(&deep).unwrap();
    assert_eq!(filter.to_string(), deep);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_printed_filter_reads_back_as_itself(filter in any_filter(true)) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MOST_BYTES);
        prop_assert_eq!(Filter::parse(&text).unwrap(), filter, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Filter::parse(&text);
        let _ = value_path(&text);
    }

    #[test]
    fn any_soup_of_tokens_is_read_or_refused(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "(", ")", "[", "]", "and", "or", "not", "a", "a.b", ".c", "eq", "pr", "\"x\"", "\"", "1",
            "true", "urn:x:y", "\\",
        ]), 0..20)
    ) {
        let _ = Filter::parse(&words.join(" "));
        let _ = value_path(&words.concat());
    }
}
