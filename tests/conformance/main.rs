//! How the whole thing behaves, seen from outside: HTTP in, HTTP out.
//!
//! One binary, for linking the engine is slow. `idp` and `rfc7644` hold SCIM alone and
//! run against other targets too, see the harness.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod attacks;
mod idp;
mod mapping;
mod rfc7644;
mod runtime;
