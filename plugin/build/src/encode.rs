//! Core module in, component out.

use anyhow::Result;
use wit_component::ComponentEncoder;

/// Wraps a core module that carries wit-bindgen's section as a component.
///
/// # Errors
/// If the section is missing, or the module does not fit its world.
pub fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)?
        .encode()
}
