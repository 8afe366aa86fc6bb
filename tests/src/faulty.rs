//! A store that fails on purpose: every call may fail before it is done, after it is done
//! (so that only its answer is lost), or take long, by the throw of a seeded die.
//!
//! This must not know what is stored, nor who asks. Whoever stands above it must cope:
//! the trait says that [`StoreError::Unavailable`] may come at any time.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nameplate_store::StoreError;
use nameplate_store_sql::SqliteStore;

use crate::dice::{STEP, mix};

mod through;

/// How often what goes wrong. Chances are of 10,000 calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// It fails and nothing is done.
    pub before: u32,
    /// A write is done and its answer is lost.
    pub after: u32,
    /// It takes long.
    pub slow: u32,
    /// How long.
    pub slow_for: Duration,
    /// From this call on everything fails for a while.
    pub burst: u32,
    /// How many calls a burst takes.
    pub burst_calls: u64,
}

impl Faults {
    /// As bad as a database gets that one would not replace at once.
    pub fn bad() -> Self {
        Self {
            before: 60,
            after: 60,
            slow: 60,
            slow_for: Duration::from_millis(120),
            burst: 3,
            burst_calls: 150,
        }
    }
}

/// What has gone wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// Calls.
    pub calls: u64,
    /// Failed before they were done, those in bursts too.
    pub before: u64,
    /// Done, and their answer lost.
    pub after: u64,
    /// Slow.
    pub slow: u64,
}

/// What is to happen to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Before,
    After,
    Slow(Duration),
}

struct Dice {
    seed: AtomicU64,
    faults: Mutex<Option<Faults>>,
    /// Calls that the present burst still takes.
    burst: AtomicU64,
    calls: AtomicU64,
    before: AtomicU64,
    after: AtomicU64,
    slow: AtomicU64,
}

/// SQLite with faults. Clones share them.
#[derive(Clone)]
pub struct FaultyStore {
    inner: SqliteStore,
    dice: Arc<Dice>,
}

impl FaultyStore {
    /// Over a store; without faults until told.
    pub fn new(inner: SqliteStore, seed: u64) -> Self {
        Self {
            inner,
            dice: Arc::new(Dice {
                seed: AtomicU64::new(seed),
                faults: Mutex::default(),
                burst: AtomicU64::default(),
                calls: AtomicU64::default(),
                before: AtomicU64::default(),
                after: AtomicU64::default(),
                slow: AtomicU64::default(),
            }),
        }
    }

    /// From now on these faults, or none.
    pub fn switch(&self, faults: Option<Faults>) {
        let mut present = self
            .dice
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *present = faults;
        self.dice.burst.store(0, Ordering::Relaxed);
    }

    /// What has gone wrong.
    pub fn failed(&self) -> Failed {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let dice = &*self.dice;
        Failed {
            calls: of(&dice.calls),
            before: of(&dice.before),
            after: of(&dice.after),
            slow: of(&dice.slow),
        }
    }

    /// A call that changes nothing.
    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.dice.throw(false) {
            Fate::Fine | Fate::After => call.await,
            Fate::Before => Err(unavailable()),
            Fate::Slow(time) => {
                tokio::time::sleep(time).await;
                call.await
            }
        }
    }

    /// A call that writes.
    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.dice.throw(true) {
            Fate::Fine => call.await,
            Fate::Before => Err(unavailable()),
            Fate::After => call.await.and_then(|_| Err(unavailable())),
            Fate::Slow(time) => {
                tokio::time::sleep(time).await;
                call.await
            }
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("it fails on purpose".to_owned())
}

impl Dice {
    fn throw(&self, write: bool) -> Fate {
        let add = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        add(&self.calls);
        let faults = *self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(faults) = faults else {
            return Fate::Fine;
        };
        let left = self
            .burst
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        if left.is_ok() {
            add(&self.before);
            return Fate::Before;
        }
        let number = u32::try_from(self.next() % 10_000).unwrap_or_default();
        let mut edge = 0;
        let mut hit = |chance: u32| {
            edge += chance;
            number < edge
        };
        if hit(faults.burst) {
            self.burst.store(faults.burst_calls, Ordering::Relaxed);
            add(&self.before);
            Fate::Before
        } else if hit(faults.before) {
            add(&self.before);
            Fate::Before
        } else if hit(faults.slow) {
            add(&self.slow);
            Fate::Slow(faults.slow_for)
        } else if write && hit(faults.after) {
            add(&self.after);
            Fate::After
        } else {
            Fate::Fine
        }
    }

    /// The next number.
    fn next(&self) -> u64 {
        mix(self.seed.fetch_add(STEP, Ordering::Relaxed))
    }
}
