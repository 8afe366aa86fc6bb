//! The host runtime of Nameplate: loads the component, binds each call to a tenant,
//! gives it stores, clock and journal, and bounds what it uses.
//!
//! It must not know what a SCIM attribute is: requests go to the plugin as they
//! came, documents come back as bytes.
//!
//! A device-management server embeds it like this, and asks [`Runtime::end_user`] who
//! uses a host:
//!
//! ```no_run
//! use bytes::Bytes;
//! use nameplate_runtime::{Runtime, Stores, setup};
//! use nameplate_store_sql::sqlite::{SqliteOptions, SqliteStore};
//!
//! # async fn embed() -> anyhow::Result<()> {
//! let store = SqliteStore::open("nameplate.db".as_ref(), SqliteOptions::default())?;
//! let runtime = Runtime::builder(Stores::one(store.clone())).build()?;
//! let _background = runtime.start_background();
//!
//! let made = setup::init(&store, runtime.sources(), "acme", "okta").await?;
//! let token = made.map(|made| made.scim_token).unwrap_or_default();
//! let request = http::Request::get("https://mdm.example.com/scim/v2/Users?count=1")
//!     .header("authorization", format!("Bearer {token}"))
//!     .body(Bytes::new())?;
//! let answer = runtime.handle("acme", request).await;
//! assert_eq!(answer.status(), 200);
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod auth;
mod builder;
pub mod cli;
pub mod clock;
pub mod config;
mod connections;
pub mod events;
mod hex;
pub mod http;
mod labels;
pub mod limits;
mod mapping;
pub mod metrics;
mod near;
mod outgoing;
mod page;
mod paged;
pub mod personal;
pub mod plugin;
pub mod plugins;
pub mod preview;
pub mod probe;
mod promises;
mod readiness;
pub mod request_log;
mod runner;
mod runtime;
pub mod server;
pub mod setup;
mod telemetry;
pub mod tenancy;
pub mod tokens;
mod transfer;
mod turns;
pub mod wasm;
pub mod webhooks;

pub use builder::RuntimeBuilder;
pub use connections::{ChangeError, ConnectionChange, OperatorChange};
pub use nameplate_store as store;
pub use promises::Promised;
pub use readiness::Readiness;
pub use runner::Background;
pub use runtime::{Runtime, ScimAnswer, Stores};
