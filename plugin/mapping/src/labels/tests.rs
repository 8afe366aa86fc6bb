#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::directory::{Document, Kind, Membership};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::hosts::Source;
use crate::rules::Rules;
use crate::service::Event;
use crate::testing::{Tenant, claim, draft, user};

/// More than any list here has.
const MAX_PAGES: usize = 1000;

fn rules(settings: Value) -> Rules {
    let mut settings = settings;
    settings["connections"] = json!(["okta", "entra"]);
    let (rules, wrong) = Rules::usable(settings.to_string().as_bytes());
    assert_eq!(wrong, None);
    rules
}

fn tenant(settings: Value) -> Tenant {
    let mut tenant = Tenant {
        rules: rules(settings),
        ..Tenant::default()
    };
    tenant.people.derived = Some(tenant.rules.derived());
    tenant
}

impl Tenant {
    fn group(&mut self, id: &str, connection: &str, name: &str) {
        let document = Document {
            kind: Kind::Group,
            id: id.to_owned(),
            connection: connection.to_owned(),
            version: 1,
            created: 1,
            modified: 1,
            label: name.to_owned(),
            json: b"{}".to_vec(),
            member_count: 0,
        };
        self.people.documents.insert(id.to_owned(), document);
    }

    /// Commits a user with further attributes.
    fn hire(&mut self, id: &str, connection: &str, more: Value) {
        let mut user = user(id, id, &[]);
        connection.clone_into(&mut user.connection);
        user.more = more;
        self.commit(&user);
    }

    fn join(&mut self, user: &str, group: &str, name: &str) {
        let memberships = self.people.groups.entry(user.to_owned()).or_default();
        memberships.groups.push(Membership {
            group: group.to_owned(),
            label: name.to_owned(),
            direct: true,
            since: 1,
        });
    }

    fn enrolled(&mut self, host: &str, login: &str) {
        self.fleet.add(host);
        self.clock.now += 1;
        let claim = claim(Source::Enrollment, login, "", self.clock.now);
        let event = Event::Claimed(host.to_owned(), draft(&claim));
        self.mapping().apply(&event, None, 1).unwrap();
    }

    fn ids_of(&mut self, host: &str) -> Vec<String> {
        let labels = self.mapping().labels_of(host).unwrap();
        labels.into_iter().map(|label| label.id).collect()
    }

    fn all_labels(&mut self, limit: u32) -> Vec<Label> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.mapping().labels(after.as_deref(), limit).unwrap();
            assert!(page.labels.len() <= limit as usize);
            all.extend(page.labels);
            match page.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
        panic!("the pages do not end: {after:?}");
    }

    fn all_hosts(&mut self, label: &str, limit: u32) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self
                .mapping()
                .labelled(label, after.as_deref(), limit)
                .unwrap();
            assert!(page.hosts.len() <= limit as usize);
            all.extend(page.hosts);
            match page.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
        panic!("the pages do not end: {after:?}");
    }
}

/// Ana (IT, Ops) has two hosts, Ben (it, chief) one; Eve of the other connection has none.
fn small() -> Tenant {
    let mut tenant = tenant(json!({"labels": {
        "chiefs": {"name": "Chiefs", "attribute": "title", "value": "CHIEF"},
        "ops": {"name": "Operations", "group": "g1"},
    }}));
    tenant.group("g1", "okta", "Ops");
    tenant.group("g2", "entra", "Crew");
    tenant.hire("ana", "okta", json!({"department": "IT"}));
    tenant.hire(
        "ben",
        "okta",
        json!({"department": "it ", "title": "chief"}),
    );
    tenant.hire("eve", "entra", json!({"department": "HR"}));
    tenant.join("ana", "g1", "Ops");
    for (host, login) in [
        ("h1", "ana"),
        ("h2", "ana"),
        ("h3", "ben"),
        ("h4", "nobody"),
    ] {
        tenant.enrolled(host, login);
    }
    tenant
}

#[test]
fn labels_are_listed_defined_ones_first_then_groups_then_departments() {
    for limit in [1, 2, 100] {
        let mut tenant = small();
        let listed: Vec<(String, String, bool)> = tenant
            .all_labels(limit)
            .into_iter()
            .map(|label| (label.id, label.name, label.automatic))
            .collect();
        let expected = [
            ("chiefs", "Chiefs", false),
            ("ops", "Operations", false),
            ("group:g2", "Crew", true),
            ("group:g1", "Ops", true),
            ("department:hr", "HR", true),
            ("department:it", "IT", true),
        ];
        let expected =
            expected.map(|(id, name, automatic)| (id.to_owned(), name.to_owned(), automatic));
        assert_eq!(listed, expected);
    }
}

