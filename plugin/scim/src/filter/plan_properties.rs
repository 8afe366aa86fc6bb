//! The planner against a scan: whatever the documents and the filter, the candidates
//! hold every match, and an exact plan holds nothing else.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::super::{Filter, View, keys_of, resolve};
use super::*;
use crate::config::{Config, Dialect};
use crate::directory::Key;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const CARD: &str = "urn:example:params:scim:schemas:card:2.0:User";

/// A connection with an extension that has an index of every form, on single values,
/// lists and parts of objects, and one attribute of each that has none.
fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let schema = json!({"id": CARD, "name": "Card", "attributes": [
            {"name": "number", "caseExact": true},
            {"name": "label", "uniqueness": "server"},
            {"name": "level", "type": "integer"},
            {"name": "since", "type": "dateTime"},
            {"name": "remote", "type": "boolean"},
            {"name": "homepage", "type": "reference", "caseExact": true},
            {"name": "tags", "multiValued": true},
            {"name": "note"},
            {"name": "weight", "type": "decimal"},
            // Named as a login is, and none.
            {"name": "emails", "type": "complex", "multiValued": true,
                "subAttributes": [{"name": "value"}]},
            {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "code", "caseExact": true},
                {"name": "floor", "type": "integer"},
                {"name": "opened", "type": "dateTime"},
                {"name": "locked", "type": "boolean"},
            ]},
        ]});
        let indexed = [
            "number",
            "level",
            "since",
            "remote",
            "homepage",
            "tags",
            "emails.value",
            "doors.code",
            "doors.floor",
            "doors.opened",
            "doors.locked",
        ];
        let settings = json!({"schemas": [
            {"resource": "User", "schema": schema, "indexed": indexed},
        ]});
        Config::from_json(settings.to_string().as_bytes()).unwrap()
    })
}

#[derive(Clone, Debug)]
struct Doc {
    id: String,
    modified: u64,
    content: Map<String, Value>,
    /// Of a user, its groups; of a group, its members.
    edges: BTreeSet<String>,
}

impl View for Doc {
    fn document(&self) -> &Map<String, Value> {
        &self.content
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn created(&self) -> u64 {
        1000
    }
    fn modified(&self) -> u64 {
        self.modified
    }
    fn version(&self) -> String {
        "W/\"1\"".to_owned()
    }
    fn has_edge(&self, id: &str) -> bool {
        self.edges.contains(id)
    }
    fn member_count(&self) -> u64 {
        self.edges.len() as u64
    }
}

/// What a store would find.
fn found(plan: &Plan, docs: &[Doc], keys: &[Vec<Key>]) -> BTreeSet<usize> {
    let places = |holds: &dyn Fn(usize, &Doc) -> bool| {
        let docs = docs.iter().enumerate();
        docs.filter(|(place, doc)| holds(*place, doc))
            .map(|(place, _)| place)
            .collect()
    };
    match plan {
        Plan::Scan => places(&|_, _| true),
        Plan::Ids(ids) => places(&|_, doc| ids.contains(&doc.id)),
        Plan::GroupsOf(id) | Plan::UsersIn(id) => places(&|_, doc| doc.edges.contains(id)),
        Plan::Union(plans) => {
            assert!(plans.len() > 1, "a union of one");
            let parts = plans.iter();
            parts.flat_map(|part| found(part, docs, keys)).collect()
        }
        Plan::Index { index, range } => places(&|place, doc| match index.as_str() {
            BY_ID => holds(range, doc.id.as_bytes()),
            BY_MODIFIED => holds(range, &doc.modified.to_be_bytes()),
            index => keys.get(place).unwrap().iter().any(|key| {
                assert!(key.value.len() <= MAX_KEY && key.attribute.len() <= 128);
                key.attribute == index && holds(range, &key.value)
            }),
        }),
    }
}

fn holds(range: &KeyRange, value: &[u8]) -> bool {
    let bounds: Vec<&Vec<u8>> = match range {
        KeyRange::All => Vec::new(),
        KeyRange::Equal(v) | KeyRange::Prefix(v) | KeyRange::Contains(v) => vec![v],
        KeyRange::Between(from, to) => from.iter().chain(to).collect(),
    };
    assert!(bounds.iter().all(|bound| bound.len() <= MAX_KEY));
    match range {
        KeyRange::All => panic!("an index range that is none"),
        KeyRange::Equal(v) => value == v,
        KeyRange::Prefix(v) => value.starts_with(v),
        KeyRange::Between(from, to) => {
            from.as_ref().is_none_or(|from| value >= from.as_slice())
                && to.as_ref().is_none_or(|to| value <= to.as_slice())
        }
        KeyRange::Contains(v) => value.windows(v.len()).any(|part| part == v),
    }
}

/// Texts that fold, trim, nest and are cut in the ways that matter.
fn text() -> impl Strategy<Value = String> {
    let lengths = proptest::sample::select(vec![479_usize, 480, 481, 500, 511, 512, 513]);
    let long = (lengths, "[xyX]?").prop_map(|(n, end)| "x".repeat(n) + &end);
    prop_oneof![
        3 => "[aAbBß\u{301}\u{0} é]{0,2}",
        2 => proptest::sample::select(vec!["", " ", "ss", "ß", "é", "E\u{301}", "u1", "g1", "work"])
            .prop_map(str::to_owned),
        2 => long,
    ]
}

fn number() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!(0),
        json!(1),
        json!(2),
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
    ])
}

