//! Random users, and random operations on them that keep meeting each other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::model::{Attr, Kind, Op, Operation, Path, Payload, SCHEMAS, Target};
use super::traffic::BADGE;
use crate::client::{ENTERPRISE, USER};

/// Few words, some more often, so that they meet again; in two cases, so that folding
/// matters.
const WORDS: &[&str] = &[
    "ana", "ana", "ana", "ANA", "bo", "bo", "josé", "JOSÉ", " ", "",
];

/// What no schema has, so that it is kept and not shown.
pub const UNDECLARED: &str = "shoeSize";

fn word() -> impl Strategy<Value = Value> {
    select(WORDS).prop_map(Value::from)
}

/// A value of an attribute, mostly one that suits it.
fn value(attr: &'static Attr) -> BoxedStrategy<Value> {
    let misfit = select(vec![
        json!(null),
        json!(5),
        json!(1.5),
        json!(true),
        json!("yes"),
        json!([]),
        json!({}),
        json!([[]]),
        json!("ana"),
        json!([null]),
    ]);
    let fit = match attr.list {
        false => element(attr),
        true => prop_oneof![
            6 => prop::collection::vec(element(attr), 0..4).prop_map(Value::from),
            1 => element(attr),
        ]
        .boxed(),
    };
    prop_oneof![12 => fit, 1 => misfit].boxed()
}

fn element(attr: &'static Attr) -> BoxedStrategy<Value> {
    match attr.kind {
        Kind::Text | Kind::Exact => word().boxed(),
        Kind::Flag => select(vec![json!(true), json!(true), json!(false), json!("False")]).boxed(),
        Kind::Integer => (0..4).prop_map(Value::from).boxed(),
        Kind::Complex(subs) => {
            let part = |sub: &'static Attr| {
                prop::option::weighted(0.6, value(sub).prop_map(|value| (sub.name, value)))
            };
            let parts: Vec<_> = subs.iter().map(part).collect();
            parts
                .prop_map(|parts| {
                    let parts = parts.into_iter().flatten();
                    parts
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect()
                })
                .boxed()
        }
    }
}

fn attributes() -> Vec<(&'static str, &'static Attr)> {
    let attrs = |(urn, attrs): &(&'static str, &'static [Attr])| {
        let urn = *urn;
        attrs.iter().map(move |attr| (urn, attr))
    };
    SCHEMAS.iter().flat_map(attrs).collect()
}

/// A path of this attribute and a value for what it names.
fn path(schema: &'static str, attr: &'static Attr) -> BoxedStrategy<(Path, Value)> {
    let subs: Vec<&'static Attr> = attr.subs().iter().collect();
    let sub = match subs.is_empty() {
        true => Just(None).boxed(),
        false => prop::option::weighted(0.5, select(subs.clone())).boxed(),
    };
    let tested = match (attr.list, subs.is_empty()) {
        (true, false) => prop::collection::vec(
            select(subs).prop_flat_map(|sub| (Just(sub.name), literal(sub))),
            0..3,
        )
        .boxed(),
        (true, true) => prop::collection::vec((Just("value"), word()), 0..2).boxed(),
        // Brackets where there is no list, now and then.
        (false, _) => prop_oneof![
            30 => Just(Vec::new()),
            1 => Just(vec![("value", json!("ana"))]),
        ]
        .boxed(),
    };
    (sub, tested, any::<bool>())
        .prop_flat_map(move |(sub, filter, written)| {
            let path = Path {
                schema,
                written: written || schema != USER,
                attr: attr.name,
                filter,
                sub: sub.map(|sub| sub.name),
            };
            let value = match (sub, path.filter.is_empty()) {
                (Some(sub), _) => value(sub),
                (None, true) => value(attr),
                (None, false) => prop_oneof![5 => element(attr), 1 => value(attr)].boxed(),
            };
            (Just(path), value)
        })
        .boxed()
}

fn literal(sub: &'static Attr) -> BoxedStrategy<Value> {
    match sub.kind {
        Kind::Flag => any::<bool>().prop_map(Value::from).boxed(),
        _ => word().boxed(),
    }
}

/// A few attributes, so that operations meet.
pub type Few = Vec<(&'static str, &'static Attr)>;

pub fn few() -> impl Strategy<Value = Few> {
    subsequence(attributes(), 1..4)
}

