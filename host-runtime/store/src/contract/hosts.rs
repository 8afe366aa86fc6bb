//! Hosts, claims, assignments and history.

use super::Backend;
use super::place::Place;
use crate::{Assignment, AssignmentOutcome, Claim, Host, HostRecord, HostWrite, Source};

pub(super) fn record(id: &str) -> HostRecord {
    HostRecord {
        id: id.to_owned(),
        display_name: format!("Host {id}"),
        platform: "darwin".to_owned(),
        serial: format!("S-{id}"),
        uuid: format!("U-{id}"),
    }
}

fn claim(id: &str, source: Source, login: &str, since: u64) -> Claim {
    Claim {
        id: id.to_owned(),
        source,
        username: login.to_uppercase(),
        email: format!("{login}@example.com"),
        full_name: "Ana Díaz".to_owned(),
        logins: vec![login.into(), format!("{login}@example.com").into()],
        since,
        withdrawn: None,
    }
}

pub(super) fn linked(user: &str, reason: &str) -> Assignment {
    Assignment {
        outcome: AssignmentOutcome::Linked,
        user: Some(user.to_owned()),
        login: user.to_uppercase(),
        reason: reason.to_owned(),
    }
}

pub(super) async fn read<S: Backend>(at: &Place<'_, S>, id: &str) -> Host {
    at.store.host(at.tenant, id).await.unwrap().unwrap()
}

pub async fn a_new_host_is_unassigned<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    assert!(store.put_host(at.tenant, 7, record("h1")).await.unwrap());
    let expected = Host {
        record: record("h1"),
        created: 7,
        version: 1,
        claims: Vec::new(),
        assignment: Assignment::default(),
        assigned: 7,
    };
    assert_eq!(read(&at, "h1").await, expected);
    assert!(store.host(at.tenant, "h2").await.unwrap().is_none());
}

pub async fn a_new_description_keeps_the_rest<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 7, record("h1")).await.unwrap();
    store
        .put_claim(at.tenant, 8, "h1", claim("c1", Source::Manual, "ana", 8))
        .await
        .unwrap();
    let renamed = HostRecord {
        display_name: "New".to_owned(),
        ..record("h1")
    };
    assert!(!store.put_host(at.tenant, 9, renamed.clone()).await.unwrap());
    let host = read(&at, "h1").await;
    assert_eq!(
        (host.record, host.created, host.version, host.claims.len()),
        (renamed, 7, 2, 1)
    );
}

pub async fn a_repeated_claim_is_harmless<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    let first = claim("c1", Source::Enrollment, "ana", 5);
    let put = async |claim: Claim| store.put_claim(at.tenant, 9, "h1", claim).await.unwrap();
    assert_eq!(put(first.clone()).await, HostWrite::Written(2));
    assert_eq!(put(first.clone()).await, HostWrite::Unchanged(2));
    assert_eq!(
        put(claim("c1", Source::Manual, "bob", 6)).await,
        HostWrite::Unchanged(2)
    );
    assert_eq!(read(&at, "h1").await.claims, [first]);
    let nowhere = store
        .put_claim(at.tenant, 1, "nope", claim("c", Source::Manual, "a", 1))
        .await
        .unwrap();
    assert_eq!(nowhere, HostWrite::NoHost);
}

pub async fn claims_are_read_newest_first<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    for (id, since) in [("b", 5), ("c", 9), ("a", 5)] {
        let claim = claim(id, Source::Other("badge".to_owned()), "ana", since);
        store.put_claim(at.tenant, 1, "h1", claim).await.unwrap();
    }
    let ids: Vec<String> = read(&at, "h1")
        .await
        .claims
        .into_iter()
        .map(|claim| claim.id)
        .collect();
    assert_eq!(ids, ["c", "a", "b"]);
}

