//! Schemas that the configuration declares: they are served, checked, kept to, found by
//! and shown like the standard ones.

use nameplate_scim::config::Config;
use nameplate_scim::env::Level;
use nameplate_scim::reindex_step;
use serde_json::{Value, json};

use crate::client::{BASE, Client, GROUP, USER};

const CARD: &str = "urn:example:params:scim:schemas:card:2.0:User";
const TEAM: &str = "urn:example:params:scim:schemas:team:2.0:Group";

/// A schema with every characteristic that makes a difference.
fn card() -> Value {
    json!({"id": CARD, "name": "Card", "description": "Access card", "attributes": [
        {"name": "number", "required": true, "uniqueness": "server"},
        {"name": "level", "type": "integer"},
        {"name": "since", "type": "dateTime"},
        {"name": "remote", "type": "boolean"},
        {"name": "tags", "multiValued": true, "caseExact": true},
        {"name": "note"},
        {"name": "born", "mutability": "immutable"},
        {"name": "printed", "mutability": "readOnly"},
        {"name": "pin", "mutability": "writeOnly", "returned": "never"},
        {"name": "secret", "returned": "never"},
        {"name": "photo", "type": "binary", "returned": "request"},
        {"name": "issuer", "returned": "always"},
        {"name": "maker", "type": "complex", "subAttributes": [
            {"name": "name"}, {"name": "serial", "mutability": "immutable"}]},
        {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "code"}, {"name": "floor", "type": "integer"}]},
    ]})
}

