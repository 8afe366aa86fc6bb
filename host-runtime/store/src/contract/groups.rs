//! Groups of a document.

use super::Backend;
use super::place::{Place, delta, group};
use crate::Memberships;

fn read(memberships: &Memberships) -> Vec<(&str, bool, u64)> {
    memberships
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.direct, group.since))
        .collect()
}

pub async fn direct_and_indirect_groups_are_told_apart<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    for id in ["g1", "g2", "g3", "g4"] {
        at.done(1, group(id)).await;
    }
    at.done(10, delta("g2").add(&["u1"])).await;
    at.done(30, delta("g1").add(&["g2"])).await;
    at.done(20, delta("g3").add(&["g1"])).await;
    at.done(40, delta("g4").add(&["u1"])).await;
    let direct = store.groups_of(at.okta, "u1", false).await.unwrap();
    assert_eq!(read(&direct), [("g2", true, 10), ("g4", true, 40)]);
    assert_eq!(direct.groups[0].label, "g2");
    let all = store.groups_of(at.okta, "u1", true).await.unwrap();
    assert_eq!(
        read(&all),
        [
            ("g1", false, 30),
            ("g2", true, 10),
            ("g3", false, 30),
            ("g4", true, 40)
        ]
    );
    assert_eq!(store.groups_of(at.whole, "u1", true).await.unwrap(), all);
}

pub async fn a_direct_membership_wins_over_an_indirect_one<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    for id in ["g1", "g2"] {
        at.done(1, group(id)).await;
    }
    at.done(10, delta("g1").add(&["u1"])).await;
    at.done(10, delta("g2").add(&["g1"])).await;
    at.done(20, delta("g2").add(&["u1"])).await;
    let all = store.groups_of(at.okta, "u1", true).await.unwrap();
    assert_eq!(read(&all), [("g1", true, 10), ("g2", true, 20)]);
}

pub async fn a_cycle_is_harmless<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    for id in ["g1", "g2", "g3"] {
        at.done(1, group(id)).await;
    }
    at.done(2, delta("g1").add(&["u1", "g3", "g1"])).await;
    at.done(2, delta("g2").add(&["g1"])).await;
    at.done(2, delta("g3").add(&["g2"])).await;
    let ids = |memberships: Memberships| {
        memberships
            .groups
            .into_iter()
            .map(|group| group.group)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(store.groups_of(at.okta, "u1", true).await.unwrap()),
        ["g1", "g2", "g3"]
    );
    assert_eq!(
        ids(store.groups_of(at.okta, "g1", true).await.unwrap()),
        ["g2", "g3"]
    );
    at.done(3, super::place::delete(crate::Kind::Group, "g1"))
        .await;
    assert!(ids(store.groups_of(at.okta, "u1", true).await.unwrap()).is_empty());
}

pub async fn the_last_removal_is_remembered<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1"])).await;
    let last = async || {
        store
            .groups_of(at.okta, "u1", false)
            .await
            .unwrap()
            .last_removed
    };
    assert_eq!(last().await, None);
    at.done(8, delta("g1").remove(&["u1"])).await;
    assert_eq!(last().await, Some(8));
    at.done(9, delta("g1").add(&["u1"])).await;
    assert_eq!(last().await, Some(8));
    at.done(12, delta("g1").replacing()).await;
    assert_eq!(last().await, Some(12));
}
