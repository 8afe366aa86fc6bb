//! The event log.

use super::Backend;
use super::place::{Place, delete, delta, group, tracked, user};
use crate::{Event, Kind, Precondition, Subject, Unit};

fn draft(unit: impl Into<Unit>, name: &str, id: &str, logins: &[&str]) -> Unit {
    let kind = if id.starts_with('g') {
        Kind::Group
    } else {
        Kind::User
    };
    unit.into().about(name, kind, id, logins)
}

pub async fn events_carry_before_and_after<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(
        10,
        draft(user("u1").json("{1}"), "user.created", "u1", &["ana"]),
    )
    .await;
    let update = user("u1").over(Precondition::Exists).json("{2}");
    at.unit(20, draft(update, "user.updated", "u1", &[])).await;
    at.unit(
        30,
        draft(
            delete(Kind::User, "u1"),
            "user.deleted",
            "u1",
            &["ana", "bob"],
        ),
    )
    .await;
    let events = store.events(at.tenant, 0, 10).await.unwrap();
    let read: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.at,
                event.name.as_str(),
                event.before.as_deref(),
                event.after.as_deref(),
            )
        })
        .collect();
    let (one, two): (&[u8], &[u8]) = (b"{1}", b"{2}");
    assert_eq!(
        read,
        [
            (10, "user.created", None, Some(one)),
            (20, "user.updated", Some(one), Some(two)),
            (30, "user.deleted", Some(two), None)
        ]
    );
    assert_eq!(events[2].logins, [b"ana".to_vec(), b"bob".to_vec()]);
    assert_eq!(
        (events[0].subject.as_str(), events[0].subject_kind),
        ("u1", Subject::User)
    );
    assert_eq!(events[0].connection, at.okta.connection);
}

pub async fn numbers_go_up_without_gaps<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let mut seqs = Vec::new();
    for id in ["u1", "u2", "u3"] {
        let (_, seq) = at.unit(1, draft(user(id), "user.created", id, &[])).await;
        seqs.push(seq.unwrap());
        at.outcome(1, draft(user(id), "user.created", id, &[]))
            .await;
        other
            .unit(1, draft(user(id), "user.created", id, &[]))
            .await;
    }
    assert_eq!(seqs, [seqs[0], seqs[0] + 1, seqs[0] + 2]);
    let read = store.events(at.tenant, seqs[0], 10).await.unwrap();
    assert_eq!(
        read.iter().map(|event| event.seq).collect::<Vec<_>>(),
        seqs[1..]
    );
    assert_eq!(store.events(at.tenant, 0, 2).await.unwrap().len(), 2);
    assert!(
        store
            .events(at.tenant, u64::MAX, 2)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn members_of_the_subject_are_listed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1", "u2"])).await;
    let change = delta("g1").add(&["u3", "u2", "held"]).remove(&["u1"]);
    at.unit(2, draft(change, "group.updated", "g1", &[])).await;
    let event = store.events(at.tenant, 0, 10).await.unwrap().remove(0);
    assert_eq!(
        (event.added, event.removed),
        (vec!["u3".to_owned()], vec!["u1".to_owned()])
    );
    assert_eq!(
        (event.before, event.after),
        (Some(b"{}".to_vec()), Some(b"{}".to_vec()))
    );
}

pub async fn an_attached_member_is_worth_an_event<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add_login("x", "ana")).await;
    at.users(2, &["u1"]).await;
    let update = user("u1")
        .over(Precondition::Exists)
        .keys(&[super::place::unique("userName", "ana")]);
    let (_, seq) = at.unit(3, draft(update, "user.updated", "u1", &[])).await;
    assert!(seq.is_some());
}

fn seqs(events: &[(crate::TenantId, Event)]) -> Vec<(i64, u64)> {
    events
        .iter()
        .map(|(tenant, event)| (tenant.0, event.seq))
        .collect()
}

pub async fn only_events_with_logins_wait_for_mapping<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let (_, first) = at
        .unit(10, draft(user("u1"), "user.created", "u1", &["a"]))
        .await;
    at.unit(10, draft(user("u2"), "user.created", "u2", &[]))
        .await;
    let (_, second) = at
        .unit(30, draft(user("u3"), "user.created", "u3", &["c"]))
        .await;
    let (_, foreign) = other
        .unit(20, draft(user("u1"), "user.created", "u1", &["a"]))
        .await;
    let (mine, theirs) = (at.tenant.0, other.tenant.0);
    let (first, second, foreign) = (first.unwrap(), second.unwrap(), foreign.unwrap());
    let open = async |tenant, limit| seqs(&store.unsettled(tenant, limit).await.unwrap());
    assert_eq!(
        open(None, 10).await,
        [(mine, first), (theirs, foreign), (mine, second)]
    );
    assert_eq!(
        open(Some(at.tenant), 10).await,
        [(mine, first), (mine, second)]
    );
    assert_eq!(open(None, 1).await, [(mine, first)]);
    store.settle(at.tenant, &[first, 999]).await.unwrap();
    assert_eq!(open(Some(at.tenant), 10).await, [(mine, second)]);
    assert_eq!(open(Some(other.tenant), 10).await, [(theirs, foreign)]);
    let settled: Vec<bool> = store
        .events(at.tenant, 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|event| event.settled)
        .collect();
    assert_eq!(settled, [true, true, false]);
}

pub async fn an_event_with_logins_names_all_that_its_user_held<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let named = |names: &[&str]| {
        let keys: Vec<_> = names.iter().map(|name| tracked("userName", name)).collect();
        user("u1").over(Precondition::Exists).keys(&keys)
    };
    at.done(1, user("u1").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(1, user("u2").keys(&[tracked("userName", "bob")]))
        .await;
    at.done(2, named(&["anna"])).await;
    at.done(3, named(&["ana", "ann"])).await;
    let gone = draft(
        delete(Kind::User, "u1"),
        "user.deleted",
        "u1",
        &["z", "anna"],
    );
    at.unit(4, gone).await;
    let quiet = user("u2").over(Precondition::Exists).json("{1}");
    at.unit(5, draft(quiet, "user.updated", "u2", &[])).await;
    let team = group("g1").keys(&[tracked("name", "team")]);
    at.unit(6, draft(team, "group.created", "g1", &["x"])).await;
    let logins: Vec<Vec<Vec<u8>>> = store
        .events(at.tenant, 0, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.logins)
        .collect();
    let of = |logins: &[&str]| -> Vec<Vec<u8>> {
        logins
            .iter()
            .map(|login| login.as_bytes().to_vec())
            .collect()
    };
    assert_eq!(
        logins,
        [of(&["z", "anna", "ana", "ann"]), of(&[]), of(&["x"])]
    );
}

pub async fn logins_of_the_user_are_added_up_to_64<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let names: Vec<String> = (0..200).map(|number| format!("n{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let keys: Vec<_> = names.iter().map(|name| tracked("email", name)).collect();
    let made = user("u1").keys(&keys);
    at.unit(1, draft(made, "user.created", "u1", &names[..60]))
        .await;
    let update = user("u1")
        .over(Precondition::Exists)
        .keys(&keys)
        .json("{1}");
    at.unit(2, draft(update, "user.updated", "u1", &names))
        .await;
    let events = store.events(at.tenant, 0, 10).await.unwrap();
    let counts: Vec<usize> = events.iter().map(|event| event.logins.len()).collect();
    assert_eq!(counts, [64, 200], "what the draft names is never left out");
    assert_eq!(events[0].logins[63], b"n063");
}
