//! Compiled code on disk, so that a start takes milliseconds and not seconds.
//!
//! Compiled code is machine code: wasmtime checks that it was made by the same engine,
//! not that nobody has changed it. So each file is sealed: it begins with an HMAC-SHA256
//! over the component's hash, the engine's configuration and the code. A file is read
//! once, whole, and what was checked is what is run; a file that is changed, cut off,
//! moved from another name or made by somebody else is told, ignored and replaced.
//!
//! We take the stance that the key is a file of its own beside the database and not
//! derived from anything: what an installation knows besides (its tokens, its data) is
//! known to others too or lies in backups, and a cache folder is what people put on
//! volumes, share and copy. Who can read the key can read the database, and needs no
//! forged code any more. A lost key costs one compilation.

mod files;

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use ring::hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wasmtime::component::Component;

use super::engine::Engine;
use crate::hex::hex;
use crate::plugin::PluginError;

/// Sealed together with what follows, so that a seal of something else is none of this.
const PURPOSE: &[u8] = b"nameplate compiled plugin, 1\0";

/// Bytes of an HMAC-SHA256.
const SEAL: usize = 32;

/// Bytes of a compiled component; the one that comes with the runtime has 10 MiB.
const MAX_CODE: u64 = 256 << 20;

/// Where compiled code is kept between starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCache {
    /// The folder of the code; made if it is not there.
    pub folder: PathBuf,
    /// The file of the key under which code is sealed; made if it is not there. MUST NOT
    /// lie in `folder`.
    pub key: PathBuf,
}

/// The compiled component, from the cache if it is there and sealed. Trouble with the
/// cache is logged and costs time, never the start.
pub(super) fn compile(
    engine: &Engine,
    component: &[u8],
    sha256: &[u8; 32],
    cache: Option<&CodeCache>,
) -> Result<Component, PluginError> {
    let Some(cache) = cache else {
        return compile_now(engine, component);
    };
    let place = match Place::new(cache, engine, sha256) {
        Ok(place) => place,
        Err(why) => {
            tracing::warn!(folder = %cache.folder.display(), why, "compiled plugins are not kept; each start compiles them");
            return compile_now(engine, component);
        }
    };
    match place.load(engine) {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => {}
        Err(why) => {
            tracing::warn!(file = %place.file.display(), why, "a compiled plugin is not used; it is compiled again and replaced");
        }
    }
    let compiled = compile_now(engine, component)?;
    if let Err(why) = place.save(&compiled) {
        tracing::warn!(file = %place.file.display(), why, "cannot keep the compiled plugin; the next start compiles it again");
    }
    Ok(compiled)
}

fn compile_now(engine: &Engine, component: &[u8]) -> Result<Component, PluginError> {
    Component::new(engine.wasmtime(), component)
        .map_err(|error| PluginError::Load(format!("{error:#}")))
}

/// Where the code of one component for one engine is, and what it is sealed with.
struct Place {
    folder: PathBuf,
    file: PathBuf,
    key: hmac::Key,
    /// Of the component, the engine's version and its configuration.
    id: [u8; 32],
}

impl Place {
    fn new(cache: &CodeCache, engine: &Engine, sha256: &[u8; 32]) -> Result<Self, String> {
        let CodeCache { folder, key } = cache;
        if lies_in(key, folder) {
            return Err(format!(
                "the key `{}` lies in the folder it protects; put it elsewhere",
                key.display()
            ));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &files::key(key)?);
        let id = id(engine, sha256);
        // Named by the key too: installations that share a folder do not undo each
        // other's files.
        let mut name = hex(hmac::sign(&key, &id).as_ref());
        name.truncate(32);
        Ok(Self {
            file: folder.join(format!("{name}.cwasm")),
            folder: folder.clone(),
            key,
            id,
        })
    }

    fn seal(&self, code: &[u8]) -> hmac::Tag {
        let mut seal = hmac::Context::with_key(&self.key);
        seal.update(PURPOSE);
        seal.update(&self.id);
        seal.update(code);
        seal.sign()
    }

    #[expect(
        unsafe_code,
        reason = "loading compiled code is running it: the only door to wasmtime's \
                  cache, opened for bytes that this installation has sealed"
    )]
    fn load(&self, engine: &Engine) -> Result<Option<Component>, String> {
        let Some(bytes) = files::read(&self.folder, &self.file, MAX_CODE)? else {
            return Ok(None);
        };
        let (seal, code) = bytes.split_at_checked(SEAL).ok_or("it is cut off")?;
        if !bool::from(self.seal(code).as_ref().ct_eq(seal)) {
            return Err("its seal is broken: somebody else wrote or changed it".to_owned());
        }
        // SAFETY: the seal says that these very bytes, which nobody else can reach any
        // more, came out of `save` for this component and this engine.
        let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
        component.map(Some).map_err(|error| format!("{error:#}"))
    }

    fn save(&self, component: &Component) -> Result<(), String> {
        let code = component
            .serialize()
            .map_err(|error| format!("{error:#}"))?;
        files::write(
            &self.folder,
            &self.file,
            &[self.seal(&code).as_ref(), &code],
        )
    }
}

fn lies_in(key: &Path, folder: &Path) -> bool {
    let parent = key.parent().unwrap_or(key);
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(parent).starts_with(real(folder))
}

/// Everything the code depends on: the component's bytes, and the engine's version and
/// configuration.
fn id(engine: &Engine, sha256: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256Hasher(Sha256::new());
    hasher.write(sha256);
    engine
        .wasmtime()
        .precompile_compatibility_hash()
        .hash(&mut hasher);
    hasher.0.finalize().into()
}

/// `Hash` gives its bytes to a `Hasher`; 64 bits would be too few.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
