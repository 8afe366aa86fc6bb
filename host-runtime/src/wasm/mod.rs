//! The component inside wasmtime. Nothing outside this module says "epoch",
//! "store" (in wasmtime's sense) or "trap".
//!
//! - `engine`: one engine per process, its pools and its ticking clock;
//! - `cache`: compiled code on disk;
//! - `bindings`, `convert`: the WIT world and its types;
//! - `state`, `capabilities`: what a guest can reach during one call;
//! - `instances`: warm instances, never shared between tenants;
//! - `plugin`: [`WasmPlugin`], the [`Plugin`](crate::plugin::Plugin) over all this.

mod bindings;
mod cache;
mod capabilities;
mod convert;
mod engine;
mod instances;
mod plugin;
mod state;

pub use engine::{Engine, EngineOptions};
pub use instances::Isolation;
pub use plugin::{WasmOptions, WasmPlugin};

/// The component this runtime was built with.
pub const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin.wasm"));
