#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::json;

const URN: &str = "urn:example:badge";

fn place_of(declared: &Value) -> String {
    Registry::with_declared(declared).unwrap_err().place
}

fn with(attribute: Value) -> Value {
    json!([{"resource": "User", "schema": {"id": URN, "name": "Badge",
        "attributes": [{"name": "ok"}, attribute]}}])
}

#[test]
fn a_slip_is_named_with_its_place() {
    let cases = [
        (json!({}), "schemas"),
        (json!([{"resource": "Robot"}]), "schemas[0].resource"),
        (
            json!([{"resource": "User", "schema": {"id": URN, "name": "x", "attributes": []}}]),
            "schemas[0].schema.attributes",
        ),
        (
            json!([{"resource": "User", "schema": {"id": "badge", "name": "x",
            "attributes": [{"name": "a"}]}}]),
            "schemas[0].schema.id",
        ),
        (
            with(json!({"name": "b", "type": "whole"})),
            "schemas[0].schema.attributes[1].type",
        ),
        (
            with(json!({"name": "1b"})),
            "schemas[0].schema.attributes[1].name",
        ),
        (
            with(json!({"name": "b c"})),
            "schemas[0].schema.attributes[1].name",
        ),
        (with(json!({"name": "OK"})), "schemas[0].schema.attributes"),
        (
            with(json!({"name": "b", "type": "complex"})),
            "schemas[0].schema.attributes[1].subAttributes",
        ),
        (
            with(json!({"name": "b", "subAttributes": [{"name": "c"}]})),
            "schemas[0].schema.attributes[1].subAttributes",
        ),
        (
            with(json!({"name": "b", "type": "complex", "subAttributes": [
            {"name": "c", "type": "complex", "subAttributes": [{"name": "d"}]}]})),
            "schemas[0].schema.attributes[1].subAttributes[0].type",
        ),
        (
            with(json!({"name": "b", "uniqueness": "global"})),
            "schemas[0].schema.attributes[1].uniqueness",
        ),
        (
            with(json!({"name": "b", "type": "boolean", "uniqueness": "server"})),
            "schemas[0].schema.attributes[1].uniqueness",
        ),
        (
            with(json!({"name": "b", "mutability": "writeOnly", "uniqueness": "server"})),
            "schemas[0].schema.attributes[1].uniqueness",
        ),
        (
            with(json!({"name": "b", "multivalued": true})),
            "schemas[0].schema.attributes[1].multivalued",
        ),
        (
            with(json!({"name": "b", "mutability": "sometimes"})),
            "schemas[0].schema.attributes[1].mutability",
        ),
        (
            with(json!({"name": "b", "returned": "sometimes"})),
            "schemas[0].schema.attributes[1].returned",
        ),
    ];
    for (declared, place) in cases {
        assert_eq!(place_of(&declared), place, "{declared}");
    }
}

fn schema(resource: &str, id: &str, attribute: &str) -> Value {
    json!({"resource": resource, "schema": {"id": id, "name": "x",
        "attributes": [{"name": attribute}]}})
}

#[test]
fn a_standard_schema_is_no_extension_of_any_resource() {
    for id in [
        super::super::ENTERPRISE_USER.to_uppercase().as_str(),
        super::super::CORE_USER,
        "urn:ietf:params:scim:schemas:core:2.0:Schema",
        "urn:ietf:params:scim:api:messages:2.0:PatchOp",
    ] {
        for resource in ["User", "Group"] {
            let declared = json!([schema(resource, id, "a")]);
            assert_eq!(place_of(&declared), "schemas[0].schema.id", "{id}");
        }
    }
}

