//! Each accepted deviation: taken with a note under its name, and refused, or answered
//! as the RFC has it, in strict mode.

use nameplate_scim::config::{Config, Dialect};
use nameplate_scim::resource::Rule;
use serde_json::{Value, json};

use crate::client::{Answer, Client, ENTERPRISE, GROUP, PATCH_OP, USER};

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
        Rule::ReviveByPost => {
            let mut body = user(json!({"active": true}));
            body["userName"] = json!("ana");
            client.post("/Users", &body)
        }
        Rule::GroupWithoutBody => {
            let body = json!({"schemas": [PATCH_OP], "Operations": [
                {"op": "replace", "path": "externalId", "value": "x"}]});
            client.send("PATCH", &group, &body)
        }
    }
}

/// A dialect that has the rule.
fn with(rule: Rule) -> Dialect {
    match rule {
        Rule::GroupWithoutBody => Dialect::Entra,
        _ => Dialect::Auto,
    }
}

#[test]
fn each_deviation_is_taken_and_noted_by_its_name() {
    for rule in Rule::ALL {
        let mut place = place(with(rule));
        let answer = deviate(rule, &mut place);
        assert!(answer.status < 300, "{rule:?}: {answer:?}");
        // The answer is what differs there, and nothing that the client did.
        let noted = rule == Rule::GroupWithoutBody || place.client.noted(rule.code());
        assert!(noted, "{rule:?}: {:?}", place.client.world.notes);
    }
}

#[test]
fn strict_mode_takes_no_deviation() {
    for rule in Rule::ALL {
        let mut place = place(Dialect::Strict);
        let before = place.client.directory.state.clone();
        let answer = deviate(rule, &mut place);
        assert!(!place.client.noted(rule.code()), "{rule:?}");
        if rule == Rule::GroupWithoutBody {
            assert_eq!(answer.status, 200);
            continue;
        }
        assert!((400..500).contains(&answer.status), "{rule:?}: {answer:?}");
        assert!(before == place.client.directory.state.clone(), "{rule:?}");
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

/// The rows of the table: rule, dialects.
fn rows() -> Vec<(String, Vec<String>)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let dialects = cells[4].split(", ").map(str::to_owned).collect();
        (cells[1].trim_matches('`').to_owned(), dialects)
    })
    .collect()
}

#[test]
fn the_document_says_of_each_rule_for_whom_it_is() {
    let documented = rows();
    let all = [
        ("auto", Dialect::Auto),
        ("okta", Dialect::Okta),
        ("entra", Dialect::Entra),
        ("onelogin", Dialect::Onelogin),
        ("jumpcloud", Dialect::Jumpcloud),
        ("authentik", Dialect::Authentik),
        ("generic", Dialect::Generic),
    ];
    for rule in Rule::ALL {
        let code = rule.code();
        let row = documented.iter().find(|(name, _)| name == code);
        let (_, dialects) = row.unwrap_or_else(|| panic!("`{code}` is in no row"));
        let accepting: Vec<&str> = all
            .iter()
            .filter(|(_, dialect)| rule.accepted(*dialect))
            .map(|(name, _)| *name)
            .collect();
        let expected = match accepting.len() {
            7 => vec!["all".to_owned()],
            _ => accepting.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(*dialects, expected, "{code}");
        assert!(!rule.accepted(Dialect::Strict), "{code}");
    }
    assert_eq!(documented.len(), Rule::ALL.len(), "a row of no rule");
}