fn literal_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        number(),
        proptest::sample::select(vec![
            json!(0.0),
            json!(1.5),
            json!(1.25),
            json!(-0.5),
            json!(9_007_199_254_740_992.0),
            json!(1e300),
            json!(-1e300),
        ]),
    ]
}

fn instant() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:01Z",
        "1970-01-01T01:00:01+01:00",
        "1970-01-01T00:00:01.000000001Z",
        "1970-01-01T00:00:01.0005Z",
        "1970-01-01T00:00:01.001Z",
        "1970-01-01T00:00:02Z",
        "-009999-01-02T01:59:59Z",
        "9999-12-30T22:00:00Z",
    ])
    .prop_map(str::to_owned)
}

/// A member of a document: a name, and a value or none.
fn member(
    name: &'static str,
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Option<(String, Value)>> {
    let member = value.prop_map(move |value| (name.to_owned(), value));
    proptest::option::weighted(0.7, member).boxed()
}

fn object(members: Vec<BoxedStrategy<Option<(String, Value)>>>) -> BoxedStrategy<Value> {
    members
        .prop_map(|members| Value::Object(members.into_iter().flatten().collect()))
        .boxed()
}

fn list(element: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::vec(element, 1..4).prop_map(Value::Array)
}

fn string() -> impl Strategy<Value = Value> {
    text().prop_map(Value::from)
}

/// A text that is not blank: what a login is once a document is stored.
fn login() -> impl Strategy<Value = Value> {
    text().prop_map(|text| match text.trim() {
        "" => "a".into(),
        _ => text.into(),
    })
}

fn flag() -> impl Strategy<Value = Value> {
    any::<bool>().prop_map(Value::from)
}

fn time() -> impl Strategy<Value = Value> {
    instant().prop_map(Value::from)
}

fn content(kind: Kind) -> BoxedStrategy<Value> {
    if kind == Kind::Group {
        return object(vec![
            member("displayName", string()),
            member("externalId", string()),
        ]);
    }
    let email = (login(), object(vec![member("type", string())])).prop_map(|(value, mut email)| {
        email.as_object_mut().unwrap().insert("value".into(), value);
        email
    });
    let other_email = object(vec![member("value", string())]);
    let door = object(vec![
        member("code", string()),
        member("floor", number()),
        member("opened", time()),
        member("locked", flag()),
    ]);
    let card = object(vec![
        member("number", string()),
        member("label", string()),
        member("level", number()),
        member("since", time()),
        member("remote", flag()),
        member("homepage", string()),
        member("tags", list(string())),
        member("note", string()),
        member("weight", literal_number()),
        member("emails", list(other_email)),
        member("doors", list(door)),
    ]);
    let user = object(vec![
        member("displayName", string()),
        member("externalId", string()),
        member("active", flag()),
        member("title", string()),
        member("emails", list(email)),
        member(CARD, card),
    ]);
    (login(), user)
        .prop_map(|(name, mut user)| {
            user.as_object_mut()
                .unwrap()
                .insert("userName".into(), name);
            user
        })
        .boxed()
}

fn docs(kind: Kind) -> impl Strategy<Value = Vec<Doc>> {
    let edges = proptest::collection::btree_set("[gu][12]", 0..3);
    let doc = (content(kind), 998..1004_u64, edges);
    proptest::collection::vec(doc, 0..12).prop_map(|docs| {
        let docs = docs.into_iter().enumerate();
        docs.map(|(n, (content, modified, edges))| Doc {
            id: format!("{}{n}", if n % 2 == 0 { "u" } else { "a" }),
            modified,
            content: content.as_object().unwrap().clone(),
            edges,
        })
        .collect()
    })
}

const ALL: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
const ORDERED: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];
const EQUAL: [&str; 2] = ["eq", "ne"];

