//! What answers show: the same by whatever way a resource is asked for.

use nameplate_scim::config::Config;
use nameplate_scim::env::Level;
use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, USER, encoded};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// A schema that the configuration declares.
const CARD: &str = "urn:example:params:scim:schemas:card:2.0:User";
/// Extensions that nobody declares; one reads like a part of the other.
const BADGE: &str = "urn:example:1.0:Badge";

fn config(dialect: &str) -> Config {
    let schema = json!({"id": CARD, "name": "Card", "attributes": [
        {"name": "number"}, {"name": "secret", "returned": "never"},
        {"name": "pin", "mutability": "writeOnly", "returned": "never"},
        {"name": "photo", "returned": "request"}, {"name": "issuer", "returned": "always"},
        {"name": "printed", "mutability": "readOnly"},
        {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "returned": "never"}, {"name": "code", "returned": "always"},
            {"name": "floor"}, {"name": "plan", "returned": "request"},
            {"name": "key", "mutability": "writeOnly", "returned": "never"}]},
    ]});
    let settings = json!({"dialect": dialect, "schemas": [{"resource": "User", "schema": schema}]});
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

fn client() -> Client {
    Client::with(config("auto"))
}

/// Somebody with all sorts of attributes, some of which no schema declares.
fn ana() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE, CARD], "userName": "ana", "active": true,
        "password": "1mz050nq",
        "name": {"givenName": "Ana", "familyName": "Diaz", "shoe": 1},
        "emails": [{"value": "a@x.y", "type": "work", "seen": 1}, {"value": "b@x.y"}],
        "Shoes": {"Left": 41, "right": 42}, "favourite colour": "red", "a.b": 1, "empty": {},
        ENTERPRISE: {"department": "IT", "manager": {"value": "1"}, "Floor": 3, "the door": 4},
        CARD: {"number": "7", "secret": "s", "pin": "4711", "photo": "AAAA", "issuer": "i",
            "printed": "now",
            "doors": [{"value": "v", "code": "c", "floor": "1", "plan": "p", "key": "k"}]},
        BADGE: {"No": 7, "colour": "blue"},
    })
}

/// The ways to an answer that shows a resource.
const WAYS: [&str; 10] = [
    "POST", "GET", "list", "filter", "sorted", "cursor", "search", "root", "PUT", "PATCH",
];

/// What is shown of a user by one way, without `id`, `meta` and `schemas`; `parameter` is
/// `attributes` or `excludedAttributes`.
#[track_caller]
fn shown(way: &str, parameter: &str, names: &str) -> Value {
    let mut client = client();
    let query = format!("?{parameter}={}", encoded(names));
    let body = ana();
    if way == "POST" {
        let answer = client.post(&format!("/Users{query}"), &body).expect(201);
        return bare(answer.body);
    }
    let id = client.post("/Users", &body).expect(201).id();
    let target = format!("/Users/{id}{query}");
    let filter = encoded(&format!("id eq \"{id}\""));
    let search = json!({"schemas": [SEARCH], parameter: names.split(',').collect::<Vec<_>>()});
    let answer = match way {
        "GET" => client.get(&target),
        "list" => client.get(&format!("/Users{query}")),
        "filter" => client.get(&format!("/Users{query}&filter={filter}")),
        "sorted" => client.get(&format!("/Users{query}&sortBy=name.familyName")),
        "cursor" => client.get(&format!("/Users{query}&cursor")),
        "search" => client.post("/Users/.search", &search),
        "root" => client.post("/.search", &search),
        "PUT" => client.put(&target, &body),
        "PATCH" => client.patch(&target, &json!([{"op": "remove", "path": "title"}])),
        other => panic!("{other}"),
    };
    let body = answer.expect(200).body;
    match body.get("Resources") {
        Some(list) => bare(list[0].clone()),
        None => bare(body),
    }
}

