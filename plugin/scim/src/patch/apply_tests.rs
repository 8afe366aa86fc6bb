#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::parse;
use super::*;
use crate::config::Dialect;
use crate::directory::Kind;
use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
use proptest::prelude::*;
use serde_json::json;

fn ana() -> Value {
    json!({
        "userName": "ana", "title": "Dr", "active": true,
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"value": "w@x.y", "type": "work", "primary": true},
                   {"value": "h@x.y", "type": "home"}],
        ENTERPRISE_USER: {"department": "IT", "manager": {"value": "1"}}})
}

fn patched(
    dialect: Dialect,
    document: Value,
    operations: Value,
) -> Result<(Value, Notes), ScimError> {
    let config = Config {
        dialect,
        ..Config::default()
    };
    let body = json!({"schemas": [super::super::PATCH_URN], "Operations": operations}).to_string();
    let mut notes = Notes::new();
    let operations = parse(body.as_bytes(), &config, &mut notes)?;
    let rt = Registry::standard().resource_type(Kind::User);
    let document = document.as_object().unwrap().clone();
    let patched = apply(&operations, document, rt, &config, &mut notes)?;
    assert_eq!(patched.members, None, "a user has no members");
    Ok((Value::Object(patched.document), notes))
}

/// Ana after one operation.
#[track_caller]
fn after(operation: Value) -> Value {
    patched(Dialect::Auto, ana(), json!([operation])).unwrap().0
}

#[track_caller]
fn refused(dialect: Dialect, operation: Value) -> ScimType {
    let error = patched(dialect, ana(), json!([operation])).unwrap_err();
    assert_eq!(error.status, 400);
    error.scim_type.unwrap()
}

/// Ana with one top-level attribute different, or gone if null.
fn ana_with(name: &str, value: Value) -> Value {
    let mut ana = ana();
    if value.is_null() {
        ana.as_object_mut().unwrap().remove(name);
    } else {
        ana[name] = value;
    }
    ana
}

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
fn add_to_a_list_appends_without_duplicates() {
    let emails = |operation| after(operation)["emails"].clone();
    let add = |value: Value| json!({"op": "add", "path": "emails", "value": value});
    assert_eq!(
        emails(add(json!([{"value": "n@x.y", "type": "other"}]))),
        json!([{"value": "w@x.y", "type": "work", "primary": true},
               {"value": "h@x.y", "type": "home"}, {"value": "n@x.y", "type": "other"}])
    );
    for known in [
        json!([{"value": "W@X.Y", "type": "Work"}]),
        json!([{"value": "w@x.y"}]),
        json!({"value": "w@x.y"}),
    ] {
        assert_eq!(emails(add(known)).as_array().unwrap().len(), 2);
    }
    assert_eq!(
        emails(add(json!([{"value": "w@x.y", "type": "other"}])))
            .as_array()
            .unwrap()
            .len(),
        3,
        "another type is another element"
    );
}

