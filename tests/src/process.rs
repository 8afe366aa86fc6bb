//! The `nameplate` command as a process, and a plain client for it. Shared by the
//! process tests and the benchmark.
//!
//! This knows processes, sockets and lines of text; what is asked and answered is
//! the callers' business.

mod client;
mod server;

pub use client::{Answer, Client, Stream, encode};
pub use server::{Place, Server, Tokens};
