#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::{apply, parse};
use crate::config::Config;
use crate::directory::Kind;
use crate::error::{ScimError, ScimType};
use crate::resource::{Body, Notes};
use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
use serde_json::{Value, json};

const BADGE: &str = "urn:example:1.0:Badge";
/// A URN that names no object.
const MOTTO: &str = "urn:example:1.0:Motto";

/// A user as a POST leaves it.
fn posted(body: &Value) -> Value {
    let rt = Registry::standard().resource_type(Kind::User);
    let text = body.to_string();
    let body = Body::read(text.as_bytes(), rt, &Config::default(), &mut Notes::new());
    Value::Object(body.unwrap().document)
}

fn ana() -> Value {
    posted(&json!({
        "userName": "ana", "Shoes": {"Left": 41, "right": 42}, "colours": ["red"],
        "a.b": 1, "size": 5, MOTTO: "on", "name": {"givenName": "Ana", "shoe": 1},
        "emails": [{"value": "a@x.y", "seen": 1}, {"value": "b@x.y"}],
        ENTERPRISE_USER: {"department": "IT", "Floor": 3},
        BADGE: {"no": 7, "colour": "blue"}}))
}

fn patched(operations: &Value) -> Result<(Value, Notes), ScimError> {
    let config = Config::default();
    let body = json!({"Operations": operations}).to_string();
    let mut notes = Notes::new();
    let operations = parse(body.as_bytes(), &config, &mut notes)?;
    let rt = Registry::standard().resource_type(Kind::User);
    let document = ana().as_object().unwrap().clone();
    let patched = apply(&operations, document, rt, &config, &mut notes)?;
    Ok((Value::Object(patched.document), notes))
}

/// Expects of one operation that what the pointer names has this value, null for
/// none, and that all else is as before.
#[track_caller]
fn changes(operation: Value, pointer: &str, expected: Value) {
    let (mut done, notes) = patched(&json!([operation.clone()])).unwrap();
    assert!(notes.has("received-unused"), "{operation}");
    assert_eq!(
        done.pointer(pointer).unwrap_or(&Value::Null),
        &expected,
        "{operation}: {done}"
    );
    let mut before = ana();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    for value in [&mut done, &mut before] {
        if let Some(Value::Object(map)) = value.pointer_mut(parent) {
            map.remove(name);
        }
    }
    if parent.is_empty() || before.pointer(parent).is_some() {
        assert_eq!(done, before, "{operation}");
    }
}

#[test]
fn undeclared_attributes_are_set_and_removed_in_the_case_they_have() {
    for op in ["add", "replace"] {
        let set = |path: &str, value: Value| json!({"op": op, "path": path, "value": value});
        changes(set("shoeSize", json!(5)), "/shoeSize", json!(5));
        changes(set("SHOES.left", json!(39)), "/Shoes/Left", json!(39));
        changes(set("shoes.third", json!(1)), "/Shoes/third", json!(1));
        changes(set("new.part", json!("x")), "/new", json!({"part": "x"}));
        changes(set("NAME.Shoe", json!(2)), "/name/shoe", json!(2));
        changes(set("A.B", json!(2)), "/a.b", json!(2));
        changes(
            set(&format!("{CORE_USER}:shoeSize"), json!(5)),
            "/shoeSize",
            json!(5),
        );
        let floor = format!("{ENTERPRISE_USER}:floor");
        changes(
            set(&floor, json!(4)),
            &format!("/{ENTERPRISE_USER}/Floor"),
            json!(4),
        );
        let no = format!("{}:NO", BADGE.to_uppercase());
        changes(set(&no, json!(8)), &format!("/{BADGE}/no"), json!(8));
        changes(set("urn:x:y:z", json!(8)), "/urn:x:y", json!({"z": 8}));
        changes(
            set("urn:x:y:Z", json!({"a": 1})),
            "/urn:x:y:Z",
            json!({"a": 1}),
        );
        changes(set("shoes", json!(null)), "/Shoes", json!(null));
        changes(set("shoes", json!([])), "/Shoes", json!(null));
        let merged = json!({"Left": 1, "right": 42});
        changes(set("shoes", json!({"left": 1})), "/Shoes", merged);
    }
    let remove = |path: &str| json!({"op": "remove", "path": path});
    changes(remove("shoes"), "/Shoes", json!(null));
    changes(remove("shoes.LEFT"), "/Shoes/Left", json!(null));
    changes(remove("name.shoe"), "/name/shoe", json!(null));
    changes(
        remove(&BADGE.to_lowercase()),
        &format!("/{BADGE}"),
        json!(null),
    );
    changes(
        remove(&format!("{BADGE}:no")),
        &format!("/{BADGE}/no"),
        json!(null),
    );
    changes(remove("urn:x:y:z"), "/urn:x:y", json!(null));
    changes(remove("colours.x"), "/x", json!(null));
    changes(remove("absent.part"), "/absent", json!(null));
}

