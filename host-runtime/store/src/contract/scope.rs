//! No call reaches beyond its tenant and connection.

use super::Backend;
use super::place::{Place, delete, delta, group, unique, user, walk};
use crate::{Edge, KeyRange, Kind, Outcome, Precondition, Scope, StoreError};

pub async fn another_connection_or_tenant_sees_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    at.done(1, user("u1").keys(&[unique("n", "a")])).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1", "late"])).await;
    let ids = ["u1", "g1"].map(str::to_owned);
    let edge = [Edge {
        group: "g1".to_owned(),
        member: "u1".to_owned(),
    }];
    let crossed = Scope {
        tenant: other.tenant,
        connection: at.okta.connection,
    };
    for scope in [at.entra, other.okta, other.whole, crossed] {
        assert!(store.get(scope, Kind::User, "u1").await.unwrap().is_none());
        assert!(store.get_many(scope, &ids).await.unwrap().is_empty());
        assert_eq!(store.has_edges(scope, &edge).await.unwrap(), [false]);
        assert!(
            store
                .members(scope, "g1", None, 10)
                .await
                .unwrap()
                .members
                .is_empty()
        );
        assert!(
            store
                .held_members(scope, "g1", None, 10)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            store
                .groups_of(scope, "u1", true)
                .await
                .unwrap()
                .groups
                .is_empty()
        );
        if scope.connection.is_some() {
            for range in [
                KeyRange::All,
                KeyRange::Equal(b"a".to_vec()),
                KeyRange::Prefix(Vec::new()),
            ] {
                let page = store.find(scope, &walk("n", range)).await.unwrap();
                assert_eq!((page.hits.len(), page.total.unwrap_or_default()), (0, 0));
            }
            assert!(store.index_ready(scope, "other").await.unwrap());
        }
    }
    assert!(store.events(other.tenant, 0, 10).await.unwrap().is_empty());
    assert!(
        store
            .holders(other.whole, &[b"a".to_vec()])
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn the_whole_tenant_is_read_and_not_written<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.outcome_at(at.entra, 1, user("u2").into()).await;
    let ids = ["u1", "u2"].map(str::to_owned);
    assert_eq!(store.get_many(at.whole, &ids).await.unwrap().len(), 2);
    assert!(
        store
            .get(at.whole, Kind::User, "u2")
            .await
            .unwrap()
            .is_some()
    );
    let find = store.find(at.whole, &walk("", KeyRange::All)).await;
    assert!(matches!(find, Err(StoreError::Denied(_))));
    let commit = store
        .commit(at.whole, 1, at.fresh(), vec![user("u3").into()], None)
        .await;
    assert!(matches!(commit, Err(StoreError::Denied(_))));
}

pub async fn a_foreign_connection_cannot_be_written<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let crossed = Scope {
        tenant: other.tenant,
        connection: at.okta.connection,
    };
    let commit = store
        .commit(crossed, 1, at.fresh(), vec![user("u3").into()], None)
        .await;
    assert!(matches!(commit, Err(StoreError::Denied(_))));
    assert!(at.document(Kind::User, "u3").await.is_none());
}

pub async fn documents_of_another_connection_cannot_be_changed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    at.done(1, delta("g1").add(&["u1"])).await;
    let none = Outcome::Stale {
        change: 0,
        current: None,
    };
    let units: [crate::Unit; 5] = [
        user("u1").into(),
        user("u1").over(Precondition::Exists).json("{1}").into(),
        user("u1").over(Precondition::Version(1)).json("{1}").into(),
        delete(Kind::User, "u1").into(),
        delta("g1").remove(&["u1"]).into(),
    ];
    for unit in units {
        assert_eq!(
            at.outcome_at(at.entra, 2, unit.clone()).await,
            none,
            "{unit:?}"
        );
    }
    assert_eq!(at.members("g1").await, ["u1"]);
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 1);
}

pub async fn ids_are_unique_in_a_tenant_and_free_in_the_next<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    at.users(1, &["u1"]).await;
    other.done(1, user("u1").json("{other}")).await;
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().json, b"{}");
    other.done(2, delete(Kind::User, "u1")).await;
    assert!(at.document(Kind::User, "u1").await.is_some());
}
