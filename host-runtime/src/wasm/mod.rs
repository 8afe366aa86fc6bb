//! The component inside wasmtime. Nothing outside this module says "epoch",
//! "store" (in wasmtime's sense) or "trap".
//!
//! - `engine`: one engine per process, its pools and its ticking clock;
//! - `sandbox`: [`Sandbox`], which loads components into the engine;
//! - `inspect`: what a component says of itself;
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
mod inspect;
mod instances;
mod plugin;
mod sandbox;
mod state;

pub use cache::CodeCache;
pub use engine::{Engine, EngineOptions};
pub use inspect::{Form, Inspection};
pub use instances::Isolation;
pub use plugin::WasmPlugin;
pub use sandbox::{Sandbox, WasmOptions};

/// The component this runtime was built with.
pub const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin.wasm"));
