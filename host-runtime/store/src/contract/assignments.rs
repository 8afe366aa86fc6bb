//! Assignments: their history, and their events.

use super::Backend;
use super::hosts::{linked, read, record};
use super::place::{Place, user};
use crate::{
    Assignment, AssignmentOutcome, Event, HostWrite, Kind, Precondition, Subject, TenantId, Unit,
};

async fn assign<S: Backend>(
    at: &Place<'_, S>,
    now: u64,
    expected: u64,
    assignment: Assignment,
) -> HostWrite {
    at.store
        .put_assignment(at.tenant, now, "h1", expected, assignment)
        .await
        .unwrap()
}

async fn events<S: Backend>(at: &Place<'_, S>) -> Vec<Event> {
    at.store.events(at.tenant, 0, 1000).await.unwrap()
}

fn parsed(json: Option<&Vec<u8>>) -> Option<serde_json::Value> {
    json.map(|json| serde_json::from_slice(json).unwrap())
}

pub async fn an_assignment_is_an_event<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    assert!(events(&at).await.is_empty());
    assign(&at, 10, 1, linked("u1", "enrolled")).await;
    let pending = Assignment {
        outcome: AssignmentOutcome::Pending,
        user: None,
        login: "bo\"b".to_owned(),
        reason: "nobody has it".to_owned(),
    };
    assign(&at, 20, 2, pending.clone()).await;
    let events = events(&at).await;
    let first = Event {
        seq: 1,
        connection: None,
        at: 10,
        name: "assignment.changed".to_owned(),
        subject_kind: Subject::Host,
        subject: "h1".to_owned(),
        before: None,
        after: Some(linked("u1", "enrolled").json()),
        added: Vec::new(),
        removed: Vec::new(),
        logins: Vec::new(),
        settled: true,
    };
    assert_eq!(events[0], first);
    let second = Event {
        seq: 2,
        at: 20,
        before: Some(linked("u1", "enrolled").json()),
        after: Some(pending.json()),
        ..first
    };
    assert_eq!(events[1], second);
    let read = serde_json::json!({
        "outcome": "pending", "user": null, "login": "bo\"b", "reason": "nobody has it"
    });
    assert_eq!(parsed(events[1].after.as_ref()), Some(read));
    let waiting = store.unsettled(Some(at.tenant), 10).await.unwrap();
    assert!(waiting.is_empty(), "mapping made it and need not see it");
}

pub async fn an_assignment_that_is_not_written_is_no_event<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    assert_eq!(
        assign(&at, 2, 9, linked("u1", "a")).await,
        HostWrite::Stale(1)
    );
    assert_eq!(
        assign(&at, 3, 1, linked("u1", "a")).await,
        HostWrite::Written(2)
    );
    assert_eq!(
        assign(&at, 4, 2, linked("u1", "a")).await,
        HostWrite::Unchanged(2)
    );
    let nowhere = store
        .put_assignment(at.tenant, 5, "nope", 1, linked("u1", "a"))
        .await
        .unwrap();
    assert_eq!(nowhere, HostWrite::NoHost);
    let at: Vec<u64> = events(&at).await.iter().map(|event| event.at).collect();
    assert_eq!(at, [3]);
}

pub async fn a_deleted_host_is_an_event<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for id in ["h1", "h2"] {
        store.put_host(at.tenant, 1, record(id)).await.unwrap();
    }
    assign(&at, 2, 1, linked("u1", "a")).await;
    store.delete_host(at.tenant, 3, "h1").await.unwrap();
    store.delete_host(at.tenant, 4, "h2").await.unwrap();
    store.delete_host(at.tenant, 5, "h2").await.unwrap();
    let events = events(&at).await;
    let read: Vec<_> = events
        .iter()
        .skip(1)
        .map(|event| {
            (
                event.seq,
                event.at,
                event.name.as_str(),
                &event.before,
                &event.after,
            )
        })
        .collect();
    let before = Some(linked("u1", "a").json());
    assert_eq!(
        read,
        [
            (2, 3, "host.deleted", &before, &None),
            (3, 4, "host.deleted", &None, &None)
        ]
    );
    assert_eq!(events[1].subject_kind, Subject::Host);
}

pub async fn hosts_and_people_share_one_order<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store.put_host(at.tenant, 1, record("h1")).await.unwrap();
    let created = Unit::from(user("u1")).about("user.created", Kind::User, "u1", &[]);
    assert_eq!(at.unit(2, created).await.1, Some(1));
    assign(&at, 3, 1, linked("u1", "a")).await;
    let renamed = user("u1").over(Precondition::Exists).json("{1}");
    let renamed = Unit::from(renamed).about("user.updated", Kind::User, "u1", &[]);
    assert_eq!(at.unit(4, renamed).await.1, Some(3));
    store.delete_host(at.tenant, 5, "h1").await.unwrap();
    let read: Vec<(u64, Subject)> = events(&at)
        .await
        .iter()
        .map(|event| (event.seq, event.subject_kind))
        .collect();
    let (person, host) = (Subject::User, Subject::Host);
    assert_eq!(read, [(1, person), (2, host), (3, person), (4, host)]);
    assert!(events(&other).await.is_empty());
    let range = async |tenant| store.event_range(tenant).await.unwrap();
    assert_eq!(range(at.tenant).await, (1, 4));
    assert_eq!(range(other.tenant).await, (1, 0));
    assert_eq!(range(TenantId(9999)).await, (1, 0));
}

pub async fn past_assignments_follow_one_another<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.put_host(at.tenant, 5, record("h1")).await.unwrap();
    assert_eq!(read(&at, "h1").await.assigned, 5);
    for (version, now) in [(1, 10), (2, 20), (3, 30)] {
        assign(&at, now, version, linked(&format!("u{version}"), "r")).await;
    }
    assert_eq!(read(&at, "h1").await.assigned, 30);
    let history = store.history(at.tenant, "h1", 10).await.unwrap();
    let spans: Vec<(u64, u64)> = history.iter().map(|past| (past.from, past.until)).collect();
    assert_eq!(spans, [(20, 30), (10, 20)]);
}

pub async fn a_history_keeps_the_newest_200_lines<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for id in ["h1", "h2"] {
        store.put_host(at.tenant, 1, record(id)).await.unwrap();
    }
    let put = async |id: &str, version: u64| {
        let next = linked(&format!("u{version}"), "r");
        let written = store
            .put_assignment(at.tenant, version, id, version, next)
            .await
            .unwrap();
        assert_eq!(written, HostWrite::Written(version + 1));
    };
    for version in 1..=2 {
        put("h2", version).await;
    }
    for version in 1..=205 {
        put("h1", version).await;
    }
    let history = store.history(at.tenant, "h1", 1000).await.unwrap();
    assert_eq!(history.len(), 200);
    assert_eq!(
        (history[0].until, history[199].until),
        (205, 6),
        "the newest are kept"
    );
    let others = store.history(at.tenant, "h2", 1000).await.unwrap();
    assert_eq!(others.len(), 1, "of each host");
}
