#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use super::super::{Filter, index_version, keys_of, resolve};
use super::*;
use crate::config::{Config, Dialect};
use crate::directory::Key;
use crate::schema::Registry;
use serde_json::{Value, json};

fn whole_plan(kind: Kind, text: &str) -> Planned {
    let rt = Registry::standard().resource_type(kind);
    let expr = resolve(&Filter::parse(text).unwrap(), rt, Dialect::Auto).unwrap();
    plan(&expr, rt)
}

fn planned(kind: Kind, text: &str) -> Plan {
    whole_plan(kind, text).plan
}

fn user(text: &str) -> Plan {
    planned(Kind::User, text)
}

fn equal(index: &str, value: &str) -> Plan {
    Plan::index(index, KeyRange::Equal(value.as_bytes().to_vec()))
}

fn between(index: &str, from: Option<&str>, to: Option<&str>) -> Plan {
    let key = |text: &str| text.as_bytes().to_vec();
    Plan::index(index, KeyRange::Between(from.map(key), to.map(key)))
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
        r#"userName eq "a" or title co "a""#,
        r#"userName eq "  ""#,
        "userName pr",
        r#"meta.created gt "2026-01-31T08:00:00Z""#,
    ] {
        assert_eq!(user(text), Plan::Scan, "{text}");
    }
    assert_eq!(planned(Kind::Group, "members pr"), Plan::Scan);
}

