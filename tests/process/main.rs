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
mod durable;
mod plugins;
mod probe;
mod scim_cli;
mod scim_tester;
mod serve;
mod transfer;
mod webhooks;

use std::path::Path;

use nameplate_tests::process::Place;

/// A fresh folder for the command under test.
fn place() -> Place {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache");
    let program = Path::new(env!("CARGO_BIN_EXE_nameplate-under-test"));
    Place::new(program, &cache).unwrap()
}