#[test]
fn a_part_of_what_is_no_object_makes_it_one_and_its_removal_changes_nothing() {
    for op in ["add", "replace"] {
        let set = |path: &str, value: Value| json!({"op": op, "path": path, "value": value});
        changes(set("Size.eu", json!(40)), "/size", json!({"eu": 40}));
        changes(set("size.eu", json!(null)), "/size", json!(5));
        let key = format!("/{MOTTO}");
        changes(set(&format!("{MOTTO}:x"), json!(1)), &key, json!({"x": 1}));
    }
    let remove = |path: &str, value: Value| json!({"op": "remove", "path": path, "value": value});
    changes(remove("size.eu", json!(null)), "/size", json!(5));
    changes(remove("size.eu", json!(40)), "/size", json!(5));
    let part = format!("{MOTTO}:x");
    changes(
        remove(&part, json!(null)),
        &format!("/{MOTTO}"),
        json!("on"),
    );
}

#[test]
fn a_remove_with_a_value_removes_what_is_no_list() {
    let remove = |path: &str, value: Value| json!({"op": "remove", "path": path, "value": value});
    changes(remove("size", json!(5)), "/size", json!(null));
    changes(remove("shoes", json!({"left": 41})), "/Shoes", json!(null));
}

#[test]
fn keys_of_a_value_without_a_path_change_what_post_kept_under_them() {
    let set = |name: &str, value: Value| json!({"op": "replace", "value": {name: value}});
    changes(set("SHOESIZE", json!(5)), "/SHOESIZE", json!(5));
    changes(set("a.b", json!(2)), "/a.b", json!(2));
    changes(
        set("favourite colour", json!("x")),
        "/favourite colour",
        json!("x"),
    );
    // POST keeps a name as it is, white space and all.
    changes(set(" title", json!("x")), "/ title", json!("x"));
    changes(
        set("urn:vendor:1.0", json!({"a": 1})),
        "/urn:vendor:1.0",
        json!({"a": 1}),
    );
    changes(
        set(BADGE, json!({"NO": 8})),
        &format!("/{BADGE}/no"),
        json!(8),
    );
    let inside = set(ENTERPRISE_USER, json!({"floor": 4}));
    changes(inside, &format!("/{ENTERPRISE_USER}/Floor"), json!(4));
    let inside = set(ENTERPRISE_USER, json!({"the floor": 4}));
    changes(inside, &format!("/{ENTERPRISE_USER}/the floor"), json!(4));
}

#[test]
fn values_are_added_to_an_undeclared_list_once_and_removed_by_value() {
    let add = json!({"op": "add", "path": "colours", "value": ["red", "blue"]});
    changes(add, "/colours", json!(["red", "blue"]));
    let add = json!({"op": "add", "path": "colours", "value": "blue"});
    changes(add, "/colours", json!(["red", "blue"]));
    let replace = json!({"op": "replace", "path": "colours", "value": ["blue"]});
    changes(replace, "/colours", json!(["blue"]));
    let other = json!({"op": "remove", "path": "colours", "value": ["blue"]});
    changes(other, "/colours", json!(["red"]));
    let all = json!({"op": "remove", "path": "colours", "value": "red"});
    changes(all, "/colours", json!(null));
}

#[test]
fn an_undeclared_part_of_a_list_is_changed_in_each_element() {
    let set = json!({"op": "replace", "path": "emails.SEEN", "value": 2});
    let both = json!([{"value": "a@x.y", "seen": 2}, {"value": "b@x.y", "SEEN": 2}]);
    changes(set, "/emails", both);
    let remove = json!({"op": "remove", "path": "emails.seen"});
    let both = json!([{"value": "a@x.y"}, {"value": "b@x.y"}]);
    changes(remove, "/emails", both);
    let none = json!({"op": "replace", "path": "roles.seen", "value": 2});
    changes(none, "/roles", json!(null));
}

#[test]
fn what_post_would_not_keep_is_passed_over() {
    for path in [
        "userName.x",
        "meta.x",
        "groups.x",
        "password.x",
        "shoes[a eq 1].b",
    ] {
        let operation = json!({"op": "replace", "path": path, "value": 1});
        let (done, notes) = patched(&json!([operation])).unwrap();
        assert_eq!(done, ana(), "{path}");
        assert!(
            notes
                .iter()
                .any(|(_, _, text)| text.ends_with("passed over")),
            "{path}"
        );
    }
}

#[test]
fn undeclared_names_are_bounded_in_number_and_size() {
    let many = |most: usize| -> Value {
        let one = |n| json!({"op": "add", "path": format!("x{n}"), "value": n});
        (0..most).map(one).collect()
    };
    assert!(patched(&many(256)).is_ok());
    let error = patched(&many(257)).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    let zeros = vec![0; 300_000];
    let twice = json!([
        {"op": "add", "path": "x", "value": zeros}, {"op": "add", "path": "y", "value": zeros}]);
    let error = patched(&twice).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    assert!(
        error.detail.contains("`y` is too large"),
        "{}",
        error.detail
    );
}