/// A comparison of one of these with such a value, or `pr`.
fn test(
    names: &[&str],
    ops: &'static [&'static str],
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let name = proptest::sample::select(names);
    let op = proptest::sample::select(ops);
    let compare =
        (name.clone(), op, value).prop_map(|(name, op, value)| format!("{name} {op} {value}"));
    prop_oneof![9 => compare, 1 => name.prop_map(|name| format!("{name} pr"))].boxed()
}

fn card(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{CARD}:{name}")).collect()
}

fn of_card(
    names: &[&str],
    ops: &'static [&'static str],
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<String> {
    let names = card(names);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    test(&names, ops, value)
}

fn joined(leaf: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let tree = leaf.clone().prop_recursive(3, 12, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several
                .clone()
                .prop_map(|parts| format!("({})", parts.join(" and "))),
            several.prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    });
    // What is asked for alone has to be planned well, and is where a miss shows.
    prop_oneof![3 => leaf, 2 => tree].boxed()
}

fn id() -> impl Strategy<Value = Value> {
    "[ua][0-9]?|[gu][12]".prop_map(Value::from)
}

fn filter(kind: Kind) -> BoxedStrategy<String> {
    let time = || instant().prop_map(Value::from);
    let common = prop_oneof![
        test(&["displayName", "externalId"], &ALL, string()),
        test(&["id"], &ALL, prop_oneof![id().boxed(), string().boxed()]),
        test(&["meta.lastModified"], &ORDERED, time()),
        test(&["meta.created"], &ORDERED, time()),
        test(
            &["meta.resourceType"],
            &EQUAL,
            "User|Group".prop_map(Value::from)
        ),
    ];
    if kind == Kind::Group {
        let members = prop_oneof![
            test(&["members", "members.value"], &EQUAL, id()),
            id().prop_map(|id| format!("members[value eq {id} or value eq \"g1\"]")),
        ];
        return joined(prop_oneof![common, members].boxed());
    }
    let in_emails = joined(test(&["value", "type"], &ALL, string()));
    let in_doors = joined(
        prop_oneof![
            test(&["code"], &ALL, string()),
            test(&["floor"], &ORDERED, literal_number()),
            test(&["opened"], &ORDERED, time()),
            test(&["locked"], &EQUAL, flag()),
        ]
        .boxed(),
    );
    let brackets = prop_oneof![
        in_emails
            .clone()
            .prop_map(|inner| format!("emails[{inner}]")),
        (in_emails, test(&[".value"], &ALL, string()))
            .prop_map(|(inner, test)| format!("emails[{inner}]{test}")),
        in_doors.prop_map(|inner| format!("{CARD}:doors[{inner}]")),
        test(&["value"], &ALL, string()).prop_map(|inner| format!("{CARD}:emails[{inner}]")),
        joined(test(&["value"], &ALL, string())).prop_map(|inner| format!("{CARD}:tags[{inner}]")),
    ];
    let own = prop_oneof![
        test(
            &["userName", "emails", "emails.value", "title"],
            &ALL,
            string()
        ),
        test(&["active"], &EQUAL, flag()),
        id().prop_map(|id| format!("groups.value eq {id}")),
    ];
    let text = [
        "number",
        "label",
        "homepage",
        "tags",
        "note",
        "emails",
        "doors.code",
    ];
    let extension = prop_oneof![
        of_card(&text, &ALL, string()),
        of_card(
            &["level", "doors.floor", "weight"],
            &ORDERED,
            literal_number()
        ),
        of_card(&["since", "doors.opened"], &ORDERED, time()),
        of_card(&["remote", "doors.locked"], &EQUAL, flag()),
    ];
    joined(prop_oneof![2 => common, 3 => own, 2 => extension, 3 => brackets].boxed())
}

