//! Edges of groups.

use super::Backend;
use super::place::{Place, delete, delta, group, user};
use crate::{Change, Edge, IfMissing, Kind, Outcome, Precondition, Unit};

fn edge(group: &str, member: &str) -> Edge {
    Edge {
        group: group.to_owned(),
        member: member.to_owned(),
    }
}

pub async fn members_come_and_go<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    at.done(1, group("g1")).await;
    let result = at.done(10, delta("g1").add(&["u2", "u1", "u2"])).await;
    assert!(result.changed);
    assert_eq!(
        (result.version, result.created, result.modified),
        (2, 1, 10)
    );
    assert_eq!((result.members_added, result.members_removed), (2, 0));
    let result = at
        .done(20, delta("g1").add(&["u3"]).remove(&["u1", "nobody"]))
        .await;
    assert_eq!(
        (result.version, result.members_added, result.members_removed),
        (3, 1, 1)
    );
    assert_eq!(at.members("g1").await, ["u2", "u3"]);
    let document = at.group("g1").await;
    assert_eq!(
        (document.version, document.modified, document.member_count),
        (3, 20, 2)
    );
    let asked = [
        edge("g1", "u1"),
        edge("g1", "u2"),
        edge("u2", "g1"),
        edge("gx", "u2"),
    ];
    assert_eq!(
        store.has_edges(at.okta, &asked).await.unwrap(),
        [false, true, false, false]
    );
}

pub async fn a_repeated_delta_changes_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1"])).await;
    let unit = Unit::from(delta("g1").add(&["u1"]).remove(&["u9"])).about(
        "group.updated",
        Kind::Group,
        "g1",
        &[],
    );
    let (results, seq) = at.unit(9, unit).await;
    assert!(!results[0].changed);
    assert_eq!((results[0].version, results[0].modified, seq), (2, 2, None));
    assert_eq!(
        (results[0].members_added, results[0].members_removed),
        (0, 0)
    );
}

pub async fn an_id_added_and_removed_at_once_stays<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1"])).await;
    let result = at
        .done(3, delta("g1").add(&["u1", "u2"]).remove(&["u1", "u2"]))
        .await;
    assert_eq!((result.members_added, result.members_removed), (1, 0));
    assert_eq!(at.members("g1").await, ["u1", "u2"]);
}

pub async fn a_replace_keeps_what_it_names<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2", "u3"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1", "u2", "late1", "late2"]))
        .await;
    let result = at
        .done(3, delta("g1").add(&["u2", "u3", "late2"]).replacing())
        .await;
    assert_eq!(
        (result.version, result.members_added, result.members_removed),
        (3, 1, 1)
    );
    assert_eq!(at.members("g1").await, ["u2", "u3"]);
    assert_eq!(at.held("g1").await, ["late2"]);
    assert_eq!(
        store.groups_of(at.okta, "u2", false).await.unwrap().groups[0].since,
        2
    );
    let same = at
        .done(4, delta("g1").add(&["u3", "u2", "late2"]).replacing())
        .await;
    assert!(!same.changed);
    let empty = at.done(5, delta("g1").replacing()).await;
    assert_eq!(empty.members_removed, 2);
    assert!(at.members("g1").await.is_empty() && at.held("g1").await.is_empty());
    assert_eq!(at.group("g1").await.member_count, 0);
}

pub async fn unknown_members_are_held_skipped_or_refused<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    let skipped = at
        .done(2, delta("g1").add(&["u1", "x"]).missing(IfMissing::Skip))
        .await;
    assert_eq!(skipped.absent_members, ["x"]);
    assert!(at.held("g1").await.is_empty());
    let refused = at
        .outcome(
            3,
            delta("g1")
                .add(&["y", "u1", "x", "y"])
                .missing(IfMissing::Fail),
        )
        .await;
    assert_eq!(
        refused,
        Outcome::Missing(vec!["y".to_owned(), "x".to_owned()])
    );
    let held = at.done(4, delta("g1").add(&["x"])).await;
    assert!(!held.changed, "a held member is no member yet");
    assert_eq!(held.absent_members, ["x"]);
    assert_eq!(
        (at.held("g1").await, at.members("g1").await),
        (vec!["x".to_owned()], vec!["u1".to_owned()])
    );
}

