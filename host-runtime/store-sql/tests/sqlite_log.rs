//! What the event log keeps, and for whom it waits.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::ops::RangeInclusive;

use common::{put, scope};
use nameplate_store::{
    Assignment, EventDraft, HostRecord, HostStore, Kind, Scope, TenantId, Unit, UserStore, Webhook,
    WebhookProgress, WebhookStore,
};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// A log that keeps ten events, or thirty while a webhook has still to pass them.
struct Log {
    store: SqliteStore,
    scope: Scope,
    _folder: TempDir,
}

impl Log {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            events: 10,
            events_waiting: 30,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(&folder.path().join("a.db"), options).unwrap();
        let scope = scope(&store).await;
        Self {
            store,
            scope,
            _folder: folder,
        }
    }

    fn tenant(&self) -> TenantId {
        self.scope.tenant
    }

    /// Writes events of these numbers.
    async fn write(&self, numbers: RangeInclusive<u128>, logins: &[Vec<u8>]) {
        for number in numbers {
            let id = format!("u{number}");
            let event = EventDraft {
                name: "user.created".to_owned(),
                subject_kind: Kind::User,
                subject: id.clone(),
                logins: logins.to_vec(),
            };
            let units = vec![Unit {
                quota: Default::default(),
                changes: vec![put(Kind::User, &id)],
                event: Some(event),
            }];
            let store = &self.store;
            let done = store.commit(self.scope, 1, number.to_be_bytes(), units, None);
            done.await.unwrap();
        }
    }

    async fn seqs(&self) -> Vec<u64> {
        let events = self.store.events(self.tenant(), 0, 1000).await.unwrap();
        events.into_iter().map(|event| event.seq).collect()
    }

    async fn range(&self) -> (u64, u64) {
        self.store.event_range(self.tenant()).await.unwrap()
    }

    async fn hook(&self, id: &str, position: u64, paused: bool) {
        let webhook = Webhook {
            id: id.to_owned(),
            tenant: self.tenant(),
            url: "https://example.com".to_owned(),
            secret: Vec::new(),
            events: Vec::new(),
            created: 1,
            position,
            failures: 0,
            next_try: 0,
            last_error: String::new(),
            last_delivered: None,
            paused,
        };
        assert!(self.store.add_webhook(webhook).await.unwrap());
    }

    async fn advance(&self, id: &str, from: u64, to: u64) {
        let progress = WebhookProgress {
            position: to,
            ..WebhookProgress::default()
        };
        let store = &self.store;
        let moved = store.webhook_progress(self.tenant(), id, from, progress);
        assert!(moved.await.unwrap());
    }
}