pub async fn a_chatty_source_never_hides_another<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    store
        .put_claim(
            at.tenant,
            1,
            "h1",
            claim("manual", Source::Manual, "ana", 1),
        )
        .await
        .unwrap();
    for number in 0..300 {
        let claim = claim(
            &format!("p{number:03}"),
            Source::ChromeProfile,
            "ana",
            100 + number,
        );
        store.put_claim(at.tenant, 1, "h1", claim).await.unwrap();
    }
    let claims = read(&at, "h1").await.claims;
    assert_eq!(claims.len(), 256);
    assert_eq!(
        (claims[0].id.as_str(), claims[255].id.as_str()),
        ("p299", "manual")
    );
}

pub async fn a_source_is_withdrawn_up_to_a_moment<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    for (id, source, since) in [
        ("m1", Source::Manual, 5),
        ("m2", Source::Manual, 20),
        ("e1", Source::Enrollment, 5),
    ] {
        store
            .put_claim(at.tenant, 1, "h1", claim(id, source, id, since))
            .await
            .unwrap();
    }
    let withdraw = async |source, moment| {
        store
            .withdraw(at.tenant, "h1", &source, moment)
            .await
            .unwrap()
    };
    assert_eq!(withdraw(Source::Manual, 4).await, HostWrite::Unchanged(4));
    assert_eq!(withdraw(Source::Manual, 5).await, HostWrite::Written(5));
    assert_eq!(
        withdraw(Source::Manual, 6).await,
        HostWrite::Unchanged(5),
        "it was taken back already"
    );
    let mut withdrawn: Vec<(String, Option<u64>)> = read(&at, "h1")
        .await
        .claims
        .into_iter()
        .map(|claim| (claim.id, claim.withdrawn))
        .collect();
    withdrawn.sort();
    assert_eq!(
        withdrawn,
        [
            ("e1".to_owned(), None),
            ("m1".to_owned(), Some(5)),
            ("m2".to_owned(), None)
        ]
    );
    let claimed = async |login: &str| {
        store
            .claimed_by(at.tenant, &[login.into()], None, 10)
            .await
            .unwrap()
    };
    assert!(claimed("m1").await.is_empty());
    assert_eq!(claimed("m2").await, ["h1"]);
    assert_eq!(
        store
            .withdraw(at.tenant, "nope", &Source::Manual, 1)
            .await
            .unwrap(),
        HostWrite::NoHost
    );
}

pub async fn an_assignment_needs_the_version_it_was_found_at<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    let put = async |expected, assignment| {
        store
            .put_assignment(at.tenant, 9, "h1", expected, assignment)
            .await
            .unwrap()
    };
    assert_eq!(put(2, linked("u1", "a")).await, HostWrite::Stale(1));
    assert_eq!(put(1, linked("u1", "a")).await, HostWrite::Written(2));
    assert_eq!(put(1, linked("u1", "a")).await, HostWrite::Stale(2));
    assert_eq!(put(2, linked("u1", "a")).await, HostWrite::Unchanged(2));
    store
        .put_claim(at.tenant, 1, "h1", claim("c", Source::Manual, "a", 1))
        .await
        .unwrap();
    assert_eq!(put(2, linked("u2", "b")).await, HostWrite::Stale(3));
    assert_eq!(read(&at, "h1").await.assignment, linked("u1", "a"));
    let nowhere = store
        .put_assignment(at.tenant, 9, "nope", 1, linked("u1", "a"))
        .await
        .unwrap();
    assert_eq!(nowhere, HostWrite::NoHost);
}

