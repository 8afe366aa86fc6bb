//! Requirements of RFC 7643 that no other test is about, one test each.

use nameplate_scim::config::Config;
use serde_json::{Value, json};

use crate::client::{Answer, BASE, Client, ENTERPRISE, GROUP, USER};

/// Every object with `schemas` in an answer, the answer itself first.
fn representations(body: &Value) -> Vec<&Value> {
    let mut all = vec![body];
    all.extend(body["Resources"].as_array().into_iter().flatten());
    all
}

/// What stands behind an absolute reference.
fn follow(client: &mut Client, reference: &Value) -> Answer {
    let target = reference.as_str().unwrap().strip_prefix(BASE).unwrap();
    client.get(target)
}

#[test]
fn an_id_is_the_servers_and_never_given_twice() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "id": "mine", "userName": "ana"});
    let first = client.post("/Users", &body).expect(201).id();
    assert_ne!(first, "mine");
    let target = format!("/Users/{first}");
    let renamed = json!({"schemas": [USER], "id": "mine", "userName": "bea"});
    assert_eq!(client.put(&target, &renamed).expect(200).id(), first);
    assert_eq!(client.get(&target).expect(200).id(), first);
    let _ = client.delete(&target).expect(204);
    let second = client.post("/Users", &body).expect(201).id();
    let group = client.group("Eng", &[]);
    assert!(first != second && first != group && second != group);
}

#[test]
fn an_id_never_holds_the_reserved_word() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "id": "bulkId:1", "userName": "ana"});
    let user = client.post("/Users", &body).expect(201).id();
    for id in [user, client.group("Eng", &[])] {
        assert!(!id.to_lowercase().contains("bulkid"), "{id}");
    }
}

#[test]
fn every_representation_names_its_schemas_once() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER, USER, ENTERPRISE], "userName": "ana",
        ENTERPRISE: {"department": "IT"}});
    let user = client.post("/Users", &body).expect(201);
    assert_eq!(user.body["schemas"], json!([USER, ENTERPRISE]));
    let group = client.group("Eng", &[&user.id()]);
    for target in [
        format!("/Users/{}?attributes=userName", user.id()),
        format!("/Groups/{group}?excludedAttributes=schemas"),
        "/Users".to_owned(),
        "/Groups".to_owned(),
        "/Schemas".to_owned(),
        "/ResourceTypes".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/Users/nobody".to_owned(),
    ] {
        let answer = client.get(&target);
        for shown in representations(&answer.body) {
            let mut urns: Vec<&str> = shown["schemas"]
                .as_array()
                .unwrap()
                .iter()
                .map(|urn| urn.as_str().unwrap())
                .collect();
            let many = urns.len();
            urns.sort_unstable();
            urns.dedup();
            assert!(many > 0 && urns.len() == many, "{target}: {shown}");
        }
    }
}

#[test]
fn the_order_of_schemas_makes_no_difference() {
    let mut client = Client::new();
    let body = |name: &str, schemas: [&str; 2]| json!({"schemas": schemas, "userName": name, ENTERPRISE: {"department": "IT"}});
    let one = client.post("/Users", &body("a", [USER, ENTERPRISE]));
    let other = client.post("/Users", &body("b", [ENTERPRISE, USER]));
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(one.body["schemas"], other.body["schemas"]);
    assert_eq!(one.body[ENTERPRISE], other.body[ENTERPRISE]);
}

#[test]
fn an_external_id_is_the_clients_alone() {
    let mut client = Client::new();
    let id = client.user("ana");
    let target = format!("/Users/{id}");
    assert_eq!(client.get(&target).expect(200).body.get("externalId"), None);
    let set = json!([{"op": "add", "path": "externalId", "value": "E-1"}]);
    let _ = client.patch(&target, &set).expect(200);
    // Its uniqueness is the client's business.
    let body = json!({"schemas": [USER], "userName": "ben", "externalId": "E-1"});
    let ben = client.post("/Users", &body).expect(201).id();
    let found = client.filter("/Users", "externalId eq \"E-1\"").expect(200);
    assert_eq!(found.ids(), [id, ben]);
}

#[test]
fn another_connections_external_ids_are_unknown() {
    let (mut mine, mut theirs) = (Client::new(), Client::new());
    let body = json!({"schemas": [USER], "userName": "ana", "externalId": "E-1"});
    let _ = mine.post("/Users", &body).expect(201);
    let found = theirs.filter("/Users", "externalId eq \"E-1\"").expect(200);
    assert_eq!(found.total(), 0);
}