pub async fn at_most_100_absent_members_are_named<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    let ids: Vec<String> = (0..150).map(|number| format!("x{number:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let result = at.done(2, delta("g1").add(&ids)).await;
    assert_eq!(result.absent_members, ids[..100]);
    let refused = at
        .outcome(3, delta("g1").add(&ids).missing(IfMissing::Fail))
        .await;
    assert_eq!(
        refused,
        Outcome::Missing(ids[..100].iter().map(|id| (*id).to_owned()).collect())
    );
}

pub async fn a_delta_needs_its_group<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    let none = Outcome::Stale {
        change: 0,
        current: None,
    };
    assert_eq!(at.outcome(2, delta("g1").add(&["u1"])).await, none);
    assert_eq!(
        at.outcome(2, delta("u1").add(&["u1"])).await,
        none,
        "a user has no members"
    );
    at.done(3, group("g1")).await;
    let mut stale = delta("g1").add(&["u1"]);
    stale.condition = Precondition::Version(4);
    let current = Some(at.group("g1").await);
    assert_eq!(
        at.outcome(4, stale).await,
        Outcome::Stale { change: 0, current }
    );
}

pub async fn members_are_read_in_pages<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u3", "u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.done(1, group("a0")).await;
    at.done(2, delta("g1").add(&["u3", "u1", "a0", "u2"])).await;
    let page = store.members(at.okta, "g1", None, 3).await.unwrap();
    let kinds: Vec<(&str, Kind, &str)> = page
        .members
        .iter()
        .map(|member| (member.id.as_str(), member.kind, member.label.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a0", Kind::Group, "a0"),
            ("u1", Kind::User, "u1"),
            ("u2", Kind::User, "u2")
        ]
    );
    assert_eq!(page.next.as_deref(), Some("u2"));
    let rest = store
        .members(at.okta, "g1", page.next.as_deref(), 3)
        .await
        .unwrap();
    assert_eq!((rest.members.len(), rest.next), (1, None));
    let exact = store.members(at.okta, "g1", None, 4).await.unwrap();
    assert_eq!((exact.members.len(), exact.next), (4, None));
    assert!(
        store
            .members(at.okta, "nothing", None, 3)
            .await
            .unwrap()
            .members
            .is_empty()
    );
}

pub async fn a_deleted_member_leaves_its_groups<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    for id in ["g1", "g2"] {
        at.done(1, group(id)).await;
    }
    at.done(2, delta("g1").add(&["u1", "u2"])).await;
    at.done(2, delta("g2").add(&["u2"])).await;
    at.done(9, delete(Kind::User, "u1")).await;
    let (one, two) = (at.group("g1").await, at.group("g2").await);
    assert_eq!((one.version, one.modified, one.member_count), (3, 9, 1));
    assert_eq!((two.version, two.modified, two.member_count), (2, 2, 1));
    assert_eq!(at.members("g1").await, ["u2"]);
    at.users(10, &["u1"]).await;
    assert_eq!(
        at.members("g1").await,
        ["u2"],
        "a new document of that id is no member"
    );
    assert_eq!(
        store
            .groups_of(at.okta, "u1", false)
            .await
            .unwrap()
            .last_removed,
        None
    );
}

pub async fn a_deleted_group_frees_its_members<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    at.done(2, delta("g1").add(&["u1", "late"])).await;
    let unit = Unit::from(delete(Kind::Group, "g1")).about("group.deleted", Kind::Group, "g1", &[]);
    let (results, _) = at.unit(9, unit).await;
    assert_eq!(results[0].members_removed, 1);
    let memberships = store.groups_of(at.okta, "u1", true).await.unwrap();
    assert_eq!(
        (memberships.groups.len(), memberships.last_removed),
        (0, Some(9))
    );
    assert!(at.held("g1").await.is_empty());
    assert_eq!(
        store.events(at.tenant, 0, 10).await.unwrap()[0].removed,
        ["u1"]
    );
    at.done(10, group("g1")).await;
    assert_eq!(
        at.done(11, user("late")).await.attached_to,
        Vec::<String>::new()
    );
    assert!(at.members("g1").await.is_empty());
}

pub async fn several_deltas_in_a_unit_add_up<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1"])).await;
    let changes: Vec<Change> = vec![
        delta("g1").remove(&["u1"]).into(),
        delta("g1").add(&["u2"]).into(),
        delta("g1").add(&["u1"]).into(),
    ];
    let unit = Unit {
        quota: Default::default(),
        changes,
        event: None,
    }
    .about("group.updated", Kind::Group, "g1", &[]);
    let (results, seq) = at.unit(5, unit).await;
    assert_eq!(
        results
            .iter()
            .map(|result| result.version)
            .collect::<Vec<_>>(),
        [3, 3, 3]
    );
    assert_eq!(at.group("g1").await.member_count, 2);
    let event = store.events(at.tenant, 0, 10).await.unwrap().remove(0);
    assert_eq!(
        (Some(event.seq), event.added, event.removed),
        (seq, vec!["u2".to_owned()], Vec::new())
    );
}
