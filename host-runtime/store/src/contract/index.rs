//! Index-versions and rekeying.

use super::Backend;
use super::place::{Place, delete, equal, group, key, unique, user};
use crate::{Kind, Outcome, Precondition, Rekey};

fn rekey(id: &str, version: u64, value: &str) -> Rekey {
    Rekey {
        kind: Kind::User,
        id: id.to_owned(),
        version,
        keys: vec![key("n", value)],
        index_version: "v2".to_owned(),
    }
}

pub async fn an_index_is_ready_when_every_document_has_its_version<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let ready = async |version| store.index_ready(at.okta, version).await.unwrap();
    assert!(
        ready("v1").await && ready("v2").await,
        "an empty connection is ready"
    );
    at.users(1, &["u1", "u2"]).await;
    at.done(1, group("g1")).await;
    at.outcome_at(
        at.entra,
        1,
        crate::Put {
            index_version: "v9".to_owned(),
            ..user("x")
        }
        .into(),
    )
    .await;
    assert!(ready("v1").await && !ready("v2").await);
    at.done(2, rekey("u1", 1, "a")).await;
    assert!(!ready("v1").await && !ready("v2").await);
    let newer = crate::Put {
        index_version: "v2".to_owned(),
        ..user("u2").over(Precondition::Exists)
    };
    at.done(3, newer).await;
    at.done(4, delete(Kind::Group, "g1")).await;
    assert!(ready("v2").await && !ready("v1").await);
}

pub async fn a_rekey_writes_keys_alone<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[key("n", "old")])).await;
    let unit = crate::Unit::from(rekey("u1", 1, "new")).about("x", Kind::User, "u1", &["l"]);
    let (results, seq) = at.unit(9, unit).await;
    assert!(results[0].changed);
    assert_eq!((results[0].version, results[0].modified, seq), (1, 1, None));
    assert_eq!(at.document(Kind::User, "u1").await.unwrap().version, 1);
    assert!(at.ids(&equal("n", "old")).await.is_empty());
    assert_eq!(at.ids(&equal("n", "new")).await, ["u1"]);
    assert!(!at.done(9, rekey("u1", 1, "new")).await.changed);
}

pub async fn a_rekey_of_another_version_does_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[key("n", "old")])).await;
    at.done(
        2,
        user("u1")
            .over(Precondition::Exists)
            .json("{1}")
            .keys(&[key("n", "old")]),
    )
    .await;
    let result = at.done(3, rekey("u1", 1, "new")).await;
    assert_eq!((result.changed, result.version), (false, 2));
    assert_eq!(at.ids(&equal("n", "old")).await, ["u1"]);
    assert!(store.index_ready(at.okta, "v1").await.unwrap());
    assert!(!at.done(3, rekey("nobody", 1, "new")).await.changed);
}

pub async fn a_rekey_respects_unique_keys<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.done(1, user("u1").keys(&[unique("n", "a")])).await;
    at.users(1, &["u2"]).await;
    let taken = Rekey {
        keys: vec![unique("n", "a")],
        ..rekey("u2", 1, "")
    };
    let outcome = at.outcome(2, taken).await;
    assert_eq!(
        outcome,
        Outcome::KeyTaken {
            change: 0,
            attribute: "n".to_owned(),
            owner: "u1".to_owned()
        }
    );
}
