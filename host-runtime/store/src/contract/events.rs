//! The event log.

use super::Backend;
use super::place::{Place, delete, delta, group, user};
use crate::{Event, Kind, Precondition, Unit};

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
        ("u1", Kind::User)
    );
    assert_eq!(Some(events[0].connection), at.okta.connection);
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