#[track_caller]
fn bare(mut resource: Value) -> Value {
    let map = resource.as_object_mut().unwrap();
    assert!(map.remove("id").is_some_and(|id| id.is_string()));
    let schemas = map.remove("schemas").unwrap();
    map.remove("meta");
    // RFC 7643 3: the schemas of what is there.
    let mut expected = vec![USER];
    expected.extend(
        [ENTERPRISE, CARD]
            .iter()
            .filter(|urn| map.contains_key(**urn)),
    );
    assert_eq!(schemas, json!(expected));
    resource
}

#[track_caller]
fn by_every_way(parameter: &str, names: &str, expected: &Value) {
    for way in WAYS {
        assert_eq!(
            shown(way, parameter, names),
            *expected,
            "{way} {parameter}={names}"
        );
    }
}

/// What is shown of Ana where nothing is chosen.
fn by_default() -> Value {
    json!({
        "userName": "ana", "active": true,
        "name": {"givenName": "Ana", "familyName": "Diaz"},
        "emails": [{"value": "a@x.y", "type": "work"}, {"value": "b@x.y"}],
        ENTERPRISE: {"department": "IT", "manager": {"value": "1"}},
        CARD: {"number": "7", "issuer": "i", "doors": [{"code": "c", "floor": "1"}]},
    })
}

#[test]
fn by_default_all_is_shown_that_is_declared_and_not_for_requests_alone() {
    by_every_way("attributes", "", &by_default());
    by_every_way("excludedAttributes", "nonsense,,password", &by_default());
}

#[test]
fn attributes_are_shown_by_name_path_and_urn() {
    let issuer = json!({"issuer": "i"});
    for (names, mut expected) in [
        ("USERNAME,nonsense", json!({"userName": "ana"})),
        (&format!("{USER}:userName"), json!({"userName": "ana"})),
        ("name.FAMILYNAME", json!({"name": {"familyName": "Diaz"}})),
        ("emails.type", json!({"emails": [{"type": "work"}]})),
        (
            "emails.type,emails",
            json!({"emails": by_default()["emails"]}),
        ),
        (
            &format!("{ENTERPRISE}:department"),
            json!({ENTERPRISE: {"department": "IT"}}),
        ),
        (
            &format!("{}:manager.value,active", ENTERPRISE.to_uppercase()),
            json!({ENTERPRISE: {"manager": {"value": "1"}}, "active": true}),
        ),
        (ENTERPRISE, json!({ENTERPRISE: by_default()[ENTERPRISE]})),
        ("department", json!({})),
        ("id,schemas", json!({})),
    ] {
        expected[CARD] = issuer.clone();
        by_every_way("attributes", names, &expected);
    }
    let mut core = by_default();
    core[CARD] = issuer;
    core.as_object_mut().unwrap().remove(ENTERPRISE);
    by_every_way("attributes", USER, &core);
}

#[test]
fn what_is_for_requests_alone_is_shown_by_its_own_name() {
    for (names, expected) in [
        ("photo", json!({"photo": "AAAA", "issuer": "i"})),
        (
            "doors.plan",
            json!({"issuer": "i", "doors": [{"code": "c", "plan": "p"}]}),
        ),
        (
            "doors",
            json!({"issuer": "i", "doors": [{"code": "c", "floor": "1"}]}),
        ),
        ("printed", json!({"issuer": "i"})),
    ] {
        let names = format!("{CARD}:{names}");
        by_every_way("attributes", &names, &json!({CARD: expected}));
    }
    // The URN means what is shown of it by default.
    by_every_way("attributes", CARD, &json!({CARD: by_default()[CARD]}));
}