#[test]
fn the_location_is_where_the_resource_is() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let eng = client.group("Eng", &[&ana]);
    for target in [
        format!("/Users/{ana}"),
        format!("/Groups/{eng}"),
        "/ResourceTypes/User".to_owned(),
        format!("/Schemas/{USER}"),
        "/ServiceProviderConfig".to_owned(),
    ] {
        let answer = client.get(&target).expect(200);
        let location = &answer.body["meta"]["location"];
        assert_eq!(*location, json!(format!("{BASE}{target}")));
        // RFC 7643 3.1: the two are the same; of what is not stored only one is told.
        let header = answer.header("content-location");
        let stored = target.starts_with("/Users") || target.starts_with("/Groups");
        assert_eq!(header, location.as_str().filter(|_| stored), "{target}");
    }
}

#[test]
fn the_version_is_the_entity_tag_and_weak() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "ana"});
    let created = client.post("/Users", &body).expect(201);
    let target = format!("/Users/{}", created.id());
    let title = json!([{"op": "add", "path": "title", "value": "Dr"}]);
    for answer in [
        created,
        client.get(&target).expect(200),
        client.patch(&target, &title).expect(200),
        client.put(&target, &body).expect(200),
    ] {
        assert_eq!(answer.header("etag"), Some(answer.version()));
        // Two answers of one version may show different attributes.
        assert!(answer.version().starts_with("W/\""));
    }
}

#[test]
fn references_lead_to_what_they_name() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let inner = client.group("Inner", &[&ana]);
    let outer = client.group("Outer", &[&inner]);
    for (target, list) in [
        (format!("/Groups/{inner}"), "members"),
        (format!("/Groups/{outer}"), "members"),
        (format!("/Users/{ana}"), "groups"),
    ] {
        let shown = client.get(&target).expect(200).body;
        for link in shown[list].as_array().unwrap() {
            let found = follow(&mut client, &link["$ref"]).expect(200);
            assert_eq!(json!(found.id()), link["value"], "{target}");
        }
    }
}

#[test]
fn memberships_change_through_groups_alone() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let (eng, ops) = (client.group("Eng", &[&ana]), client.group("Ops", &[]));
    let target = format!("/Users/{ana}");
    let body = json!({"schemas": [USER], "userName": "ana", "groups": [{"value": ops}]});
    let answer = client.put(&target, &body).expect(200);
    assert_eq!(answer.body["groups"][0]["value"], json!(eng));
    for op in ["add", "replace", "remove"] {
        let op = json!([{"op": op, "path": "groups", "value": [{"value": ops}]}]);
        let _ = client.patch(&target, &op).refused(400, "mutability");
    }
    let members = client.get(&format!("/Groups/{ops}")).expect(200).members();
    assert!(members.is_empty());
}

#[test]
fn one_value_of_one_type_is_shown_once() {
    let mut client = Client::new();
    let home = json!({"value": "A@x.y", "type": "home"});
    let emails = json!([
        {"value": "a@x.y", "type": "work", "display": "Ana"}, home,
        {"value": "a@x.y", "type": "work", "primary": true}]);
    let body = json!({"schemas": [USER], "userName": "ana", "emails": emails});
    let created = client.post("/Users", &body).expect(201);
    let work = json!({"value": "a@x.y", "type": "work", "display": "Ana", "primary": true});
    assert_eq!(created.body["emails"], json!([work, home]));
    let target = format!("/Users/{}", created.id());
    let kept = client.put(&target, &body).expect(200);
    assert_eq!(kept.body, created.body, "the same again changes nothing");
}

#[test]
fn the_configuration_has_every_required_attribute() {
    let mut client = Client::new();
    let config = client.get("/ServiceProviderConfig").expect(200).body;
    for (feature, numbers) in [
        ("patch", &[][..]),
        ("bulk", &["maxOperations", "maxPayloadSize"][..]),
        ("filter", &["maxResults"][..]),
        ("changePassword", &[][..]),
        ("sort", &[][..]),
        ("etag", &[][..]),
    ] {
        assert!(config[feature]["supported"].is_boolean(), "{feature}");
        for number in numbers {
            assert!(config[feature][number].is_u64(), "{feature}.{number}");
        }
    }
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    assert!(!schemes.is_empty());
    for scheme in schemes {
        for part in ["type", "name", "description"] {
            assert!(!scheme[part].as_str().unwrap().is_empty(), "{part}");
        }
    }
}

