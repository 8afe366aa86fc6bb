//! Each accepted deviation: taken with a note under its name, and refused, or answered
//! as the RFC has it, in strict mode.

use nameplate_scim::config::{Config, Dialect};
use nameplate_scim::resource::Rule;
use serde_json::{Value, json};

use crate::client::{Answer, Client, ENTERPRISE, GROUP, USER};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const DOCUMENT: &str = include_str!("../../docs/dialects.md");

/// A directory with a user `ana`, who is inactive, and a group of two users.
struct Place {
    client: Client,
    ana: String,
    group: String,
    member: String,
}

fn place(dialect: Dialect) -> Place {
    let mut client = Client::with(Config {
        dialect,
        ..Config::default()
    });
    let body = json!({"schemas": [USER], "userName": "ana", "active": false});
    let ana = client.post("/Users", &body).expect(201).id();
    let member = client.user("member");
    let other = client.user("other");
    let group = client.group("group", &[&member, &other]);
    Place {
        client,
        ana,
        group,
        member,
    }
}

fn user(more: Value) -> Value {
    let mut body = json!({"schemas": [USER, ENTERPRISE], "userName": "new"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Sends what deviates by this rule.
fn deviate(rule: Rule, place: &mut Place) -> Answer {
    let Place {
        client,
        ana,
        group,
        member,
    } = place;
    let (ana, group) = (format!("/Users/{ana}"), format!("/Groups/{group}"));
    match rule {
        Rule::StringBoolean => client.post("/Users", &user(json!({"active": "False"}))),
        Rule::BareManager => client.post(
            "/Users",
            &user(json!({ENTERPRISE: {"manager": "26118915"}})),
        ),
        Rule::WrapSingle => client.post("/Users", &user(json!({"emails": {"value": "a@b.c"}}))),
        Rule::MissingSchemas => client.post("/Users", &json!({"userName": "new"})),
        Rule::UnknownSchema => {
            let urn = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
            client.post(
                "/Groups",
                &json!({"schemas": [GROUP, urn], "displayName": "new"}),
            )
        }
        Rule::MediaType => {
            let body = user(json!({})).to_string();
            let plain = [("content-type", "text/plain")];
            client.request("POST", "/Users", &plain, body.as_bytes())
        }
        Rule::LineBreaks => client.post(
            "/Users",
            &user(json!({"x509Certificates": [{"value": "AAAA\r\nBBBB"}]})),
        ),
        Rule::DropEmptyEmail => client.post("/Users", &user(json!({"emails": [{"type": "work"}]}))),
        Rule::SeveralPrimaries => {
            let emails = json!([{"value": "a@b.c", "primary": true},
                {"value": "d@e.f", "primary": true}]);
            client.post("/Users", &user(json!({"emails": emails})))
        }
        Rule::OpCase => client.patch(
            &ana,
            &json!([{"op": "Replace", "path": "title", "value": "x"}]),
        ),
        Rule::LoosePath => client.patch(
            &ana,
            &json!([{"op": "add", "path": " ", "value": {"title": "x"}}]),
        ),
        Rule::PathsAsNames => {
            let value = json!({"name.givenName": "Ana", "emails[type eq \"work\"].value": "a@b.c"});
            client.patch(&ana, &json!([{"op": "add", "value": value}]))
        }
        Rule::RemoveByValue => {
            let value = json!([{"value": member}]);
            client.patch(
                &group,
                &json!([{"op": "remove", "path": "members", "value": value}]),
            )
        }
        Rule::AddThroughMissing => client.patch(
            &ana,
            &json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "a@b.c"}]),
        ),
        Rule::ReplaceThroughMissing => client.patch(
            &ana,
            &json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "a@b.c"}]),
        ),
        Rule::IgnoreUndeclared => client.patch(
            &ana,
            &json!([{"op": "replace", "path": "shoes[size eq 44].colour", "value": "red"}]),
        ),
        Rule::IgnoreReadOnly => {
            client.patch(&group, &json!([{"op": "replace", "value": {"id": "x"}}]))
        }
        Rule::SkipEmptyMember => {
            let value = json!([{"value": ""}, {"value": member}]);
            client.patch(
                &group,
                &json!([{"op": "add", "path": "members", "value": value}]),
            )
        }
        Rule::MemberByLogin => client.patch(
            &group,
            &json!([{"op": "add", "path": "members", "value": [{"value": "LATER"}]}]),
        ),
        Rule::ReviveByPost => {
            let mut body = user(json!({"active": true}));
            body["userName"] = json!("ana");
            client.post("/Users", &body)
        }
        Rule::GroupWithoutBody => {
            let operation = json!({"op": "replace", "path": "externalId", "value": "x"});
            client.patch(&group, &json!([operation]))
        }
    }
}