fn configured(more: Value) -> Config {
    let mut settings = json!({"schemas": [
        {"resource": "User", "schema": card(),
            "indexed": ["level", "since", "remote", "tags", "doors.code"]},
        {"resource": "Group", "schema": {"id": TEAM, "name": "Team",
            "attributes": [{"name": "born", "mutability": "immutable"}, {"name": "cost"}]}},
    ]});
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

fn client() -> Client {
    Client::with(configured(json!({})))
}

fn with_card(name: &str, card: Value) -> Value {
    json!({"schemas": [USER, CARD], "userName": name, "active": true, CARD: card})
}

#[test]
fn discovery_shows_what_is_declared_and_whose_it_is() {
    let mut client = client();
    let answer = client.get(&format!("/Schemas/{CARD}")).expect(200);
    assert_eq!(answer.body["name"], "Card");
    assert_eq!(
        answer.body["meta"]["location"],
        json!(format!("{BASE}/Schemas/{CARD}"))
    );
    let shown = answer.body["attributes"].as_array().unwrap();
    for (declared, shown) in card()["attributes"].as_array().unwrap().iter().zip(shown) {
        for (member, value) in declared.as_object().unwrap() {
            if member != "subAttributes" {
                assert_eq!(&shown[member], value, "{}", declared["name"]);
            }
        }
    }
    let ids = client.get("/Schemas").expect(200).ids();
    assert!(ids.contains(&CARD.to_owned()) && ids.contains(&TEAM.to_owned()));
    for (name, urn, other) in [("User", CARD, TEAM), ("Group", TEAM, CARD)] {
        let rt = client.get(&format!("/ResourceTypes/{name}")).expect(200);
        let extensions = rt.body["schemaExtensions"].as_array().unwrap();
        let has = |urn| extensions.iter().any(|it| it["schema"] == urn);
        assert!(has(urn) && !has(other), "{name}");
    }
}

#[test]
fn a_declared_attribute_is_checked_by_every_write() {
    let mut client = client();
    for (card, name) in [
        (json!({"number": "1", "level": "three"}), ":level"),
        (json!({"number": "1", "since": "yesterday"}), ":since"),
        (
            json!({"number": "1", "doors": [{"floor": "x"}]}),
            ":doors[0].floor",
        ),
        (json!({"number": "1", "maker": [1]}), ":maker"),
        (json!({"level": 3}), ":number"),
    ] {
        let _ = client
            .post("/Users", &with_card("ana", card))
            .refused(400, "invalidValue")
            .names(&format!("{CARD}{name}"));
    }
    let body = with_card("ana", json!({"NUMBER": "1", "Level": 3}));
    let made = client.post("/Users", &body).expect(201);
    assert_eq!(made.body[CARD], json!({"number": "1", "level": 3}));
    assert_eq!(made.body["schemas"], json!([USER, CARD]));
    let target = format!("/Users/{}", made.id());
    let wrong = with_card("ana", json!({"number": "1", "level": 1.5}));
    let _ = client.put(&target, &wrong).refused(400, "invalidValue");
    let op = json!([{"op": "replace", "path": format!("{CARD}:level"), "value": "x"}]);
    let _ = client.patch(&target, &op).refused(400, "invalidValue");
    let op = json!([{"op": "replace", "path": format!("{CARD}:level"), "value": 4}]);
    let patched = client.patch(&target, &op).expect(200);
    assert_eq!(patched.body[CARD]["level"], 4);
    let without = json!({"schemas": [USER], "userName": "ana"});
    let replaced = client.put(&target, &without).expect(200);
    assert_eq!(replaced.body["schemas"], json!([USER]));
}

#[test]
fn an_indexed_attribute_is_found_by_its_index_alone() {
    let mut client = Client::with(configured(json!({"scan_budget": 1})));
    let mut ids = Vec::new();
    for (n, name) in ["ana", "ben", "cleo"].into_iter().enumerate() {
        let card = json!({"number": format!("N-{n}"), "level": n, "remote": n == 1,
            "since": format!("2026-01-0{}T00:00:00+01:00", n + 1), "note": "x",
            "tags": [format!("T{n}"), "all"], "doors": [{"code": format!("D{n}"), "floor": n}]});
        ids.push(
            client
                .post("/Users", &with_card(name, card))
                .expect(201)
                .id(),
        );
    }
    for filter in [
        "number eq \"n-1\"",
        "number co \"-1\"",
        "number ew \"-1\"",
        "level eq 1",
        "level eq 1.0",
        "since eq \"2026-01-01T23:00:00Z\"",
        "remote eq true",
        "tags eq \"T1\"",
        "tags sw \"T1\"",
        "doors.code eq \"d1\"",
        "doors[code eq \"d1\" and floor eq 1]",
    ] {
        let found = client
            .filter("/Users", &format!("{CARD}:{filter}"))
            .expect(200);
        assert_eq!(found.ids(), [ids[1].clone()], "{filter}");
    }
    for filter in [
        "level gt 1",
        "level ge 1.5",
        "since gt \"2026-01-01T23:00:00Z\"",
    ] {
        let found = client
            .filter("/Users", &format!("{CARD}:{filter}"))
            .expect(200);
        assert_eq!(found.ids(), [ids[2].clone()], "{filter}");
    }
    let nobody = client.filter("/Users", &format!("{CARD}:tags eq \"t1\""));
    assert_eq!(nobody.expect(200).total(), 0);
    let _ = client
        .filter("/Users", &format!("{CARD}:note eq \"x\""))
        .refused(400, "tooMany");
}

#[test]
fn what_is_immutable_is_set_once_and_stays_where_a_put_leaves_it_out() {
    let mut client = client();
    let made = client.post("/Users", &with_card("ana", json!({"number": "1"})));
    let target = format!("/Users/{}", made.expect(201).id());
    // RFC 7644 3.5.1: without an existing value the new one is applied.
    let born = json!({"number": "1", "born": "1980", "maker": {"name": "a", "serial": "s"}});
    let _ = client.put(&target, &with_card("ana", born)).expect(200);
    let less = with_card("ana", json!({"number": "2", "maker": {"name": "b"}}));
    let kept = client.put(&target, &less).expect(200);
    let expected = json!({"number": "2", "born": "1980", "maker": {"name": "b", "serial": "s"}});
    assert_eq!(kept.body[CARD], expected);
    for (card, name) in [
        (json!({"number": "2", "born": "1981"}), ":born"),
        (
            json!({"number": "2", "maker": {"serial": "t"}}),
            ":maker.serial",
        ),
    ] {
        let _ = client
            .put(&target, &with_card("ana", card))
            .refused(400, "mutability")
            .names(&format!("{CARD}{name}"));
    }
    for (op, path) in [
        ("replace", "born"),
        ("remove", "born"),
        ("replace", "maker.serial"),
    ] {
        let op = json!([{"op": op, "path": format!("{CARD}:{path}"), "value": "t"}]);
        let _ = client.patch(&target, &op).refused(400, "mutability");
    }
    assert_eq!(client.get(&target).expect(200).body[CARD], expected);
}

#[test]
fn a_put_of_a_group_keeps_what_is_immutable() {
    let mut client = client();
    let body = json!({"schemas": [GROUP, TEAM], "displayName": "Eng",
        TEAM: {"born": "1980", "cost": "7"}});
    let target = format!("/Groups/{}", client.post("/Groups", &body).expect(201).id());
    let less = json!({"schemas": [GROUP], "displayName": "Eng"});
    let kept = client.put(&target, &less).expect(200);
    assert_eq!(kept.body[TEAM], json!({"born": "1980"}));
    let other = json!({"schemas": [GROUP, TEAM], "displayName": "Eng", TEAM: {"born": "1"}});
    let _ = client.put(&target, &other).refused(400, "mutability");
}

#[test]
fn what_is_read_only_is_never_taken_from_a_client() {
    let mut client = client();
    let body = with_card("ana", json!({"number": "1", "printed": "now"}));
    let made = client.post("/Users", &body).expect(201);
    assert_eq!(made.body[CARD], json!({"number": "1"}));
    let target = format!("/Users/{}", made.id());
    let replaced = client.put(&target, &body).expect(200);
    assert_eq!(replaced.body[CARD], json!({"number": "1"}));
    let op = json!([{"op": "add", "path": format!("{CARD}:printed"), "value": "now"}]);
    let _ = client.patch(&target, &op).refused(400, "mutability");
}

#[test]
fn what_is_write_only_is_neither_kept_nor_shown_nor_found_by() {
    let mut client = client();
    let body = with_card("ana", json!({"number": "1", "pin": "4711"}));
    let made = client.post("/Users", &body).expect(201);
    let target = format!("/Users/{}", made.id());
    let op = json!([{"op": "replace", "path": format!("{CARD}:pin"), "value": "4711"}]);
    let _ = client.patch(&target, &op).expect(200);
    let named = client
        .get(&format!("{target}?attributes={CARD}:pin"))
        .expect(200);
    assert_eq!(named.body.get(CARD), None);
    let stored = client.directory.state.documents().next().unwrap();
    assert!(!String::from_utf8_lossy(&stored.json).contains("4711"));
    for name in ["pin", "secret"] {
        let _ = client
            .filter("/Users", &format!("{CARD}:{name} eq \"4711\""))
            .refused(403, "sensitive");
    }
}

#[test]
fn what_is_returned_is_what_the_schema_says() {
    let mut client = client();
    let card = json!({"number": "1", "secret": "s", "photo": "AAAA", "issuer": "i", "note": "n"});
    let made = client.post("/Users", &with_card("ana", card)).expect(201);
    let by_default = json!({"number": "1", "issuer": "i", "note": "n"});
    assert_eq!(made.body[CARD], by_default);
    let target = format!("/Users/{}", made.id());
    for (query, expected) in [
        (String::new(), by_default),
        (
            format!("?attributes={CARD}:photo"),
            json!({"photo": "AAAA", "issuer": "i"}),
        ),
        (format!("?attributes={CARD}:secret"), json!({"issuer": "i"})),
        ("?attributes=userName".to_owned(), json!({"issuer": "i"})),
        (
            format!("?excludedAttributes={CARD}:note,{CARD}:issuer"),
            json!({"number": "1", "issuer": "i"}),
        ),
        (
            format!("?excludedAttributes={CARD}"),
            json!({"issuer": "i"}),
        ),
    ] {
        let shown = client.get(&format!("{target}{query}")).expect(200);
        assert_eq!(shown.body[CARD], expected, "{query}");
        let joint = if query.is_empty() { "?" } else { "&" };
        let listed = client
            .get(&format!("/Users{query}{joint}count=1"))
            .expect(200);
        assert_eq!(listed.body["Resources"][0][CARD], expected, "{query}");
    }
}

#[test]
fn a_unique_value_is_refused_to_a_second_user_and_brings_nobody_back() {
    let mut client = client();
    let inactive = json!({"schemas": [USER, CARD], "userName": "ana", "active": false,
        CARD: {"number": "N-1"}});
    let ana = client.post("/Users", &inactive).expect(201).id();
    let _ = client
        .post("/Users", &with_card("ben", json!({"number": "n-1"})))
        .refused(409, "uniqueness")
        .names(&format!("`{CARD}:number`"));
    let body = with_card("ben", json!({"number": "N-2"}));
    let ben = client.post("/Users", &body).expect(201).id();
    let op = json!([{"op": "replace", "path": format!("{CARD}:number"), "value": "n-1"}]);
    let _ = client
        .patch(&format!("/Users/{ben}"), &op)
        .refused(409, "uniqueness");
    let _ = client.put(&format!("/Users/{ben}"), &body).expect(200);
    // Who comes back is told by the userName, as ever.
    let back = with_card("ANA", json!({"number": "n-1"}));
    assert_eq!(client.post("/Users", &back).expect(201).id(), ana);
}

#[test]
fn a_unique_value_is_no_login() {
    let mut client = client();
    let waiting = client.group("Eng", &["ana"]);
    let body = with_card("ben", json!({"number": "ana"}));
    let _ = client.post("/Users", &body).expect(201);
    let members = client
        .get(&format!("/Groups/{waiting}"))
        .expect(200)
        .members();
    assert!(members.is_empty(), "the badge made its owner somebody else");
    let ana = client.user("ana");
    let members = client
        .get(&format!("/Groups/{waiting}"))
        .expect(200)
        .members();
    assert_eq!(members, [ana]);
}

/// Walks the whole index.
fn reindex(client: &mut Client) {
    let mut cursor = None;
    loop {
        let Client {
            config,
            directory,
            world,
        } = client;
        let step = reindex_step(config, directory, world, cursor.as_deref(), 1).unwrap();
        match step.next {
            Some(next) => cursor = Some(next),
            None => return,
        }
    }
}

#[test]
fn a_schema_declared_later_finds_what_was_there_before() {
    let mut client = Client::new();
    let body = with_card("ana", json!({"number": "N-1", "level": 3}));
    let ana = client.post("/Users", &body).expect(201).id();
    client.config = configured(json!({}));
    let by_level = format!("{CARD}:level ge 3");
    // Not filled yet: everybody is looked at, and nobody is missed.
    assert_eq!(
        client.filter("/Users", &by_level).expect(200).ids(),
        [ana.clone()]
    );
    assert!(client.noted("index-not-ready"));
    reindex(&mut client);
    assert_eq!(client.filter("/Users", &by_level).expect(200).ids(), [ana]);
    assert!(!client.noted("index-not-ready"));
    let same = with_card("ben", json!({"number": "n-1"}));
    let _ = client.post("/Users", &same).refused(409, "uniqueness");
}

#[test]
fn values_that_were_shared_before_they_became_unique_keep_no_index_waiting() {
    let mut client = Client::new();
    let mut ids = Vec::new();
    for name in ["ana", "ben"] {
        let body = with_card(name, json!({"number": "N-1"}));
        ids.push(client.post("/Users", &body).expect(201).id());
    }
    client.config = configured(json!({}));
    client.world.notes.clear();
    reindex(&mut client);
    let warned: Vec<&String> = client
        .world
        .notes
        .iter()
        .filter(|(level, code, _)| *level == Level::Warning && code == "duplicate-value")
        .map(|(_, _, text)| text)
        .collect();
    assert_eq!(warned.len(), 1);
    assert!(warned[0].contains(&ids[1]) && warned[0].contains(&format!("`{CARD}:number`")));
    let both = client.filter("/Users", &format!("{CARD}:number eq \"n-1\""));
    assert_eq!(both.expect(200).ids(), ids);
    assert!(!client.noted("index-not-ready"));
}
