//! SCIM 2.0 (RFC 7643, RFC 7644) as a service provider: pure protocol, no I/O, no
//! wasm, no clock. The store is a [`directory::Directory`], time and chance come
//! from an [`env::Env`].

mod bulk;
pub mod config;
#[cfg(doc)]
#[doc = include_str!("../docs/rfc-coverage.md")]
pub mod coverage {}
pub mod derived;
pub mod directory;
mod discovery;
pub mod env;
pub mod error;
pub mod filter;
pub mod fold;
mod groups;
pub mod hex;
pub mod http;
mod list;
mod me;
mod members_by_login;
pub mod patch;
pub mod reindex;
mod render;
mod request;
pub mod resource;
mod response;
pub mod schema;
mod service;
mod users;
mod write;

pub use reindex::{Progress, reindex_step};
pub use service::handle;
