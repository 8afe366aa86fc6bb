#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::rules::Deactivated;
use crate::testing::{Tenant, claim, draft, user};

mod explained;
mod people;

impl Tenant {
    fn enrol(&mut self, host: &str, login: &str) -> Progress {
        self.clock.now += 10;
        let claim = claim(Source::Enrollment, login, "", self.clock.now);
        self.apply(&Event::Claimed(host.to_owned(), draft(&claim)))
    }

    fn apply(&mut self, event: &Event) -> Progress {
        self.mapping().apply(event, None, 1000).unwrap()
    }

    fn push(&mut self, id: &str, name: &str, emails: &[&str]) -> Progress {
        let event = self.commit(&user(id, name, emails));
        self.apply(&event)
    }

    fn delete(&mut self, id: &str) -> Progress {
        let event = self.commit_delete(id);
        self.apply(&event)
    }

    fn user_of(&self, host: &str) -> Option<String> {
        self.assignment(host).user
    }
}

#[test]
fn a_host_that_is_read_after_a_lost_event_is_right() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.enrol("h", "ana");
    tenant.commit(&user("u1", "ana", &[]));
    assert_eq!(
        tenant.assignment("h").outcome,
        Outcome::Pending,
        "the event was lost"
    );
    let end_user = tenant.mapping().end_user_of("h").unwrap();
    assert_eq!(end_user.person.unwrap().username, "ana");
    assert_eq!(tenant.user_of("h").as_deref(), Some("u1"), "and stored");
}

#[test]
fn repeats_are_harmless_and_say_so() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    let event = Event::Claimed(
        "h".to_owned(),
        draft(&claim(Source::Enrollment, "ana", "", 0)),
    );
    assert!(tenant.apply(&event).recorded);
    let version = tenant.fleet.hosts["h"].version;
    let again = tenant.apply(&event);
    assert_eq!((again.recorded, again.changed), (false, 0));
    assert_eq!(tenant.fleet.hosts["h"].version, version);
}

#[test]
fn taking_a_manual_claim_back_brings_the_enrolment_back_at_once() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.push("u2", "bob", &[]);
    tenant.enrol("h", "ana");
    // No id, no time, within one millisecond of the enrolment.
    let mut manual = draft(&claim(Source::Manual, "bob", "", 0));
    (manual.id, manual.since) = (String::new(), None);
    tenant.apply(&Event::Claimed("h".to_owned(), manual));
    assert_eq!(tenant.user_of("h").as_deref(), Some("u2"));

    let withdrawn = Event::Withdrawn("h".to_owned(), Source::Manual);
    assert!(tenant.apply(&withdrawn).recorded);
    assert_eq!(tenant.user_of("h").as_deref(), Some("u1"));
    assert!(!tenant.apply(&withdrawn).recorded);
}

#[test]
fn an_unknown_manual_login_is_pending_and_destroys_nothing() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.enrol("h", "ana");
    tenant.clock.now += 10;
    let typo = claim(Source::Manual, "anna", "", tenant.clock.now);
    tenant.apply(&Event::Claimed("h".to_owned(), draft(&typo)));
    let assignment = tenant.assignment("h");
    assert_eq!(
        (assignment.outcome, assignment.login.as_str()),
        (Outcome::Pending, "anna")
    );
    tenant.apply(&Event::Withdrawn("h".to_owned(), Source::Manual));
    assert_eq!(tenant.user_of("h").as_deref(), Some("u1"));
}

#[test]
fn unknown_hosts_and_unusable_drafts_are_told_apart() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    let event = |host: &str, login: &str| {
        Event::Claimed(host.to_owned(), draft(&claim(Source::Manual, login, "", 1)))
    };
    let mut mapping = tenant.mapping();
    assert_eq!(
        mapping.apply(&event("x", "a"), None, 1),
        Err(MappingError::NoHost)
    );
    assert_eq!(mapping.end_user_of("x"), Err(MappingError::NoHost));
    assert_eq!(mapping.explain("x"), Err(MappingError::NoHost));
    assert!(matches!(
        mapping.apply(&event("h", " "), None, 1),
        Err(MappingError::Invalid(_))
    ));
}

#[test]
fn a_change_is_worked_off_in_pages_in_the_order_of_ids() {
    let mut tenant = Tenant::default();
    let ids: Vec<String> = (0..25).map(|n| format!("h{n:02}")).collect();
    for id in &ids {
        tenant.fleet.add(id);
        tenant.enrol(id, if id.ends_with('3') { "else" } else { "ana" });
    }
    // One host is assigned to her by a login the event does not name.
    tenant.fleet.hosts.get_mut("h03").unwrap().assignment.user = Some("u1".to_owned());
    let event = tenant.commit(&user("u1", "ana", &[]));
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let progress = tenant.mapping().apply(&event, after.as_deref(), 4).unwrap();
        assert!(progress.seen <= 4);
        seen.push(progress.seen);
        after = progress.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        seen.iter().sum::<u32>(),
        23,
        "each host once: 22 by login, 1 by assignment"
    );
    assert_eq!(
        tenant.assignment("h03").outcome,
        Outcome::Pending,
        "and that one is put right"
    );
    let linked = ids.iter().filter(|id| tenant.user_of(id).is_some()).count();
    assert_eq!(linked, 22);
    assert!(tenant.clock.notes.contains(&"hosts-mapped".to_owned()));
}

