#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::config::Dialect;
use crate::schema::{CORE_GROUP, CORE_USER, ENTERPRISE_USER, Registry, Schema};
use proptest::prelude::*;
use serde_json::json;

fn rt(kind: Kind) -> &'static ResourceType {
    Registry::standard().resource_type(kind)
}

fn config(dialect: Dialect) -> Config {
    Config {
        dialect,
        ..Config::default()
    }
}

fn user_as(dialect: Dialect, body: Value) -> Result<(Value, Notes), ScimError> {
    let mut notes = Notes::new();
    let map = normalize(body, rt(Kind::User), &config(dialect), &mut notes)?;
    Ok((Value::Object(map), notes))
}

fn user(body: Value) -> (Value, Notes) {
    user_as(Dialect::Auto, body).unwrap()
}

fn refused(body: Value) -> ScimError {
    user_as(Dialect::Auto, body).unwrap_err()
}

/// A body with `userName` and one more attribute.
fn with(name: &str, value: Value) -> Value {
    json!({"schemas": [CORE_USER], "userName": "a", name: value})
}

#[test]
fn an_okta_create_is_kept_without_password_groups_and_schemas() {
    let (document, notes) = user(json!({
        "schemas": [CORE_USER], "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
        "displayName": "Ana Díaz", "locale": "en-US", "externalId": "00u1abcd",
        "groups": [], "password": "1mz050nq", "active": true}));
    assert_eq!(
        document,
        json!({"userName": "ana.diaz@example.com",
               "name": {"givenName": "Ana", "familyName": "Díaz"},
               "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
               "displayName": "Ana Díaz", "locale": "en-US", "externalId": "00u1abcd",
               "active": true})
    );
    assert_eq!(notes, Notes::new());
}

#[test]
fn an_entra_create_keeps_a_bare_manager_as_its_value() {
    let (document, notes) = user(json!({
        "schemas": [CORE_USER, ENTERPRISE_USER], "userName": "jyoung@example.com",
        ENTERPRISE_USER: {"department": "IT", "manager": "42"},
        "meta": {"resourceType": "User"}, "roles": []}));
    assert_eq!(
        document,
        json!({"userName": "jyoung@example.com",
               ENTERPRISE_USER: {"department": "IT", "manager": {"value": "42"}}})
    );
    assert!(notes.has("entra-bare-manager"));
}

#[test]
fn names_are_stored_in_their_canonical_case() {
    let (document, notes) = user(json!({
        "SCHEMAS": [CORE_USER.to_uppercase()], "username": "a", "NAME": {"GIVENNAME": "b"},
        "Emails": [{"VALUE": "c", "Type": "work"}],
        ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "d", "Manager": {"Value": "e", "$REF": "f"}}}));
    assert_eq!(
        document,
        json!({"userName": "a", "name": {"givenName": "b"},
               "emails": [{"value": "c", "type": "work"}],
               ENTERPRISE_USER: {"department": "d", "manager": {"value": "e", "$ref": "f"}}})
    );
    assert_eq!(notes, Notes::new());
}

#[test]
fn undeclared_attributes_are_kept_as_sent_and_noted() {
    let (document, notes) = user(json!({
        "schemas": [CORE_USER, "urn:example:other"], "userName": "a", "favouriteColour": "blue",
        "name": {"nickname2": {"x": [1]}}, "urn:example:other": {"Deep": {"er": null}},
        "nothing": null, "none": []}));
    assert_eq!(
        document,
        json!({"userName": "a", "favouriteColour": "blue", "name": {"nickname2": {"x": [1]}},
               "urn:example:other": {"Deep": {"er": null}}})
    );
    for code in ["received-unused", "unknown-schema"] {
        assert!(notes.has(code), "{code}");
    }
    assert!(
        notes.iter().all(|(_, _, text)| !text.contains("blue")),
        "a note holds no value"
    );
}

