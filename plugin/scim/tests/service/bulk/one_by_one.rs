//! A Bulk request does what its operations do one by one.

use std::collections::BTreeMap;

use nameplate_scim::config::Config;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{Results, delete, group, patch, post, put, user};
use crate::client::{Client, ENTERPRISE, PATCH_OP};
use crate::properties::cases;

/// Who an operation is about, or refers to.
#[derive(Clone, Debug)]
enum Who {
    /// One of those that are there from the beginning.
    There(usize),
    /// What an earlier operation creates.
    Made(usize),
    Nobody,
}

#[derive(Clone, Debug)]
enum What {
    User {
        name: &'static str,
        manager: Option<Who>,
    },
    Group {
        name: &'static str,
        members: Vec<Who>,
    },
    PutUser {
        who: Who,
        name: &'static str,
        manager: Option<Who>,
    },
    PutGroup {
        who: Who,
        name: &'static str,
        members: Vec<Who>,
    },
    Active(Who, bool),
    Title(Who, &'static str),
    Members {
        who: Who,
        add: Vec<Who>,
        remove: Vec<Who>,
    },
    RemoveByName(Who, &'static str),
    DeleteUser(Who),
    DeleteGroup(Who),
}

const NAMES: &[&str] = &["ana", "Bob", "cid", "dan", "eva", "ANA"];
const TITLES: &[&str] = &["a", "b"];

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        3 => (0..4_usize).prop_map(Who::There),
        4 => (0..8_usize).prop_map(Who::Made),
        1 => Just(Who::Nobody),
    ]
}

fn some() -> impl Strategy<Value = Vec<Who>> {
    prop::collection::vec(who(), 0..3)
}

fn what() -> impl Strategy<Value = What> {
    let name = || select(NAMES);
    let manager = || prop::option::of(who());
    prop_oneof![
        3 => (name(), manager()).prop_map(|(name, manager)| What::User { name, manager }),
        3 => (name(), some()).prop_map(|(name, members)| What::Group { name, members }),
        1 => (who(), name(), manager())
            .prop_map(|(who, name, manager)| What::PutUser { who, name, manager }),
        1 => (who(), name(), some())
            .prop_map(|(who, name, members)| What::PutGroup { who, name, members }),
        1 => (who(), any::<bool>()).prop_map(|(who, active)| What::Active(who, active)),
        1 => (who(), select(TITLES)).prop_map(|(who, title)| What::Title(who, title)),
        2 => (who(), some(), some())
            .prop_map(|(who, add, remove)| What::Members { who, add, remove }),
        1 => (who(), name()).prop_map(|(who, name)| What::RemoveByName(who, name)),
        1 => who().prop_map(What::DeleteUser),
        1 => who().prop_map(What::DeleteGroup),
    ]
}

/// A directory with three users, one of them inactive, and a group.
fn populated(config: Config) -> (Client, Vec<String>) {
    let mut client = Client::new();
    let mut ids: Vec<String> = ["ana", "bob", "cid"].map(|name| client.user(name)).into();
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let _ = client
        .patch(&format!("/Users/{}", ids[1]), &off)
        .expect(200);
    ids.push(client.group("ana", &[&ids[0], "held"]));
    client.directory.events.clear();
    client.config = config;
    (client, ids)
}

/// Ids as one of the two ways writes them.
struct Names<'n> {
    there: &'n [String],
    /// The place of the operation at hand: only earlier ones are referred to.
    at: usize,
    made: &'n dyn Fn(usize) -> String,
}

