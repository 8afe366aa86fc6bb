//! Puts, deletes, preconditions and unique keys.

use super::Backend;
use super::place::{Place, both, delete, delta, equal, group, key, unique, user};
use crate::{Kind, Outcome, Precondition};

pub async fn a_new_document_has_version_one<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let result = at.done(10, user("u1").json("{\"a\":1}")).await;
    assert!(result.changed);
    assert_eq!(
        (result.version, result.created, result.modified),
        (1, 10, 10)
    );
    let document = at.document(Kind::User, "u1").await.unwrap();
    assert_eq!(
        (document.version, document.created, document.modified),
        (1, 10, 10)
    );
    assert_eq!((document.label.as_str(), document.member_count), ("u1", 0));
    assert_eq!(document.json, b"{\"a\":1}");
    assert_eq!(Some(document.connection), at.okta.connection);
    assert!(at.document(Kind::Group, "u1").await.is_none());
}

pub async fn content_is_kept_byte_for_byte<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let json: Vec<u8> = (0..=255).collect();
    let mut put = user("u1");
    put.json.clone_from(&json);
    put.label = "Zoë \u{0} 😀".to_owned();
    at.done(1, put).await;
    let document = at.document(Kind::User, "u1").await.unwrap();
    assert_eq!(document.json, json);
    assert_eq!(document.label, "Zoë \u{0} 😀");
}

pub async fn a_change_of_content_bumps_version_and_modified<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(10, &["u1"]).await;
    let result = at
        .done(20, user("u1").over(Precondition::Exists).json("{1}"))
        .await;
    assert!(result.changed);
    assert_eq!(
        (result.version, result.created, result.modified),
        (2, 10, 20)
    );
}

pub async fn modified_never_goes_backwards<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(100, &["u1"]).await;
    let result = at
        .done(50, user("u1").over(Precondition::Exists).json("{1}"))
        .await;
    assert_eq!((result.version, result.modified), (2, 100));
}

pub async fn a_put_of_the_same_content_changes_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(10, &["u1"]).await;
    let unit = both(
        user("u1").over(Precondition::Exists).keys(&[key("a", "1")]),
        same_put("u1"),
    );
    let (results, seq) = at
        .unit(20, unit.about("user.updated", Kind::User, "u1", &[]))
        .await;
    assert!(results.iter().all(|result| !result.changed));
    assert_eq!(
        (results[0].version, results[0].modified, seq),
        (1, 10, None)
    );
    assert!(store.events(at.tenant, 0, 10).await.unwrap().is_empty());
    assert_eq!(
        at.ids(&equal("a", "1")).await,
        ["u1"],
        "the keys are written all the same"
    );
}

/// The same put once more.
fn same_put(id: &str) -> crate::Put {
    user(id)
        .over(Precondition::Version(1))
        .keys(&[key("a", "1")])
}

pub async fn preconditions_are_outcomes<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let none = Outcome::Stale {
        change: 0,
        current: None,
    };
    assert_eq!(
        at.outcome(1, user("u1").over(Precondition::Exists)).await,
        none
    );
    assert_eq!(
        at.outcome(1, user("u1").over(Precondition::Version(1)))
            .await,
        none
    );
    assert_eq!(at.outcome(1, delete(Kind::User, "u1")).await, none);
    at.users(1, &["u1"]).await;
    let current = at.document(Kind::User, "u1").await;
    let stale = Outcome::Stale { change: 0, current };
    assert_eq!(at.outcome(2, user("u1").json("{1}")).await, stale);
    assert_eq!(
        at.outcome(2, user("u1").over(Precondition::Version(7)).json("{1}"))
            .await,
        stale
    );
    let mut gone = delete(Kind::User, "u1");
    gone.condition = Precondition::Version(2);
    assert_eq!(at.outcome(2, gone).await, stale);
    assert_eq!(
        at.done(2, user("u1").over(Precondition::Version(1)).json("{1}"))
            .await
            .version,
        2
    );
}

pub async fn a_document_of_another_kind_does_not_exist<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, group("g1")).await;
    let none = Outcome::Stale {
        change: 0,
        current: None,
    };
    assert_eq!(
        at.outcome(2, user("g1").over(Precondition::Exists)).await,
        none
    );
    assert_eq!(at.outcome(2, delete(Kind::User, "g1")).await, none);
    assert_eq!(
        at.outcome(2, user("g1")).await,
        none,
        "its id is taken all the same"
    );
}

pub async fn the_refused_change_is_named<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let outcome = at
        .outcome(1, both(user("u1"), user("u2").over(Precondition::Exists)))
        .await;
    assert_eq!(
        outcome,
        Outcome::Stale {
            change: 1,
            current: None
        }
    );
    assert!(at.document(Kind::User, "u1").await.is_none());
}