#[test]
fn what_is_left_out_is_all_but_what_is_always_shown() {
    let without = |pointer: &str| {
        let mut rest = by_default();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let map = rest.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        assert!(map.remove(name).is_some(), "{pointer}");
        rest
    };
    for (names, expected) in [
        ("userName,id,schemas", without("/userName")),
        ("NAME.givenname", without("/name/givenName")),
        (&format!("{USER}:emails"), without("/emails")),
        (
            &format!("{ENTERPRISE}:manager"),
            without(&format!("/{ENTERPRISE}/manager")),
        ),
        (ENTERPRISE, without(&format!("/{ENTERPRISE}"))),
        (
            &format!("{CARD}:doors.floor,{CARD}:doors.code,{CARD}:issuer"),
            without(&format!("/{CARD}/doors/0/floor")),
        ),
        (&format!("{CARD}:doors"), without(&format!("/{CARD}/doors"))),
    ] {
        by_every_way("excludedAttributes", names, &expected);
    }
    let only = |card: Value| json!({CARD: card});
    by_every_way(
        "excludedAttributes",
        &format!("{USER},{ENTERPRISE},{CARD}"),
        &only(json!({"issuer": "i"})),
    );
}

#[test]
fn what_no_schema_declares_is_shown_where_it_is_named() {
    let both = json!({"Left": 41, "right": 42});
    for (names, mut expected) in [
        ("shoes", json!({"Shoes": both})),
        ("SHOES.left", json!({"Shoes": {"Left": 41}})),
        ("favourite Colour", json!({"favourite colour": "red"})),
        ("a.b", json!({"a.b": 1})),
        ("empty", json!({"empty": {}})),
        ("name.shoe", json!({"name": {"shoe": 1}})),
        ("name", json!({"name": by_default()["name"]})),
        ("emails.seen", json!({"emails": [{"seen": 1}]})),
        (
            &format!("{ENTERPRISE}:FLOOR"),
            json!({ENTERPRISE: {"Floor": 3}}),
        ),
        (
            &format!("{ENTERPRISE}:the door"),
            json!({ENTERPRISE: {"the door": 4}}),
        ),
        (
            &BADGE.to_lowercase(),
            json!({BADGE: {"No": 7, "colour": "blue"}}),
        ),
        (&format!("{BADGE}:no"), json!({BADGE: {"No": 7}})),
        ("Floor,No,Badge", json!({})),
    ] {
        expected[CARD] = json!({"issuer": "i"});
        by_every_way("attributes", names, &expected);
    }
}