#[test]
fn a_urn_has_one_meaning() {
    for other in [
        schema("User", &URN.to_uppercase(), "a"),
        schema("Group", URN, "b"),
        schema("Group", &format!("{URN}:A"), "b"),
        schema("User", &format!("{URN}:a.b"), "b"),
        schema("User", "urn:example", "badge"),
    ] {
        let declared = json!([schema("User", URN, "a"), other]);
        assert_eq!(place_of(&declared), "schemas[1].schema.id", "{declared}");
    }
    for other in [
        schema("Group", URN, "a"),
        schema("User", &format!("{URN}:b"), "b"),
        schema("User", &format!("{URN}a"), "b"),
    ] {
        let declared = json!([schema("User", URN, "a"), other]);
        assert!(Registry::with_declared(&declared).is_ok(), "{declared}");
    }
}

#[test]
fn an_id_is_a_urn() {
    for id in [
        "",
        "badge",
        "urn:",
        "urn:x",
        "urn:x:y",
        "urn:example:",
        "urn:example:a:",
        "https://example.com/badge",
        "urn:example:a b",
        "urn:ex.ample:a",
        "urn:example:[a]",
    ] {
        let declared = json!([schema("User", id, "a")]);
        assert_eq!(place_of(&declared), "schemas[0].schema.id", "{id}");
    }
}

#[test]
fn only_what_is_stored_and_can_be_asked_for_is_indexed() {
    let declared = |attribute: Value, urn: &str| {
        json!([{"resource": "User", "indexed": ["a"], "schema": {
            "id": urn, "name": "x", "attributes": [attribute]}}])
    };
    let long = format!("urn:example:{}", "x".repeat(MAX_PATH));
    for wrong in [
        declared(json!({"name": "a", "mutability": "writeOnly"}), URN),
        declared(json!({"name": "a", "mutability": "readOnly"}), URN),
        declared(json!({"name": "a", "returned": "never"}), URN),
        declared(json!({"name": "a"}), &long),
    ] {
        assert_eq!(place_of(&wrong), "schemas[0].indexed[0]", "{wrong}");
    }
    assert!(Registry::with_declared(&declared(json!({"name": "a"}), URN)).is_ok());
}

#[test]
fn indexes_are_those_listed_and_those_of_unique_attributes() {
    let declared = |indexed: Value| {
        json!([{"resource": "Group", "schema": {"id": URN, "name": "Badge", "attributes": [
            {"name": "number", "uniqueness": "server", "caseExact": true},
            {"name": "door", "type": "complex", "multiValued": true,
                "subAttributes": [{"name": "code", "type": "integer"}]},
            {"name": "photo", "type": "binary"},
        ]}, "indexed": indexed}])
    };
    let registry = Registry::with_declared(&declared(json!(["DOOR.code", "number"]))).unwrap();
    let own: Vec<_> = registry
        .resource_type(Kind::Group)
        .indexes
        .iter()
        .filter(|index| index.extension.is_some())
        .map(|index| (index.name.as_str(), index.form, index.unique))
        .collect();
    assert_eq!(
        own,
        [
            ("urn:example:badge:number", Form::Exact, true),
            ("urn:example:badge:door.code", Form::Integer, false),
        ]
    );
    for wrong in [
        json!(["door"]),
        json!(["photo"]),
        json!(["window"]),
        json!(["a b"]),
    ] {
        assert_eq!(place_of(&declared(wrong)), "schemas[0].indexed[0]");
    }
}

#[test]
fn more_than_any_connection_needs_is_refused() {
    let many: Vec<Value> = (0..MAX_ATTRIBUTES + 1)
        .map(|n| json!({"name": format!("a{n}")}))
        .collect();
    let declared = json!([{"resource": "User", "schema": {"id": URN, "name": "x",
        "attributes": many}}]);
    assert_eq!(place_of(&declared), "schemas[0].schema");
    let indexed: Vec<String> = (0..MAX_INDEXES + 1).map(|n| format!("a{n}")).collect();
    let some: Vec<Value> = indexed.iter().map(|name| json!({"name": name})).collect();
    let declared = json!([{"resource": "User", "schema": {"id": URN, "name": "x",
        "attributes": some}, "indexed": indexed}]);
    assert_eq!(place_of(&declared), "schemas[0].indexed");
}