#[test]
fn a_range_is_exact_but_for_lt_which_has_no_last_key() {
    for (text, expected, exact) in [
        (
            r#"userName gt "Ana""#,
            between("userName", Some("ana\0"), None),
            true,
        ),
        (
            r#"userName ge "Ana""#,
            between("userName", Some("ana"), None),
            true,
        ),
        (
            r#"userName lt "Ana""#,
            between("userName", None, Some("ana")),
            false,
        ),
        (
            r#"userName le "Ana""#,
            between("userName", None, Some("ana")),
            true,
        ),
        (r#"id gt "a""#, between(BY_ID, Some("a\0"), None), true),
    ] {
        let planned = whole_plan(Kind::User, text);
        assert_eq!((planned.plan, planned.exact), (expected, exact), "{text}");
    }
}

#[test]
fn times_of_change_are_walked_between_two_instants() {
    let key = |millis: u64| Some(millis.to_be_bytes().to_vec());
    let range = |from, to| Plan::index(BY_MODIFIED, KeyRange::Between(from, to));
    for (text, expected) in [
        (
            r#"meta.lastModified ge "1970-01-01T00:00:00.0005Z""#,
            range(key(1), None),
        ),
        (
            r#"meta.lastModified gt "1970-01-01T01:00:01+01:00" and meta.lastModified lt "1970-01-01T00:00:02Z""#,
            range(key(1001), key(1999)),
        ),
        (
            r#"meta.lastModified eq "1970-01-01T00:00:01Z""#,
            range(key(1000), key(1000)),
        ),
        (
            r#"meta.lastModified eq "1970-01-01T00:00:00.0001Z""#,
            Plan::Ids(Vec::new()),
        ),
        (
            r#"meta.lastModified lt "1970-01-01T00:00:00Z""#,
            Plan::Ids(Vec::new()),
        ),
        (
            r#"meta.lastModified gt "2026-01-01T00:00:00Z" and meta.lastModified lt "2025-01-01T00:00:00Z""#,
            Plan::Ids(Vec::new()),
        ),
    ] {
        let planned = whole_plan(Kind::User, text);
        assert_eq!((planned.plan, planned.exact), (expected, true), "{text}");
    }
}

#[test]
fn a_fraction_is_walked_with_the_whole_number_below_it() {
    let schema = json!([{"resource": "User", "indexed": ["level"], "schema": {
        "id": "urn:example:n", "name": "n",
        "attributes": [{"name": "level", "type": "integer"}]}}]);
    let registry = Registry::with_declared(&schema).unwrap();
    let rt = registry.resource_type(Kind::User);
    let range = |text: &str| {
        let text = format!("urn:example:n:level {text}");
        let expr = resolve(&Filter::parse(&text).unwrap(), rt, Dialect::Auto).unwrap();
        match plan(&expr, rt) {
            Planned {
                plan: Plan::Index { range, .. },
                exact,
            } => (range, exact),
            other => panic!("{other:?}"),
        }
    };
    let up_to = |key| KeyRange::Between(None, Some(key));
    assert_eq!(range("lt 2"), (up_to(whole_key(1, true)), true));
    assert_eq!(range("lt 1.5"), (up_to(whole_key(1, true)), false));
    assert_eq!(range("le 1.5"), (up_to(whole_key(1, true)), false));
    assert_eq!(range("le 1"), (up_to(whole_key(1, false)), true));
}

#[test]
fn what_is_always_or_never_true_decides_alone() {
    let everything = Planned::EVERYTHING;
    let nothing = Planned::NOTHING;
    for (text, expected) in [
        (r#"meta.resourceType eq "User" or title pr"#, &everything),
        (r#"not (meta.resourceType eq "Group")"#, &everything),
        (r#"id co """#, &everything),
        (r#"meta.resourceType eq "Group" and title pr"#, &nothing),
        (r#"not (meta.resourceType eq "User")"#, &nothing),
    ] {
        assert_eq!(whole_plan(Kind::User, text), *expected, "{text}");
    }
    let text = r#"meta.resourceType eq "User" and userName eq "a""#;
    let planned = whole_plan(Kind::User, text);
    assert_eq!(
        (planned.plan, planned.exact),
        (equal("userName", "a"), true)
    );
}

#[test]
fn a_part_is_looked_for_in_keys_and_in_values_longer_than_theirs() {
    for text in [r#"emails co "B.c""#, r#"emails.value ew "B.c""#] {
        let parts = Plan::Union(vec![
            Plan::index("emails.value", KeyRange::Contains(b"b.c".to_vec())),
            equal("emails.value~long", "~"),
        ]);
        assert_eq!(user(text), parts, "{text}");
    }
    let document = json!({"userName": "a", "emails": [{"value": "x".repeat(600)}]});
    let keys = keys(Kind::User, document, &Config::default());
    assert!(keys.contains(&key("emails.value~long", "~", false, false)));
}

#[test]
fn memberships_are_found_from_the_side_that_is_named() {
    let (group, user_in) = (
        Plan::GroupsOf("u".to_owned()),
        Plan::UsersIn("g".to_owned()),
    );
    for text in [
        r#"members eq "u""#,
        r#"members.value eq "u""#,
        r#"members[value eq "u"]"#,
    ] {
        let planned = whole_plan(Kind::Group, text);
        assert_eq!(
            (planned.plan, planned.exact),
            (group.clone(), true),
            "{text}"
        );
    }
    assert_eq!(user(r#"groups.value eq "g""#), user_in);
}

#[test]
fn who_is_active_is_told_by_the_index_alone() {
    for (text, flag) in [
        ("active eq true", "1"),
        ("active ne false", "1"),
        ("active eq false", "0"),
        ("not (active eq true)", "0"),
    ] {
        let planned = whole_plan(Kind::User, text);
        assert_eq!(
            (planned.plan, planned.exact),
            (equal("active", flag), true),
            "{text}"
        );
    }
    let absent = keys(Kind::User, json!({"userName": "a"}), &Config::default());
    assert!(absent.contains(&key("active", "1", false, false)));
    assert_eq!(user("active pr"), Plan::Scan);
}

#[test]
fn a_plan_is_exact_only_where_keys_tell_all() {
    let long = "x".repeat(MAX_KEY);
    for (text, exact) in [
        (r#"userName eq "a""#.to_owned(), true),
        (r#"userName sw "a""#.to_owned(), true),
        (r#"emails[value eq "a"]"#.to_owned(), true),
        (
            r#"emails[type eq "work" and value eq "a"]"#.to_owned(),
            false,
        ),
        (r#"userName eq "a" and active eq true"#.to_owned(), false),
        (r#"userName eq "a" or userName eq "b""#.to_owned(), true),
        (r#"userName eq "a" or title eq "b""#.to_owned(), false),
        (r#"emails co "a""#.to_owned(), false),
        (format!(r#"userName eq "{long}""#), false),
        (format!(r#"userName sw "{long}""#), false),
        (r#"meta.resourceType eq "User""#.to_owned(), true),
        (r#"id eq "a""#.to_owned(), true),
    ] {
        assert_eq!(whole_plan(Kind::User, &text).exact, exact, "{text}");
    }
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
    let found = keys.iter().find(|key| key.attribute == "userName");
    assert!(found.unwrap().value.starts_with(&prefix));
}

#[test]
fn a_users_logins_are_tracked_and_its_name_is_unique() {
    let document = json!({
        "userName": " Ana@B.c", "externalId": "00uX", "displayName": "ANA", "title": "x",
        "emails": [{"value": "ANA@b.c"}, {"value": "ana@b.C"}, {"value": " "}, {"type": "work"}]});
    assert_eq!(
        keys(Kind::User, document, &Config::default()),
        [
            key("active", "1", false, false),
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
        let found = keys.iter().find(|key| key.attribute == "userName");
        let range = KeyRange::Equal(found.unwrap().value.clone());
        assert_eq!(plan, Plan::index("userName", range), "{name}");
    }
}
