//! Rehearsals: what a commit would do, and no trace of it.

use super::Backend;
use super::place::{Place, delete, delta, group, unique, user};
use crate::{Change, Edge, Key, Kind, Outcome, Precondition, Rehearsal, StoreError, Unit};

fn login(value: &str) -> Key {
    Key {
        tracked: true,
        ..unique("n", value)
    }
}

/// Somebody comes whom a group waits for, a group changes its members, somebody is
/// renamed, a refused unit, somebody goes.
fn units() -> Vec<Unit> {
    let unit = |changes: Vec<Change>| Unit {
        quota: Default::default(),
        changes,
        event: None,
    };
    vec![
        unit(vec![user("u9").keys(&[login("late")]).into()]).about(
            "user.created",
            Kind::User,
            "u9",
            &["late"],
        ),
        unit(vec![delta("g1").add(&["u2"]).remove(&["u1"]).into()]).about(
            "group.updated",
            Kind::Group,
            "g1",
            &[],
        ),
        unit(vec![
            user("u1")
                .over(Precondition::Version(1))
                .json("{1}")
                .keys(&[login("new")])
                .into(),
        ])
        .about("user.updated", Kind::User, "u1", &["new"]),
        unit(vec![
            user("u2").over(Precondition::Exists).json("{2}").into(),
            user("u3").keys(&[unique("n", "new")]).into(),
        ]),
        unit(vec![delete(Kind::User, "u2").into()]).about(
            "user.deleted",
            Kind::User,
            "u2",
            &["two"],
        ),
    ]
}

async fn place<S: Backend>(store: &S) -> Place<'_, S> {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[login("old")])).await;
    at.done(1, user("u2").keys(&[login("two")])).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1", "u9"])).await;
    at
}

async fn rehearsed<S: Backend>(at: &Place<'_, S>) -> Rehearsal {
    let rehearsal = at.store.rehearse(at.okta, 7, units(), None).await;
    rehearsal.unwrap()
}

pub async fn a_rehearsal_leaves_no_trace<S: Backend>(store: &S) {
    let at = place(store).await;
    let first = rehearsed(&at).await;
    assert_eq!(at.members("g1").await, ["u1"]);
    assert_eq!(at.held("g1").await, ["u9"]);
    assert_eq!(at.group("g1").await.version, 2);
    assert_eq!(at.document(Kind::User, "u9").await, None);
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 1);
    assert!(at.document(Kind::User, "u2").await.is_some());
    assert!(store.events(at.tenant, 0, 10).await.unwrap().is_empty());
    let logins = [b"new".to_vec(), b"old".to_vec()];
    let spans = store.holders(at.whole, &logins).await.unwrap();
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].until, spans[0].alive), (None, true));
    assert_eq!(rehearsed(&at).await, first, "and not of its numbers either");
}

pub async fn a_rehearsal_answers_as_the_commit_does<S: Backend>(store: &S) {
    let at = place(store).await;
    let rehearsal = rehearsed(&at).await;
    let done = store.commit(at.okta, 7, at.fresh(), units(), None).await;
    let done = done.unwrap();
    assert_eq!(rehearsal.outcomes, done);
    assert!(matches!(done[3], Outcome::KeyTaken { change: 1, .. }));
    assert_eq!(
        rehearsal.events,
        store.events(at.tenant, 0, 10).await.unwrap()
    );
    assert_eq!(rehearsal.events.len(), 4);
}

pub async fn a_rehearsal_tells_what_would_be_stored<S: Backend>(store: &S) {
    let at = place(store).await;
    let rehearsal = rehearsed(&at).await;
    store
        .commit(at.okta, 7, at.fresh(), units(), None)
        .await
        .unwrap();
    let ids: Vec<&str> = rehearsal.documents.iter().map(|(id, _)| &**id).collect();
    assert!(
        ["g1", "u1", "u2", "u9"].iter().all(|id| ids.contains(id)),
        "{ids:?}"
    );
    for (id, document) in &rehearsal.documents {
        let kind = if id.starts_with('g') {
            Kind::Group
        } else {
            Kind::User
        };
        assert_eq!(*document, at.document(kind, id).await, "{id}");
    }
    let pair = |edge: &Edge| format!("{} {}", edge.group, edge.member);
    let edges: Vec<_> = rehearsal
        .edges
        .iter()
        .map(|(edge, since)| (pair(edge), *since))
        .collect();
    assert_eq!(
        edges,
        [
            ("g1 u1".to_owned(), None),
            ("g1 u2".to_owned(), None),
            ("g1 u9".to_owned(), Some(7)),
        ]
    );
    for (id, at_moment) in &rehearsal.last_removed {
        let groups = store.groups_of(at.okta, id, false).await.unwrap();
        // Of somebody who is gone nothing is read.
        assert_eq!(*at_moment, groups.last_removed, "{id}");
    }
    let told = |id: &str| rehearsal.last_removed.iter().find(|(of, _)| of == id);
    assert_eq!(told("u1").unwrap().1, Some(7));
}

pub async fn a_rehearsal_stops_and_is_bound_as_a_commit_is<S: Backend>(store: &S) {
    let at = place(store).await;
    let mut units = units();
    units.swap(2, 3);
    let rehearsal = store.rehearse(at.okta, 7, units, Some(1)).await.unwrap();
    // The login is free as long as nobody was renamed to it.
    assert!(matches!(rehearsal.outcomes[2], Outcome::Committed { .. }));
    assert!(matches!(rehearsal.outcomes[3], Outcome::KeyTaken { .. }));
    assert_eq!(rehearsal.outcomes[4], Outcome::NotTried);
    let refused = Unit {
        quota: Default::default(),
        changes: vec![delete(Kind::User, "nobody").into()],
        event: None,
    };
    let units = vec![refused, Unit::default()];
    let rehearsal = store.rehearse(at.okta, 7, units, Some(1)).await.unwrap();
    assert_eq!(rehearsal.outcomes[1], Outcome::NotTried);
    assert_eq!(rehearsal.events, []);
    let unbound = store.rehearse(at.whole, 7, Vec::new(), None).await;
    assert!(matches!(unbound, Err(StoreError::Denied(_))));
}
