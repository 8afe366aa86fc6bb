//! `nameplate` as a process: what a crash leaves, when an answer is durable, the
//! command line, and what an outside judge says of the protocol.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod attacks;
mod cli;
mod crash;
mod drain;
mod durable;
mod plugins;
mod probe;
mod reload;
mod requests;
mod scim_cli;
mod scim_tester;
mod serve;
mod transfer;
mod watched;
mod webhooks;

use std::path::Path;
use std::time::{Duration, Instant};

use nameplate_tests::process::Place;

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(20);

/// Tries until it holds; what is waited for is done by another process.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(LOOK);
    }
}

/// A fresh folder for the command under test.
fn place() -> Place {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache");
    let program = Path::new(env!("CARGO_BIN_EXE_nameplate-under-test"));
    Place::new(program, &cache).unwrap()
}