#[test]
fn a_host_has_the_labels_of_its_person() {
    let mut tenant = small();
    assert_eq!(tenant.ids_of("h1"), ["ops", "group:g1", "department:it"]);
    assert_eq!(tenant.ids_of("h3"), ["chiefs", "department:it"]);
    assert_eq!(tenant.ids_of("h4"), [""; 0]);
    let none = tenant.mapping().labels_of("h9").unwrap_err();
    assert_eq!(none, MappingError::NoHost);
}

#[test]
fn hosts_of_a_label_are_found_whatever_the_page() {
    for limit in [1, 2, 100] {
        let mut tenant = small();
        assert_eq!(tenant.all_hosts("ops", limit), ["h1", "h2"]);
        assert_eq!(tenant.all_hosts("group:g1", limit), ["h1", "h2"]);
        assert_eq!(tenant.all_hosts("group:g2", limit), [""; 0]);
        assert_eq!(tenant.all_hosts("department:IT", limit), ["h1", "h2", "h3"]);
        assert_eq!(tenant.all_hosts("chiefs", limit), ["h3"]);
    }
}

#[test]
fn the_last_of_many_members_is_found_too() {
    for limit in [1, 1000] {
        let mut tenant = small();
        for n in 0..250 {
            let name = format!("u{n:03}");
            tenant.hire(&name, "okta", json!({"title": "Chief"}));
            tenant.join(&name, "g2", "Crew");
        }
        tenant.enrolled("h5", "u099");
        tenant.enrolled("h6", "u249");
        assert_eq!(tenant.all_hosts("group:g2", limit), ["h5", "h6"]);
        assert_eq!(tenant.all_hosts("chiefs", limit), ["h3", "h5", "h6"]);
    }
}

#[test]
fn a_group_that_is_renamed_keeps_its_labels() {
    let mut tenant = small();
    tenant.group("g1", "okta", "Operators");
    assert_eq!(tenant.all_hosts("ops", 10), ["h1", "h2"]);
    let labels = tenant.all_labels(10);
    let group = labels.iter().find(|label| label.id == "group:g1").unwrap();
    assert_eq!(group.name, "Operators");
}

#[test]
fn a_department_of_two_connections_is_listed_once() {
    let mut tenant = small();
    tenant.hire("eve", "entra", json!({"department": "It"}));
    let departments = tenant.all_labels(1).into_iter();
    let departments: Vec<String> = departments
        .map(|label| label.id)
        .filter(|id| id.starts_with(OF_DEPARTMENT))
        .collect();
    assert_eq!(departments, ["department:it"]);
    tenant.enrolled("h5", "eve");
    let hosts: BTreeSet<String> = tenant.all_hosts("department:it", 1).into_iter().collect();
    assert_eq!(hosts.len(), 4);
}

#[test]
fn nobody_is_missed_while_the_index_is_being_filled() {
    let mut tenant = small();
    // New rules: no document has keys by them, but one that was put since.
    tenant.rules = rules(json!({"attributes": {"department": "first(title, department)"}}));
    tenant.people.derived = Some(tenant.rules.derived());
    tenant.hire("ana", "okta", json!({"department": "IT"}));
    for limit in [1, 100] {
        assert_eq!(tenant.all_hosts("department:it", limit), ["h1", "h2"]);
        assert_eq!(tenant.all_hosts("department:chief", limit), ["h3"]);
    }
}

#[test]
fn a_filled_index_is_read_and_not_everybody() {
    let mut tenant = small();
    for n in 0..500 {
        tenant.hire(&format!("u{n:03}"), "okta", json!({"department": "Other"}));
    }
    tenant.people.walks = 0;
    assert_eq!(tenant.all_hosts("chiefs", 100), ["h3"]);
    // For each connection three counts and a page.
    assert_eq!(tenant.people.walks, 8);
}

#[test]
fn a_page_looks_at_a_bounded_number_of_people_whoever_is_meant() {
    let mut tenant = small();
    for n in 0..3000 {
        tenant.hire(&format!("u{n:04}"), "okta", json!({"department": "Other"}));
    }
    // All are looked at, for none has keys by these rules.
    tenant.rules = rules(json!({"attributes": {"department": "first(title, department)"}}));
    tenant.people.walks = 0;
    let page = tenant
        .mapping()
        .labelled("department:none", None, 100)
        .unwrap();
    assert!(page.hosts.is_empty() && page.next.is_some());
    // Ten pages of a hundred, one of the other connection, and the counts of both.
    assert!(tenant.people.walks <= 18, "{}", tenant.people.walks);
    assert_eq!(tenant.all_hosts("department:chief", 1), ["h3"]);
}

