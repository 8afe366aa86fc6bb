//! Quotas: what adds beyond one is refused, what is there stays usable.

use super::Backend;
use super::place::{Place, delta, group, user};
use crate::{Bounded, Kind, Outcome, Precondition, Quota, Unit};

fn within(unit: impl Into<Unit>, quota: Quota) -> Unit {
    Unit {
        quota,
        ..unit.into()
    }
}

fn full(what: Bounded, most: u64) -> Outcome {
    Outcome::Full {
        change: 0,
        what,
        most,
    }
}

async fn fits<S: Backend>(at: &Place<'_, S>, now: u64, unit: Unit) {
    let outcome = at.outcome(now, unit).await;
    assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
}

fn documents(most: u64) -> Quota {
    Quota {
        users: most,
        groups: most,
        ..Quota::default()
    }
}

fn members(most: u64) -> Quota {
    Quota {
        members: most,
        ..Quota::default()
    }
}

pub async fn one_document_more_than_the_quota_is_refused<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    fits(&at, 1, within(user("u1"), documents(1))).await;
    fits(&at, 1, within(group("g1"), documents(1))).await;
    let refused = at.outcome(2, within(user("u2"), documents(1))).await;
    assert_eq!(refused, full(Bounded::Users, 1));
    let refused = at.outcome(2, within(group("g2"), documents(1))).await;
    assert_eq!(refused, full(Bounded::Groups, 1));
    assert!(at.document(Kind::User, "u2").await.is_none());
    fits(&at, 3, within(user("u2"), documents(2))).await;
}

pub async fn all_connections_of_a_tenant_count_together_and_no_other_tenant<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    fits(&at, 1, within(user("u1"), documents(1))).await;
    let elsewhere = |place: crate::Scope, id: u8| async move {
        let units = vec![within(user("u2"), documents(1))];
        let outcomes = store.commit(place, 2, [id; 16], units, None).await;
        outcomes.unwrap().remove(0)
    };
    assert_eq!(elsewhere(at.entra, 71).await, full(Bounded::Users, 1));
    assert!(matches!(
        elsewhere(other.okta, 72).await,
        Outcome::Committed { .. }
    ));
}

pub async fn what_is_over_its_quota_can_be_changed_and_deleted<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1", "u2"])).await;
    let none = Quota {
        users: 0,
        groups: 0,
        members: 0,
    };
    let changed = user("u1").over(Precondition::Exists).json("{1}");
    fits(&at, 2, within(changed, none)).await;
    fits(&at, 2, within(delta("g1").remove(&["u1"]), none)).await;
    fits(&at, 2, within(super::place::delete(Kind::User, "u1"), none)).await;
    assert_eq!(at.members("g1").await, ["u2"]);
}

pub async fn one_member_more_than_the_quota_is_refused_and_none_is_added<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    at.done(1, group("g1")).await;
    fits(&at, 1, within(delta("g1").add(&["u1"]), members(2))).await;
    let refused = within(delta("g1").add(&["u2", "u3"]), members(2));
    assert_eq!(at.outcome(2, refused).await, full(Bounded::Members, 2));
    assert_eq!(at.members("g1").await, ["u1"]);
    let swapped = within(delta("g1").add(&["u2", "u3"]).remove(&["u1"]), members(2));
    fits(&at, 3, swapped).await;
    assert_eq!(at.members("g1").await, ["u2", "u3"]);
}

pub async fn held_members_count_too<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    fits(&at, 1, within(delta("g1").add(&["u1", "late"]), members(2))).await;
    let refused = within(delta("g1").add(&["later"]), members(2));
    assert_eq!(at.outcome(2, refused).await, full(Bounded::Members, 2));
    assert_eq!(at.held("g1").await, ["late"]);
}
