//! Units: all or nothing, independent, in order, repeated harmlessly.

use super::Backend;
use super::place::{Place, both, delta, group, unique, user};
use crate::{Kind, Outcome, Precondition, Unit, limits};

fn committed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Committed { .. })
}

pub async fn a_refused_unit_leaves_no_trace<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1", "late"])).await;
    let changes = vec![
        user("u1")
            .over(Precondition::Exists)
            .json("{1}")
            .keys(&[unique("n", "x")])
            .into(),
        delta("g1").add(&["u2"]).remove(&["u1", "late"]).into(),
        group("g1").over(Precondition::Exists).json("{2}").into(),
        super::place::delete(Kind::User, "u1").into(),
        user("nobody").over(Precondition::Exists).into(),
    ];
    let unit = Unit {
        quota: Default::default(),
        changes,
        event: None,
    }
    .about("x", Kind::User, "u1", &["l"]);
    assert_eq!(
        at.outcome(9, unit).await,
        Outcome::Stale {
            change: 4,
            current: None
        }
    );
    assert_eq!(at.members("g1").await, ["u1"]);
    assert_eq!(at.held("g1").await, ["late"]);
    let document = at.group("g1").await;
    assert_eq!(
        (
            document.version,
            document.member_count,
            document.json.as_slice()
        ),
        (2, 1, b"{}".as_slice())
    );
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 1);
    assert_eq!(
        store
            .groups_of(at.okta, "u1", false)
            .await
            .unwrap()
            .last_removed,
        None
    );
    assert!(store.events(at.tenant, 0, 10).await.unwrap().is_empty());
    at.done(10, user("u3").keys(&[unique("n", "x")])).await;
}

pub async fn units_are_independent_and_in_order<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let name = [unique("n", "x")];
    let units: Vec<Unit> = vec![
        user("u1").keys(&name).into(),
        user("u2").keys(&name).into(),
        user("u1").over(Precondition::Version(1)).json("{1}").into(),
        user("u2").keys(&name).into(),
    ];
    let outcomes = store
        .commit(at.okta, 1, at.fresh(), units, None)
        .await
        .unwrap();
    let kinds: Vec<bool> = outcomes.iter().map(committed).collect();
    assert_eq!(kinds, [true, false, true, true]);
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 2);
}

pub async fn units_after_the_last_allowed_failure_are_not_tried<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    let units = || -> Vec<Unit> { ["u1", "u2", "u1", "u3"].map(|id| user(id).into()).to_vec() };
    let outcomes = store
        .commit(at.okta, 1, at.fresh(), units(), Some(2))
        .await
        .unwrap();
    assert!(committed(&outcomes[1]));
    assert!(matches!(outcomes[2], Outcome::Stale { .. }));
    assert_eq!(outcomes[3], Outcome::NotTried);
    assert!(at.document(Kind::User, "u3").await.is_none());
    let outcomes = store
        .commit(at.okta, 1, at.fresh(), units(), None)
        .await
        .unwrap();
    assert!(committed(&outcomes[3]));
}

pub async fn the_same_commit_id_returns_the_first_outcomes<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let id = at.fresh();
    let units = || -> Vec<Unit> {
        vec![
            Unit::from(user("u1").json("{1}")).about("user.created", Kind::User, "u1", &[]),
            user("u1").into(),
            user("u2").keys(&[unique("n", "x")]).into(),
            user("u3").keys(&[unique("n", "x")]).into(),
        ]
    };
    let first = store
        .commit(at.okta, 5, id, units(), Some(2))
        .await
        .unwrap();
    at.done(6, user("u1").over(Precondition::Exists).json("{2}"))
        .await;
    let again = store
        .commit(at.okta, 7, id, units(), Some(2))
        .await
        .unwrap();
    assert_eq!(again, first);
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 2);
    assert_eq!(store.events(at.tenant, 0, 10).await.unwrap().len(), 1);
    let last = 5 + limits::COMMIT_MEMORY_MS;
    assert_eq!(
        store
            .commit(at.okta, last, id, units(), Some(2))
            .await
            .unwrap(),
        first
    );
}

pub async fn a_commit_id_belongs_to_its_connection<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let id = at.fresh();
    for scope in [at.okta, at.entra, other.okta] {
        let name = format!("u{}", scope.connection.unwrap().0);
        let outcomes = store
            .commit(scope, 1, id, vec![user(&name).into()], None)
            .await
            .unwrap();
        assert!(committed(&outcomes[0]));
        assert!(store.get(scope, Kind::User, &name).await.unwrap().is_some());
    }
}

pub async fn an_empty_unit_is_committed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let (results, seq) = at
        .unit(1, Unit::default().about("x", Kind::User, "u1", &[]))
        .await;
    assert!(results.is_empty());
    assert_eq!(seq, None);
    assert!(
        store
            .commit(at.okta, 1, at.fresh(), Vec::new(), None)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn keys_can_move_within_a_unit<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[unique("n", "a")])).await;
    let gone = super::place::delete(Kind::User, "u1");
    at.unit(2, both(gone, user("u2").keys(&[unique("n", "a")])))
        .await;
    assert_eq!(at.ids(&super::place::equal("n", "a")).await, ["u2"]);
}