#[test]
fn departments_are_no_labels_where_they_depend_on_other_people() {
    let mut tenant = small();
    tenant.rules = rules(json!({"attributes": {"department": "person(manager.value)"}}));
    let labels = tenant.all_labels(10);
    assert!(
        labels
            .iter()
            .all(|label| !label.id.starts_with(OF_DEPARTMENT))
    );
    assert!(tenant.mapping().labelled("department:it", None, 1).is_err());
}

#[test]
fn what_is_no_label_or_no_cursor_is_told() {
    let mut tenant = small();
    let mut mapping = tenant.mapping();
    for label in [
        "",
        "chief",
        "group:",
        "group:g9",
        "group:ana",
        "department:",
        "department: ",
    ] {
        let error = mapping.labelled(label, None, 1).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("there is no label"), "{label}: {text}");
    }
    for after in ["", "x", "00", "6c.00", "67.6f6b7461.ffff", "ff.ff.ff"] {
        let error = mapping.labels(Some(after), 1).unwrap_err();
        assert!(
            error.to_string().contains("start again"),
            "{after}: {error}"
        );
    }
    for after in ["", "x", "6f6b7461.79.ff..", "ff....", "...", "....."] {
        let labelled = mapping.labelled("chiefs", Some(after), 1);
        assert!(labelled.is_err(), "{after}: {labelled:?}");
        let error = labelled.unwrap_err();
        assert!(
            error.to_string().contains("start again"),
            "{after}: {error}"
        );
    }
}

#[test]
fn a_connection_that_is_gone_is_passed_over() {
    let mut tenant = small();
    let page = tenant.mapping().labels(None, 3).unwrap();
    tenant.rules.connections.retain(|name| name != "entra");
    let rest = tenant.mapping().labels(page.next.as_deref(), 10).unwrap();
    let ids: Vec<&str> = rest.labels.iter().map(|label| label.id.as_str()).collect();
    assert_eq!(ids, ["group:g1", "department:it"]);
}

/// Who is in which department, has which title and is in which groups; hosts' people.
#[derive(Clone, Debug)]
struct World {
    people: Vec<(usize, usize, Vec<usize>)>,
    hosts: Vec<usize>,
    limit: u32,
    filled: bool,
}

fn world() -> impl Strategy<Value = World> {
    let person = (0..3usize, 0..3usize, prop::collection::vec(0..3usize, 0..3));
    (
        prop::collection::vec(person, 1..8),
        prop::collection::vec(0..8usize, 0..12),
        1..5u32,
        any::<bool>(),
    )
        .prop_map(|(people, hosts, limit, filled)| World {
            people,
            hosts,
            limit,
            filled,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_hosts_of_a_label_are_those_that_have_it(world in world()) {
        let mut tenant = tenant(json!({"labels": {
            "one": {"name": "One", "attribute": "title", "value": "t1"},
            "two": {"name": "Two", "group": "g0"},
            "three": {"name": "Three", "department": "D1"},
        }}));
        if !world.filled {
            tenant.people.derived = None;
        }
        for group in 0..3 {
            tenant.group(&format!("g{group}"), "okta", "Group");
        }
        for (n, (department, title, groups)) in world.people.iter().enumerate() {
            let id = format!("p{n}");
            let connection = if n % 2 == 0 { "okta" } else { "entra" };
            let department = ["", "d1", "D2"].get(*department).unwrap().to_owned();
            let title = format!("T{title}");
            tenant.hire(&id, connection, json!({"department": department, "title": title}));
            for group in BTreeSet::from_iter(groups) {
                tenant.join(&id, &format!("g{group}"), "Group");
            }
        }
        let mut having: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (n, person) in world.hosts.iter().enumerate() {
            let host = format!("h{n:02}");
            tenant.enrolled(&host, &format!("p{person}"));
            for label in tenant.ids_of(&host) {
                having.entry(label).or_default().insert(host.clone());
            }
        }
        let labels = ["one", "two", "three", "group:g0", "group:g1", "department:d1", "department:d2"];
        for label in labels {
            let hosts = tenant.all_hosts(label, world.limit);
            let once: BTreeSet<String> = hosts.iter().cloned().collect();
            prop_assert_eq!(hosts.len(), once.len(), "{} has a host twice", label);
            prop_assert_eq!(once, having.get(label).cloned().unwrap_or_default(), "{}", label);
        }
        if world.filled {
            let listed: BTreeSet<String> =
                tenant.all_labels(world.limit).into_iter().map(|label| label.id).collect();
            for label in having.keys() {
                prop_assert!(listed.contains(label), "{} is not listed", label);
            }
        }
    }
}
