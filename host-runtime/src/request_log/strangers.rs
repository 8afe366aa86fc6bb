//! How many of those who are not let in get a line of their own.
//!
//! Their requests cost nothing to send, so without a bound anybody could fill the log of
//! a tenant whose address they know.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use nameplate_store::TenantId;
use tokio::time::Instant;

use super::lock;

/// Lines a minute for each tenant: enough to see who tries what, and a day of it is less
/// than a log holds of a week.
const LINES: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// Where a request that was refused is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a line of its own.
    Listed,
    /// In the count at the end of its minute.
    Counted,
    /// The same, and the first of its minute: it ends then.
    FirstCounted(Instant),
}

struct Minute {
    began: Instant,
    lines: u32,
    counted: u64,
}

/// Counts by tenant.
#[derive(Default)]
pub(super) struct Strangers(Mutex<HashMap<TenantId, Minute>>);

impl Strangers {
    /// The place of one more.
    pub(super) fn place(&self, tenant: TenantId) -> Place {
        let now = Instant::now();
        let mut minutes = lock(&self.0);
        let minute = minutes.entry(tenant).or_insert(Minute {
            began: now,
            lines: 0,
            counted: 0,
        });
        // A minute with a count ends when it is told.
        if minute.counted == 0 && now.duration_since(minute.began) >= MINUTE {
            *minute = Minute {
                began: now,
                lines: 0,
                counted: 0,
            };
        }
        if minute.lines < LINES {
            minute.lines += 1;
            return Place::Listed;
        }
        minute.counted += 1;
        match minute.counted {
            1 => Place::FirstCounted(minute.began + MINUTE),
            _ => Place::Counted,
        }
    }

    /// How many had no line; ends their minute.
    pub(super) fn counted(&self, tenant: TenantId) -> u64 {
        let ended = lock(&self.0).remove(&tenant);
        ended.map_or(0, |minute| minute.counted)
    }
}
