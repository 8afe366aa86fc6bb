//! Which variables a change can change, and so which profiles have to be sent again.
//!
//! Told from the object before and after alone, without any store: who is touched is
//! found when the event's hosts are read.

use std::collections::BTreeSet;

use nameplate_scim::directory::Kind;
use serde_json::{Map, Value};

use crate::attributes::{AttributeMap, Names, before_at};
use crate::person::{content, username_in};
use crate::rules::Rules;
use crate::variables::Variable;

/// The event of a host that got another person.
const ASSIGNMENT_CHANGED: &str = "assignment.changed";

/// What the events of hosts begin with.
const OF_HOSTS: &str = "host.";

/// A change, from the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// E.g. `user.updated`.
    pub name: String,
    /// Of the object; of no account where the event is about a host.
    pub kind: Kind,
    /// The object's JSON as it was stored; none if it was not there, or is not known.
    pub before: Option<Vec<u8>>,
    /// The object's JSON as it is stored; none if it is gone, or is not known.
    pub after: Option<Vec<u8>>,
}

/// What a change means for profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Names of variables whose value can differ, without `$`, sorted.
    pub variables: Vec<String>,
    /// Profiles of the setting `profiles` that use one of them, sorted.
    pub profiles: Vec<String>,
}

/// What each change means, in order. A variable that is left out has the same value for
/// everybody the change is about; one that is named may have.
pub fn affected(rules: &Rules, changes: &[ObjectChange]) -> Vec<Effect> {
    changes.iter().map(|change| effect(rules, change)).collect()
}

fn effect(rules: &Rules, change: &ObjectChange) -> Effect {
    let variables: BTreeSet<String> = variables(&rules.attributes, change)
        .into_iter()
        .flat_map(Variable::names)
        .collect();
    let uses = |used: &BTreeSet<String>| !used.is_disjoint(&variables);
    let profiles = rules.profiles.iter().filter(|(_, used)| uses(used));
    Effect {
        profiles: profiles.map(|(name, _)| name.clone()).collect(),
        variables: variables.into_iter().collect(),
    }
}

fn variables<'a>(map: &'a AttributeMap, change: &ObjectChange) -> Vec<Variable<'a>> {
    if change.name == ASSIGNMENT_CHANGED {
        return Variable::all(map).collect();
    }
    if change.name.starts_with(OF_HOSTS) {
        return Vec::new();
    }
    if change.kind == Kind::Group {
        return vec![Variable::Groups];
    }
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return Variable::all(map).collect();
    };
    let (before, after) = (content(before), content(after));
    Variable::all(map)
        .filter(|variable| differs(*variable, map, &before, &after))
        .collect()
}

