//! Webhooks, how far they have come, and dead letters.

use super::Backend;
use super::place::{Place, race};
use crate::{DeadLetter, StoreError, TenantId, Webhook, WebhookProgress};

fn hook(tenant: TenantId, id: &str, created: u64) -> Webhook {
    Webhook {
        id: id.to_owned(),
        tenant,
        url: "https://example.com/hook".to_owned(),
        secret: vec![0, 255, 7],
        events: vec!["user.".to_owned(), "assignment.changed".to_owned()],
        created,
        position: 4,
        failures: 0,
        next_try: 0,
        last_error: String::new(),
        last_delivered: None,
        paused: false,
    }
}

fn letter(seq: u64, error: &str) -> DeadLetter {
    DeadLetter {
        seq,
        at: seq,
        attempts: 3,
        error: error.to_owned(),
    }
}

fn moved(position: u64) -> WebhookProgress {
    WebhookProgress {
        position,
        failures: 0,
        next_try: 7,
        last_error: String::new(),
        last_delivered: Some(6),
    }
}

async fn read<S: Backend>(at: &Place<'_, S>, id: &str) -> Option<Webhook> {
    at.store.webhook(at.tenant, id).await.unwrap()
}

async fn letters<S: Backend>(at: &Place<'_, S>, id: &str) -> Vec<DeadLetter> {
    at.store.dead_letters(at.tenant, id, 0, 1000).await.unwrap()
}

pub async fn a_webhook_is_kept_without_loss<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let full = Webhook {
        failures: u32::MAX,
        next_try: 9,
        last_error: "refused: \0".to_owned(),
        last_delivered: Some(8),
        paused: true,
        ..hook(at.tenant, "w1", 5)
    };
    let bare = Webhook {
        secret: Vec::new(),
        events: Vec::new(),
        ..hook(at.tenant, "w2", 5)
    };
    for webhook in [full, bare] {
        assert!(store.add_webhook(webhook.clone()).await.unwrap());
        assert_eq!(read(&at, &webhook.id).await, Some(webhook));
    }
    assert_eq!(read(&at, "w3").await, None);
}

pub async fn a_webhook_never_shows_its_secret<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let secret = b"whsec-secret".to_vec();
    let webhook = Webhook {
        secret: secret.clone(),
        ..hook(at.tenant, "w1", 5)
    };
    store.add_webhook(webhook).await.unwrap();
    let shown = format!("{:?}", read(&at, "w1").await.unwrap());
    assert!(shown.contains("w1") && shown.contains("example.com"));
    assert!(!shown.contains("secret") && !shown.contains(&format!("{secret:?}")));
}

pub async fn webhooks_are_listed_oldest_first<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for (tenant, id, created) in [
        (at.tenant, "c", 1),
        (at.tenant, "b", 9),
        (other.tenant, "c", 0),
        (at.tenant, "a", 9),
    ] {
        let added = store.add_webhook(hook(tenant, id, created)).await.unwrap();
        assert!(added, "an id is free in another tenant");
    }
    let again = store.add_webhook(hook(at.tenant, "c", 2)).await.unwrap();
    assert!(!again, "an id is taken once in a tenant");
    let list = async |tenant| -> Vec<(TenantId, String)> {
        let webhooks = store.webhooks(tenant).await.unwrap();
        webhooks
            .into_iter()
            .map(|hook| (hook.tenant, hook.id))
            .collect()
    };
    let own = ["c", "a", "b"].map(|id| (at.tenant, id.to_owned()));
    let foreign = (other.tenant, "c".to_owned());
    assert_eq!(list(Some(at.tenant)).await, own);
    assert_eq!(list(None).await, [own.as_slice(), &[foreign]].concat());
}

