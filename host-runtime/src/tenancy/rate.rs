//! How often a tenant may ask.
//!
//! A budget refills steadily and holds a burst; a request takes one of it. What is over
//! is refused at once, before its body is read, and costs the others nothing.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use nameplate_store::{TenantId, TokenScope};
use tokio::time::Instant;

use crate::limits::Rate;

/// Budgets are looked through for full ones when there are this many more than last time.
const TIDY: usize = 1024;

/// Time since the first budget was made.
#[derive(Clone)]
struct Elapsed(Instant);

impl Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter =
    RateLimiter<NotKeyed, InMemoryState, Elapsed, governor::middleware::NoOpMiddleware<Duration>>;

struct Budget {
    rate: Rate,
    limiter: Arc<Limiter>,
    over: Arc<AtomicBool>,
    used: Instant,
}

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    /// After how long the next one is accepted, if no other comes before.
    pub(crate) wait: Duration,
    /// The one before was accepted: of a flood, the log needs the beginning.
    pub(crate) first: bool,
}

/// The budgets of all tenants: one for what identity providers send and one for
/// administration, so that a first sync does not lock out who would look at it.
pub(crate) struct Rates {
    start: Elapsed,
    budgets: Mutex<Budgets>,
}

#[derive(Default)]
struct Budgets {
    known: HashMap<(TenantId, TokenScope), Budget>,
    tidy_at: usize,
}

impl Rates {
    /// Every budget full.
    pub(crate) fn new() -> Self {
        Self {
            start: Elapsed(Instant::now()),
            budgets: Mutex::default(),
        }
    }

    /// Takes a request from a tenant's budget; without a rate there is no end to it.
    ///
    /// # Errors
    /// [`TooOften`].
    pub(crate) fn take(
        &self,
        tenant: TenantId,
        scope: TokenScope,
        rate: Option<Rate>,
    ) -> Result<(), TooOften> {
        let Some(rate) = rate else {
            return Ok(());
        };
        let (limiter, over) = self.limiter((tenant, scope), rate);
        let taken = limiter.check();
        let before = over.swap(taken.is_err(), Ordering::Relaxed);
        taken.map_err(|refused| TooOften {
            wait: refused.wait_time_from(self.start.now()),
            first: !before,
        })
    }

    fn limiter(&self, key: (TenantId, TokenScope), rate: Rate) -> (Arc<Limiter>, Arc<AtomicBool>) {
        // Only whole values are put in, so a panic elsewhere leaves it usable.
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(budget) = budgets.known.get_mut(&key)
            && budget.rate == rate
        {
            budget.used = now;
            return (budget.limiter.clone(), budget.over.clone());
        }
        if budgets.known.len() >= budgets.tidy_at {
            budgets.known.retain(|_, budget| !budget.full(now));
            budgets.tidy_at = budgets.known.len() + TIDY;
        }
        let limiter = Arc::new(RateLimiter::direct_with_clock(
            quota(rate),
            self.start.clone(),
        ));
        let over = Arc::<AtomicBool>::default();
        let budget = Budget {
            rate,
            limiter: limiter.clone(),
            over: over.clone(),
            used: now,
        };
        budgets.known.insert(key, budget);
        (limiter, over)
    }
}

impl Budget {
    /// Nothing is lost if a full one is made anew.
    fn full(&self, now: Instant) -> bool {
        let refilled = quota(self.rate).burst_size_replenished_in();
        now.saturating_duration_since(self.used) >= refilled
    }
}

fn quota(rate: Rate) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::limits::Limits;

    const RATE: Rate = Rate {
        per_second: 2,
        burst: 3,
    };
    const OURS: TenantId = TenantId(1);
    const THEIRS: TenantId = TenantId(2);

    fn taken(rates: &Rates, tenant: TenantId, scope: TokenScope, times: usize) -> usize {
        let takes = (0..times).map(|_| rates.take(tenant, scope, Some(RATE)));
        takes.filter(Result::is_ok).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_steady_rate() {
        let rates = Rates::new();
        assert_eq!(taken(&rates, OURS, TokenScope::Scim, 10), 3);
        let refused = rates.take(OURS, TokenScope::Scim, Some(RATE)).unwrap_err();
        let (wait, first) = (Duration::from_millis(500), false);
        assert_eq!(refused, TooOften { wait, first });
        tokio::time::advance(wait).await;
        assert_eq!(taken(&rates, OURS, TokenScope::Scim, 1), 1);
        assert!(
            rates
                .take(OURS, TokenScope::Scim, Some(RATE))
                .unwrap_err()
                .first
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(
            taken(&rates, OURS, TokenScope::Scim, 10),
            3,
            "never more than a burst"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn neighbours_and_administrators_have_budgets_of_their_own() {
        let rates = Rates::new();
        assert_eq!(taken(&rates, OURS, TokenScope::Scim, 10), 3);
        assert_eq!(taken(&rates, THEIRS, TokenScope::Scim, 10), 3);
        assert_eq!(taken(&rates, OURS, TokenScope::Admin, 10), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_everything_passes_and_a_new_rate_counts_at_once() {
        let rates = Rates::new();
        assert_eq!(taken(&rates, OURS, TokenScope::Scim, 10), 3);
        for _ in 0..10 {
            rates.take(OURS, TokenScope::Scim, None).unwrap();
        }
        let more = Rate { burst: 20, ..RATE };
        for _ in 0..20 {
            rates.take(OURS, TokenScope::Scim, Some(more)).unwrap();
        }
        assert!(rates.take(OURS, TokenScope::Scim, Some(more)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_sync_of_entra_passes_by_default() {
        let rates = Rates::new();
        let rate = Limits::default().rate;
        // 25 a second for ten minutes, and the requests of a stall of ten seconds at once.
        for second in 0..600 {
            let requests = if second % 60 == 59 { 250 } else { 25 };
            for _ in 0..requests {
                rates.take(OURS, TokenScope::Scim, rate).unwrap();
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn budgets_that_are_full_again_are_given_up() {
        let rates = Rates::new();
        for tenant in 0..5000 {
            taken(&rates, TenantId(tenant), TokenScope::Scim, 1);
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        let kept = rates.budgets.lock().unwrap().known.len();
        assert!(kept <= 2 * TIDY, "{kept}");
    }
}