impl Names<'_> {
    fn id(&self, who: &Who) -> String {
        match who {
            Who::There(n) => self.there[n % self.there.len()].clone(),
            Who::Made(n) if self.at > 0 => (self.made)(n % self.at),
            Who::Made(_) | Who::Nobody => "0191aaaa-0000-7000-8000-000000000000".to_owned(),
        }
    }

    fn ids(&self, list: &[Who]) -> Vec<Value> {
        list.iter()
            .map(|who| json!({"value": self.id(who)}))
            .collect()
    }

    fn user(&self, name: &str, manager: Option<&Who>) -> Value {
        let mut user = user(name);
        if let Some(who) = manager {
            user[ENTERPRISE] = json!({"manager": {"value": self.id(who)}});
        }
        user
    }

    fn group(&self, name: &str, members: &[Who]) -> Value {
        let mut group = group(name, &[]);
        group["members"] = json!(self.ids(members));
        group
    }

    /// The operation, as Bulk has it.
    fn operation(&self, what: &What, version: Option<&str>) -> Value {
        let user_path = |who: &Who| format!("/Users/{}", self.id(who));
        let group_path = |who: &Who| format!("/Groups/{}", self.id(who));
        let bulk_id = self.at.to_string();
        let mut operation = match what {
            What::User { name, manager } => {
                post("/Users", &bulk_id, self.user(name, manager.as_ref()))
            }
            What::Group { name, members } => post("/Groups", &bulk_id, self.group(name, members)),
            What::PutUser { who, name, manager } => {
                put(&user_path(who), self.user(name, manager.as_ref()))
            }
            What::PutGroup { who, name, members } => {
                put(&group_path(who), self.group(name, members))
            }
            What::Active(who, active) => patch(
                &user_path(who),
                json!([{"op": "replace", "path": "active", "value": active}]),
            ),
            What::Title(who, title) => patch(
                &user_path(who),
                json!([{"op": "replace", "path": "title", "value": title}]),
            ),
            What::Members { who, add, remove } => {
                let path = group_path(who);
                let mut operations =
                    vec![json!({"op": "add", "path": "members", "value": self.ids(add)})];
                operations.extend(remove.iter().map(|who| {
                    json!({"op": "remove", "path": format!("members[value eq \"{}\"]", self.id(who))})
                }));
                patch(&path, json!(operations))
            }
            What::RemoveByName(who, name) => patch(
                &group_path(who),
                json!([{"op": "remove", "path": format!("members[value eq \"{name}\"]")}]),
            ),
            What::DeleteUser(who) => delete(&user_path(who)),
            What::DeleteGroup(who) => delete(&group_path(who)),
        };
        if let Some(version) = version {
            operation["version"] = json!(version);
        }
        operation
    }
}

/// What one way leaves: statuses and versions told, documents, edges and events, with
/// the operation that created it in place of each id.
#[derive(Debug, PartialEq)]
struct Left {
    told: Vec<(String, Value)>,
    documents: Vec<(String, u64, Value)>,
    edges: Vec<(String, String)>,
    held: Vec<(String, String)>,
    events: Vec<(String, String, Vec<Vec<u8>>)>,
}

impl Left {
    fn of(client: &Client, told: Vec<(String, Value)>, made: &BTreeMap<usize, String>) -> Self {
        let mut ids: BTreeMap<&str, String> = BTreeMap::new();
        for (at, id) in made {
            ids.entry(id).or_insert_with(|| format!("<{at}>"));
        }
        let named = |id: &str| ids.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let pair = |(a, b): (&String, &String)| (named(a), named(b));
        let state = &client.directory.state;
        let mut left = Self {
            told,
            documents: state
                .documents()
                .map(|document| {
                    let mut content: Value = serde_json::from_slice(&document.json).unwrap();
                    if let Some(manager) = content.pointer_mut(&format!("/{ENTERPRISE}/manager")) {
                        let id = manager["value"].as_str().unwrap().to_owned();
                        manager["value"] = json!(named(&id));
                    }
                    (named(&document.id), document.version, content)
                })
                .collect(),
            edges: state.edges.keys().map(|(a, b)| pair((a, b))).collect(),
            held: state.held.keys().map(|(a, b)| pair((a, b))).collect(),
            events: client
                .directory
                .events
                .iter()
                .map(|event| {
                    (
                        event.name.clone(),
                        named(&event.subject),
                        event.logins.clone(),
                    )
                })
                .collect(),
        };
        left.documents.sort_by(|a, b| a.0.cmp(&b.0));
        left.edges.sort();
        left.held.sort();
        left
    }
}

