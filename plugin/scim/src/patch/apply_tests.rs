#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::testing::{after, ana, ana_with, patched, refused};
use super::*;
use crate::config::Dialect;
use crate::directory::Kind;
use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn simple_attributes_are_set_and_unset() {
    for op in ["add", "Replace"] {
        let done = after(json!({"op": op, "path": "TITLE", "value": "Prof"}));
        assert_eq!(done, ana_with("title", json!("Prof")));
        let done = after(json!({"op": op, "path": "title", "value": null}));
        assert_eq!(done, ana_with("title", json!(null)));
    }
    let done = after(json!({"op": "remove", "path": "title"}));
    assert_eq!(done, ana_with("title", json!(null)));
    assert_eq!(after(json!({"op": "remove", "path": "nickName"})), ana());
    let done = after(json!({"op": "replace", "path": "active", "value": "False"}));
    assert_eq!(done, ana_with("active", json!(false)));
}

#[test]
fn complex_attributes_keep_the_parts_that_are_not_named() {
    let expected = ana_with("name", json!({"givenName": "Eva", "familyName": "Díaz"}));
    for operation in [
        json!({"op": "replace", "path": "name.givenName", "value": "Eva"}),
        json!({"op": "replace", "path": "name", "value": {"GIVENNAME": "Eva"}}),
        json!({"op": "add", "path": "name", "value": {"givenName": "Eva", "familyName": null}}),
        json!({"op": "replace", "value": {"name": {"givenName": "Eva"}}}),
        json!({"op": "replace", "value": {"Name.GivenName": "Eva"}}),
        json!({"op": "replace", "value": {format!("{CORE_USER}:name.givenName"): "Eva"}}),
        json!({"op": "replace", "path": CORE_USER, "value": {"name": {"givenName": "Eva"}}}),
    ] {
        assert_eq!(after(operation.clone()), expected, "{operation}");
    }
    let done = after(json!({"op": "replace", "path": "name", "value": {"familyName": null}}));
    assert_eq!(done, ana_with("name", json!({"givenName": "Ana"})));
    let done = after(json!({"op": "remove", "path": "name.givenName"}));
    assert_eq!(done, ana_with("name", json!({"familyName": "Díaz"})));
    assert_eq!(
        after(json!({"op": "remove", "path": "name"})),
        ana_with("name", json!(null))
    );
}

#[test]
fn extensions_are_changed_by_every_form_of_path() {
    let expected = ana_with(
        ENTERPRISE_USER,
        json!({"department": "HR", "manager": {"value": "1"}}),
    );
    for operation in [
        json!({"op": "Add", "path": format!("{ENTERPRISE_USER}:department"), "value": "HR"}),
        json!({"op": "replace", "path": ENTERPRISE_USER.to_lowercase(),
               "value": {"Department": "HR"}}),
        json!({"op": "replace", "value": {format!("{ENTERPRISE_USER}:DEPARTMENT"): "HR"}}),
        json!({"op": "add", "value": {ENTERPRISE_USER: {"department": "HR"}}}),
    ] {
        assert_eq!(after(operation.clone()), expected, "{operation}");
    }
    let manager = json!({"department": "IT", "manager": {"value": "2"}});
    for operation in [
        json!({"op": "Add", "path": format!("{ENTERPRISE_USER}:manager"), "value": "2"}),
        json!({"op": "Add", "path": format!("{ENTERPRISE_USER}:manager.value"), "value": "2"}),
        json!({"op": "replace", "value": {ENTERPRISE_USER: {"manager.value": "2"}}}),
        json!({"op": "replace", "value": {ENTERPRISE_USER: {"manager": {"value": "2"}}}}),
    ] {
        let done = after(operation.clone());
        assert_eq!(
            done,
            ana_with(ENTERPRISE_USER, manager.clone()),
            "{operation}"
        );
    }
    let none = ana_with(ENTERPRISE_USER, json!(null));
    assert_eq!(
        after(json!({"op": "remove", "path": ENTERPRISE_USER})),
        none
    );
    assert_eq!(
        after(json!({"op": "replace", "value": {ENTERPRISE_USER: null}})),
        none
    );
    let both = json!([{"op": "remove", "path": format!("{ENTERPRISE_USER}:department")},
                      {"op": "replace", "path": format!("{ENTERPRISE_USER}:manager"), "value": ""}]);
    assert_eq!(patched(Dialect::Entra, ana(), both).unwrap().0, none);
}

#[test]
fn a_path_less_value_takes_names_of_every_form_at_once() {
    let done = after(json!({"op": "Replace", "value": {
        "displayName": "J", "name.givenName": "J", "emails[type eq \"work\"].value": "c@x.y",
        format!("{ENTERPRISE_USER}:department"): "HR", "title": null}}));
    assert_eq!(done["displayName"], json!("J"));
    assert_eq!(done["name"]["givenName"], json!("J"));
    assert_eq!(done["emails"][0]["value"], json!("c@x.y"));
    assert_eq!(done[ENTERPRISE_USER]["department"], json!("HR"));
    assert_eq!(done.get("title"), None);
}

#[test]
fn the_whole_resource_inside_a_value_is_passed_over() {
    let inside = json!({"op": "replace", "value": {CORE_USER: {"title": "x"}}});
    let (done, notes) = patched(Dialect::Auto, ana(), json!([inside])).unwrap();
    assert_eq!(done, ana());
    assert!(notes.has("ignore-undeclared"));
}