/// A path of one of these attributes, of none sometimes.
fn any_path(few: &Few) -> BoxedStrategy<(Path, Value)> {
    let known = select(few.clone()).prop_flat_map(|(schema, attr)| path(schema, attr));
    let unknown = (any::<bool>(), word()).prop_map(|(filtered, word)| {
        let path = Path {
            schema: USER,
            written: false,
            attr: UNDECLARED,
            filter: match filtered {
                true => vec![("value", json!("ana"))],
                false => Vec::new(),
            },
            sub: None,
        };
        (path, word)
    });
    prop_oneof![20 => known, 1 => unknown].boxed()
}

/// The attributes of an operation on a whole resource, in the order they are sent.
fn parts(few: &Few) -> BoxedStrategy<Payload> {
    let part = prop_oneof![
        6 => any_path(few).prop_map(|(path, value)| (Target::At(path), Payload::One(value))),
        1 => (Just(few.clone()), extension()).prop_flat_map(|(few, urn)| {
            extension_parts(&few, urn).prop_map(move |parts| (Target::Schema(urn), parts))
        }),
    ];
    let misfit = select(vec![json!(null), json!([]), json!("ana")]).prop_map(Payload::One);
    prop_oneof![
        15 => prop::collection::vec(part, 0..4).prop_map(sorted),
        1 => misfit,
    ]
    .boxed()
}

/// In the order JSON has them here. Names that differ in case alone are one (RFC 7643
/// 2.1), and sending both is no PATCH but a mistake.
fn sorted(parts: Vec<(Target, Payload)>) -> Payload {
    let parts = parts.into_iter();
    let parts = parts.map(|part| (part.0.to_string().to_lowercase(), part));
    let once: BTreeMap<_, _> = parts.collect();
    let mut parts: Vec<_> = once.into_values().collect();
    parts.sort_by_key(|(target, _)| target.to_string());
    Payload::Each(parts)
}

fn extension() -> impl Strategy<Value = &'static str> {
    select(vec![ENTERPRISE, BADGE])
}

fn extension_parts(few: &Few, urn: &'static str) -> BoxedStrategy<Payload> {
    let mut attrs: Few = few.iter().filter(|(of, _)| *of == urn).copied().collect();
    if attrs.is_empty() {
        attrs = attributes();
        attrs.retain(|(of, _)| *of == urn);
    }
    let part = select(attrs).prop_flat_map(|(schema, attr)| path(schema, attr));
    let part = part.prop_map(|(path, value)| {
        // The URN is written once, before all of them.
        let path = Path {
            written: false,
            ..path
        };
        (Target::At(path), Payload::One(value))
    });
    prop::collection::vec(part, 0..3).prop_map(sorted).boxed()
}

pub fn operation(few: &Few) -> impl Strategy<Value = Operation> + use<> {
    let op = select(vec![Op::Add, Op::Replace, Op::Remove]);
    let target = prop_oneof![
        8 => any_path(few).prop_map(|(path, value)| (Target::At(path), Payload::One(value))),
        3 => parts(few).prop_map(|parts| (Target::Resource, parts)),
        1 => parts(few).prop_map(|parts| (Target::Schema(USER), parts)),
        1 => (Just(few.clone()), extension()).prop_flat_map(|(few, urn)| {
            let parts = prop_oneof![
                4 => extension_parts(&few, urn),
                1 => Just(Payload::One(Value::Null)),
            ];
            parts.prop_map(move |parts| (Target::Schema(urn), parts))
        }),
    ];
    (op, target, 0..20).prop_map(|(op, (target, payload), luck)| {
        // Removals have no value, others have one, as a rule.
        let payload = match (op, luck) {
            (Op::Remove, 3..) | (_, 0) => Payload::Absent,
            _ => payload,
        };
        Operation {
            op,
            target,
            payload,
        }
    })
}

/// A user to start from.
pub fn user(few: &Few) -> impl Strategy<Value = Value> + use<> {
    let changed = prop::collection::vec(any_path(few), 0..6);
    changed.prop_map(|changed| {
        let mut user = json!({"schemas": [USER], "userName": "ana"});
        for (path, value) in changed {
            if path.filter.is_empty() && path.sub.is_none() && path.schema == USER {
                user[path.attr] = value;
            } else if path.filter.is_empty() && path.sub.is_none() {
                user[path.schema][path.attr] = value;
            }
        }
        if user.get(BADGE).is_some() {
            user[BADGE]["locks"] = json!([{"value": "ana"}]);
        }
        user
    })
}
