//! How many bytes of request bodies a tenant may have in memory at one time.
//!
//! A body is read whole before the plugin sees it, so without this one token could
//! fill the machine's memory with bodies that wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nameplate_store::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a body waits for room before the client is told to come back.
const WAIT: Duration = Duration::from_secs(10);

/// Room is counted in pieces: a semaphore counts to 2^32, bytes do not fit.
const PIECE: usize = 1024;

/// The room of every tenant that has asked.
#[derive(Default)]
pub(super) struct Budgets(Mutex<HashMap<TenantId, Budget>>);

/// The room of one tenant.
struct Budget {
    pieces: usize,
    free: Arc<Semaphore>,
}

/// Room that is given back when dropped.
pub(super) struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Budgets {
    /// Waits for room for a body of `bytes` in the `whole` room of the tenant; none if
    /// there is none for long. A body larger than the whole room gets all of it.
    pub(super) async fn room(&self, tenant: TenantId, bytes: usize, whole: usize) -> Option<Room> {
        if bytes == 0 {
            return Some(Room { _permit: None });
        }
        let whole = whole.div_ceil(PIECE);
        let pieces = bytes.div_ceil(PIECE).min(whole);
        let free = self.free(tenant, whole);
        let permit = free.acquire_many_owned(u32::try_from(pieces).ok()?);
        let permit = timeout(WAIT, permit).await.ok()?.ok()?;
        Some(Room {
            _permit: Some(permit),
        })
    }

    fn free(&self, tenant: TenantId, pieces: usize) -> Arc<Semaphore> {
        let anew = || Budget {
            pieces,
            free: Arc::new(Semaphore::new(pieces)),
        };
        // The map is whole between statements, so a panic elsewhere leaves it usable.
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = tenants.entry(tenant).or_insert_with(anew);
        // The operator has set another limit: what is under way keeps its old room.
        if budget.pieces != pieces {
            *budget = anew();
        }
        Arc::clone(&budget.free)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_tenants_bodies_wait_for_each_other_and_for_no_others() {
        let budgets = Budgets::default();
        let (ours, theirs) = (TenantId(1), TenantId(2));
        let held = budgets.room(ours, 3 * PIECE, 4 * PIECE).await.unwrap();
        assert!(
            budgets.room(ours, 2 * PIECE, 4 * PIECE).await.is_none(),
            "no room"
        );
        assert!(
            budgets.room(ours, 0, 4 * PIECE).await.is_some(),
            "needs none"
        );
        assert!(budgets.room(theirs, 100 * PIECE, 4 * PIECE).await.is_some());
        drop(held);
        assert!(budgets.room(ours, 2 * PIECE, 4 * PIECE).await.is_some());
    }
}