#[test]
fn what_the_server_sets_is_passed_over_in_a_value_and_refused_as_a_path() {
    let value = json!({"id": "9", "meta": {}, "groups": [], "SCHEMAS": [], "title": "Prof",
                       "password": "secret"});
    let (done, notes) = patched(
        Dialect::Okta,
        ana(),
        json!([{"op": "replace", "value": value}]),
    )
    .unwrap();
    assert_eq!(done, ana_with("title", json!("Prof")));
    assert!(notes.has("ignore-read-only"));
    assert!(notes.iter().all(|(_, _, text)| !text.contains("secret")));
    for path in [
        "id",
        "meta.created",
        "groups",
        "schemas",
        "groups[value eq \"1\"]",
    ] {
        let operation = json!({"op": "replace", "path": path, "value": "x"});
        assert_eq!(
            refused(Dialect::Okta, operation),
            ScimType::Mutability,
            "{path}"
        );
    }
    assert_eq!(
        after(json!({"op": "replace", "path": "password", "value": "secret"})),
        ana()
    );
}

#[test]
fn strict_refuses_undeclared_attributes() {
    for operation in [
        json!({"op": "replace", "path": "shoeSize", "value": 5}),
        json!({"op": "replace", "path": "name.shoe", "value": 5}),
        json!({"op": "replace", "value": {"urn:example:x": {"a": 1}}}),
        json!({"op": "replace", "value": {ENTERPRISE_USER: {"shoe": 1}}}),
        json!({"op": "replace", "value": {"favourite colour": 1}}),
        json!({"op": "replace", "value": {CORE_USER: {"title": "x"}}}),
        json!({"op": "remove", "path": "urn:example:x:y"}),
    ] {
        assert_eq!(refused(Dialect::Strict, operation), ScimType::InvalidPath);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_its_keyword() {
    use ScimType::{InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    let cases = [
        (json!({"op": "remove"}), NoTarget),
        (json!({"op": "remove", "value": {"title": "x"}}), NoTarget),
        (json!({"op": "remove", "path": "userName"}), Mutability),
        (
            json!({"op": "remove", "path": "userName", "value": "ana"}),
            Mutability,
        ),
        (
            json!({"op": "replace", "path": "userName", "value": null}),
            InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "userName", "value": " "}),
            InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "active", "value": "yes"}),
            InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "name.givenName", "value": 5}),
            InvalidValue,
        ),
        (
            json!({"op": "add", "path": "emails", "value": "x"}),
            InvalidValue,
        ),
        (
            json!({"op": "add", "path": "emails[", "value": "x"}),
            InvalidPath,
        ),
        (
            json!({"op": "add", "path": "shoes[", "value": "x"}),
            InvalidPath,
        ),
        (
            json!({"op": "add", "path": "a b", "value": "x"}),
            InvalidPath,
        ),
        (json!({"op": "add", "value": {"emails[": "x"}}), InvalidPath),
        (json!({"op": "add"}), InvalidValue),
        (json!({"op": "add", "value": "x"}), InvalidValue),
        (
            json!({"op": "replace", "value": {"title": "a", "TITLE": "b"}}),
            InvalidSyntax,
        ),
        (
            json!({"op": "replace", "path": ENTERPRISE_USER, "value": 5}),
            InvalidValue,
        ),
    ];
    for (operation, expected) in cases {
        let found = refused(Dialect::Auto, operation.clone());
        assert_eq!(found, expected, "{operation}");
    }
}

#[test]
fn a_refusal_names_the_operation() {
    let operations = json!([{"op": "remove", "path": "title"},
                            {"op": "replace", "path": "active", "value": 1}]);
    let error = patched(Dialect::Auto, ana(), operations).unwrap_err();
    assert_eq!(
        error.detail,
        "`Operations[1]`: `active` must be `true` or `false`, not a number"
    );
}

#[test]
fn operations_see_what_earlier_ones_did() {
    let operations = json!([
        {"op": "remove", "path": "emails"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@x.y"},
        {"op": "replace", "path": "emails[type eq \"work\"].display", "value": "N"}]);
    let (done, _) = patched(Dialect::Auto, ana(), operations).unwrap();
    assert_eq!(
        done["emails"],
        json!([{"value": "n@x.y", "type": "work", "display": "N"}])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_operation_is_applied_or_refused(
        op in proptest::sample::select(vec!["add", "remove", "replace"]),
        path in proptest::option::of(prop_oneof![
            any::<String>(),
            proptest::sample::select(vec![
                "userName", "name", "name.givenName", "emails", "emails.value",
                "emails[type eq \"work\"]", "emails[type eq \"x\"].value", ENTERPRISE_USER,
                CORE_USER, "meta", "password", "x509Certificates[value pr]",
            ]).prop_map(str::to_owned),
        ]),
        value in proptest::sample::select(vec![
            json!(null), json!("x"), json!(1), json!([]), json!([null, 1]), json!({}),
            json!({"value": "a", "primary": true}), json!([[{"value": {}}]]),
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
            json!({CORE_USER: {CORE_USER: {}}}), json!({"": 1}), json!({"emails[": 1}),
        ]),
    ) {
        let operation = json!({"op": op, "path": path, "value": value});
        if let Ok((done, _)) = patched(Dialect::Auto, ana(), json!([operation])) {
            let rt = Registry::standard().resource_type(Kind::User);
            let again = crate::resource::validate::normalize(
                done.clone(), rt, &Config::default(), &mut Notes::new());
            prop_assert_eq!(Value::Object(again.unwrap()), done, "a result is a valid body");
        }
    }
}
