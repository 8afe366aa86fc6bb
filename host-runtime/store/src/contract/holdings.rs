//! Who held a tracked value, and when.

use super::Backend;
use super::place::{Place, delete, key, tracked, user};
use crate::{Holding, Kind, Precondition, Rekey};

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
