//! Held edges: what waits, and what it turns into.

use super::Backend;
use super::place::{Place, delete, delta, group, unique, user};
use crate::{IfMissing, Kind, Outcome, Precondition};

pub async fn a_held_member_attaches_when_its_id_arrives<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for id in ["g1", "g2"] {
        at.done(1, group(id)).await;
        at.done(2, delta(id).add(&["late"])).await;
    }
    let result = at.done(7, user("late")).await;
    assert_eq!(result.attached_to, ["g1", "g2"]);
    assert!(result.changed);
    assert_eq!(at.members("g1").await, ["late"]);
    assert!(at.held("g1").await.is_empty());
    let document = at.group("g2").await;
    assert_eq!(
        (document.version, document.modified, document.member_count),
        (2, 7, 1)
    );
    assert_eq!(
        store
            .groups_of(at.okta, "late", false)
            .await
            .unwrap()
            .groups[0]
            .since,
        7
    );
}

pub async fn a_held_group_attaches_too<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("top")).await;
    at.done(2, delta("top").add(&["sub"])).await;
    assert_eq!(at.done(3, group("sub")).await.attached_to, ["top"]);
    assert_eq!(at.members("top").await, ["sub"]);
}

pub async fn a_held_member_attaches_to_the_user_with_its_login<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add_login("stale-id", "ana")).await;
    at.done(3, group("ana-group").keys(&[unique("displayName", "ana")]))
        .await;
    at.done(3, user("u0").keys(&[super::place::key("nickName", "ana")]))
        .await;
    assert_eq!(
        at.held("g1").await,
        ["stale-id"],
        "neither a group nor a key that is not unique"
    );
    let result = at
        .done(4, user("u1").keys(&[unique("userName", "ana")]))
        .await;
    assert_eq!(result.attached_to, ["g1"]);
    assert_eq!(at.members("g1").await, ["u1"]);
    assert!(at.held("g1").await.is_empty());
}

pub async fn a_rename_to_the_login_attaches<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add_login("x", "ana")).await;
    at.done(3, user("u1").keys(&[unique("userName", "bob")]))
        .await;
    let result = at
        .done(
            4,
            user("u1")
                .over(Precondition::Exists)
                .keys(&[unique("userName", "ana")]),
        )
        .await;
    assert!(result.changed);
    assert_eq!(
        (result.version, result.attached_to),
        (1, vec!["g1".to_owned()])
    );
    assert_eq!(at.members("g1").await, ["u1"]);
}

pub async fn the_order_of_arrival_does_not_matter<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[unique("userName", "ana")]))
        .await;
    at.done(1, group("g1")).await;
    let result = at.done(2, delta("g1").add_login("stale-id", "ana")).await;
    assert_eq!((result.members_added, result.absent_members.len()), (1, 0));
    assert_eq!(at.members("g1").await, ["u1"]);
    let again = at
        .done(3, delta("g1").add_login("stale-id", "ana").replacing())
        .await;
    assert!(!again.changed);
    assert_eq!(at.members("g1").await, ["u1"]);
}

pub async fn a_login_means_a_user_of_the_connection<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let foreign = user("u1").keys(&[unique("userName", "ana")]);
    at.outcome_at(at.entra, 1, foreign.into()).await;
    at.done(1, group("ana-group").keys(&[unique("displayName", "ana")]))
        .await;
    at.done(1, user("u2").keys(&[super::place::key("nickName", "ana")]))
        .await;
    at.done(1, group("g1")).await;
    let absent = at.done(2, delta("g1").add_login("stale-id", "ana")).await;
    assert_eq!(absent.absent_members, ["stale-id"]);
    assert_eq!(at.held("g1").await, ["stale-id"]);
    // The id goes before the login.
    at.done(3, user("u3").keys(&[unique("userName", "bob")]))
        .await;
    at.done(4, delta("g1").add_login("u2", "bob")).await;
    assert_eq!(at.members("g1").await, ["u2"]);
}

pub async fn a_login_is_looked_for_where_members_are_held<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[unique("userName", "ana")]))
        .await;
    at.done(1, group("g1")).await;
    let by_login = delta("g1").add_login("stale-id", "ana");
    let skipped = at.done(2, by_login.clone().missing(IfMissing::Skip)).await;
    assert_eq!(skipped.absent_members, ["stale-id"]);
    let refused = at.outcome(3, by_login.missing(IfMissing::Fail)).await;
    assert_eq!(refused, Outcome::Missing(vec!["stale-id".to_owned()]));
    assert!(at.members("g1").await.is_empty());
}

pub async fn one_member_held_under_two_names_is_attached_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add_login("old", "ana")).await;
    at.done(2, delta("g1").add(&["u1"])).await;
    let result = at
        .done(3, user("u1").keys(&[unique("userName", "ana")]))
        .await;
    assert_eq!(result.attached_to, ["g1"]);
    let document = at.group("g1").await;
    assert_eq!((document.version, document.member_count), (2, 1));
    assert!(at.held("g1").await.is_empty());
}

pub async fn a_held_member_can_be_removed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["a", "b"])).await;
    at.done(3, delta("g1").remove(&["a"])).await;
    assert_eq!(at.held("g1").await, ["b"]);
    assert!(at.done(4, user("a")).await.attached_to.is_empty());
}

pub async fn held_members_keep_what_was_sent<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["c", "ä b", "a"])).await;
    at.done(9, delta("g1").add(&["a"])).await;
    let held = store.held_members(at.okta, "g1", None, 2).await.unwrap();
    let read: Vec<(&str, Option<&str>, u64)> = held
        .iter()
        .map(|member| (member.id.as_str(), member.display.as_deref(), member.since))
        .collect();
    assert_eq!(read, [("a", Some("<a>"), 2), ("c", Some("<c>"), 2)]);
    let rest = store
        .held_members(at.okta, "g1", Some("c"), 2)
        .await
        .unwrap();
    assert_eq!(
        (rest.len(), rest[0].id.as_str(), rest[0].group.as_str()),
        (1, "ä b", "g1")
    );
}

pub async fn a_deleted_member_is_not_held<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1"])).await;
    at.done(3, delete(Kind::User, "u1")).await;
    assert!(at.held("g1").await.is_empty() && at.members("g1").await.is_empty());
}

pub async fn another_connection_never_attaches<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add_login("late", "ana")).await;
    let other = user("late").keys(&[unique("userName", "ana")]);
    at.outcome_at(at.entra, 3, other.into()).await;
    assert!(at.members("g1").await.is_empty());
    assert_eq!(at.held("g1").await, ["late"]);
    let absent = at.done(4, delta("g1").add(&["late"])).await;
    assert_eq!(
        absent.absent_members,
        ["late"],
        "a document of another connection does not exist here"
    );
}