fn all(range: RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

#[tokio::test]
async fn old_events_are_forgotten_once_they_are_settled() {
    let log = Log::new().await;
    log.write(1..=20, &[b"ana".to_vec()]).await;
    log.write(21..=30, &[]).await;
    assert_eq!(log.seqs().await, all(1..=30), "none is settled");
    assert_eq!(log.range().await, (1, 30));
    log.store.settle(log.tenant(), &all(2..=20)).await.unwrap();
    log.write(31..=31, &[]).await;
    assert_eq!(log.seqs().await.len(), 31 - 8, "a few at a time");
    log.write(32..=35, &[]).await;
    let kept = [vec![1], all(26..=35)].concat();
    assert_eq!(
        log.seqs().await,
        kept,
        "the unsettled one and the newest ten"
    );
    assert_eq!(
        log.range().await,
        (26, 35),
        "what is whole, not what is left"
    );
    let unsettled = log.store.unsettled(Some(log.tenant()), 10).await.unwrap();
    assert_eq!(unsettled.len(), 1);
}

#[tokio::test]
async fn the_log_waits_for_the_slowest_webhook() {
    let log = Log::new().await;
    log.hook("slow", 3, false).await;
    log.hook("quick", 15, false).await;
    log.hook("paused", 0, true).await;
    log.write(1..=20, &[]).await;
    assert_eq!(log.seqs().await, all(4..=20));
    assert_eq!(log.range().await, (4, 20));
    log.advance("slow", 3, 12).await;
    log.write(21..=22, &[]).await;
    assert_eq!(log.seqs().await, all(13..=22), "ten are kept anyway");
    log.write(23..=26, &[]).await;
    assert_eq!(log.seqs().await, all(13..=26), "13 is to be delivered yet");
    let removed = log.store.remove_webhook(log.tenant(), "slow").await;
    assert!(removed.unwrap());
    log.write(27..=27, &[]).await;
    assert_eq!(log.seqs().await, all(16..=27), "now it waits for the other");
    let events: &[String] = &[];
    let store = &log.store;
    let paused = store.change_webhook(log.tenant(), "quick", "https://example.com", events, true);
    assert!(paused.await.unwrap());
    log.write(28..=28, &[]).await;
    assert_eq!(
        log.seqs().await,
        all(19..=28),
        "for one who is paused nobody waits"
    );
}

#[tokio::test]
async fn the_log_waits_up_to_a_bound() {
    let log = Log::new().await;
    log.hook("dead", 0, false).await;
    log.write(1..=30, &[]).await;
    assert_eq!(log.range().await, (1, 30));
    log.write(31..=40, &[]).await;
    assert_eq!(log.seqs().await, all(11..=40));
    assert_eq!(log.range().await, (11, 40));
}

#[tokio::test]
async fn a_webhook_of_another_tenant_is_not_waited_for() {
    let log = Log::new().await;
    let other = nameplate_store::ControlStore::add_tenant(&log.store, 1, "other").await;
    let webhook_of = Log {
        scope: Scope {
            tenant: other.unwrap().unwrap().id,
            connection: None,
        },
        store: log.store.clone(),
        _folder: tempfile::tempdir().unwrap(),
    };
    webhook_of.hook("w", 0, false).await;
    log.write(1..=20, &[]).await;
    assert_eq!(log.seqs().await, all(11..=20));
    assert_eq!(webhook_of.range().await, (1, 0));
}

/// Two who write people and two who write hosts, and one who follows the log.
#[tokio::test(flavor = "multi_thread")]
async fn one_who_follows_the_log_misses_nothing() {
    const EACH: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.db"), SqliteOptions::default()).unwrap();
    let scope = scope(&store).await;
    let people = (0..2_u64).map(|writer| {
        let log = Log {
            store: store.clone(),
            scope,
            _folder: tempfile::tempdir().unwrap(),
        };
        let first = u128::from(writer * EACH);
        tokio::spawn(async move {
            let last = first + u128::from(EACH) - 1;
            log.write(first..=last, &[]).await;
        })
    });
    let hosts = (0..2).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let host = format!("h{writer}");
            let record = HostRecord {
                id: host.clone(),
                ..HostRecord::default()
            };
            store.put_host(scope.tenant, 1, record).await.unwrap();
            for version in 1..=EACH {
                let next = Assignment {
                    login: version.to_string(),
                    ..Assignment::default()
                };
                let put = store.put_assignment(scope.tenant, 1, &host, version, next);
                put.await.unwrap();
            }
        })
    });
    let writers: Vec<_> = people.chain(hosts).collect();
    let mut seen = 0;
    while seen < 4 * EACH {
        for event in store.events(scope.tenant, seen, 7).await.unwrap() {
            assert_eq!(event.seq, seen + 1, "an event came late");
            seen = event.seq;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(
        store.event_range(scope.tenant).await.unwrap(),
        (1, 4 * EACH)
    );
}

#[tokio::test]
async fn events_of_hosts_are_forgotten_too() {
    let log = Log::new().await;
    let host = HostRecord {
        id: "h1".to_owned(),
        ..HostRecord::default()
    };
    log.store.put_host(log.tenant(), 1, host).await.unwrap();
    for version in 1..=25 {
        let next = Assignment {
            login: version.to_string(),
            ..Assignment::default()
        };
        let store = &log.store;
        let put = store.put_assignment(log.tenant(), 1, "h1", version, next);
        put.await.unwrap();
    }
    assert_eq!(log.seqs().await, all(16..=25));
    assert!(log.store.delete_host(log.tenant(), 2, "h1").await.unwrap());
    assert_eq!(log.seqs().await, all(17..=26));
    assert_eq!(log.range().await, (17, 26));
}
