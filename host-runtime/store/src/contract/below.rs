//! Users in a group and in the groups below it.

use super::Backend;
use super::place::{Place, delete, delta, group};
use crate::Kind;

async fn of<S: Backend>(at: &Place<'_, S>, group: &str) -> Vec<String> {
    at.store.users_of(at.okta, group, None, 100).await.unwrap()
}

/// A group with these members, all of which are there.
async fn filled<S: Backend>(at: &Place<'_, S>, id: &str, members: &[&str]) {
    at.done(2, group(id)).await;
    at.done(3, delta(id).add(members)).await;
}

pub async fn users_three_levels_down_are_found<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3", "u4", "u9"]).await;
    filled(&at, "g3", &["u4", "u1"]).await;
    filled(&at, "g2", &["g3", "u3"]).await;
    filled(&at, "g1", &["g2"]).await;
    filled(&at, "top", &["g1", "u2"]).await;
    assert_eq!(of(&at, "top").await, ["u1", "u2", "u3", "u4"]);
    assert_eq!(of(&at, "g2").await, ["u1", "u3", "u4"]);
    assert_eq!(of(&at, "g3").await, ["u1", "u4"]);
}

pub async fn a_user_on_several_ways_is_found_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    filled(&at, "bottom", &["u1", "u2"]).await;
    filled(&at, "left", &["bottom", "u1", "u3"]).await;
    filled(&at, "right", &["bottom", "u3"]).await;
    filled(&at, "top", &["left", "right", "u3"]).await;
    assert_eq!(of(&at, "top").await, ["u1", "u2", "u3"]);
    for limit in 1..=3 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store
                .users_of(at.okta, "top", after.as_deref(), limit)
                .await
                .unwrap();
            let full = page.len() == usize::try_from(limit).unwrap();
            assert!(full || page.len() < usize::try_from(limit).unwrap());
            after = page.last().cloned();
            found.extend(page);
            if !full {
                break;
            }
        }
        assert_eq!(found, ["u1", "u2", "u3"], "pages of {limit}");
    }
}

pub async fn groups_in_a_circle_end<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    filled(&at, "g1", &["u1"]).await;
    filled(&at, "g2", &["u2", "g1"]).await;
    filled(&at, "g3", &["u3", "g2", "g3"]).await;
    at.done(4, delta("g1").add(&["g3"])).await;
    for id in ["g1", "g2", "g3"] {
        assert_eq!(of(&at, id).await, ["u1", "u2", "u3"], "below {id}");
    }
}

pub async fn users_come_and_go_with_the_groups_between<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    // Held first, as a nested group that is pushed after its parent.
    at.done(1, group("top")).await;
    at.done(2, delta("top").add(&["mid"])).await;
    filled(&at, "mid", &["u1", "late"]).await;
    assert_eq!(of(&at, "top").await, ["u1"]);
    at.users(4, &["late"]).await;
    assert_eq!(of(&at, "top").await, ["late", "u1"]);
    at.done(5, delta("mid").add(&["u2"]).remove(&["u1"])).await;
    assert_eq!(of(&at, "top").await, ["late", "u2"]);
    at.done(6, delta("top").remove(&["mid"])).await;
    assert!(of(&at, "top").await.is_empty());
    at.done(7, delta("top").add(&["mid"]).replacing()).await;
    assert_eq!(of(&at, "top").await, ["late", "u2"]);
    at.done(8, delete(Kind::Group, "mid")).await;
    assert!(of(&at, "top").await.is_empty());
}

pub async fn users_below_are_those_of_the_scope<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    at.users(1, &["u1"]).await;
    filled(&at, "g1", &["u1"]).await;
    let below = async |scope| store.users_of(scope, "g1", None, 10).await.unwrap();
    assert_eq!(below(at.okta).await, ["u1"]);
    assert_eq!(below(at.whole).await, ["u1"]);
    assert!(below(at.entra).await.is_empty());
    assert!(below(other.whole).await.is_empty());
    assert!(of(&at, "u1").await.is_empty(), "a user is no group");
    assert!(of(&at, "nobody").await.is_empty());
}

/// Pages of many groups with many users each, against what was put in.
pub async fn pages_over_many_groups_are_whole<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let ids: Vec<String> = (0..600).map(|number| format!("u{number:03}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    at.users(1, &names).await;
    // Strided, so that the groups are interleaved and overlap.
    for step in 2..=7_usize {
        let members: Vec<&str> = names.iter().step_by(step).copied().collect();
        filled(&at, &format!("g{step}"), &members).await;
    }
    filled(&at, "top", &["g2", "g3", "g4", "g5", "g6", "g7"]).await;
    let expected: Vec<&String> = ids
        .iter()
        .enumerate()
        .filter(|(number, _)| (2..=7).any(|step| number % step == 0))
        .map(|(_, id)| id)
        .collect();
    let all = store.users_of(at.okta, "top", None, 1000).await.unwrap();
    assert!(all.iter().eq(expected.iter().copied()));
    let middle = store
        .users_of(at.okta, "top", Some("u100"), 250)
        .await
        .unwrap();
    let rest = expected.iter().copied().filter(|id| id.as_str() > "u100");
    assert!(middle.iter().eq(rest.take(250)));
}
