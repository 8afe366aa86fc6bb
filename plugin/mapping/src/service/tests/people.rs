//! People who come, go, change, and stand for one another.

use nameplate_scim::directory::{Membership, Memberships};

use super::*;

#[test]
fn three_hosts_enrolled_before_the_user_are_linked_and_follow_the_person() {
    let mut tenant = Tenant::with_hosts(&["a", "b", "c", "d", "other"]);
    for host in ["a", "b", "c"] {
        tenant.enrol(host, "ana@x");
        assert_eq!(tenant.assignment(host).outcome, Outcome::Pending);
    }
    let progress = tenant.push("u1", "ana.diaz", &["ana@x"]);
    assert_eq!(
        (progress.seen, progress.changed, progress.next),
        (3, 3, None)
    );

    // Renamed, and the old address is given to a new hire.
    tenant.push("u1", "ana.garcia", &["garcia@x"]);
    tenant.push("u2", "ana@x", &["ana@x"]);
    tenant.enrol("d", "ana@x");
    for host in ["a", "b", "c"] {
        assert_eq!(tenant.user_of(host).as_deref(), Some("u1"));
    }
    assert_eq!(
        tenant.user_of("d").as_deref(),
        Some("u2"),
        "enrolled after the change"
    );

    // Deleted: the login belongs to the new hire alone.
    tenant.delete("u2");
    assert_eq!(tenant.assignment("d").outcome, Outcome::Pending);
    tenant.push("u3", "ana@x", &[]);
    assert_eq!(tenant.user_of("d").as_deref(), Some("u3"));
    assert_eq!(tenant.user_of("a").as_deref(), Some("u1"));
}

#[test]
fn an_end_user_has_name_and_groups_and_follows_a_changed_given_name() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.enrol("h", "ana");
    let groups = vec![Membership {
        group: "g1".to_owned(),
        label: "Eng".to_owned(),
        direct: true,
        since: 99,
    }];
    let memberships = Memberships {
        groups,
        last_removed: None,
    };
    tenant.people.groups.insert("u1".to_owned(), memberships);
    let person = tenant.mapping().end_user_of("h").unwrap().person.unwrap();
    assert_eq!(person.full_name, "Ana Díaz");
    assert_eq!(
        (person.groups.as_slice(), person.updated),
        (["Eng".to_owned()].as_slice(), 99)
    );

    let version = tenant.fleet.hosts["h"].version;
    let mut renamed = user("u1", "ana", &[]);
    renamed.given = "Anabel".to_owned();
    let event = tenant.commit(&renamed);
    tenant.apply(&event);
    let person = tenant.mapping().end_user_of("h").unwrap().person.unwrap();
    assert_eq!(person.full_name, "Anabel Díaz");
    assert_eq!(
        tenant.fleet.hosts["h"].version, version,
        "no host row is touched"
    );
}

#[test]
fn deleting_a_candidate_by_a_login_given_up_long_ago_settles_the_host() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    let mut other = user("u2", "ana", &[]);
    other.connection = "entra".to_owned();
    tenant.push("u1", "ana", &[]);
    let event = tenant.commit(&other);
    tenant.apply(&event);
    tenant.enrol("h", "ana");
    tenant.push("u1", "ana.garcia", &[]);
    assert_eq!(tenant.assignment("h").outcome, Outcome::Ambiguous);
    tenant.delete("u1");
    assert_eq!(tenant.user_of("h").as_deref(), Some("u2"));
}

#[test]
fn a_cleared_host_is_linked_again_when_its_person_is_active_again() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.rules.deactivated = Deactivated::Clear;
    tenant.push("u1", "ana", &["a@x"]);
    tenant.enrol("h", "a@x");
    // Renamed since, so the host is found by the login she had once.
    tenant.push("u1", "ana.garcia", &["garcia@x"]);
    let mut ana = user("u1", "ana.garcia", &["garcia@x"]);
    for (active, outcome) in [(false, Outcome::Pending), (true, Outcome::Linked)] {
        ana.active = active;
        let event = tenant.commit(&ana);
        tenant.apply(&event);
        assert_eq!(tenant.assignment("h").outcome, outcome, "active: {active}");
    }
}

#[test]
fn an_inactive_person_is_shown_as_the_tenant_chose() {
    for (deactivated, active) in [(Deactivated::Mark, false), (Deactivated::Keep, true)] {
        let mut tenant = Tenant::with_hosts(&["h"]);
        tenant.rules.deactivated = deactivated;
        let mut ana = user("u1", "ana", &[]);
        ana.active = false;
        tenant.commit(&ana);
        tenant.enrol("h", "ana");
        let person = tenant.mapping().end_user_of("h").unwrap().person.unwrap();
        assert_eq!(person.active, active, "{deactivated:?}");
    }
}

/// A person whom two records stood for; one takes over the other's login and stays.
#[test]
fn hosts_of_a_duplicate_follow_the_record_it_is_merged_into() {
    for alias_first in [true, false] {
        let mut tenant = Tenant::with_hosts(&["h"]);
        tenant.push("u1", "ana", &["ana@x"]);
        tenant.push("u2", "diaz@x", &[]);
        tenant.enrol("h", "diaz@x");
        assert_eq!(tenant.user_of("h").as_deref(), Some("u2"));
        if alias_first {
            tenant.push("u1", "ana", &["ana@x", "diaz@x"]);
            assert_eq!(tenant.user_of("h").as_deref(), Some("u2"), "not yet");
            tenant.delete("u2");
        } else {
            tenant.delete("u2");
            assert_eq!(tenant.assignment("h").outcome, Outcome::Pending);
            tenant.push("u1", "ana", &["ana@x", "diaz@x"]);
        }
        assert_eq!(
            tenant.user_of("h").as_deref(),
            Some("u1"),
            "alias first: {alias_first}"
        );
    }
}

#[test]
fn a_host_of_two_records_of_one_address_is_linked_when_one_is_deleted() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &["ana@x"]);
    tenant.push("u2", "ana.dup", &["ana@x"]);
    tenant.enrol("h", "ana@x");
    assert_eq!(tenant.assignment("h").outcome, Outcome::Ambiguous);
    tenant.delete("u2");
    assert_eq!(tenant.user_of("h").as_deref(), Some("u1"));
}

#[test]
fn the_order_of_connections_decides_when_a_second_one_pushes_the_same_person() {
    let mut tenant = Tenant::with_hosts(&["early", "late"]);
    tenant.rules.connections = vec!["entra".to_owned(), "okta".to_owned()];
    tenant.enrol("early", "ana");
    tenant.push("u1", "ana", &[]);
    let mut other = user("u2", "ana", &[]);
    other.connection = "entra".to_owned();
    let event = tenant.commit(&other);
    tenant.apply(&event);
    tenant.enrol("late", "ana");
    for host in ["early", "late"] {
        assert_eq!(tenant.user_of(host).as_deref(), Some("u2"), "{host}");
    }
    other.active = false;
    let event = tenant.commit(&other);
    tenant.apply(&event);
    for host in ["early", "late"] {
        let user = tenant.user_of(host);
        assert_eq!(user.as_deref(), Some("u1"), "{host}: active");
    }
}
