#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::{PATCH_URN, apply, parse};
use super::*;
use crate::config::{Config, Dialect};
use crate::resource::{Body, Notes};
use crate::schema::{CORE_GROUP, Registry};
use serde_json::Value;

fn changed_as(dialect: Dialect, operations: Value) -> Result<Option<MemberChange>, ScimError> {
    let config = Config {
        dialect,
        ..Config::default()
    };
    let body = json!({"schemas": [PATCH_URN], "Operations": operations}).to_string();
    let mut notes = Notes::new();
    let operations = parse(body.as_bytes(), &config, &mut notes)?;
    let document = json!({"displayName": "g"}).as_object().unwrap().clone();
    let rt = Registry::standard().resource_type(Kind::Group);
    let patched = apply(&operations, document, rt, &config, &mut notes)?;
    assert!(!patched.document.contains_key(MEMBERS));
    Ok(patched.members)
}

#[track_caller]
fn changed(operations: Value) -> MemberChange {
    changed_as(Dialect::Auto, operations).unwrap().unwrap()
}

/// Replace, ids to add, ids to remove.
#[track_caller]
fn summary(operations: Value) -> (bool, Vec<String>, Vec<String>) {
    let change = changed(operations);
    assert!(change.remove_matching.is_empty());
    let add = change.add.into_iter().map(|member| member.id).collect();
    (change.replace, add, change.remove)
}

fn strings(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[track_caller]
fn check(operations: Value, replace: bool, add: &[&str], remove: &[&str]) {
    let found = summary(operations.clone());
    assert_eq!(
        found,
        (replace, strings(add), strings(remove)),
        "{operations}"
    );
}

fn member(id: &str, kind: Kind, label: &str) -> Member {
    Member {
        id: id.to_owned(),
        kind,
        label: label.to_owned(),
    }
}

#[test]
fn okta_and_entra_memberships_become_changes() {
    check(
        json!([{"op": "remove", "path": "members[value eq \"1\"]"},
               {"op": "add", "path": "members", "value": [{"value": "2", "display": "x"}]}]),
        false,
        &["2"],
        &["1"],
    );
    check(
        json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "1"}]}]),
        false,
        &["1"],
        &[],
    );
    check(
        json!([{"op": "Remove", "path": "members[value eq \"1\" or value eq \"2\"]"}]),
        false,
        &[],
        &["1", "2"],
    );
    check(
        json!([{"op": "replace", "path": "members", "value": [{"value": "1"}, {"value": "1"}]}]),
        true,
        &["1"],
        &[],
    );
    check(
        json!([{"op": "replace", "value": {"id": "g", "Members": [{"Value": "1"}]}}]),
        true,
        &["1"],
        &[],
    );
    check(
        json!([{"op": "add", "value": {"members": {"value": "1"}}}]),
        false,
        &["1"],
        &[],
    );
}

