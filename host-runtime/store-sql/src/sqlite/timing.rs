//! How long the database takes, told to whoever wants to know.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What took its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// One read, on the thread that asks.
    Read,
    /// One write, from handing it over until its group is on disk.
    Write,
    /// One group of writes, from `BEGIN` until it is on disk.
    Group,
}

/// Told of every read, write and group. MUST be quick: it is called in the middle of them.
#[derive(Clone, Default)]
pub struct Timing(Option<Arc<dyn Fn(Work, Duration) + Send + Sync>>);

impl Timing {
    /// Calls this.
    pub fn new(told: impl Fn(Work, Duration) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Begins something; it has ended when the result is dropped.
    pub(super) fn begin(&self, work: Work) -> Running<'_> {
        let told = self.0.as_deref();
        Running(told.map(|told| (told, work, Instant::now())))
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timing").field(&self.0.is_some()).finish()
    }
}

type Told<'a> = &'a (dyn Fn(Work, Duration) + Send + Sync);

/// Something that has begun.
pub(super) struct Running<'a>(Option<(Told<'a>, Work, Instant)>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some((told, work, began)) = self.0 {
            told(work, began.elapsed());
        }
    }
}
