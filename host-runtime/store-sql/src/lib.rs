//! SQL backends of the Nameplate storage contract.
//!
//! Rows and statements live here and nowhere else; what they mean is said by
//! `nameplate-store`. This crate knows neither wasm nor SCIM.

pub mod sqlite;

pub use sqlite::{SqliteOptions, SqliteStore};
