//! Builds the component and puts it where `wasm/embedded.rs` includes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use plugin_build::{Guest, build_component, workspace_root};

fn main() -> Result<()> {
    let out_dir = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let out = out_dir.join("plugin.wasm");
    println!("cargo::rerun-if-env-changed=NAMEPLATE_COMPONENT");
    if let Some(ready) = std::env::var_os("NAMEPLATE_COMPONENT") {
        let ready = Path::new(&ready);
        println!("cargo::rerun-if-changed={}", ready.display());
        std::fs::copy(ready, &out)
            .with_context(|| format!("NAMEPLATE_COMPONENT names `{}`", ready.display()))?;
        return Ok(());
    }
    let workspace = workspace_root();
    for watched in ["plugin", "wit", "Cargo.lock", "Cargo.toml"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(watched).display()
        );
    }
    let guest = Guest {
        target_dir: guest_target_dir(&out_dir),
        workspace,
    };
    build_component(&guest, &out)
}

/// `guest` beside the outer build's profiles: <target>/<profile>/build/<crate>/out
/// lies four levels down. One folder for all profiles, so the guest is built once.
fn guest_target_dir(out_dir: &Path) -> PathBuf {
    out_dir.ancestors().nth(4).unwrap_or(out_dir).join("guest")
}