#[test]
fn a_body_that_is_no_object_is_invalid_syntax() {
    for body in [json!([]), json!("x"), json!(1), json!(null)] {
        assert_eq!(refused(body).scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn names_that_differ_in_case_alone_are_invalid_syntax() {
    let mut large = json!({"userName": "a", "x1": 1, "X1": 1});
    for n in 0..100 {
        large[format!("pad{n}")] = json!(n);
    }
    let bodies = [
        json!({"userName": "a", "username": "b"}),
        with("name", json!({"givenName": "a", "GivenName": null})),
        with(ENTERPRISE_USER, json!({"a": 1, "A": 1})),
        large,
    ];
    for body in bodies {
        let error = refused(body);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains("are the same attribute"), "{error}");
    }
}

#[test]
fn null_and_empty_lists_are_the_same_as_absent() {
    let (document, _) = user(json!({
        "schemas": [CORE_USER], "userName": "a", "title": null, "emails": [], "roles": [null],
        "name": {"givenName": null}, "active": null, ENTERPRISE_USER: {"manager": null}}));
    assert_eq!(document, json!({"userName": "a"}));
}

#[test]
fn the_words_true_and_false_are_booleans_and_nothing_else_is() {
    for (sent, kept) in [("True", true), ("false", false), ("FALSE", false)] {
        let (document, notes) = user(with("active", json!(sent)));
        assert_eq!(document["active"], json!(kept));
        assert!(notes.has("string-boolean"));
        let strict = user_as(Dialect::Strict, with("active", json!(sent))).unwrap_err();
        assert_eq!(strict.scim_type, Some(ScimType::InvalidValue));
    }
    for sent in [
        json!("yes"),
        json!(1),
        json!(""),
        json!(["true"]),
        json!({}),
    ] {
        let error = refused(with("active", sent));
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert!(error.detail.contains("`active` must be `true` or `false`"));
    }
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_path() {
    let cases = [
        (
            with("title", json!(5)),
            "`title` must be a string, not a number",
        ),
        (
            with("name", json!("Ana")),
            "`name` must be an object, not a string",
        ),
        (
            with("name", json!([])),
            "`name` must be an object, not a list",
        ),
        (
            with("name", json!({"givenName": ["a"]})),
            "`name.givenName` must be a string, not a list",
        ),
        (
            with("emails", json!([{"value": "a"}, {"value": 1}])),
            "`emails[1].value` must be a string, not a number",
        ),
        (
            with("emails", json!("a@example.com")),
            "`emails` must be a list of objects, not a string",
        ),
        (
            with("emails", json!(["a@example.com"])),
            "`emails[0]` must be an object, not a string",
        ),
        (
            with(ENTERPRISE_USER, json!({"manager": {"value": 1}})),
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value` must be \
             a string, not a number",
        ),
        (
            with(ENTERPRISE_USER, json!("IT")),
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User` must be an object, not \
             a string",
        ),
        (
            with("x509Certificates", json!([{"value": "no base64!"}])),
            "`x509Certificates[0].value` must be base64 text, not a string",
        ),
    ];
    for (body, detail) in cases {
        let error = refused(body);
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert_eq!(error.detail, detail);
    }
}

#[test]
fn numbers_and_instants_are_checked_by_their_declared_type() {
    let schema: Schema = serde_json::from_value(json!({
        "id": "urn:example:badge", "name": "Badge", "attributes": [
            {"name": "level", "type": "integer"}, {"name": "height", "type": "decimal"},
            {"name": "since", "type": "dateTime"},
            {"name": "door", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "code", "required": true}]}]}))
    .unwrap();
    let mut registry = Registry::standard().clone();
    registry.extend(Kind::User, schema).unwrap();
    let check = |value: Value| {
        normalize(
            with("urn:example:badge", value),
            registry.resource_type(Kind::User),
            &Config::default(),
            &mut Notes::new(),
        )
    };
    for good in [
        json!({"level": 3, "height": 1.5, "since": "2026-01-31T08:00:00+02:00"}),
        json!({"height": 2}),
        json!({"door": [{"code": "a"}]}),
    ] {
        check(good).unwrap();
    }
    for bad in [
        json!({"level": 3.5}),
        json!({"level": "3"}),
        json!({"height": "1"}),
        json!({"since": "yesterday"}),
        json!({"since": "2026-01-31"}),
        json!({"door": [{"other": "a"}]}),
        json!({"door": [{"code": " "}]}),
    ] {
        assert_eq!(
            check(bad).unwrap_err().scim_type,
            Some(ScimType::InvalidValue)
        );
    }
}

#[test]
fn the_length_of_a_list_is_bounded() {
    let emails = |n: usize| with("emails", vec![json!({"value": "a@b.c"}); n].into());
    user(emails(1000));
    assert!(refused(emails(1001)).detail.contains("1000 are allowed"));
}

#[test]
fn one_object_in_the_place_of_a_list_is_wrapped() {
    let body = with("emails", json!({"value": "a@example.com"}));
    let (document, notes) = user(body.clone());
    assert_eq!(document["emails"], json!([{"value": "a@example.com"}]));
    assert!(notes.has("wrap-single-value"));
    assert!(user_as(Dialect::Strict, body).is_err());
}

#[test]
fn json_inside_a_string_stays_the_string_it_is() {
    let roles = json!([{"value": "{\"id\":\"1\"}"}]);
    let (document, _) = user(with("roles", roles.clone()));
    assert_eq!(document["roles"], roles);
}

#[test]
fn email_entries_without_an_address_are_left_out() {
    let body = with(
        "emails",
        json!([{"value": null, "type": "home"}, {"value": " "}, {"value": "a@b.c"}]),
    );
    let (document, notes) = user(body.clone());
    assert_eq!(document["emails"], json!([{"value": "a@b.c"}]));
    assert!(notes.has("drop-empty-email"));
    assert!(user_as(Dialect::Strict, body).is_err());

    let (document, _) = user(with("emails", json!([{"type": "work", "primary": true}])));
    assert_eq!(document.get("emails"), None);
}

#[test]
fn required_attributes_must_be_present_and_visible() {
    for body in [
        json!({"schemas": [CORE_USER]}),
        json!({"userName": null}),
        json!({"userName": " \t"}),
    ] {
        let error = refused(body);
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert!(error.detail.contains("`userName` is required"));
    }
    let error = normalize(
        json!({"schemas": [CORE_GROUP], "displayName": ""}),
        rt(Kind::Group),
        &Config::default(),
        &mut Notes::new(),
    )
    .unwrap_err();
    assert!(error.detail.contains("`displayName` is required"));
}

#[test]
fn of_several_primaries_the_last_one_counts() {
    let body = with(
        "emails",
        json!([{"value": "a", "primary": true}, {"value": "b", "primary": "True"},
               {"value": "c"}]),
    );
    let (document, notes) = user(body.clone());
    assert_eq!(
        document["emails"],
        json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}, {"value": "c"}])
    );
    assert!(notes.has("several-primaries"));
    let body = with(
        "emails",
        json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]),
    );
    assert!(user_as(Dialect::Strict, body).is_err());
}

