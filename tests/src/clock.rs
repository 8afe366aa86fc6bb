//! A clock that a test moves.

use std::sync::atomic::{AtomicU64, Ordering};

use nameplate_runtime::clock::Clock;

/// Starts at 2026-03-01T09:30:00Z and goes on by one millisecond each time it is
/// read, so that no two things happen at once.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// The moment it starts.
    pub const START: u64 = 1_772_357_400_000;

    /// Moves on.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// The moment without moving on.
    pub fn peek(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicU64::new(Self::START))
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
