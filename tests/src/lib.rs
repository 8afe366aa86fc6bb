//! The harness: the real thing over a real socket.
//!
//! [`App`] starts the embedded component in wasmtime over SQLite behind the HTTP
//! server; [`Client`] speaks to it, and every [`Answer`] is checked against what holds
//! for all answers before a test looks at it. [`Idp`] is for cases that need SCIM
//! alone; they run against other targets too:
//!
//! - `NAMEPLATE_TEST_TARGET=component` (default), `native` (the same plugin without a
//!   sandbox: a case that fails on both has its fault in the protocol), or `url`;
//! - with `url`, `NAMEPLATE_TEST_URL` (the SCIM base, `http://…`) and
//!   `NAMEPLATE_TEST_TOKEN` name any server. **Its directory is emptied.** Run
//!   `cargo test -p nameplate-tests --test conformance -- idp rfc7644`; other cases
//!   fail and say so.
//!
//! The harness must not know how anything is implemented.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness fails loudly"
)]

pub mod answer;
pub mod app;
pub mod client;
pub mod clock;
mod dice;
pub mod faulty;
pub mod hostile;
pub mod issuer;
pub mod minisign;
pub mod names;
pub mod native;
pub mod process;
pub mod receiver;
mod seed;
pub mod shape;
pub mod soak;
mod target;

pub use answer::Answer;
pub use app::{App, Builder};
pub use client::Client;
pub use receiver::Receiver;
pub use target::{Idp, component, sandbox};