type Step = (What, Option<&'static str>);

/// All in one request.
fn at_once(config: &Config, steps: &[Step], most: u64) -> Left {
    let (mut client, there) = populated(config.clone());
    let operations: Vec<Value> = steps
        .iter()
        .enumerate()
        .map(|(at, (what, version))| {
            let made = |n: usize| format!("bulkId:{n}");
            Names {
                there: &there,
                at,
                made: &made,
            }
            .operation(what, *version)
        })
        .collect();
    let results = client.bulk_until(most, &operations);
    let made = results
        .0
        .iter()
        .enumerate()
        .filter(|(_, result)| result["status"] == "201")
        .map(|(at, _)| (at, results.id(at)))
        .collect();
    let told = told(&results);
    Left::of(&client, told, &made)
}

fn told(results: &Results) -> Vec<(String, Value)> {
    results
        .0
        .iter()
        .map(|result| {
            let told = result.get("version").or(result["response"].get("scimType"));
            (result["status"].as_str().unwrap().to_owned(), json!(told))
        })
        .collect()
}

/// One request after the other, with the ids that came back.
fn one_by_one(config: &Config, steps: &[Step], most: u64) -> Left {
    let (mut client, there) = populated(config.clone());
    let mut made: BTreeMap<usize, String> = BTreeMap::new();
    let creates: Vec<bool> = steps
        .iter()
        .map(|(what, _)| matches!(what, What::User { .. } | What::Group { .. }))
        .collect();
    let (mut told, mut errors) = (Vec::new(), 0);
    for (at, (what, version)) in steps.iter().enumerate() {
        if errors == most {
            break;
        }
        // What the answer has to be if a reference cannot be resolved.
        let refused = std::cell::Cell::new(None);
        let resolve = |n: usize| {
            let status = if creates[n] { 409 } else { 400 };
            made.get(&n).cloned().unwrap_or_else(|| {
                refused.set(refused.get().or(Some(status)));
                String::new()
            })
        };
        let names = Names {
            there: &there,
            at,
            made: &resolve,
        };
        let operation = names.operation(what, *version);
        let answer = match refused.get() {
            Some(409) => ("409".to_owned(), Value::Null),
            Some(_) => ("400".to_owned(), json!("invalidValue")),
            None => {
                let method = operation["method"].as_str().unwrap();
                let headers: Vec<(&str, &str)> = match version {
                    Some(version) if method != "POST" => vec![("if-match", version)],
                    _ => Vec::new(),
                };
                let body = match &operation["data"] {
                    Value::Null => String::new(),
                    data => data.to_string(),
                };
                let path = operation["path"].as_str().unwrap();
                let answer = client.request(method, path, &headers, body.as_bytes());
                if answer.status == 201 {
                    made.insert(at, answer.id());
                }
                let tag = answer.header("etag").map(|tag| json!(tag));
                let scim_type = answer.body.get("scimType").cloned();
                (answer.status.to_string(), tag.or(scim_type).into())
            }
        };
        errors += u64::from(!answer.0.starts_with('2'));
        told.push(answer);
    }
    Left::of(&client, told, &made)
}

fn config(reject: bool, duplicates: bool) -> Config {
    let unknown = if reject { "reject" } else { "hold" };
    let settings = json!({"unknown_members": unknown, "duplicate_group_names": duplicates});
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let version = prop::option::weighted(0.2, select(&["W/\"1\"", "W/\"2\"", "*"][..]));
    (what(), version)
}

/// JSON with a grain of sense.
fn any_json() -> impl Strategy<Value = Value> {
    let words = select(
        &[
            "method",
            "path",
            "bulkId",
            "version",
            "data",
            "schemas",
            "Operations",
            "op",
            "value",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "/Users",
            "/Groups",
            "/Users/bulkId:a",
            "bulkId:a",
            "bulkId:b",
            "a",
            "b",
            "userName",
            "displayName",
            "members",
            "add",
            "remove",
            "members[value eq \"bulkId:a\"]",
            PATCH_OP,
            "$ref",
            "../Users/bulkId:b",
            "",
        ][..],
    );
    let leaf = prop_oneof![
        4 => words.clone().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let name = words.clone().prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const FIELDS: &[&str] = &["method", "path", "bulkId", "version", "data"];

/// An operation of which some fields are anything.
fn any_operation() -> impl Strategy<Value = Value> {
    (
        step(),
        0..4_usize,
        prop::collection::btree_map(select(FIELDS), any_json(), 0..3),
    )
        .prop_map(|((what, version), at, other)| {
            let made = |n: usize| format!("bulkId:{n}");
            let there = ["1".to_owned()];
            let names = Names {
                there: &there,
                at,
                made: &made,
            };
            let mut operation = names.operation(&what, version);
            for (field, value) in other {
                operation[field] = value;
            }
            operation
        })
}

/// Resources that refer to each other: is it a group, and to which of the others.
fn web() -> impl Strategy<Value = Vec<(bool, Vec<usize>)>> {
    let node = (any::<bool>(), prop::collection::btree_set(0..8_usize, 0..4));
    prop::collection::vec(node, 1..8).prop_map(|nodes| {
        let count = nodes.len();
        let all = nodes.into_iter().map(|(is_group, to)| {
            // A user has one manager at most.
            let most = if is_group { 4 } else { 1 };
            let to = to.into_iter().filter(|to| *to < count).take(most);
            (is_group, to.collect())
        });
        all.collect()
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn whoever_refers_to_whom_all_of_it_holds(web in web(), reject in any::<bool>()) {
        let mut client = Client::with(config(reject, false));
        let operations: Vec<Value> = web.iter().enumerate().map(|(at, (is_group, to))| {
            let name = format!("n{at}");
            let to: Vec<String> = to.iter().map(|to| format!("bulkId:{to}")).collect();
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            match is_group {
                true => post("/Groups", &at.to_string(), group(&name, &to)),
                false => {
                    let mut user = user(&name);
                    if let [manager] = to.as_slice() {
                        user[ENTERPRISE] = json!({"manager": {"value": manager}});
                    }
                    post("/Users", &at.to_string(), user)
                }
            }
        }).collect();
        let results = client.bulk(&operations);
        prop_assert!(results.statuses().iter().all(|status| *status == "201"));
        for (at, (is_group, to)) in web.iter().enumerate() {
            let resource = client.get(&results.path(at)).expect(200);
            prop_assert_eq!(resource.version(), results.0[at]["version"].as_str().unwrap());
            let mut expected: Vec<String> = to.iter().map(|to| results.id(*to)).collect();
            expected.sort();
            let found = match is_group {
                true => resource.members(),
                false => resource.body[ENTERPRISE]["manager"]["value"]
                    .as_str()
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
            };
            prop_assert_eq!(found, expected);
        }
        prop_assert!(client.directory.state.held.is_empty());
    }

    #[test]
    fn a_bulk_leaves_what_its_operations_leave_one_by_one(
        (reject, duplicates) in any::<(bool, bool)>(),
        steps in prop::collection::vec(step(), 1..9),
        most in prop_oneof![4 => Just(1000_u64), 1 => 1..4_u64],
    ) {
        let config = config(reject, duplicates);
        let expected = one_by_one(&config, &steps, most);
        prop_assert_eq!(at_once(&config, &steps, most), expected);
    }

    #[test]
    fn any_operation_is_told_of_or_the_whole_is_refused(
        operations in prop::collection::vec(any_operation(), 1..6),
    ) {
        let (mut client, _) = populated(Config::default());
        let before = client.directory.state.clone();
        let answer = client.bulk_answer(&operations);
        match answer.status {
            200 => prop_assert_eq!(
                answer.body["Operations"].as_array().unwrap().len(),
                operations.len()
            ),
            status => {
                prop_assert_eq!(status, 400);
                prop_assert_eq!(client.directory.state, before);
            }
        }
    }

    #[test]
    fn any_json_is_answered(body in any_json(), operations in any_json()) {
        let mut client = Client::new();
        let answer = client.post("/Bulk", &body);
        prop_assert!(matches!(answer.status, 200 | 400));
        let answer = client.post("/Bulk", &json!({"Operations": operations}));
        prop_assert!(matches!(answer.status, 200 | 400));
    }
}