#[test]
fn what_no_schema_declares_is_noted_by_name_once_a_request() {
    let expected = |client: &Client| {
        let unused = client.world.notes.iter().filter(|(level, code, text)| {
            assert!(!text.contains("blue") && !text.contains("41"), "{text}");
            *level == Level::Warning && code == "received-unused"
        });
        let mut names: Vec<String> = unused
            .map(|(_, _, text)| text.split('`').nth(1).unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let floor = format!("{ENTERPRISE}:Floor");
    let door = format!("{ENTERPRISE}:the door");
    let all = [
        "Shoes",
        "a.b",
        "emails.seen",
        "empty",
        "favourite colour",
        "name.shoe",
        BADGE,
        &floor,
        &door,
    ];
    let mut client = client();
    let mut body = ana();
    body["emails"][1]["seen"] = json!(2);
    let target = format!("/Users/{}", client.post("/Users", &body).expect(201).id());
    assert_eq!(expected(&client), all);
    let _ = client.put(&target, &body).expect(200);
    assert_eq!(expected(&client), all);
    let operations = json!([
        {"op": "add", "path": "name.shoe", "value": 2},
        {"op": "replace", "value": {"Shoes": {"Left": 41}, BADGE: {"colour": "blue"}}},
        {"op": "add", "path": "emails", "value": [{"value": "c@x.y", "seen": 1}]},
        {"op": "add", "path": "emails", "value": [{"value": "d@x.y", "seen": 1}]}]);
    let _ = client.patch(&target, &operations).expect(200);
    assert_eq!(
        expected(&client),
        ["Shoes", "emails.seen", "name.shoe", BADGE]
    );
    let _ = client
        .get(&format!("{target}?attributes=shoes"))
        .expect(200);
    assert_eq!(expected(&client), [""; 0], "it was received before");
    assert_eq!(
        shown("PATCH", "attributes", "shoes.right")["Shoes"],
        json!({"right": 42})
    );
}

#[test]
fn secrets_are_shown_by_no_way() {
    let secret = ["secret", "pin", "doors.value", "doors.key"].map(|name| format!("{CARD}:{name}"));
    for names in secret
        .iter()
        .map(String::as_str)
        .chain(["password", "password.x"])
    {
        for way in WAYS {
            let shown = shown(way, "attributes", names);
            let card = &shown[CARD];
            let doors = &card["doors"];
            assert_eq!(
                shown.as_object().unwrap().len(),
                1,
                "{way} {names}: {shown}"
            );
            assert_eq!(card["issuer"], "i", "{way} {names}");
            assert!(
                doors.is_null() || *doors == json!([{"code": "c"}]),
                "{way} {names}: {shown}"
            );
        }
    }
}

#[test]
fn nobody_is_found_by_a_secret() {
    let mut client = client();
    let target = format!("/Users/{}", client.post("/Users", &ana()).expect(201).id());
    for filter in [
        "password eq \"1mz050nq\"".to_owned(),
        "userName eq \"ana\" and not (password pr)".to_owned(),
        format!("{USER}:password sw \"1\""),
        format!("{CARD}:secret eq \"s\""),
        format!("{CARD}:pin pr"),
        format!("{CARD}:doors.value eq \"v\""),
        format!("{CARD}:doors eq \"v\""),
        format!("{CARD}:doors[value eq \"v\"]"),
        format!("{CARD}:doors[code eq \"c\"].key eq \"k\""),
        format!("{CARD}:doors[key sw \"k\" or floor eq \"1\"].floor pr"),
    ] {
        // RFC 7644 table 9: what is in a URL is not in a body.
        let _ = client.filter("/Users", &filter).refused(403, "sensitive");
        let _ = client.filter("/", &filter).refused(403, "sensitive");
        let search = json!({"schemas": [SEARCH], "filter": filter});
        let _ = client
            .post("/Users/.search", &search)
            .refused(400, "invalidFilter");
    }
    for by in [
        "password",
        &format!("{CARD}:secret"),
        &format!("{CARD}:doors.value"),
        &format!("{CARD}:doors"),
    ] {
        let _ = client
            .get(&format!("/Users?sortBy={}", encoded(by)))
            .refused(400, "invalidValue");
    }
    let path = format!("{CARD}:doors[value eq \"v\"].floor");
    let guess = json!([{"op": "replace", "path": path, "value": "2"}]);
    let _ = client.patch(&target, &guess).refused(400, "invalidPath");
}

#[test]
fn members_are_cut_down_by_every_way() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let group = client.group("Eng", &[&ana]);
    let target = format!("/Groups/{group}");
    let body = json!({"schemas": [GROUP], "displayName": "Eng", "members": [{"value": ana}]});
    let touch = json!([{"op": "replace", "path": "displayName", "value": "Eng"}]);
    for (query, member) in [
        ("attributes=members.value", json!({"value": ana})),
        (
            "attributes=members.type,MEMBERS.Display",
            json!({"type": "User", "display": "ana"}),
        ),
        (
            "excludedAttributes=members.$ref,displayName,meta",
            json!({"value": ana, "type": "User", "display": "ana"}),
        ),
    ] {
        let expected = json!({"schemas": [GROUP], "id": group, "members": [member]});
        for answer in [
            client.get(&format!("{target}?{query}")),
            client.put(&format!("{target}?{query}"), &body),
            client.patch(&format!("{target}?{query}"), &touch),
        ] {
            assert_eq!(answer.expect(200).body, expected, "{query}");
        }
        let list = client.get(&format!("/Groups?{query}")).expect(200);
        assert_eq!(list.body["Resources"], json!([expected]), "{query}");
        let other = json!({"schemas": [GROUP], "displayName": query, "members": [{"value": ana}]});
        let made = client.post(&format!("/Groups?{query}"), &other).expect(201);
        assert_eq!(made.body["members"], expected["members"], "{query}");
        let _ = client.delete(&format!("/Groups/{}", made.id())).expect(204);
    }
}