fn differs(
    variable: Variable<'_>,
    map: &AttributeMap,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> bool {
    let (old, new) = (username_in(before, ""), username_in(after, ""));
    match variable {
        Variable::Username => old != new,
        Variable::LocalPart => before_at(old) != before_at(new),
        // Memberships are not part of a user.
        Variable::Groups => false,
        // The names of other people are not known here: what they are asked for by is.
        Variable::Attribute(name) if map.names_people(name) => {
            map.inputs(name, before) != map.inputs(name, after)
        }
        Variable::Attribute(name) => {
            let names = Names::new();
            map.value(name, before, old, &names) != map.value(name, after, new, &names)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let (rules, wrong) = Rules::usable(
            json!({
                "attributes": {"team": "lookup(title, teams, department)"},
                "tables": {"teams": {"ENG": "Engineering", "DEV": "Engineering"}},
                "profiles": {
                    "wifi": ["NAMEPLATE_USERNAME", "NAMEPLATE_GROUPS"],
                    "mail": ["$FLEET_VAR_HOST_END_USER_IDP_FULL_NAME"],
                },
            })
            .to_string()
            .as_bytes(),
        );
        assert_eq!(wrong, None);
        rules
    }

    fn bytes(value: &Value) -> Option<Vec<u8>> {
        (!value.is_null()).then(|| value.to_string().into_bytes())
    }

    fn change(name: &str, kind: Kind, before: &Value, after: &Value) -> Effect {
        let change = ObjectChange {
            name: name.to_owned(),
            kind,
            before: bytes(before),
            after: bytes(after),
        };
        affected(&rules(), &[change]).into_iter().next().unwrap()
    }

    fn updated(before: &Value, after: &Value) -> Effect {
        change("user.updated", Kind::User, before, after)
    }

    fn everything() -> Vec<String> {
        let rules = rules();
        let all: BTreeSet<String> = Variable::all(&rules.attributes)
            .flat_map(Variable::names)
            .collect();
        all.into_iter().collect()
    }

    #[test]
    fn a_rename_changes_the_username_and_what_is_made_of_it() {
        let effect = updated(&json!({"userName": "ana@x"}), &json!({"userName": "ana@y"}));
        let expected = [
            "FLEET_VAR_HOST_END_USER_IDP_FULL_NAME",
            "FLEET_VAR_HOST_END_USER_IDP_USERNAME",
            "NAMEPLATE_FULL_NAME",
            "NAMEPLATE_USERNAME",
        ];
        assert_eq!(effect.variables, expected);
        assert_eq!(effect.profiles, ["mail", "wifi"]);
    }

    #[test]
    fn a_change_that_no_variable_shows_has_no_effect() {
        let before = json!({"userName": "ana", "active": true, "title": "ENG", "nickName": "A"});
        let after = json!({"userName": "ana", "active": false, "title": "ENG", "nickName": "B"});
        assert_eq!(updated(&before, &after), Effect::default());
    }

    #[test]
    fn a_value_that_comes_out_the_same_is_not_named() {
        let effect = updated(&json!({"title": "ENG"}), &json!({"title": "DEV"}));
        assert_eq!(effect.variables, ["NAMEPLATE_TITLE"]);
        let effect = updated(&json!({"title": "ENG"}), &json!({"title": "x"}));
        assert_eq!(effect.variables, ["NAMEPLATE_TEAM", "NAMEPLATE_TITLE"]);
    }

    #[test]
    fn another_manager_is_seen_without_knowing_their_name() {
        let manager = |id: &str| json!({"manager": {"value": id}});
        let effect = updated(&manager("m1"), &manager("m2"));
        assert_eq!(effect.variables, ["NAMEPLATE_MANAGER"]);
        assert_eq!(updated(&manager("m1"), &manager("m1")), Effect::default());
    }

    #[test]
    fn people_who_come_or_go_and_hosts_that_change_hands_change_everything() {
        let ana = json!({"userName": "ana"});
        for (name, before, after) in [
            ("user.created", &Value::Null, &ana),
            ("user.deleted", &ana, &Value::Null),
            (
                "assignment.changed",
                &json!({"user": "u1"}),
                &json!({"user": "u2"}),
            ),
        ] {
            let effect = change(name, Kind::User, before, after);
            assert_eq!(effect.variables, everything(), "{name}");
            assert_eq!(effect.profiles, ["mail", "wifi"]);
        }
    }

    #[test]
    fn groups_change_the_groups_and_a_host_that_goes_changes_nothing() {
        let group = json!({"displayName": "Ops"});
        let effect = change("group.updated", Kind::Group, &group, &group);
        let expected = ["FLEET_VAR_HOST_END_USER_IDP_GROUPS", "NAMEPLATE_GROUPS"];
        assert_eq!(effect.variables, expected);
        assert_eq!(effect.profiles, ["wifi"]);
        let effect = change("host.deleted", Kind::User, &Value::Null, &Value::Null);
        assert_eq!(effect, Effect::default());
    }

    fn person() -> impl Strategy<Value = Value> {
        let word = || prop::option::of(prop_oneof!["[a-c]@[xy]", "ENG|DEV", " "]);
        (word(), word(), word(), word(), word()).prop_map(|(name, given, title, mail, manager)| {
            json!({
                "userName": name, "name": {"givenName": given}, "title": title,
                "emails": [{"value": mail}], "manager": {"value": manager},
                "department": title,
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_affected_is_what_differs_between_two_rendered_people(
            before in person(), after in person(),
        ) {
            use crate::person::Person;
            use nameplate_scim::directory::{Document, Memberships};
            let rules = rules();
            let names: Names = ["a@x", "b@x", "ENG"]
                .map(|id| (id.to_owned(), format!("name of {id}"))).into();
            let read = |json: &Value| {
                let document = Document {
                    kind: Kind::User, id: "u1".to_owned(), connection: "okta".to_owned(),
                    version: 1, created: 1, modified: 1, label: String::new(),
                    json: json.to_string().into_bytes(), member_count: 0,
                };
                Person::new(&document, &Memberships::default(), &rules.attributes, &names)
            };
            let (old, new) = (read(&before), read(&after));
            let effect = updated(&before, &after);
            for variable in Variable::all(&rules.attributes) {
                let differs = variable.value(&old) != variable.value(&new);
                for name in variable.names() {
                    let named = effect.variables.contains(&name);
                    prop_assert!(named || !differs, "{} is left out", name);
                    // Whether two managers have one name is not known.
                    prop_assert!(differs || !named || name == "NAMEPLATE_MANAGER", "{}", name);
                }
            }
        }
    }
}
