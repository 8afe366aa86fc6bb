//! Builds the component from `plugin/` and checks what it imports.
//!
//! Used by the runtime's build script and by tests, so that `cargo run` and
//! `cargo test` need no tool besides cargo. Knows cargo and the component
//! encoder; must not know what the component does.

mod cargo;
mod check;
mod encode;

pub use cargo::{Guest, TARGET, build_core_module};
pub use check::{ALLOWED_IMPORTS, imported_functions, unexpected_imports};
pub use encode::encode;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Builds the component and writes it to `out`.
///
/// # Errors
/// Says which step failed and what to do: a missing target names the `rustup`
/// command, a compile error shows cargo's own output.
pub fn build_component(guest: &Guest, out: &Path) -> Result<()> {
    let module = build_core_module(guest)?;
    encode_file(&module, out)
}

/// Turns a core module on disk into a checked component on disk.
///
/// # Errors
/// If the module carries no WIT section, or imports what no host offers.
pub fn encode_file(module: &Path, out: &Path) -> Result<()> {
    let bytes =
        std::fs::read(module).with_context(|| format!("cannot read `{}`", module.display()))?;
    let component =
        encode(&bytes).with_context(|| format!("`{}` is not a plugin module", module.display()))?;
    let unexpected = unexpected_imports(&component)?;
    ensure!(
        unexpected.is_empty(),
        "the component imports functions that no host offers: {}; remove what pulls them in",
        unexpected.join(", ")
    );
    std::fs::write(out, component).with_context(|| format!("cannot write `{}`", out.display()))
}

/// The workspace this crate was compiled in.
pub fn workspace_root() -> PathBuf {
    // plugin/build -> plugin -> root
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