#[test]
fn a_remove_with_values_never_empties_the_group() {
    let remove = |value: Value| json!([{"op": "Remove", "path": "members", "value": value}]);
    check(remove(json!([{"value": "1"}])), false, &[], &["1"]);
    check(remove(json!([])), false, &[], &[]);
    check(remove(json!([{"value": null}, {}])), false, &[], &[]);
    assert!(changed(remove(json!([]))).is_empty());
    assert!(changed_as(Dialect::Strict, remove(json!([{"value": "1"}]))).is_err());
    let null = json!([{"op": "replace", "path": "members", "value": null}]);
    assert_eq!(
        changed_as(Dialect::Auto, null).unwrap_err().scim_type,
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn only_a_bare_remove_and_an_empty_list_empty_the_group() {
    check(json!([{"op": "remove", "path": "members"}]), true, &[], &[]);
    check(
        json!([{"op": "replace", "path": "members", "value": []}]),
        true,
        &[],
        &[],
    );
}

#[test]
fn operations_add_up_in_order() {
    let add = |id: &str| json!({"op": "add", "path": "members", "value": [{"value": id}]});
    let remove = |id: &str| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")});
    let all = json!({"op": "remove", "path": "members"});
    check(json!([add("1"), remove("1")]), false, &[], &["1"]);
    check(json!([remove("1"), add("1")]), false, &["1"], &[]);
    check(
        json!([add("1"), all, add("2"), add("3"), remove("2")]),
        true,
        &["3"],
        &[],
    );
    check(
        json!([{"op": "replace", "path": "members[value eq \"1\"]", "value": {"value": "2"}}]),
        false,
        &["2"],
        &["1"],
    );
    check(
        json!([{"op": "add", "path": "members[value eq \"1\"]", "value": {}}]),
        false,
        &["1"],
        &[],
    );
}

#[test]
fn other_filters_are_left_for_who_knows_the_members() {
    let mut change = changed(json!([
        {"op": "add", "path": "members", "value": [
            {"value": "3", "display": "Temp 3"}, {"value": "0", "display": "Eva"}]},
        {"op": "remove", "path": "members[display sw \"temp\" or type eq \"Group\"]"},
        {"op": "add", "path": "members", "value": [{"value": "4"}]}]));
    assert_eq!(change.remove, ["3"], "an earlier add is undone");
    change.expand(&[
        member("1", Kind::User, "TEMP 1"),
        member("2", Kind::User, "Ana"),
        member("3", Kind::User, "Temp 3"),
        member("4", Kind::User, "Temp 4"),
        member("5", Kind::Group, "Nested"),
    ]);
    assert_eq!(change.remove, ["3", "1", "5"], "a later add is spared");
    let added: Vec<_> = change.add.iter().map(|member| &member.id).collect();
    assert_eq!(added, ["0", "4"]);
}

#[test]
fn a_filter_after_a_replace_looks_at_the_new_members_alone() {
    let new = json!([{"value": "1", "display": "Temp"}, {"value": "2", "display": "Ana"}]);
    check(
        json!([{"op": "replace", "path": "members", "value": new},
               {"op": "remove", "path": "members[display eq \"temp\"]"}]),
        true,
        &["2"],
        &[],
    );
}

#[test]
fn anything_in_a_change_makes_it_one() {
    assert!(MemberChange::default().is_empty());
    let all = json!({"op": "remove", "path": "members"});
    let one = json!({"op": "remove", "path": "members[value eq \"1\"]"});
    let add = json!({"op": "add", "path": "members", "value": [{"value": "1"}]});
    let some = json!({"op": "remove", "path": "members[display pr]"});
    for operation in [all, one, add, some] {
        assert!(!changed(json!([operation])).is_empty(), "{operation}");
    }
}

#[test]
fn the_number_of_other_filters_is_bounded() {
    let remove = json!({"op": "remove", "path": "members[display pr]"});
    let many = |n: usize| changed_as(Dialect::Auto, vec![remove.clone(); n].into());
    assert_eq!(
        many(MOST_FILTERS).unwrap().unwrap().remove_matching.len(),
        MOST_FILTERS
    );
    assert_eq!(
        many(MOST_FILTERS + 1).unwrap_err().scim_type,
        Some(ScimType::TooMany)
    );
}

#[test]
fn a_request_without_members_changes_none() {
    let rename = json!([{"op": "replace", "value": {"id": "1", "displayName": "New"}}]);
    assert_eq!(changed_as(Dialect::Okta, rename).unwrap(), None);
}

#[test]
fn an_undeclared_part_of_members_is_passed_over() {
    let part = json!([{"op": "replace", "path": "members.shoe", "value": 5}]);
    assert_eq!(changed_as(Dialect::Auto, part.clone()).unwrap(), None);
    let error = changed_as(Dialect::Strict, part).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
}

#[test]
fn what_members_cannot_be_is_refused() {
    let cases = [
        (
            json!({"op": "add", "path": "members", "value": "1"}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": ["1"]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": [["1"]]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"value": 1}]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"value": ["1"]}]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"value": {"a": 1}}]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"1\"].display", "value": "x"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "remove", "path": "members.value"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "add", "path": "members[type eq \"User\"]", "value": {"value": "1"}}),
            ScimType::NoTarget,
        ),
        (
            json!({"op": "remove", "path": "members[shoe eq \"1\"]"}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "remove", "path": "displayName"}),
            ScimType::Mutability,
        ),
    ];
    for (operation, expected) in cases {
        let error = changed_as(Dialect::Auto, json!([operation.clone()])).unwrap_err();
        assert_eq!(error.scim_type, Some(expected), "{operation}: {error}");
    }
}

#[test]
fn a_login_is_kept_unless_the_id_is_a_uuid() {
    let login = |id: &str| {
        let add = json!({"op": "add", "path": "members", "value": [{"value": id}]});
        changed(json!([add]))
            .add
            .into_iter()
            .find_map(|member| member.login)
    };
    assert_eq!(login("2819c223-7f76-453a-919d-413861904646"), None);
    assert_eq!(login("2819C223-7F76-453A-919D-413861904646"), None);
    for id in [
        "Ana@X.y",
        "dee",
        "28190223-7076-4530-9190-41386190464",
        "28190223a7076-4530-9190-413861904646",
        "a-person-with-36-letters@example.com",
    ] {
        assert_eq!(login(id), Some(id.to_lowercase().into_bytes()), "{id}");
    }
}

#[test]
fn members_are_taken_out_of_a_body() {
    let take = |dialect, mut body: Value| {
        let config = Config {
            dialect,
            ..Config::default()
        };
        body["schemas"] = json!([CORE_GROUP]);
        body["displayName"] = json!("g");
        let rt = Registry::standard().resource_type(Kind::Group);
        let body = Body::read(body.to_string().as_bytes(), rt, &config, &mut Notes::new())?;
        assert_eq!(Value::Object(body.document), json!({"displayName": "g"}));
        let ids = |list: Vec<NewMember>| list.into_iter().map(|member| member.id).collect();
        Ok::<Option<Vec<String>>, ScimError>(body.members.map(ids))
    };
    let auto = Dialect::Auto;
    assert_eq!(take(auto, json!({})).unwrap(), None);
    assert_eq!(take(auto, json!({"members": null})).unwrap(), None);
    assert_eq!(
        take(auto, json!({"members": []})).unwrap(),
        Some(Vec::new())
    );
    let body = json!({"MEMBERS": [{"VALUE": "1", "x": [{}]}, null, {"value": " "}]});
    assert_eq!(take(auto, body.clone()).unwrap(), Some(strings(&["1"])));
    assert!(take(Dialect::Strict, body).is_err());
    assert!(take(auto, json!({"members": [{"value": 1}]})).is_err());
    assert!(take(auto, json!({"members": [[]]})).is_err());
    assert!(take(auto, json!({"members": true})).is_err());
}

#[test]
fn fifty_thousand_members_are_one_change() {
    let list: Vec<Value> = (0..50_000)
        .map(|n| json!({"value": format!("id-{n}"), "display": "someone@example.com"}))
        .collect();
    let change = changed(json!([{"op": "replace", "path": "members", "value": list}]));
    assert!(change.replace);
    assert_eq!(change.add.len(), 50_000);
}