const DIALECTS: [(&str, Dialect); 8] = [
    ("auto", Dialect::Auto),
    ("okta", Dialect::Okta),
    ("entra", Dialect::Entra),
    ("onelogin", Dialect::Onelogin),
    ("jumpcloud", Dialect::Jumpcloud),
    ("authentik", Dialect::Authentik),
    ("generic", Dialect::Generic),
    ("strict", Dialect::Strict),
];

/// Is the deviation in the answer, which the client has no part in.
fn answers(rule: Rule) -> bool {
    rule == Rule::GroupWithoutBody
}

/// A row of the table: who has the rule, and what the others get, as status and keyword.
struct Row {
    dialects: Vec<&'static str>,
    refusal: (u16, Option<&'static str>),
}

fn row(rule: Rule) -> Row {
    let start = format!("| `{}` |", rule.code());
    let mut found = DOCUMENT.lines().filter(|line| line.starts_with(&start));
    let (Some(line), None) = (found.next(), found.next()) else {
        panic!("{rule:?} has not one row")
    };
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let dialects = match cells[4] {
        "all" => DIALECTS[..7].iter().map(|(name, _)| *name).collect(),
        named => named.split(", ").collect(),
    };
    let (status, rest) = cells[5].split_at(3);
    let keyword = rest
        .strip_prefix(" `")
        .and_then(|rest| rest.split('`').next());
    Row {
        dialects,
        refusal: (status.parse().unwrap(), keyword),
    }
}

#[test]
fn each_deviation_is_taken_and_noted_by_the_dialects_that_have_it() {
    for rule in Rule::ALL {
        for name in row(rule).dialects {
            let (_, dialect) = DIALECTS.iter().find(|(known, _)| *known == name).unwrap();
            let mut place = place(*dialect);
            let answer = deviate(rule, &mut place);
            assert!(answer.status < 300, "{rule:?}, {name}: {answer:?}");
            let noted = answers(rule) || place.client.noted(rule.code());
            assert!(noted, "{rule:?}, {name}: {:?}", place.client.world.notes);
            assert!(rule.accepted(*dialect), "{rule:?}, {name}");
        }
    }
}

#[test]
fn each_deviation_is_answered_by_the_others_as_the_document_says() {
    for rule in Rule::ALL {
        let Row { dialects, refusal } = row(rule);
        assert!(!dialects.contains(&"strict"), "{rule:?}");
        for (name, dialect) in DIALECTS {
            if dialects.contains(&name) {
                continue;
            }
            let mut place = place(dialect);
            let before = place.client.directory.state.clone();
            let answer = deviate(rule, &mut place);
            let keyword = answer.body["scimType"].as_str();
            let (status, expected) = refusal;
            assert_eq!(
                (answer.status, keyword),
                (status, expected),
                "{rule:?}, {name}"
            );
            assert!(!place.client.noted(rule.code()), "{rule:?}, {name}");
            let same = before == place.client.directory.state.clone();
            assert_eq!(same, status >= 400, "{rule:?}, {name}");
            assert!(!rule.accepted(dialect), "{rule:?}, {name}");
        }
    }
}

#[test]
fn the_document_has_no_row_of_a_rule_that_is_none() {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), Rule::ALL.len());
}

