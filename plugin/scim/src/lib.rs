//! SCIM 2.0 (RFC 7643, RFC 7644) as a service provider: pure protocol, no I/O, no
//! wasm, no clock. The store is a [`directory::Directory`], time and chance come
//! from an [`env::Env`].

pub mod config;
pub mod directory;
pub mod env;
pub mod error;
pub mod filter;
pub mod fold;
pub mod http;
pub mod patch;
pub mod resource;
pub mod schema;