#[test]
fn more_logins_than_one_call_takes_are_asked_for_in_chunks() {
    let mut tenant = Tenant::with_hosts(&["a", "b"]);
    tenant.enrol("a", "m0@x");
    tenant.enrol("b", "m199@x");
    let mails: Vec<String> = (0..200).map(|n| format!("m{n}@x")).collect();
    let mails: Vec<&str> = mails.iter().map(String::as_str).collect();
    let progress = tenant.push("u1", "ana", &mails);
    assert_eq!((progress.seen, progress.changed), (2, 2));
}

#[test]
fn an_address_of_very_many_does_not_hide_a_user_name() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    for n in 0..1100 {
        tenant.commit(&user(&format!("u{n}"), &format!("name{n}"), &["team@x"]));
    }
    tenant.commit(&user("ana", "ana", &[]));
    tenant.clock.now += 10;
    let both = claim(Source::Enrollment, "ana", "team@x", tenant.clock.now);
    tenant.apply(&Event::Claimed("h".to_owned(), draft(&both)));
    assert_eq!(tenant.user_of("h").as_deref(), Some("ana"));
}

#[test]
fn documents_are_read_only_to_tell_people_apart() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &["a@x"]);
    tenant.enrol("h", "a@x");
    assert_eq!(tenant.people.reads, 0);
    tenant.push("u2", "bob", &["b@x", "a@x"]);
    assert_eq!(tenant.people.reads, 0, "the claim's moment has one holder");
    tenant.enrol("h", "a@x");
    assert_eq!(tenant.assignment("h").outcome, Outcome::Ambiguous);
    let end_user = tenant.mapping().end_user_of("h").unwrap();
    assert_eq!(end_user.candidates, ["ana", "bob"]);
    let mut inactive = user("u1", "ana", &["a@x"]);
    inactive.active = false;
    let event = tenant.commit(&inactive);
    tenant.apply(&event);
    assert_eq!(tenant.user_of("h").as_deref(), Some("u2"));
}

#[test]
fn a_lost_race_starts_over_and_sees_the_new_claim() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.push("u2", "bob", &[]);
    let mut newer = Some(claim(Source::Enrollment, "bob", "", 1000));
    tenant.fleet.meanwhile = Some(Box::new(move |hosts, _| {
        if let (Some(newer), Some(host)) = (newer.take(), hosts.get_mut("h")) {
            host.claims.push(newer);
            host.version += 1;
        }
    }));
    tenant.enrol("h", "ana");
    assert_eq!(tenant.user_of("h").as_deref(), Some("u2"));
}

#[test]
fn a_host_that_never_holds_still_is_busy_and_a_deleted_one_is_gone() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.fleet.meanwhile = Some(Box::new(|hosts, _| {
        hosts.get_mut("h").unwrap().version += 1
    }));
    let event = Event::Host("h".to_owned());
    assert_eq!(
        tenant.mapping().apply(&event, None, 1),
        Err(MappingError::Busy)
    );
    tenant.fleet.meanwhile = Some(Box::new(|hosts, _| hosts.clear()));
    assert_eq!(
        tenant.mapping().apply(&event, None, 1),
        Err(MappingError::NoHost)
    );
}

#[test]
fn a_host_deleted_in_the_middle_of_a_page_is_passed_over() {
    let mut tenant = Tenant::with_hosts(&["a", "b"]);
    tenant.enrol("a", "ana");
    tenant.enrol("b", "ana");
    tenant.fleet.meanwhile = Some(Box::new(|hosts, _| {
        hosts.remove("b");
    }));
    let progress = tenant.push("u1", "ana", &[]);
    assert_eq!((progress.seen, progress.changed), (2, 1));
}

#[test]
fn reconcile_walks_all_hosts() {
    let mut tenant = Tenant::with_hosts(&["a", "b", "c"]);
    let first = tenant.mapping().reconcile(None, 2).unwrap();
    assert_eq!((first.seen, first.next.as_deref()), (2, Some("b")));
    let second = tenant
        .mapping()
        .reconcile(first.next.as_deref(), 2)
        .unwrap();
    assert_eq!((second.seen, second.next), (1, None));
    assert_eq!(tenant.assignment("c").outcome, Outcome::Unassigned);
}

#[test]
fn pages_are_merged_only_as_far_as_all_of_them_reach() {
    let page = |hosts: &[&str], next: Option<&str>| HostPage {
        hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        next: next.map(str::to_owned),
    };
    let merged = merge(
        vec![page(&["a", "d"], Some("d")), page(&["b", "c", "e"], None)],
        9,
    );
    assert_eq!(merged, page(&["a", "b", "c", "d"], Some("d")));
    let merged = merge(vec![page(&["a", "b"], None), page(&["b", "c"], None)], 2);
    assert_eq!(merged, page(&["a", "b"], Some("b")));
    assert_eq!(merge(vec![page(&[], Some("x"))], 2), page(&[], Some("x")));
}

/// A slow mapper holds old facts; meanwhile the change is committed and its own
/// mapping finds the host right already, so that no version goes up.
#[test]
fn old_facts_do_not_survive_a_change_that_left_the_host_alone() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.enrol("h", "ana");
    let version = tenant.fleet.hosts["h"].version;
    tenant.commit(&user("u1", "ana", &[]));
    tenant.people.lands_next = Some(Box::new(|people| {
        people.delete("u1", 1000);
    }));
    tenant.apply(&Event::Host("h".to_owned()));
    assert_eq!(tenant.assignment("h").outcome, Outcome::Pending);
    assert!(
        tenant.fleet.hosts["h"].version > version,
        "the race did happen"
    );
}