pub async fn a_webhook_belongs_to_its_tenant<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    assert!(
        store
            .add_dead_letter(at.tenant, "w1", letter(1, "a"))
            .await
            .unwrap()
    );
    let foreign = other.tenant;
    assert_eq!(store.webhook(foreign, "w1").await.unwrap(), None);
    let changed = store
        .change_webhook(foreign, "w1", "https://evil", &[], true)
        .await;
    assert!(!changed.unwrap());
    assert!(
        !store
            .webhook_progress(foreign, "w1", 4, moved(9))
            .await
            .unwrap()
    );
    assert!(
        !store
            .add_dead_letter(foreign, "w1", letter(2, "b"))
            .await
            .unwrap()
    );
    let read_there = store.dead_letters(foreign, "w1", 0, 10).await.unwrap();
    assert!(read_there.is_empty());
    assert_eq!(
        store
            .remove_dead_letters(foreign, "w1", &[1])
            .await
            .unwrap(),
        0
    );
    assert!(!store.remove_webhook(foreign, "w1").await.unwrap());
    assert_eq!(read(&at, "w1").await, Some(hook(at.tenant, "w1", 5)));
    assert_eq!(letters(&at, "w1").await, [letter(1, "a")]);
}

pub async fn a_change_leaves_how_far_it_has_come<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    store
        .webhook_progress(at.tenant, "w1", 4, moved(9))
        .await
        .unwrap();
    let events = ["group.".to_owned()];
    let changed = store
        .change_webhook(at.tenant, "w1", "https://example.org", &events, true)
        .await;
    assert!(changed.unwrap());
    let expected = Webhook {
        url: "https://example.org".to_owned(),
        events: events.to_vec(),
        paused: true,
        position: 9,
        next_try: 7,
        last_delivered: Some(6),
        ..hook(at.tenant, "w1", 5)
    };
    assert_eq!(read(&at, "w1").await, Some(expected));
    let unknown = store.change_webhook(at.tenant, "w2", "x", &[], false).await;
    assert!(!unknown.unwrap());
}

pub async fn a_secret_is_replaced_and_nothing_else<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    store.add_webhook(hook(at.tenant, "w2", 5)).await.unwrap();
    let set = async |tenant, id, secret| store.set_webhook_secret(tenant, id, secret).await;
    assert!(set(at.tenant, "w1", b"new").await.unwrap());
    let changed = Webhook {
        secret: b"new".to_vec(),
        ..hook(at.tenant, "w1", 5)
    };
    assert_eq!(read(&at, "w1").await, Some(changed.clone()));
    assert_eq!(read(&at, "w2").await, Some(hook(at.tenant, "w2", 5)));
    assert!(!set(other.tenant, "w1", b"theirs").await.unwrap());
    assert!(!set(at.tenant, "w3", b"nobody's").await.unwrap());
    let long = set(at.tenant, "w1", &[0; 257]).await;
    assert!(matches!(long, Err(StoreError::Invalid(_))), "{long:?}");
    assert_eq!(read(&at, "w1").await, Some(changed));
}

pub async fn progress_needs_the_position_it_began_at<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    let progress = async |expected, progress| {
        store
            .webhook_progress(at.tenant, "w1", expected, progress)
            .await
            .unwrap()
    };
    let failed = WebhookProgress {
        position: 4,
        failures: 2,
        next_try: 99,
        last_error: "status 500".to_owned(),
        last_delivered: None,
    };
    assert!(progress(4, failed.clone()).await);
    let expected = Webhook {
        failures: 2,
        next_try: 99,
        last_error: "status 500".to_owned(),
        ..hook(at.tenant, "w1", 5)
    };
    assert_eq!(read(&at, "w1").await, Some(expected.clone()));
    assert!(!progress(3, moved(5)).await && !progress(5, moved(6)).await);
    assert_eq!(read(&at, "w1").await, Some(expected), "nothing is written");
    assert!(progress(4, moved(5)).await);
    assert!(progress(5, moved(1)).await, "it may go back");
    assert_eq!(read(&at, "w1").await.unwrap().position, 1);
    let unknown = store.webhook_progress(at.tenant, "w2", 0, moved(1)).await;
    assert!(!unknown.unwrap());
}

pub async fn of_many_who_move_a_webhook_one_does<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    for step in 4..20_u64 {
        let movers = (0..8).map(|mover| {
            let progress = WebhookProgress {
                failures: mover,
                ..moved(step + 1)
            };
            store.webhook_progress(at.tenant, "w1", step, progress)
        });
        let won = race(movers).await.into_iter().map(Result::unwrap);
        let won: Vec<usize> = won
            .enumerate()
            .filter(|(_, won)| *won)
            .map(|(at, _)| at)
            .collect();
        assert_eq!(won.len(), 1, "at {step}: {won:?}");
        let webhook = read(&at, "w1").await.unwrap();
        assert_eq!(webhook.position, step + 1);
        assert_eq!(usize::try_from(webhook.failures).unwrap(), won[0]);
    }
}