#[test]
fn a_login_among_members_is_a_person_but_in_strict_mode() {
    for (dialect, members) in [(Dialect::Auto, 3), (Dialect::Strict, 2)] {
        let mut place = place(dialect);
        let _ = deviate(Rule::MemberByLogin, &mut place).expect(200);
        let later = place.client.user("later");
        let target = format!("/Groups/{}", place.group);
        let group = place.client.get(&target).expect(200);
        assert_eq!(group.members().len(), members, "{dialect:?}");
        let add = json!([{"op": "add", "path": "members", "value": [{"value": later}]}]);
        let _ = place.client.patch(&target, &add).expect(200);
        let remove = json!([{"op": "remove", "path": "members[value eq \"later\"]"}]);
        let group = place.client.patch(&target, &remove).expect(200);
        let kept = group.members().contains(&later);
        assert_eq!(kept, dialect == Dialect::Strict, "{dialect:?}");
    }
}

#[test]
fn a_boolean_is_loose_in_filters_as_in_bodies() {
    for (dialect, accepted) in [(Dialect::Auto, true), (Dialect::Strict, false)] {
        let mut place = place(dialect);
        for filter in ["active eq \"False\"", "active eq FALSE"] {
            let found = place.client.filter("/Users", filter);
            match accepted {
                true => assert_eq!(found.expect(200).ids(), [place.ana.clone()]),
                false => drop(found.refused(400, "invalidFilter")),
            }
            assert_eq!(place.client.noted("string-boolean"), accepted, "{filter}");
        }
        let path = "emails[primary eq TRUE].value";
        let target = format!("/Users/{}", place.ana);
        let add = json!([{"op": "add", "path": path, "value": "a@b.c"}]);
        let answer = place.client.patch(&target, &add);
        match accepted {
            true => assert_eq!(answer.expect(200).body["emails"][0]["primary"], json!(true)),
            false => drop(answer.refused(400, "invalidPath")),
        }
        assert_eq!(place.client.noted("string-boolean"), accepted, "{path}");
    }
}

#[test]
fn names_of_a_search_may_be_one_text() {
    for (dialect, accepted) in [(Dialect::Auto, true), (Dialect::Strict, false)] {
        let mut client = place(dialect).client;
        let search = json!({"schemas": [SEARCH], "attributes": "userName,active"});
        let answer = client.post("/Users/.search", &search);
        match accepted {
            true => drop(answer.expect(200)),
            false => drop(answer.refused(400, "invalidValue").names("attributes")),
        }
        assert_eq!(client.noted("wrap-single-value"), accepted);
    }
}

#[test]
fn a_path_inside_an_extension_is_among_the_values_too() {
    for (dialect, accepted) in [(Dialect::Auto, true), (Dialect::Strict, false)] {
        let mut place = place(dialect);
        let target = format!("/Users/{}", place.ana);
        let value = json!({ENTERPRISE: {"department": "IT", "manager.value": "1"}});
        let answer = place
            .client
            .patch(&target, &json!([{"op": "add", "value": value}]));
        match accepted {
            true => assert_eq!(
                answer.expect(200).body[ENTERPRISE],
                json!({"department": "IT", "manager": {"value": "1"}})
            ),
            false => drop(answer.refused(400, "invalidPath").names("manager.value")),
        }
        assert_eq!(place.client.noted("paths-as-names"), accepted);
    }
}

#[test]
fn a_remark_holds_no_value_of_a_path() {
    let mut place = place(Dialect::Auto);
    let target = format!("/Users/{}", place.ana);
    let path = "emails[value eq \"ana@example.com\"].type";
    for operation in [
        json!({"op": "add", "value": {path: "work"}}),
        json!({"op": "replace", "path": "shoes[owner eq \"ana@example.com\"].colour", "value": 1}),
        json!({"op": "add", "value": {"ana@example.com": 1}}),
    ] {
        let _ = place.client.patch(&target, &json!([operation])).expect(200);
        assert!(!place.client.world.notes.is_empty());
    }
}

#[test]
fn a_replace_through_a_path_that_matches_nothing_is_for_entra_alone() {
    for dialect in [
        Dialect::Okta,
        Dialect::Onelogin,
        Dialect::Jumpcloud,
        Dialect::Authentik,
        Dialect::Generic,
        Dialect::Strict,
    ] {
        let _ = deviate(Rule::ReplaceThroughMissing, &mut place(dialect)).refused(400, "noTarget");
    }
    for dialect in [Dialect::Auto, Dialect::Entra] {
        let user = deviate(Rule::ReplaceThroughMissing, &mut place(dialect)).expect(200);
        assert_eq!(
            user.body["emails"],
            json!([{"type": "home", "value": "a@b.c"}])
        );
    }
}

