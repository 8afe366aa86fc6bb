//! Waiting for the next event of a tenant.
//!
//! A change made by this process wakes those who wait at once; what other processes on
//! the same database commit is found by looking twice a second, once a tenant however
//! many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nameplate_store::{TenantId, UserStore};
use tokio::sync::{Notify, watch};

/// How often the log is looked at while somebody waits.
const LOOK: Duration = Duration::from_millis(500);

/// Who waits for which tenant.
#[derive(Default)]
pub struct Tails {
    tails: Mutex<HashMap<TenantId, Shared>>,
}

/// What followers of one tenant share with the task that looks for them.
struct Shared {
    /// The number of the newest event; its strong end is the task's, which ends when
    /// nobody follows.
    newest: Weak<watch::Sender<u64>>,
    wake: Arc<Notify>,
    end: Arc<Notify>,
}

/// The end of a tenant's event log, as it moves on.
pub struct Tail(watch::Receiver<u64>);

impl Tail {
    /// Done when there is an event after `seq`; false if waiting was called off: follow
    /// anew, or give up.
    pub async fn beyond(&mut self, seq: u64) -> bool {
        self.0.wait_for(|newest| *newest > seq).await.is_ok()
    }
}

impl Tails {
    /// Follows a tenant's log. None if `most` follow it already.
    pub fn follow(
        self: &Arc<Self>,
        users: &Arc<dyn UserStore>,
        tenant: TenantId,
        most: usize,
    ) -> Option<Tail> {
        let mut tails = self.lock();
        if let Some(shared) = tails.get(&tenant)
            && let Some(newest) = shared.newest.upgrade()
        {
            let room = newest.receiver_count() < most;
            return room.then(|| Tail(newest.subscribe()));
        }
        let (newest, receiver) = watch::channel(0);
        let (newest, wake, end) = (Arc::new(newest), Arc::default(), Arc::default());
        tails.insert(
            tenant,
            Shared {
                newest: Arc::downgrade(&newest),
                wake: Arc::clone(&wake),
                end: Arc::clone(&end),
            },
        );
        tokio::spawn(look(users.clone(), tenant, newest, wake, end));
        Some(Tail(receiver))
    }

    /// Something may have been committed for this tenant.
    pub fn wake(&self, tenant: TenantId) {
        if let Some(shared) = self.lock().get(&tenant) {
            shared.wake.notify_one();
        }
    }

    /// How many follow any tenant's log.
    pub fn followers(&self) -> usize {
        let tails = self.lock();
        let alive = tails.values().filter_map(|shared| shared.newest.upgrade());
        alive.map(|newest| newest.receiver_count()).sum()
    }

    /// Calls off everybody's waiting: the server stops.
    pub fn release(&self) {
        for (_, shared) in self.lock().drain() {
            shared.end.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Shared>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the newest number while somebody listens.
async fn look(
    users: Arc<dyn UserStore>,
    tenant: TenantId,
    newest: Arc<watch::Sender<u64>>,
    wake: Arc<Notify>,
    end: Arc<Notify>,
) {
    loop {
        match users.event_range(tenant).await {
            Ok((_, last)) => {
                newest.send_if_modified(|known| std::mem::replace(known, last) != last);
            }
            Err(error) => tracing::warn!(tenant = tenant.0, %error, "cannot read the event log"),
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = newest.closed() => return,
            () = end.notified() => return,
        }
    }
}
