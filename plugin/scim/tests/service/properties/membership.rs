//! PATCH and PUT of a group's members do what a set does.

use std::collections::BTreeSet;

use nameplate_scim::config::UnknownMembers;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::cases;
use super::traffic::config;
use crate::client::{Client, GROUP};

/// What an operation names: users and a group that exist, and ids nobody has.
const NAMES: usize = 6;

#[derive(Clone, Debug)]
enum Change {
    Add(Vec<usize>),
    /// An object in the place of a list.
    AddOne(usize),
    Replace(Vec<usize>),
    RemoveAll,
    /// Entra's older form.
    RemoveByValue(Vec<usize>),
    RemoveByFilter(Vec<usize>),
    ReplaceByFilter(usize, usize),
    Nothing,
    Part,
    ReplaceWithNull,
}

fn change() -> impl Strategy<Value = Change> {
    let ids = || prop::collection::vec(0..NAMES, 0..4);
    prop_oneof![
        4 => ids().prop_map(Change::Add),
        1 => (0..NAMES).prop_map(Change::AddOne),
        2 => ids().prop_map(Change::Replace),
        1 => Just(Change::RemoveAll),
        2 => ids().prop_map(Change::RemoveByValue),
        3 => prop::collection::vec(0..NAMES, 1..3).prop_map(Change::RemoveByFilter),
        1 => (0..NAMES, 0..NAMES).prop_map(|(a, b)| Change::ReplaceByFilter(a, b)),
        1 => Just(Change::Nothing),
        1 => select(vec![Change::Part, Change::ReplaceWithNull]),
    ]
}

impl Change {
    fn to_json(&self, ids: &[String]) -> Value {
        let member = |n: &usize| json!({"value": ids[*n]});
        let list = |list: &[usize]| list.iter().map(member).collect::<Value>();
        let path = |list: &[usize]| {
            let tests = list.iter().map(|n| format!("value eq \"{}\"", ids[*n]));
            format!("members[{}]", tests.collect::<Vec<_>>().join(" or "))
        };
        let (op, path, value) = match self {
            Self::Add(ids) => ("add", "members".into(), list(ids)),
            Self::AddOne(id) => ("add", "members".into(), member(id)),
            Self::Replace(ids) => ("replace", "members".into(), list(ids)),
            Self::RemoveAll => ("remove", "members".into(), Value::Null),
            Self::RemoveByValue(ids) => ("remove", "members".into(), list(ids)),
            Self::RemoveByFilter(ids) => ("remove", path(ids), Value::Null),
            Self::ReplaceByFilter(id, by) => ("replace", path(&[*id]), member(by)),
            Self::Nothing => ("add", "members".into(), Value::Null),
            Self::Part => ("replace", "members.display".into(), json!("x")),
            Self::ReplaceWithNull => ("replace", "members".into(), Value::Null),
        };
        json!({"op": op, "path": path, "value": value})
    }

    /// RFC 7644 3.5.2, one operation after the other. `seen` are those that a path can
    /// choose: not who is held since an earlier request.
    fn apply(
        &self,
        set: &mut BTreeSet<usize>,
        seen: &mut BTreeSet<usize>,
        strict: bool,
    ) -> Result<(), &'static str> {
        match self {
            // RFC 7644 3.5.2.3: a filter that matches nothing.
            Self::ReplaceByFilter(id, _) if strict && !seen.contains(id) => Err("noTarget"),
            _ => self.change(set, strict).and(self.change(seen, strict)),
        }
    }

    fn change(&self, set: &mut BTreeSet<usize>, strict: bool) -> Result<(), &'static str> {
        match self {
            Self::AddOne(_) | Self::RemoveByValue(_) if strict => return Err("invalidValue"),
            Self::Add(ids) => set.extend(ids),
            Self::AddOne(id) => set.extend([*id]),
            Self::Replace(ids) => *set = ids.iter().copied().collect(),
            Self::RemoveAll => set.clear(),
            Self::RemoveByValue(ids) | Self::RemoveByFilter(ids) => {
                set.retain(|id| !ids.contains(id));
            }
            Self::ReplaceByFilter(id, by) => {
                set.remove(id);
                set.insert(*by);
            }
            Self::Nothing => {}
            // RFC 7643 8.7.1: the parts of a member do not change.
            Self::Part => return Err("mutability"),
            Self::ReplaceWithNull => return Err("invalidValue"),
        }
        Ok(())
    }
}

