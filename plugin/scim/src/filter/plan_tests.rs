#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use super::super::{Filter, resolve};
use super::*;
use crate::config::Dialect;
use crate::schema::Registry;
use serde_json::json;

fn planned(kind: Kind, text: &str) -> Plan {
    let rt = Registry::standard().resource_type(kind);
    let expr = resolve(&Filter::parse(text).unwrap(), rt, Dialect::Auto).unwrap();
    plan(&expr, rt)
}

fn user(text: &str) -> Plan {
    planned(Kind::User, text)
}

fn equal(index: &'static str, value: &str) -> Plan {
    Plan::Index {
        index,
        range: KeyRange::Equal(value.as_bytes().to_vec()),
    }
}

fn keys(kind: Kind, document: Value, config: &Config) -> Vec<Key> {
    let rt = Registry::standard().resource_type(kind);
    keys_of(rt, document.as_object().unwrap(), config)
}

fn key(attribute: &str, value: &str, unique: bool, tracked: bool) -> Key {
    Key {
        attribute: attribute.to_owned(),
        value: value.as_bytes().to_vec(),
        unique,
        tracked,
    }
}

#[test]
fn equality_on_indexed_attributes_is_a_lookup() {
    assert_eq!(
        user(r#"userName eq " ANA+x@B.c ""#),
        equal("userName", "ana+x@b.c")
    );
    assert_eq!(user(r#"externalId eq "00uX""#), equal("externalId", "00uX"));
    assert_eq!(
        user(r#"displayName eq "Ana Díaz""#),
        equal("displayName", "ana díaz")
    );
    assert_eq!(
        planned(Kind::Group, r#"displayName eq "Fleet_SCIM""#),
        equal("displayName", "fleet_scim")
    );
    assert_eq!(user(r#"id eq "X""#), Plan::Ids(vec!["X".to_owned()]));
}

#[test]
fn emails_are_found_by_value_in_every_spelling() {
    for text in [
        r#"emails eq "A@b.c""#,
        r#"emails.value eq "A@b.c""#,
        r#"emails[value eq "A@b.c"]"#,
        r#"emails[type eq "work" and value eq "A@b.c"]"#,
        r#"emails[type eq "work"].value eq "A@b.c""#,
    ] {
        assert_eq!(user(text), equal("emails.value", "a@b.c"), "{text}");
    }
    assert_eq!(user(r#"emails[type eq "work"]"#), Plan::Scan);
}

#[test]
fn and_takes_its_best_side_and_or_all_of_them() {
    let text = r#"active eq true and displayName sw "a" and id eq "g" and userName eq "a""#;
    assert_eq!(user(text), Plan::Ids(vec!["g".to_owned()]));
    assert_eq!(
        planned(Kind::Group, r#"id eq "g" and members eq "u""#),
        Plan::Ids(vec!["g".to_owned()])
    );
    assert_eq!(
        user(r#"userName eq "a" or emails eq "a" or id eq "b" or id eq "b""#),
        Plan::Union(vec![
            equal("userName", "a"),
            equal("emails.value", "a"),
            Plan::Ids(vec!["b".to_owned()])
        ])
    );
    assert_eq!(
        user(r#"id eq "b" or (id eq "a" or id eq "b")"#),
        Plan::Ids(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(user(r#"userName eq "a" or title eq "x""#), Plan::Scan);
}

#[test]
fn what_no_index_narrows_is_a_scan() {
    for text in [
        r#"not (userName eq "a")"#,
        r#"userName ne "a""#,
        r#"userName co "a""#,
        r#"userName gt "a""#,
        r#"userName eq "  ""#,
        "userName pr",
        r#"meta.created gt "2026-01-31T08:00:00Z""#,
    ] {
        assert_eq!(user(text), Plan::Scan, "{text}");
    }
    assert_eq!(planned(Kind::Group, r#"members eq "u""#), Plan::Scan);
}

#[test]
fn a_prefix_stops_where_the_hash_of_a_long_key_begins() {
    let long = "x".repeat(600);
    let Plan::Index {
        range: KeyRange::Prefix(prefix),
        ..
    } = user(&format!(r#"userName sw "{long}""#))
    else {
        panic!("no prefix");
    };
    let keys = keys(
        Kind::User,
        json!({"userName": format!("{long}yz")}),
        &Config::default(),
    );
    assert!(keys.first().unwrap().value.starts_with(&prefix));
}

#[test]
fn a_users_logins_are_tracked_and_its_name_is_unique() {
    let document = json!({
        "userName": " Ana@B.c", "externalId": "00uX", "displayName": "ANA", "title": "x",
        "emails": [{"value": "ANA@b.c"}, {"value": "ana@b.C"}, {"value": " "}, {"type": "work"}]});
    assert_eq!(
        keys(Kind::User, document, &Config::default()),
        [
            key("displayName", "ana", false, false),
            key("emails.value", "ana@b.c", false, true),
            key("externalId", "00uX", false, false),
            key("userName", "ana@b.c", true, true),
        ]
    );
}

#[test]
fn a_groups_name_is_unique_unless_the_connection_says_otherwise() {
    let document = json!({"displayName": "Eng", "externalId": "e"});
    let free = Config {
        duplicate_group_names: true,
        ..Config::default()
    };
    for (config, unique) in [(Config::default(), true), (free.clone(), false)] {
        assert_eq!(
            keys(Kind::Group, document.clone(), &config),
            [
                key("displayName", "eng", unique, false),
                key("externalId", "e", false, false),
            ]
        );
    }
    assert_ne!(index_version(&Config::default()), index_version(&free));
}

#[test]
fn a_planned_key_is_the_key_the_document_has() {
    for name in ["Ana", " straße ", "JOSE\u{301}", "İ", &"ß".repeat(400)] {
        let plan = user(&format!("userName eq {}", json!(name)));
        let keys = keys(Kind::User, json!({"userName": name}), &Config::default());
        let expected = Plan::Index {
            index: "userName",
            range: KeyRange::Equal(keys.first().unwrap().value.clone()),
        };
        assert_eq!(plan, expected, "{name}");
    }
}