#[test]
fn a_new_primary_takes_the_place_of_the_old_one() {
    let expected = json!([{"value": "w@x.y", "type": "work", "primary": false},
                          {"value": "h@x.y", "type": "home", "primary": true}]);
    for operation in [
        json!({"op": "add", "path": "emails",
               "value": [{"value": "h@x.y", "type": "home", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
        json!({"op": "replace", "path": "emails[type eq \"home\"]",
               "value": {"value": "h@x.y", "type": "home", "primary": true}}),
    ] {
        let (done, _) = patched(Dialect::Auto, ana(), json!([operation.clone()])).unwrap();
        assert_eq!(done["emails"], expected, "{operation}");
    }
}

#[test]
fn replace_of_a_list_sets_it() {
    let new = json!([{"value": "n@x.y"}]);
    let done = after(json!({"op": "replace", "path": "emails", "value": new}));
    assert_eq!(done, ana_with("emails", new));
    let done = after(json!({"op": "replace", "path": "emails", "value": []}));
    assert_eq!(done, ana_with("emails", json!(null)));
}

#[test]
fn a_value_path_changes_the_elements_it_matches() {
    let work = |email: Value| json!([email, {"value": "h@x.y", "type": "home"}]);
    for operation in [
        json!({"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@x.y"}),
        json!({"op": "add", "path": "emails[TYPE EQ \"Work\"]", "value": {"value": "n@x.y"}}),
        json!({"op": "add", "path": "emails[primary eq true]", "value": [{"value": "n@x.y"}]}),
        json!({"op": "replace", "value": {"emails[type eq \"work\"].value": "n@x.y"}}),
    ] {
        assert_eq!(
            after(operation.clone()),
            ana_with(
                "emails",
                work(json!({"value": "n@x.y", "type": "work", "primary": true}))
            ),
            "{operation}"
        );
    }
    // RFC 7644 3.5.2.3: without a sub-attribute the element is replaced as a whole.
    assert_eq!(
        after(json!({"op": "replace", "path": "emails[type eq \"work\"]",
                     "value": {"value": "n@x.y"}})),
        ana_with("emails", work(json!({"value": "n@x.y"})))
    );
}

#[test]
fn remove_through_a_value_path_removes_what_it_matches() {
    let home = json!([{"value": "h@x.y", "type": "home"}]);
    for path in ["emails[type eq \"work\"]", "emails[type eq \"work\"].value"] {
        let done = after(json!({"op": "remove", "path": path}));
        assert_eq!(done, ana_with("emails", home.clone()), "{path}");
    }
    assert_eq!(
        after(json!({"op": "remove", "path": "emails[type eq \"other\"]"})),
        ana()
    );
    let done = after(json!({"op": "remove", "path": "emails[type pr]"}));
    assert_eq!(done, ana_with("emails", json!(null)));
    assert_eq!(
        after(json!({"op": "remove", "path": "emails.type"}))["emails"],
        json!([{"value": "w@x.y", "primary": true}, {"value": "h@x.y"}])
    );
}

#[test]
fn a_value_path_that_matches_nothing_makes_the_element() {
    let phones = |operation: Value| {
        let (done, notes) = patched(Dialect::Entra, ana(), json!([operation])).unwrap();
        assert!(notes.has("add-through-missing") || notes.has("replace-through-missing"));
        done["phoneNumbers"].clone()
    };
    for op in ["add", "replace"] {
        assert_eq!(
            phones(json!({"op": op, "path": "phoneNumbers[type eq \"work\"].value", "value": "1"})),
            json!([{"type": "work", "value": "1"}])
        );
        assert_eq!(
            phones(json!({"op": op, "value": "2",
                          "path": "phoneNumbers[type eq \"work\" and primary eq \"True\"].value"})),
            json!([{"type": "work", "primary": true, "value": "2"}])
        );
        assert_eq!(
            phones(json!({"op": op, "path": "phoneNumbers[Type eq \"fax\"]",
                          "value": {"value": "3"}})),
            json!([{"type": "fax", "value": "3"}])
        );
    }
}

#[test]
fn what_no_element_can_be_made_from_is_no_target() {
    let missing = |op: &str, filter: &str| json!({"op": op, "path": format!("phoneNumbers[{filter}].value"), "value": "1"});
    let work = "type eq \"work\"";
    for filter in [
        "type ne \"work\" and value pr",
        "type eq \"a\" or type eq \"b\"",
    ] {
        assert_eq!(
            refused(Dialect::Entra, missing("replace", filter)),
            ScimType::NoTarget
        );
    }
    for dialect in [Dialect::Strict, Dialect::Generic] {
        assert_eq!(
            refused(dialect, missing("replace", work)),
            ScimType::NoTarget
        );
    }
    assert_eq!(
        refused(Dialect::Strict, missing("add", work)),
        ScimType::NoTarget
    );
    patched(Dialect::Generic, ana(), json!([missing("add", work)])).unwrap();
}

#[test]
fn a_sub_attribute_of_an_empty_list_makes_an_element() {
    let done = after(json!({"op": "add", "path": "phoneNumbers.value", "value": "1"}));
    assert_eq!(done["phoneNumbers"], json!([{"value": "1"}]));
}

#[test]
fn remove_with_values_removes_those_alone() {
    let remove = |value: Value| json!({"op": "Remove", "path": "emails", "value": value});
    let done = after(remove(json!([{"value": "W@x.y"}])));
    assert_eq!(done["emails"], json!([{"value": "h@x.y", "type": "home"}]));
    assert_eq!(
        after(remove(json!([{"value": "w@x.y", "type": "home"}]))),
        ana()
    );
    assert_eq!(after(remove(json!([]))), ana());
    assert_eq!(
        refused(Dialect::Strict, remove(json!([{"value": "w@x.y"}]))),
        ScimType::InvalidValue
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
        json!({"op": "remove", "path": "urn:example:x:y"}),
    ] {
        assert_eq!(refused(Dialect::Strict, operation), ScimType::InvalidPath);
    }
}

#[test]
fn a_value_for_many_elements_is_bounded_by_what_it_would_become() {
    let mut user = ana();
    user["emails"] = (0..1000)
        .map(|n| json!({"value": format!("{n}@x.y"), "type": "work"}))
        .collect();
    let wide = |bytes: usize, path: &str, value: Value| {
        let mut value = value;
        value["display"] = json!("x".repeat(bytes));
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        patched(Dialect::Auto, user.clone(), operations)
    };
    let work = "emails[type eq \"work\"]";
    let element = json!({"value": "a@x.y", "type": "work"});
    assert!(wide(900, work, element.clone()).is_ok());
    let error = wide(900_000, work, element).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    assert!(
        error.detail.contains("`emails` is too large"),
        "{}",
        error.detail
    );
    let operations = json!([
        {"op": "replace", "path": "emails.display", "value": "x".repeat(2000)}]);
    let error = patched(Dialect::Auto, user.clone(), operations).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
}

#[test]
fn what_cannot_be_done_is_refused_with_its_keyword() {
    use ScimType::{InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    let cases = [
        (json!({"op": "remove"}), NoTarget),
        (json!({"op": "remove", "value": {"title": "x"}}), NoTarget),
        (json!({"op": "remove", "path": "userName"}), Mutability),
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

#[test]
fn the_length_of_a_list_is_bounded_over_all_operations() {
    let batch = |from: usize| {
        let emails: Vec<_> = (from..from + 600)
            .map(|n| json!({"value": n.to_string()}))
            .collect();
        json!({"op": "add", "path": "emails", "value": emails})
    };
    patched(Dialect::Auto, ana(), json!([batch(0), batch(0)])).unwrap();
    let error = patched(Dialect::Auto, ana(), json!([batch(0), batch(600)])).unwrap_err();
    assert!(error.detail.contains("1000 are allowed"));
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