#[track_caller]
fn check(kind: Kind, filter: &str, docs: &[Doc], dialect: Dialect) -> Planned {
    let config = config();
    let rt = config.registry.resource_type(kind);
    let expr = resolve(&Filter::parse(filter).unwrap(), rt, dialect).unwrap();
    let planned = plan(&expr, rt);
    let keys: Vec<Vec<Key>> = docs
        .iter()
        .map(|doc| keys_of(rt, &doc.content, config))
        .collect();
    let candidates = found(&planned.plan, docs, &keys);
    let docs = docs.iter().enumerate();
    let matches: BTreeSet<usize> = docs
        .filter(|(_, doc)| expr.matches(*doc))
        .map(|(place, _)| place)
        .collect();
    assert!(
        matches.is_subset(&candidates),
        "{planned:?} finds {candidates:?} of {matches:?}"
    );
    assert!(
        !planned.exact || matches == candidates,
        "{planned:?} is not exact: {candidates:?}, not {matches:?}"
    );
    planned
}

fn dialect() -> impl Strategy<Value = Dialect> {
    proptest::sample::select(vec![Dialect::Auto, Dialect::Strict])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_plan_of_users_misses_no_match(
        filter in filter(Kind::User), docs in docs(Kind::User), dialect in dialect()
    ) {
        check(Kind::User, &filter, &docs, dialect);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_plan_of_groups_misses_no_match(
        filter in filter(Kind::Group), docs in docs(Kind::Group), dialect in dialect()
    ) {
        check(Kind::Group, &filter, &docs, dialect);
    }
}

/// The property says nothing if every plan is a scan: each indexed attribute has to be
/// found by its index with each operator that suits it.
#[test]
fn every_index_is_planned_on() {
    let scans = |name: &str, op: &str, value: &str| {
        let filter = format!("{name} {op} {value}");
        check(Kind::User, &filter, &[], Dialect::Auto).plan == Plan::Scan
    };
    let texts = ["userName", "emails", "displayName", "externalId"].map(str::to_owned);
    let declared = card(&[
        "number",
        "label",
        "homepage",
        "tags",
        "emails",
        "doors.code",
    ]);
    for name in texts.iter().chain(&declared) {
        for op in ALL.iter().filter(|op| **op != "ne") {
            assert!(!scans(name, op, "\"a\""), "{name} {op}");
        }
    }
    for op in ORDERED.iter().filter(|op| **op != "ne") {
        for name in card(&["level", "doors.floor"]) {
            assert!(!scans(&name, op, "1"), "{name} {op}");
        }
        let times = card(&["since", "doors.opened"]);
        for name in times
            .iter()
            .map(String::as_str)
            .chain(["meta.lastModified"])
        {
            assert!(!scans(name, op, "\"1970-01-01T00:00:01Z\""), "{name} {op}");
        }
    }
    for name in card(&["remote", "doors.locked"]) {
        assert!(!scans(&name, "eq", "true"), "{name}");
    }
    for op in ["eq", "sw", "gt", "ge", "lt", "le"] {
        assert!(!scans("id", op, "\"a\""), "{op}");
    }
}
