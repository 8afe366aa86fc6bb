//! Tokens against a store.

use std::sync::atomic::{AtomicU64, Ordering};

use nameplate_store::memory::MemoryStore;

use super::*;
use crate::clock::{Sources, SystemRandom};
use crate::setup;
use crate::tokens::{TokenWish, add_token};

struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::Relaxed)
    }
}

struct Desk {
    store: MemoryStore,
    clock: Arc<Hand>,
    auth: Authenticator,
    sources: Sources,
    tenant: TenantId,
}

async fn desk() -> Desk {
    let store = MemoryStore::new();
    let clock = Arc::new(Hand(AtomicU64::new(1_000_000)));
    let sources = Sources {
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
    };
    let tenant = setup::add_tenant(&store, &sources, "acme")
        .await
        .unwrap()
        .id;
    Desk {
        auth: Authenticator::new(Arc::new(store.clone()), clock.clone()),
        store,
        clock,
        sources,
        tenant,
    }
}

impl Desk {
    async fn token(&self, expires: Option<Timestamp>) -> (String, String) {
        let wish = TokenWish {
            expires,
            ..TokenWish::new(self.tenant, None)
        };
        let made = add_token(&self.store, &self.sources, wish).await.unwrap();
        (made.text, made.token.id)
    }

    async fn last_used(&self, id: &str) -> Option<Timestamp> {
        self.store.token(id).await.unwrap().unwrap().last_used
    }
}

#[tokio::test]
async fn a_token_names_its_tenant() {
    let desk = desk().await;
    let (text, id) = desk.token(None).await;
    let identity = desk.auth.verify(&text).await.unwrap();
    assert_eq!(identity.tenant, desk.tenant);
    assert_eq!(identity.scope, TokenScope::Admin);
    assert_eq!(identity.caller, Caller::Token(id));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_by_another_process_counts_within_five_seconds() {
    let desk = desk().await;
    let (text, id) = desk.token(None).await;
    assert!(desk.auth.verify(&text).await.is_ok());
    desk.store.revoke_token(desk.tenant, &id, 5).await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(matches!(
        desk.auth.verify(&text).await,
        Err(Refusal::Revoked)
    ));
}

#[tokio::test]
async fn a_wrong_secret_under_a_known_id_is_unknown_even_if_that_token_is_revoked() {
    let desk = desk().await;
    let (text, id) = desk.token(None).await;
    desk.auth.verify(&text).await.unwrap();
    desk.store.revoke_token(desk.tenant, &id, 5).await.unwrap();
    // The same id in another installation: well-formed, and another secret.
    let other = MemoryStore::new();
    let mut row = desk.store.token(&id).await.unwrap().unwrap();
    row.secret_sha256 = [0; 32];
    other.add_tenant(0, "acme").await.unwrap();
    other.add_token(row, 2).await.unwrap();
    let stranger = Authenticator::new(Arc::new(other), desk.clock.clone());
    assert!(matches!(
        stranger.verify(&text).await,
        Err(Refusal::Unknown)
    ));
}

#[tokio::test]
async fn a_token_of_another_installation_is_unknown() {
    let (here, there) = (desk().await, desk().await);
    let (text, _) = there.token(None).await;
    assert!(matches!(
        here.auth.verify(&text).await,
        Err(Refusal::Unknown)
    ));
}

#[tokio::test]
async fn an_expired_token_is_refused_at_its_last_moment() {
    let desk = desk().await;
    let (text, _) = desk.token(Some(1_000_100)).await;
    desk.clock.0.store(1_000_099, Ordering::Relaxed);
    assert!(desk.auth.verify(&text).await.is_ok());
    desk.clock.0.store(1_000_100, Ordering::Relaxed);
    assert!(matches!(
        desk.auth.verify(&text).await,
        Err(Refusal::Expired)
    ));
}

#[tokio::test]
async fn uses_are_written_once_a_minute_and_not_with_each_request() {
    let desk = desk().await;
    let (text, id) = desk.token(None).await;
    desk.auth.verify(&text).await.unwrap();
    let uses = desk.auth.take_uses();
    assert_eq!(uses, [(id.clone(), 1_000_000)]);
    desk.store.touch_tokens(&uses).await.unwrap();
    assert_eq!(desk.last_used(&id).await, Some(1_000_000));
    desk.clock.0.store(1_059_999, Ordering::Relaxed);
    desk.auth.verify(&text).await.unwrap();
    assert!(!desk.auth.has_uses());
    desk.clock.0.store(1_060_000, Ordering::Relaxed);
    desk.auth.verify(&text).await.unwrap();
    assert_eq!(desk.auth.take_uses(), [(id, 1_060_000)]);
}

#[tokio::test]
async fn what_is_no_token_never_reaches_the_store() {
    let desk = desk().await;
    for text in ["", "np_scim_x", "secret"] {
        let refused = desk.auth.verify(text).await;
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{text}");
    }
}
