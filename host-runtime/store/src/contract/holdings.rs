//! Who held a tracked value, and when.

use super::Backend;
use super::place::{Place, both, delete, key, tracked, user};
use crate::{Holding, Kind, Outcome, Precondition, Rekey, Unit};

async fn spans<S: Backend>(
    at: &Place<'_, S>,
    values: &[&str],
) -> Vec<(String, u64, Option<u64>, bool)> {
    let values: Vec<Vec<u8>> = values
        .iter()
        .map(|value| value.as_bytes().to_vec())
        .collect();
    let holdings = at.store.holders(at.whole, &values).await.unwrap();
    holdings
        .into_iter()
        .map(|holding| (holding.document, holding.from, holding.until, holding.alive))
        .collect()
}

fn span(id: &str, from: u64, until: Option<u64>, alive: bool) -> (String, u64, Option<u64>, bool) {
    (id.to_owned(), from, until, alive)
}

pub async fn a_tracked_value_is_held_from_to<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(10, user("u1").keys(&[tracked("userName", "ana")]))
        .await;
    let holding = store
        .holders(at.okta, &[b"ana".to_vec()])
        .await
        .unwrap()
        .remove(0);
    let connection = at.okta.connection.unwrap();
    let expected = Holding {
        attribute: "userName".to_owned(),
        value: b"ana".to_vec(),
        document: "u1".to_owned(),
        connection,
        from: 10,
        until: None,
        alive: true,
    };
    assert_eq!(holding, expected);
    at.done(
        20,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[tracked("userName", "anna")]),
    )
    .await;
    at.done(30, user("u2").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(
        40,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[tracked("userName", "ana")]),
    )
    .await;
    assert_eq!(
        spans(&at, &["ana"]).await,
        [
            span("u1", 10, Some(20), true),
            span("u2", 30, None, true),
            span("u1", 40, None, true)
        ]
    );
    assert_eq!(
        spans(&at, &["anna", "nobody"]).await,
        [span("u1", 20, Some(40), true)]
    );
}

pub async fn a_value_kept_is_one_span<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let keys = [tracked("userName", "ana"), key("city", "x")];
    at.done(10, user("u1").keys(&keys)).await;
    at.done(
        20,
        user("u1")
            .over(Precondition::Exists)
            .keys(&keys[..1])
            .json("{1}"),
    )
    .await;
    assert_eq!(spans(&at, &["ana"]).await, [span("u1", 10, None, true)]);
    assert!(spans(&at, &["x"]).await.is_empty(), "not tracked");
}

pub async fn holdings_outlive_the_document<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(
        10,
        user("u1").keys(&[tracked("userName", "ana"), tracked("email", "ana")]),
    )
    .await;
    at.done(20, delete(Kind::User, "u1")).await;
    assert_eq!(
        spans(&at, &["ana"]).await,
        [
            span("u1", 10, Some(20), false),
            span("u1", 10, Some(20), false)
        ]
    );
}

pub async fn holders_see_all_connections_of_the_tenant<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    at.done(30, user("u1").keys(&[tracked("userName", "ana")]))
        .await;
    at.outcome_at(
        at.entra,
        20,
        user("u2")
            .keys(&[tracked("email", "bob"), tracked("userName", "ana")])
            .into(),
    )
    .await;
    other
        .done(10, user("u3").keys(&[tracked("userName", "ana")]))
        .await;
    let expected = [span("u2", 20, None, true), span("u1", 30, None, true)];
    assert_eq!(spans(&at, &["ana"]).await, expected);
    assert_eq!(
        store
            .holders(at.okta, &[b"ana".to_vec()])
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        spans(&at, &["ana", "ana", "bob"]).await.len(),
        3,
        "a repeated value counts once"
    );
}

pub async fn a_span_never_ends_before_it_began<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(50, user("u1").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(40, delete(Kind::User, "u1")).await;
    assert_eq!(
        spans(&at, &["ana"]).await,
        [span("u1", 50, Some(50), false)]
    );
}

pub async fn a_key_that_becomes_tracked_opens_a_span<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(10, user("u1").keys(&[key("email", "ana")])).await;
    let rekey = |keys: Vec<crate::Key>| Rekey {
        kind: Kind::User,
        id: "u1".to_owned(),
        version: 1,
        keys,
        index_version: "v2".to_owned(),
    };
    at.done(20, rekey(vec![tracked("email", "ana")])).await;
    assert_eq!(spans(&at, &["ana"]).await, [span("u1", 20, None, true)]);
    at.done(30, rekey(vec![key("email", "ana")])).await;
    assert_eq!(spans(&at, &["ana"]).await, [span("u1", 20, Some(30), true)]);
}

/// Commits many units at one moment.
async fn all<S: Backend>(at: &Place<'_, S>, now: u64, units: Vec<Unit>) {
    let many = at.store.commit(at.okta, now, at.fresh(), units, Some(1));
    let done = |outcome: &Outcome| matches!(outcome, Outcome::Committed { .. });
    assert!(many.await.unwrap().iter().all(done));
}

pub async fn dead_spans_never_hide_a_living_holder<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("early").keys(&[tracked("userName", "ana")]))
        .await;
    let renamed = user("early").over(Precondition::Exists);
    at.done(2, renamed.keys(&[tracked("userName", "anna")]))
        .await;
    let hired_and_gone = |number| {
        let id = format!("x{number}");
        let put = user(&id).keys(&[tracked("userName", "ana")]);
        both(put, delete(Kind::User, &id))
    };
    all(&at, 100, (0..1100).map(hired_and_gone).collect()).await;
    at.done(5000, user("late").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(6000, user("bob").keys(&[tracked("userName", "bob")]))
        .await;
    let found = spans(&at, &["ana", "bob"]).await;
    assert_eq!(found.len(), 1000);
    assert!(found.is_sorted_by_key(|(_, from, _, _)| *from));
    assert_eq!(found[0], span("early", 1, Some(2), true));
    assert_eq!(
        found[1],
        span("x103", 100, Some(100), false),
        "the oldest dead ones are left out"
    );
    assert_eq!(
        found[998..],
        [
            span("late", 5000, None, true),
            span("bob", 6000, None, true)
        ]
    );
}

pub async fn ended_spans_never_hide_an_open_one<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("first").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(2, user("u1")).await;
    let put = user("u1").over(Precondition::Exists);
    let held = put.clone().keys(&[tracked("userName", "ana")]);
    all(&at, 10, vec![both(held.clone(), put.clone()); 5]).await;
    all(&at, 20, vec![both(held, put); 999]).await;
    let found = spans(&at, &["ana"]).await;
    assert_eq!(found.len(), 1000);
    assert_eq!(found[0], span("first", 1, None, true));
    assert_eq!(found[1], span("u1", 20, Some(20), true));
}

pub async fn a_document_made_again_lives_again<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(10, user("u1").keys(&[tracked("userName", "ana")]))
        .await;
    at.done(20, delete(Kind::User, "u1")).await;
    at.done(30, user("u1")).await;
    assert_eq!(spans(&at, &["ana"]).await, [span("u1", 10, Some(20), true)]);
}
