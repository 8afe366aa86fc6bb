//! What is kept of people who left.

use super::Backend;
use super::place::{Place, delete, group, user};
use crate::{Change, Departure, Kind, Precondition, Put, Unit};

fn about(change: impl Into<Change>, name: &str, id: &str) -> Unit {
    Unit::from(change).about(name, Kind::User, id, &[])
}

fn again(id: &str, json: &str) -> Put {
    user(id).over(Precondition::Exists).json(json)
}

fn gone(id: &str) -> Change {
    delete(Kind::User, id).into()
}

async fn kept<S: Backend>(at: &Place<'_, S>) -> Vec<Departure> {
    at.store.departures(at.tenant, None, 100).await.unwrap()
}

/// Id, since when deactivated, and when deleted.
async fn times<S: Backend>(at: &Place<'_, S>) -> Vec<(String, Option<u64>, Option<u64>)> {
    let kept = kept(at).await.into_iter();
    kept.map(|one| (one.id, one.deactivated, one.deleted))
        .collect()
}

fn row(
    id: &str,
    deactivated: Option<u64>,
    deleted: Option<u64>,
) -> (String, Option<u64>, Option<u64>) {
    (id.to_owned(), deactivated, deleted)
}

pub async fn a_deactivated_user_is_kept_with_when<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    assert!(kept(&at).await.is_empty());
    at.unit(5, about(again("u1", "{1}"), "user.updated", "u1"))
        .await;
    assert!(kept(&at).await.is_empty(), "another event says nothing");
    let off = Put {
        label: "Ana Díaz".to_owned(),
        ..again("u1", "{2}")
    };
    at.unit(10, about(off, "user.deactivated", "u1")).await;
    let expected = Departure {
        id: "u1".to_owned(),
        connection: at.okta.connection.unwrap(),
        label: "Ana Díaz".to_owned(),
        deactivated: Some(10),
        deleted: None,
    };
    assert_eq!(kept(&at).await, [expected]);
    at.unit(20, about(again("u1", "{3}"), "user.deactivated", "u1"))
        .await;
    assert_eq!(
        times(&at).await,
        [row("u1", Some(10), None)],
        "it was deactivated all the time"
    );
}

pub async fn a_user_created_inactive_is_kept_from_the_start<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(4, about(user("u1"), "user.created.inactive", "u1"))
        .await;
    let kept = kept(&at).await;
    let rows: Vec<_> = kept
        .iter()
        .map(|one| row(&one.id, one.deactivated, one.deleted))
        .collect();
    assert_eq!(rows, [row("u1", Some(4), None)]);
}

pub async fn a_reactivated_user_is_there_again<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    at.unit(2, about(again("u1", "{1}"), "user.deactivated", "u1"))
        .await;
    at.unit(3, about(again("u1", "{2}"), "user.reactivated", "u1"))
        .await;
    assert!(kept(&at).await.is_empty());
    at.unit(4, about(again("u1", "{3}"), "user.deactivated", "u1"))
        .await;
    assert_eq!(times(&at).await, [row("u1", Some(4), None)]);
}

pub async fn a_deleted_user_is_kept_as_it_was<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for id in ["u1", "u2"] {
        at.unit(1, about(user(id), "user.created", id)).await;
    }
    at.unit(2, about(again("u1", "{1}"), "user.deactivated", "u1"))
        .await;
    at.unit(3, about(gone("u1"), "user.deleted", "u1")).await;
    at.unit(4, about(gone("u2"), "user.deleted", "u2")).await;
    assert_eq!(
        times(&at).await,
        [row("u1", Some(2), Some(3)), row("u2", None, Some(4))]
    );
    assert_eq!(kept(&at).await[1].label, "u2", "the label it had");
}

pub async fn a_user_made_again_begins_anew<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    at.unit(2, about(again("u1", "{1}"), "user.deactivated", "u1"))
        .await;
    at.unit(3, about(gone("u1"), "user.deleted", "u1")).await;
    at.outcome_at(at.entra, 4, about(user("u1"), "user.created", "u1"))
        .await;
    assert!(kept(&at).await.is_empty());
    at.outcome_at(at.entra, 5, about(gone("u1"), "user.deleted", "u1"))
        .await;
    let kept = kept(&at).await;
    assert_eq!(
        (kept[0].deactivated, kept[0].deleted, kept[0].connection),
        (None, Some(5), at.entra.connection.unwrap())
    );
}

/// Made again by a unit that keeps no event, so that what was kept before stayed.
pub async fn times_of_an_earlier_life_are_not_taken_over<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    at.unit(2, about(again("u1", "{1}"), "user.deactivated", "u1"))
        .await;
    at.unit(3, about(gone("u1"), "user.deleted", "u1")).await;
    at.done(4, user("u1")).await;
    at.unit(5, about(again("u1", "{2}"), "user.deactivated", "u1"))
        .await;
    assert_eq!(times(&at).await, [row("u1", Some(5), None)]);
    at.unit(6, about(gone("u1"), "user.deleted", "u1")).await;
    assert_eq!(times(&at).await, [row("u1", Some(5), Some(6))]);
}

pub async fn what_keeps_no_event_keeps_no_departure<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    let same = user("u1").over(Precondition::Exists);
    at.unit(2, about(same, "user.deactivated", "u1")).await;
    assert!(kept(&at).await.is_empty(), "nothing really changed");
    let stale = user("u1").over(Precondition::Version(9)).json("{9}");
    at.outcome(3, about(stale, "user.deactivated", "u1")).await;
    assert!(kept(&at).await.is_empty(), "the unit was refused");
    at.unit(
        4,
        Unit::from(group("g1")).about("user.deactivated", Kind::Group, "g1", &[]),
    )
    .await;
    assert!(kept(&at).await.is_empty(), "a group does not leave");
}

pub async fn departures_are_read_by_id_in_pages<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for (scope, id) in [(at.okta, "u3"), (at.entra, "u1"), (at.okta, "U2")] {
        at.outcome_at(scope, 1, about(user(id), "user.created", id))
            .await;
        at.outcome_at(scope, 2, about(gone(id), "user.deleted", id))
            .await;
    }
    let page = async |after, limit| -> Vec<String> {
        let page = store.departures(at.tenant, after, limit).await.unwrap();
        page.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(page(None, 2).await, ["U2", "u1"]);
    assert_eq!(page(Some("u1"), 2).await, ["u3"]);
    assert!(page(Some("u3"), 2).await.is_empty());
    let ids = ["u3", "nobody", "u1", "u3"].map(str::to_owned);
    let some = store.departures_of(at.tenant, &ids).await.unwrap();
    let read: Vec<&str> = some.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(read, ["u1", "u3"]);
    assert!(kept(&other).await.is_empty());
    assert!(
        store
            .departures_of(other.tenant, &ids)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_departure_is_forgotten_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    at.unit(1, about(user("u1"), "user.created", "u1")).await;
    at.unit(2, about(gone("u1"), "user.deleted", "u1")).await;
    let forget = async |tenant| store.forget_departure(tenant, "u1").await.unwrap();
    assert!(!forget(other.tenant).await);
    assert!(forget(at.tenant).await);
    assert!(!forget(at.tenant).await);
    assert!(kept(&at).await.is_empty());
}
