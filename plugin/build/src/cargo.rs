//! The nested cargo that compiles the guest.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// The target without WASI: what is not imported by name cannot be reached.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Where the guest is built from and to.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The workspace that holds `plugin/`.
    pub workspace: PathBuf,
    /// A target folder of its own: sharing the outer one would wait for a lock
    /// that the outer cargo holds until this one is done.
    pub target_dir: PathBuf,
}

/// What the nested cargo may see of the outer one's environment. Everything else
/// (RUSTFLAGS, wrappers, coverage, CARGO_TARGET_DIR, CARGO_ENCODED_RUSTFLAGS, the
/// profile's overrides) would leak the host's build into the guest's.
fn may_pass(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "PATH",
        "HOME",
        "USER",
        "TMPDIR",
        "TERM",
        "CARGO_HOME",
        "CARGO_HTTP_CAINFO",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        // Windows cannot start a process without these.
        "SYSTEMROOT",
        "USERPROFILE",
        "TEMP",
        "TMP",
    ];
    let upper = name.to_ascii_uppercase();
    EXACT.contains(&upper.as_str())
        || upper.starts_with("RUSTUP_")
        || upper.starts_with("CARGO_NET_")
        || upper.starts_with("CARGO_REGISTRIES_")
        || upper.ends_with("_PROXY")
}

/// Compiles the guest to a core module; returns its path.
///
/// # Errors
/// A missing target names the command that adds it; any other failure carries
/// cargo's output.
pub fn build_core_module(guest: &Guest) -> Result<PathBuf> {
    // Offline first: a build must not touch the network when all is there.
    let mut output = run(guest, true)?;
    if !output.status.success() && names_missing_download(&output.stderr) {
        output = run(guest, false)?;
    }
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        if stderr.contains("can't find crate for `core`") || stderr.contains("target may not be") {
            bail!(
                "the Rust target {TARGET} is not installed; run `rustup target add {TARGET}`, \
                 or set NAMEPLATE_COMPONENT to a ready component"
            );
        }
        bail!("the plugin does not compile:\n{stderr}");
    }
    Ok(guest
        .target_dir
        .join(TARGET)
        .join("guest")
        .join("nameplate_plugin.wasm"))
}

fn names_missing_download(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains("offline")
}

fn run(guest: &Guest, offline: bool) -> Result<Output> {
    // Set by the outer cargo for build scripts and tests.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(may_pass)))
        .current_dir(&guest.workspace)
        .args(["build", "--locked", "--package", "nameplate-plugin"])
        // Always this profile, whatever the outer build uses: one artefact, one hash.
        .args(["--profile", "guest", "--target", TARGET, "--target-dir"])
        .arg(&guest.target_dir);
    if offline {
        command.arg("--offline");
    }
    command
        .output()
        .with_context(|| format!("cannot start `{}`", cargo.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::may_pass;

    #[test]
    fn the_outer_builds_flags_do_not_leak_into_the_guest() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_GUEST_DEBUG",
            "LLVM_PROFILE_FILE",
        ] {
            assert!(!may_pass(name), "{name} passes");
        }
        for name in [
            "PATH",
            "HOME",
            "RUSTUP_TOOLCHAIN",
            "https_proxy",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(may_pass(name), "{name} is held back");
        }
    }
}
