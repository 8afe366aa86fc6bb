//! The host runtime of Nameplate: loads the component, binds each call to a tenant,
//! gives it stores, clock and journal, and bounds what it uses.
//!
//! It must not know what a SCIM attribute is: requests go to the plugin as they
//! came, documents come back as bytes.

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod limits;
mod page;
pub mod plugin;
pub mod request_log;
mod runner;
mod runtime;
pub mod server;
pub mod setup;
pub mod wasm;

pub use nameplate_store as store;
pub use runner::Background;
pub use runtime::{Runtime, ScimAnswer, Stores};
