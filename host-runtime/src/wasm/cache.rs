//! Compiled code on disk, so that a start takes milliseconds and not seconds.
//!
//! Compiled code is machine code: wasmtime checks that it was made by the same
//! engine, not that nobody has changed it. So the folder is made for the owner
//! alone and what is found there is used only if it, and the file, belong to this
//! user and nobody else can write them; otherwise the component is compiled anew.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::engine::Engine;
use crate::hex::hex;
use crate::plugin::PluginError;

/// The compiled component, from `folder` if it is there and can be trusted. Trouble
/// with the cache is logged and costs time, never the start.
pub(super) fn compile(
    engine: &Engine,
    component: &[u8],
    folder: Option<&Path>,
) -> Result<Component, PluginError> {
    let Some(folder) = folder else {
        return compile_now(engine, component);
    };
    let file = folder.join(file_name(engine, component));
    if let Some(found) = load(engine, folder, &file) {
        return Ok(found);
    }
    let compiled = compile_now(engine, component)?;
    if let Err(error) = save(&compiled, folder, &file) {
        tracing::warn!(folder = %folder.display(), %error, "cannot keep the compiled plugin; the next start compiles it again");
    }
    Ok(compiled)
}

fn compile_now(engine: &Engine, component: &[u8]) -> Result<Component, PluginError> {
    Component::new(engine.wasmtime(), component)
        .map_err(|error| PluginError::Load(format!("{error:#}")))
}

/// Named by everything the code depends on: the component's bytes, and the engine's
/// version and configuration.
fn file_name(engine: &Engine, component: &[u8]) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    hasher.write(component);
    engine
        .wasmtime()
        .precompile_compatibility_hash()
        .hash(&mut hasher);
    let mut name = hex(&hasher.0.finalize());
    name.truncate(32);
    format!("{name}.cwasm")
}

/// `Hash` gives its bytes to a `Hasher`; 64 bits would be too few for a name.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[expect(
    unsafe_code,
    reason = "loading compiled code is running it: the only door to wasmtime's \
              cache, opened for files that only this user can have written"
)]
fn load(engine: &Engine, folder: &Path, file: &Path) -> Option<Component> {
    if !file.exists() {
        return None;
    }
    if let Err(why) = only_ours(folder).and_then(|()| only_ours(file)) {
        tracing::warn!(file = %file.display(), why, "the compiled plugin is not used");
        return None;
    }
    // SAFETY: the file was written by `save`, which is the only writer of a folder
    // and file that belong to this user and that nobody else may write.
    match unsafe { Component::deserialize_file(engine.wasmtime(), file) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(file = %file.display(), error = %format!("{error:#}"), "the compiled plugin is not used");
            None
        }
    }
}

/// Written beside and renamed, so that a reader sees all of it or nothing.
fn save(component: &Component, folder: &Path, file: &Path) -> Result<(), String> {
    let code = component
        .serialize()
        .map_err(|error| format!("{error:#}"))?;
    make_folder(folder).map_err(|error| error.to_string())?;
    only_ours(folder)?;
    let beside: PathBuf = file.with_extension(format!("{}.tmp", std::process::id()));
    write_private(&beside, &code)
        .and_then(|()| std::fs::rename(&beside, file))
        .map_err(|error| error.to_string())
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(unix)]
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    // Renamed before it is on disk, a torn file could get the trusted name.
    file.sync_all()
}

/// Belongs to this user, and nobody else may write it.
#[cfg(unix)]
fn only_ours(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if about.is_symlink() {
        return Err(format!("`{}` is a link", path.display()));
    }
    // The owner of /proc/self is this process's effective user.
    let me = std::fs::metadata("/proc/self").map(|me| me.uid()).ok();
    if me.is_some_and(|me| me != about.uid()) {
        return Err(format!("`{}` belongs to another user", path.display()));
    }
    if about.mode() & 0o022 != 0 {
        return Err(format!("`{}` can be written by others", path.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::write(path, bytes)
}

/// Without Unix permissions we cannot tell: the cache stays unused.
#[cfg(not(unix))]
fn only_ours(_path: &Path) -> Result<(), String> {
    Err("this system's permissions are not understood".into())
}