pub async fn dead_letters_are_read_by_number<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for id in ["w1", "w2"] {
        store.add_webhook(hook(at.tenant, id, 5)).await.unwrap();
    }
    for seq in [7, 3, 9] {
        let kept = store
            .add_dead_letter(at.tenant, "w1", letter(seq, "a"))
            .await;
        assert!(kept.unwrap());
    }
    let page = async |after, limit| {
        store
            .dead_letters(at.tenant, "w1", after, limit)
            .await
            .unwrap()
    };
    assert_eq!(page(0, 2).await, [letter(3, "a"), letter(7, "a")]);
    assert_eq!(page(7, 2).await, [letter(9, "a")]);
    assert!(page(9, 2).await.is_empty() && page(u64::MAX, 2).await.is_empty());
    assert!(letters(&at, "w2").await.is_empty(), "each has its own");
    let newer = letter(7, "b");
    assert!(
        store
            .add_dead_letter(at.tenant, "w1", newer.clone())
            .await
            .unwrap()
    );
    assert_eq!(page(3, 1).await, [newer], "one for each event");
    let unknown = store.add_dead_letter(at.tenant, "w3", letter(1, "a")).await;
    assert!(!unknown.unwrap());
}

pub async fn dead_letters_are_removed_by_number<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    for seq in 1..=4 {
        store
            .add_dead_letter(at.tenant, "w1", letter(seq, "a"))
            .await
            .unwrap();
    }
    let remove = async |seqs: &[u64]| {
        store
            .remove_dead_letters(at.tenant, "w1", seqs)
            .await
            .unwrap()
    };
    assert_eq!(remove(&[]).await, 0);
    assert_eq!(remove(&[2, 9, 4, 2]).await, 2);
    assert_eq!(letters(&at, "w1").await, [letter(1, "a"), letter(3, "a")]);
}

pub async fn the_newest_10000_dead_letters_are_kept<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    let add = async |seq| {
        let kept = store
            .add_dead_letter(at.tenant, "w1", letter(seq, "a"))
            .await;
        assert!(kept.unwrap());
    };
    for chunk in (1..=10_000).collect::<Vec<u64>>().chunks(500) {
        race(chunk.iter().map(|seq| add(*seq))).await;
    }
    add(1).await;
    assert_eq!(letters(&at, "w1").await[0].seq, 1, "a repeat is no other");
    add(10_001).await;
    let page = letters(&at, "w1").await;
    assert_eq!((page.len(), page[0].seq), (1000, 2));
    // Removed ones make room.
    store
        .remove_dead_letters(at.tenant, "w1", &[5_000])
        .await
        .unwrap();
    add(10_002).await;
    assert_eq!(letters(&at, "w1").await[0].seq, 2);
    add(10_003).await;
    assert_eq!(letters(&at, "w1").await[0].seq, 3);
}

pub async fn a_removed_webhook_leaves_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_webhook(hook(at.tenant, "w1", 5)).await.unwrap();
    store
        .add_dead_letter(at.tenant, "w1", letter(1, "a"))
        .await
        .unwrap();
    let remove = async || store.remove_webhook(at.tenant, "w1").await.unwrap();
    assert!(remove().await && !remove().await);
    assert_eq!(read(&at, "w1").await, None);
    assert!(letters(&at, "w1").await.is_empty());
    store.add_webhook(hook(at.tenant, "w1", 6)).await.unwrap();
    assert!(letters(&at, "w1").await.is_empty());
}

pub async fn a_tenant_has_100_webhooks_at_most<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let add = async |tenant, id: &str| store.add_webhook(hook(tenant, id, 1)).await;
    for number in 0..100 {
        assert!(add(at.tenant, &format!("w{number}")).await.unwrap());
    }
    let beyond = add(at.tenant, "one-more").await;
    assert!(matches!(beyond, Err(StoreError::Invalid(_))));
    assert!(add(other.tenant, "one-more").await.unwrap());
    store.remove_webhook(at.tenant, "w7").await.unwrap();
    assert!(add(at.tenant, "one-more").await.unwrap());
}