#[test]
fn what_the_server_sets_is_ignored() {
    let (document, notes) = user(json!({
        "schemas": [CORE_USER], "userName": "a", "id": 5, "meta": "x", "groups": [{"value": 1}],
        ENTERPRISE_USER: {"manager": {"value": "1", "displayName": "Boss"}}}));
    assert_eq!(
        document,
        json!({"userName": "a", ENTERPRISE_USER: {"manager": {"value": "1"}}})
    );
    assert_eq!(notes, Notes::new());
}

#[test]
fn schemas_may_be_missing_but_must_not_be_wrong() {
    let (_, notes) = user(json!({"userName": "a"}));
    assert!(notes.has("missing-schemas"));
    assert!(user_as(Dialect::Strict, json!({"userName": "a"})).is_err());
    for schemas in [
        json!([CORE_GROUP]),
        json!(CORE_USER),
        json!([CORE_USER, 1]),
        json!({"a": 1}),
    ] {
        let error = refused(json!({"userName": "a", "schemas": schemas}));
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn members_of_a_group_stay_for_the_one_who_takes_them() {
    let document = normalize(
        json!({"schemas": [CORE_GROUP], "displayName": "g", "MEMBERS": [{"Value": "1"}]}),
        rt(Kind::Group),
        &Config::default(),
        &mut Notes::new(),
    )
    .unwrap();
    assert_eq!(document["members"], json!([{"Value": "1"}]));
}

#[test]
fn an_immutable_attribute_is_set_once() {
    let schema: Schema = serde_json::from_value(json!({
        "id": "urn:example:x", "name": "x",
        "attributes": [{"name": "born", "mutability": "immutable"}]}))
    .unwrap();
    let mut registry = Registry::standard().clone();
    registry.extend(Kind::User, schema).unwrap();
    let rt = registry.resource_type(Kind::User);
    let map = |value: Value| value.as_object().unwrap().clone();
    let none = map(json!({}));
    let (one, two) = (
        map(json!({"urn:example:x": {"born": "1"}})),
        map(json!({"urn:example:x": {"born": "2"}})),
    );
    check_immutable(&none, &one, rt).unwrap();
    check_immutable(&one, &one, rt).unwrap();
    for after in [&two, &none] {
        let error = check_immutable(&one, after, rt).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability));
    }
}

/// Changes the case of every attribute name by the bits of `seed`.
fn scramble(value: &Value, seed: &mut u64) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| {
                    let key = key
                        .chars()
                        .map(|c| {
                            *seed = seed.rotate_left(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                            if *seed & 1 == 0 {
                                c.to_ascii_uppercase()
                            } else {
                                c.to_ascii_lowercase()
                            }
                        })
                        .collect();
                    (key, scramble(value, seed))
                })
                .collect(),
        ),
        Value::Array(list) => list.iter().map(|value| scramble(value, seed)).collect(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_case_of_names_makes_no_difference(mut seed in 1u64.., given in "\\PC{0,8}", flag: bool) {
        let body = json!({
            "schemas": [CORE_USER], "userName": "a", "active": flag,
            "name": {"givenName": given, "formatted": "x"},
            "emails": [{"value": "a", "type": "work", "primary": flag}],
            ENTERPRISE_USER: {"department": "d", "manager": {"value": "1", "$ref": "../1"}}});
        let (plain, _) = user(body.clone());
        let (scrambled, _) = user(scramble(&body, &mut seed));
        prop_assert_eq!(plain, scrambled);
    }
}