pub async fn a_unique_key_is_held_once_per_connection_and_kind<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let name = [unique("userName", "ana")];
    at.done(1, user("u1").keys(&name)).await;
    let outcome = at
        .outcome(2, both(user("u0"), user("u2").keys(&name)))
        .await;
    assert_eq!(
        outcome,
        Outcome::KeyTaken {
            change: 1,
            attribute: "userName".to_owned(),
            owner: "u1".to_owned()
        }
    );
    assert!(at.document(Kind::User, "u0").await.is_none());
    at.done(3, group("g1").keys(&name)).await;
    at.done(3, user("u3").keys(&[unique("externalId", "ana")]))
        .await;
    at.done(
        3,
        user("u4").keys(&[key("nickName", "ana"), key("nickName", "ana")]),
    )
    .await;
    at.done(3, user("u5").keys(&[key("nickName", "ana")])).await;
    let elsewhere = at
        .outcome_at(at.entra, 3, user("u6").keys(&name).into())
        .await;
    assert!(matches!(elsewhere, Outcome::Committed { .. }));
}

pub async fn a_unique_key_is_free_after_update_and_delete<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[unique("userName", "a")]))
        .await;
    at.done(
        2,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[unique("userName", "b")]),
    )
    .await;
    at.done(3, user("u2").keys(&[unique("userName", "a")]))
        .await;
    at.done(4, delete(Kind::User, "u2")).await;
    at.done(5, user("u3").keys(&[unique("userName", "a")]))
        .await;
    assert_eq!(at.ids(&equal("userName", "a")).await, ["u3"]);
    assert_eq!(at.ids(&equal("userName", "b")).await, ["u1"]);
}

pub async fn an_update_keeps_its_own_unique_key<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let keys = [unique("userName", "a"), key("active", "true")];
    at.done(1, user("u1").keys(&keys)).await;
    let result = at
        .done(
            2,
            user("u1")
                .over(Precondition::Exists)
                .keys(&keys)
                .json("{1}"),
        )
        .await;
    assert_eq!(result.version, 2);
    assert_eq!(at.ids(&equal("userName", "a")).await, ["u1"]);
}

pub async fn a_key_can_become_unique_and_back<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[key("employee", "7")])).await;
    at.done(
        2,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[unique("employee", "7")]),
    )
    .await;
    let taken = at
        .outcome(3, user("u2").keys(&[unique("employee", "7")]))
        .await;
    assert!(matches!(taken, Outcome::KeyTaken { .. }));
    at.done(
        4,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[key("employee", "7")]),
    )
    .await;
    at.done(5, user("u2").keys(&[unique("employee", "7")]))
        .await;
    assert_eq!(at.ids(&equal("employee", "7")).await, ["u1", "u2"]);
}

pub async fn keys_follow_the_last_put<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(
        1,
        user("u1").keys(&[key("email", "a"), key("email", "b"), key("city", "x")]),
    )
    .await;
    at.done(
        2,
        user("u1")
            .over(Precondition::Exists)
            .keys(&[key("email", "b"), key("email", "c")]),
    )
    .await;
    for (value, hits) in [("a", 0), ("b", 1), ("c", 1)] {
        assert_eq!(at.ids(&equal("email", value)).await.len(), hits, "{value}");
    }
    assert!(at.ids(&equal("city", "x")).await.is_empty());
}

pub async fn a_delete_takes_keys_and_answers_the_last_version<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[key("email", "a")])).await;
    at.done(
        2,
        user("u1")
            .over(Precondition::Exists)
            .json("{1}")
            .keys(&[key("email", "a")]),
    )
    .await;
    let result = at.done(3, delete(Kind::User, "u1")).await;
    assert!(result.changed);
    assert_eq!((result.version, result.created, result.modified), (2, 1, 2));
    assert!(at.document(Kind::User, "u1").await.is_none());
    assert!(at.ids(&equal("email", "a")).await.is_empty());
}

pub async fn get_many_leaves_out_what_is_absent<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    let ids = ["g1", "nobody", "u2", "u2"].map(str::to_owned);
    let mut found: Vec<String> = store
        .get_many(at.okta, &ids)
        .await
        .unwrap()
        .into_iter()
        .map(|document| document.id)
        .collect();
    found.sort();
    assert_eq!(found, ["g1", "u2"]);
}

pub async fn a_version_goes_up_once_in_a_unit<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["u1"]).await;
    at.done(1, group("g1")).await;
    let put = group("g1").over(Precondition::Version(1)).json("{1}");
    let mut members = delta("g1").add(&["u1"]);
    members.condition = Precondition::Version(1);
    let (results, _) = at.unit(5, both(put, members)).await;
    assert_eq!((results[0].version, results[1].version), (2, 2));
    let document = at.group("g1").await;
    assert_eq!(
        (document.version, document.modified, document.member_count),
        (2, 5, 1)
    );
}