/// A group of nobody and the ids the changes name; those from the fifth on are unknown.
fn group(client: &mut Client) -> (String, Vec<String>) {
    let mut ids: Vec<String> = ["a", "b", "c"].map(|name| client.user(name)).to_vec();
    ids.push(client.group("inner", &[]));
    ids.push("0191aaaa-0000-7000-8000-000000000001".to_owned());
    ids.push("0191aaaa-0000-7000-8000-000000000002".to_owned());
    (client.group("outer", &[]), ids)
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn members_change_as_a_set_does(
        strict in any::<bool>(),
        unknown in select(vec![UnknownMembers::Hold, UnknownMembers::Reject]),
        requests in prop::collection::vec(
            (prop::collection::vec(change(), 1..4), any::<bool>()), 1..6),
    ) {
        let mut settings = config(if strict { "strict" } else { "auto" });
        settings.unknown_members = unknown;
        let mut client = Client::with(settings);
        let (id, ids) = group(&mut client);
        let place = format!("/Groups/{id}");
        let mut before = client.get(&place).expect(200);
        let mut set = BTreeSet::new();
        for (changes, put) in requests {
            let known = |n: &&usize| **n < 4;
            let mut new = set.clone();
            let mut seen: BTreeSet<usize> = set.iter().filter(known).copied().collect();
            // Any of them may be the one that is said.
            let mut wrong = Vec::new();
            // Now and then the whole list by PUT.
            let whole = changes.iter().find_map(|change| match change {
                Change::Replace(ids) if put => Some(ids),
                _ => None,
            });
            let answer = match whole {
                Some(list) => {
                    new = list.iter().copied().collect();
                    let members: Value = list.iter().map(|n| json!({"value": ids[*n]})).collect();
                    client.put(&place, &json!({"schemas": [GROUP], "displayName": "outer",
                        "members": members}))
                }
                None => {
                    let each = changes.iter();
                    wrong.extend(each.filter_map(|c| c.apply(&mut new, &mut seen, strict).err()));
                    let operations: Value = changes.iter().map(|c| c.to_json(&ids)).collect();
                    client.patch(&place, &operations)
                }
            };
            let unknown_ids = !new.iter().all(|n| known(&n));
            if wrong.is_empty() && unknown == UnknownMembers::Reject && unknown_ids {
                wrong.push("invalidValue");
            }
            if wrong.is_empty() {
                prop_assert_eq!(answer.status, 200, "{}", answer.body);
                set = new;
            } else {
                prop_assert_eq!(answer.status, 400);
                let said = answer.body["scimType"].as_str().unwrap();
                prop_assert!(wrong.contains(&said), "{}", answer.body);
            }
            let after = client.get(&place).expect(200);
            let shown: BTreeSet<String> = after.members().into_iter().collect();
            prop_assert_eq!(shown.len(), after.members().len());
            let there = set.iter().filter(known).map(|n| ids[*n].clone());
            prop_assert_eq!(&shown, &there.collect::<BTreeSet<_>>());
            // Both ends say the same.
            for (n, user) in ids.iter().enumerate().take(3) {
                let groups = client.get(&format!("/Users/{user}")).expect(200);
                let groups = groups.body["groups"].as_array().map_or(0, Vec::len);
                prop_assert_eq!(groups, usize::from(set.contains(&n)));
            }
            let same = after.members() == before.members();
            prop_assert_eq!(after.body["meta"] == before.body["meta"], same);
            before = after;
        }
    }
}