pub async fn a_replaced_assignment_becomes_history<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    for (version, now, user, reason) in [
        (1, 10, "u1", "enrolled"),
        (2, 20, "u2", "manual"),
        (3, 30, "u3", "x"),
    ] {
        store
            .put_assignment(at.tenant, now, "h1", version, linked(user, reason))
            .await
            .unwrap();
    }
    let history = store.history(at.tenant, "h1", 2).await.unwrap();
    let read: Vec<(u64, &Assignment, &str)> = history
        .iter()
        .map(|past| (past.until, &past.assignment, past.replaced_because.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            (30, &linked("u2", "manual"), "x"),
            (20, &linked("u1", "enrolled"), "manual")
        ]
    );
    assert_eq!(
        store.history(at.tenant, "h1", 10).await.unwrap().len(),
        2,
        "what a host starts with was never found, so it is no news that it ended"
    );
    assert!(
        store
            .history(at.tenant, "nope", 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn hosts_are_found_by_outcome_user_and_login<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for id in ["h3", "h1", "h2", "H2"] {
        store.put_host(at.tenant, 1, record(id)).await.unwrap();
        let claim = claim("c", Source::Enrollment, "ana", 1);
        store.put_claim(at.tenant, 1, id, claim).await.unwrap();
    }
    store.put_host(other.tenant, 1, record("h9")).await.unwrap();
    for (id, user) in [("h1", "u1"), ("h3", "u1"), ("h2", "u2")] {
        store
            .put_assignment(at.tenant, 1, id, 2, linked(user, "r"))
            .await
            .unwrap();
    }
    let ids = async |outcome, after, limit| {
        let hosts = store.hosts(at.tenant, outcome, after, limit).await.unwrap();
        hosts
            .into_iter()
            .map(|host| host.record.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None, 10).await, ["H2", "h1", "h2", "h3"]);
    assert_eq!(ids(None, Some("h1"), 1).await, ["h2"]);
    assert_eq!(
        ids(Some(AssignmentOutcome::Linked), Some("h1"), 10).await,
        ["h2", "h3"]
    );
    assert_eq!(
        ids(Some(AssignmentOutcome::Unassigned), None, 10).await,
        ["H2"]
    );
    assert!(
        ids(Some(AssignmentOutcome::Pending), None, 10)
            .await
            .is_empty()
    );
    let summary = store
        .hosts(at.tenant, None, Some("H2"), 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (summary.record, summary.assignment),
        (record("h1"), linked("u1", "r"))
    );
    assert_eq!(
        store.assigned_to(at.tenant, "u1", None, 10).await.unwrap(),
        ["h1", "h3"]
    );
    assert_eq!(
        store
            .assigned_to(at.tenant, "u1", Some("h1"), 10)
            .await
            .unwrap(),
        ["h3"]
    );
    let logins = [b"ana".to_vec(), b"ana@example.com".to_vec()];
    assert_eq!(
        store.claimed_by(at.tenant, &logins, None, 3).await.unwrap(),
        ["H2", "h1", "h2"]
    );
    assert_eq!(
        store
            .claimed_by(at.tenant, &logins, Some("h2"), 3)
            .await
            .unwrap(),
        ["h3"]
    );
    assert!(
        store
            .claimed_by(at.tenant, &[b"ANA".to_vec()], None, 3)
            .await
            .unwrap()
            .is_empty()
    );
    let mut people = store
        .with_host(at.tenant, &["u2", "u3", "u1", "u1"].map(str::to_owned))
        .await
        .unwrap();
    people.sort();
    assert_eq!(people, ["u1", "u2"]);
}

pub async fn a_deleted_host_leaves_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    store
        .put_claim(at.tenant, 1, "h1", claim("c", Source::Manual, "ana", 1))
        .await
        .unwrap();
    store
        .put_assignment(at.tenant, 1, "h1", 2, linked("u1", "r"))
        .await
        .unwrap();
    assert!(store.delete_host(at.tenant, 9, "h1").await.unwrap());
    assert!(!store.delete_host(at.tenant, 9, "h1").await.unwrap());
    assert!(store.host(at.tenant, "h1").await.unwrap().is_none());
    assert!(
        store
            .claimed_by(at.tenant, &[b"ana".to_vec()], None, 3)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .with_host(at.tenant, &["u1".to_owned()])
            .await
            .unwrap()
            .is_empty()
    );
    store.put_host(at.tenant, 5, record("h1")).await.unwrap();
    let host = read(&at, "h1").await;
    assert_eq!(
        (host.version, host.claims.len(), host.assignment),
        (1, 0, Assignment::default())
    );
    assert!(store.history(at.tenant, "h1", 10).await.unwrap().is_empty());
}