#[test]
fn what_deviates_means_what_its_sender_means_by_it() {
    let mut place = place(Dialect::Auto);
    let group = deviate(Rule::RemoveByValue, &mut place).expect(200);
    assert_eq!(group.members().len(), 1);
    assert!(
        !group.members().contains(&place.member),
        "that one, and no other"
    );
    let manager = deviate(Rule::BareManager, &mut place).expect(201);
    assert_eq!(
        manager.body[ENTERPRISE]["manager"]["value"],
        json!("26118915")
    );
    let target = format!("/Users/{}", place.ana);
    let _ = deviate(Rule::PathsAsNames, &mut place).expect(200);
    let ana = place.client.get(&target).expect(200).body;
    assert_eq!(
        (&ana["name"]["givenName"], &ana["emails"][0]["value"]),
        (&json!("Ana"), &json!("a@b.c"))
    );
}

#[test]
fn schemas_may_be_named_by_patch_if_the_resource_can_have_them() {
    let mut place = place(Dialect::Strict);
    let target = format!("/Users/{}", place.ana);
    let schemas = |urn: &str| json!([{"op": "add", "path": "schemas", "value": [urn]}]);
    let _ = place
        .client
        .patch(&target, &schemas(ENTERPRISE))
        .expect(200);
    let _ = place
        .client
        .patch(&target, &schemas("urn:example:none"))
        .refused(400, "mutability");
}

#[test]
fn a_member_that_a_path_chooses_has_to_be_one() {
    let operation = |op: &str, id: &str, value: &str| json!([{"op": op, "path": format!("members[value eq \"{id}\"]"), "value": [{"value": value}]}]);
    for (name, dialect) in DIALECTS {
        for (op, rule) in [
            ("add", Rule::AddThroughMissing),
            ("replace", Rule::ReplaceThroughMissing),
        ] {
            let mut place = place(dialect);
            let target = format!("/Groups/{}", place.group);
            let operations = operation(op, &place.ana, &place.ana);
            if rule.accepted(dialect) {
                let _ = place.client.patch(&target, &operations);
                let group = place.client.get(&target).expect(200);
                assert!(group.members().contains(&place.ana), "{name} {op}");
            } else {
                let _ = place
                    .client
                    .patch(&target, &operations)
                    .refused(400, "noTarget");
            }
            let unknown = place.client.patch(&target, &operation(op, "é", &place.ana));
            assert_eq!(unknown.status < 300, rule.accepted(dialect), "{name} {op}");
        }
        // Who is a member is found by everybody.
        let mut place = place(dialect);
        let target = format!("/Groups/{}", place.group);
        let operations = operation("replace", &place.member, &place.ana);
        let _ = place.client.patch(&target, &operations);
        assert!(!place.client.noted("replace-through-missing"), "{name}");
        let group = place.client.get(&target).expect(200);
        assert!(group.members().contains(&place.ana), "{name}");
        assert!(!group.members().contains(&place.member), "{name}");
    }
}

#[test]
fn a_member_that_a_path_chooses_may_come_and_go_in_the_same_request() {
    let mut place = place(Dialect::Generic);
    let target = format!("/Groups/{}", place.group);
    let chosen = format!("members[value eq \"{}\"]", place.ana);
    let add = json!({"op": "add", "path": "members", "value": [{"value": place.ana}]});
    let swap = json!({"op": "replace", "path": chosen, "value": [{"value": place.member}]});
    let remove = json!({"op": "remove", "path": chosen});
    let client = &mut place.client;
    let done = client.patch(&target, &json!([add, swap])).expect(200);
    assert!(!done.members().contains(&place.ana));
    for gone in [
        json!([add, remove, swap]),
        json!([{"op": "replace", "path": "members", "value": []}, swap]),
    ] {
        let _ = client.patch(&target, &gone).refused(400, "noTarget");
    }
}