pub async fn numbers_over_63_bits_are_refused_or_of_nobody<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let most = u64::try_from(i64::MAX).unwrap();
    let beyond = most + 1;
    let kept = Webhook {
        position: most,
        ..hook(at.tenant, "w1", most)
    };
    assert!(store.add_webhook(kept.clone()).await.unwrap());
    assert!(
        store
            .add_dead_letter(at.tenant, "w1", letter(3, "a"))
            .await
            .unwrap()
    );
    for webhook in [
        hook(at.tenant, "w2", beyond),
        Webhook {
            position: beyond,
            ..hook(at.tenant, "w2", 1)
        },
        Webhook {
            next_try: beyond,
            ..hook(at.tenant, "w2", 1)
        },
        Webhook {
            last_delivered: Some(beyond),
            ..hook(at.tenant, "w2", 1)
        },
    ] {
        let answer = store.add_webhook(webhook).await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))));
    }
    let progress = store
        .webhook_progress(at.tenant, "w1", most, moved(beyond))
        .await;
    assert!(matches!(progress, Err(StoreError::Invalid(_))));
    for expected in [beyond, u64::MAX] {
        let progress = store
            .webhook_progress(at.tenant, "w1", expected, moved(1))
            .await;
        assert!(!progress.unwrap());
    }
    let grave = store
        .add_dead_letter(at.tenant, "w1", letter(beyond, "a"))
        .await;
    assert!(matches!(grave, Err(StoreError::Invalid(_))));
    let removed = store
        .remove_dead_letters(at.tenant, "w1", &[u64::MAX])
        .await;
    assert_eq!(removed.unwrap(), 0);
    store.settle(at.tenant, &[u64::MAX]).await.unwrap();
    assert_eq!(read(&at, "w1").await, Some(kept));
    assert_eq!(letters(&at, "w1").await, [letter(3, "a")]);
}

pub async fn a_webhook_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let fits = Webhook {
        url: "x".repeat(2048),
        secret: vec![1; 256],
        events: vec!["x".repeat(64); 64],
        last_error: "x".repeat(512),
        ..hook(at.tenant, &"w".repeat(64), 1)
    };
    let bad = [
        Webhook {
            id: String::new(),
            ..fits.clone()
        },
        Webhook {
            id: "w".repeat(65),
            ..fits.clone()
        },
        Webhook {
            id: "a b".to_owned(),
            ..fits.clone()
        },
        Webhook {
            url: String::new(),
            ..fits.clone()
        },
        Webhook {
            url: "x".repeat(2049),
            ..fits.clone()
        },
        Webhook {
            secret: vec![1; 257],
            ..fits.clone()
        },
        Webhook {
            events: vec!["x".repeat(65)],
            ..fits.clone()
        },
        Webhook {
            events: vec![String::new(); 65],
            ..fits.clone()
        },
        Webhook {
            last_error: "x".repeat(513),
            ..fits.clone()
        },
        Webhook {
            tenant: TenantId(9999),
            ..fits.clone()
        },
    ];
    for webhook in bad {
        let answer = store.add_webhook(webhook.clone()).await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))), "{webhook:?}");
    }
    assert!(store.add_webhook(fits.clone()).await.unwrap());
    let (id, long) = (fits.id.as_str(), "x".repeat(2049));
    let change = store.change_webhook(at.tenant, id, &long, &[], false).await;
    assert!(matches!(change, Err(StoreError::Invalid(_))));
    let progress = WebhookProgress {
        last_error: "x".repeat(513),
        ..moved(5)
    };
    let progress = store.webhook_progress(at.tenant, id, 4, progress).await;
    assert!(matches!(progress, Err(StoreError::Invalid(_))));
    let grave = store
        .add_dead_letter(at.tenant, id, letter(1, &"x".repeat(513)))
        .await;
    assert!(matches!(grave, Err(StoreError::Invalid(_))));
    let page = store.dead_letters(at.tenant, id, 0, 1001).await;
    assert!(matches!(page, Err(StoreError::Invalid(_))));
    let many = store
        .remove_dead_letters(at.tenant, id, &vec![1; 1001])
        .await;
    assert!(matches!(many, Err(StoreError::Invalid(_))));
    assert_eq!(read(&at, id).await, Some(fits));
}