#[test]
fn resource_types_have_every_required_attribute() {
    let mut client = Client::new();
    let types = client.get("/ResourceTypes").expect(200).body;
    for rt in types["Resources"].as_array().unwrap() {
        for part in ["name", "description", "endpoint", "schema"] {
            assert!(!rt[part].as_str().unwrap().is_empty(), "{part}: {rt}");
        }
        for extension in rt["schemaExtensions"].as_array().unwrap() {
            assert!(extension["schema"].is_string(), "{rt}");
            // None has to be there, so none of ours may be missing.
            assert_eq!(extension["required"], json!(false), "{rt}");
        }
    }
    let name = |kind: &str| {
        types["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rt| rt["name"] == kind)
    };
    assert!(name("User") && name("Group"));
}

/// Checks the definition of an attribute (RFC 7643 7) and of its parts.
fn check_attribute(attribute: &Value, path: &str, nests: bool) {
    let word = |part: &str| attribute[part].as_str().unwrap_or_default();
    let path = format!("{path}{}", word("name"));
    let is = |part: &str, words: &[&str]| assert!(words.contains(&word(part)), "{path}: {part}");
    is(
        "type",
        &[
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "binary",
            "reference",
            "complex",
        ],
    );
    is(
        "mutability",
        &["readOnly", "readWrite", "immutable", "writeOnly"],
    );
    is("returned", &["always", "never", "default", "request"]);
    is("uniqueness", &["none", "server", "global"]);
    assert!(!word("description").is_empty(), "{path}: description");
    for flag in ["multiValued", "required"] {
        assert!(attribute[flag].is_boolean(), "{path}: {flag}");
    }
    if matches!(word("type"), "string" | "reference" | "binary") {
        assert!(attribute["caseExact"].is_boolean(), "{path}: caseExact");
    }
    if word("type") == "reference" {
        let types = attribute["referenceTypes"].as_array();
        assert!(types.is_some_and(|types| !types.is_empty()), "{path}");
    }
    let parts = attribute["subAttributes"].as_array();
    assert_eq!(word("type") == "complex", parts.is_some(), "{path}");
    for part in parts.into_iter().flatten() {
        // RFC 7643 7: of all schemas that of schemas alone may nest deeper.
        assert!(nests || part["type"] != "complex", "{path}");
        check_attribute(part, &format!("{path}."), nests);
    }
}

#[test]
fn schemas_define_every_characteristic() {
    let mut client = Client::new();
    let schemas = client.get("/Schemas").expect(200).body;
    for schema in schemas["Resources"].as_array().unwrap() {
        for part in ["id", "name", "description"] {
            assert!(!schema[part].as_str().unwrap().is_empty(), "{part}");
        }
        let nests = schema["id"] == "urn:ietf:params:scim:schemas:core:2.0:Schema";
        for attribute in schema["attributes"].as_array().unwrap() {
            check_attribute(attribute, "", nests);
        }
    }
}

#[test]
fn an_integer_has_neither_fraction_nor_exponent() {
    let badge = "urn:example:params:scim:schemas:badge:2.0:User";
    let settings = json!({"schemas": [{"resource": "User", "schema": {"id": badge, "name": "Badge",
        "attributes": [{"name": "level", "type": "integer"}]}}]});
    let config = Config::from_json(settings.to_string().as_bytes()).unwrap();
    let mut client = Client::with(config);
    for (number, status) in [
        ("12", 201),
        ("-3", 201),
        ("1.0", 400),
        ("1e2", 400),
        ("0.5", 400),
    ] {
        let body = format!("{{\"userName\": \"u{number}\", \"{badge}\": {{\"level\": {number}}}}}");
        let answer = client.request("POST", "/Users", &[], body.as_bytes());
        let _ = answer.expect(status);
    }
}

#[test]
fn a_group_takes_members_away_and_adds_them_but_edits_none() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let target = format!("/Groups/{}", client.group("Eng", &[&ana]));
    for part in ["value", "display", "type", "$ref"] {
        let path = format!("members[value eq \"{ana}\"].{part}");
        let op = json!([{"op": "replace", "path": path, "value": "x"}]);
        let _ = client.patch(&target, &op).refused(400, "mutability");
    }
    let unlike = json!({"schemas": [GROUP], "displayName": "Eng",
        "members": [{"value": ana, "display": "somebody else"}]});
    let answer = client.put(&target, &unlike).expect(200);
    assert_eq!(answer.body["members"][0]["display"], "ana");
}

#[test]
fn a_value_that_says_nothing_of_primary_is_not_primary() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "ana", "emails": [{"value": "a@x.y"}]});
    let ana = client.post("/Users", &body).expect(201).id();
    for (filter, matches) in [
        ("emails[value eq \"a@x.y\" and primary eq false]", true),
        ("emails[primary ne true]", true),
        ("emails.primary eq false", true),
        ("emails[primary eq true]", false),
    ] {
        let found = client.filter("/Users", filter).expect(200);
        assert_eq!(found.ids() == [ana.clone()], matches, "{filter}");
    }
}
