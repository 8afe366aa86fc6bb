//! The folder of components: `<sha256>.wasm`, and `<sha256>.wasm.minisig` beside it.
//!
//! A file is read once, whole; what was hashed and checked is what is loaded. Must not
//! know what a component does.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::keys::{PluginKeys, SignatureState};
use crate::hex::{hex, unhex};

/// Names a component: SHA-256 of its bytes.
pub type Pin = nameplate_store::PluginHash;

/// Bytes of a component; the one that comes with the runtime has 2 MiB.
const MAX_COMPONENT: u64 = 64 << 20;

/// Bytes of a signature; minisign writes four lines.
const MAX_SIGNATURE: u64 = 4 << 10;

/// Why a component is not taken from the folder, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// No such file.
    #[error(
        "there is no `{}`; bring it with `nameplate plugin add FILE`", .0.display()
    )]
    Absent(PathBuf),
    /// The bytes are not those that were pinned.
    #[error(
        "`{}` was changed: its sha256 is now {}; put the original back, or take what is there \
         with `nameplate plugin add` and `nameplate plugin use`", .0.display(), hex(.1)
    )]
    Changed(PathBuf, Pin),
    /// Keys are set, and nobody signed it.
    #[error(
        "component {} is not signed, and `plugin_keys` are set; sign it (`minisign -S`) and add \
         it again with its `.minisig` beside it", hex(.0)
    )]
    Unsigned(Pin),
    /// Keys are set, and none of them signed it.
    #[error(
        "component {} is signed by a key that is not among `plugin_keys`; have it signed by one \
         that is, or add its key", hex(.0)
    )]
    OtherKey(Pin),
    /// The signature is not of these bytes.
    #[error(
        "the signature of component {} does not fit it; sign it again (`minisign -S`)", hex(.0)
    )]
    WrongSignature(Pin),
    /// Larger than any component should be.
    #[error("`{}` is larger than {} bytes", .0.display(), .1)]
    TooLarge(PathBuf, u64),
    /// The disk.
    #[error("`{}`: {}", .0.display(), .1)]
    Io(PathBuf, std::io::Error),
}

/// A component and what is known of it before it is compiled.
pub struct Found {
    /// Its bytes.
    pub component: Vec<u8>,
    /// Their SHA-256.
    pub pin: Pin,
    /// Who made it.
    pub signature: SignatureState,
    /// The text of its `.minisig`.
    pub(super) signature_text: Option<String>,
}

/// The folder, and whose components are taken from it.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
    keys: PluginKeys,
}

impl Shelf {
    /// This folder, with these keys. It need not be there.
    pub fn new(folder: PathBuf, keys: PluginKeys) -> Self {
        Self { folder, keys }
    }

    pub(super) fn keys(&self) -> &PluginKeys {
        &self.keys
    }

    /// Where a component is, or would be.
    pub fn path(&self, pin: &Pin) -> PathBuf {
        self.folder.join(format!("{}.wasm", hex(pin)))
    }

    /// A pinned component's bytes, if they are what was pinned and signed as demanded.
    ///
    /// # Errors
    /// See [`ShelfError`].
    pub fn take(&self, pin: &Pin) -> Result<Vec<u8>, ShelfError> {
        let path = self.path(pin);
        let found = match self.look_at(&path) {
            Err(ShelfError::Io(path, error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ShelfError::Absent(path));
            }
            found => found?,
        };
        if found.pin != *pin {
            return Err(ShelfError::Changed(path, found.pin));
        }
        self.trusted(&found)?;
        Ok(found.component)
    }

    /// Looks at any file and at the signature beside it.
    ///
    /// # Errors
    /// The disk, or a file that is too large.
    pub fn look_at(&self, path: &Path) -> Result<Found, ShelfError> {
        let component = read(path, MAX_COMPONENT)?;
        let signature_text = match read(&signature_of(path), MAX_SIGNATURE) {
            // What is no text is no signature either, and is told as a wrong one.
            Ok(text) => Some(String::from_utf8_lossy(&text).into_owned()),
            Err(ShelfError::Io(_, error)) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Found {
            pin: Sha256::digest(&component).into(),
            signature: self.keys.check(&component, signature_text.as_deref()),
            component,
            signature_text,
        })
    }

    /// May what was found be run, by the keys in force.
    ///
    /// # Errors
    /// If keys are set, and none of them signed it.
    pub fn trusted(&self, found: &Found) -> Result<(), ShelfError> {
        if !self.keys.demanded() {
            return Ok(());
        }
        match found.signature {
            SignatureState::Good => Ok(()),
            SignatureState::Unsigned | SignatureState::Unchecked => {
                Err(ShelfError::Unsigned(found.pin))
            }
            SignatureState::OtherKey => Err(ShelfError::OtherKey(found.pin)),
            SignatureState::Wrong => Err(ShelfError::WrongSignature(found.pin)),
        }
    }

    /// Puts what was found in its place, the signature first, so that no component is
    /// ever there without the signature it came with.
    ///
    /// # Errors
    /// The disk.
    pub fn put(&self, found: &Found) -> Result<PathBuf, ShelfError> {
        let io = |error| ShelfError::Io(self.folder.clone(), error);
        std::fs::create_dir_all(&self.folder).map_err(io)?;
        let path = self.path(&found.pin);
        if let Some(signature) = &found.signature_text {
            write(&signature_of(&path), signature.as_bytes())?;
        }
        write(&path, &found.component)?;
        Ok(path)
    }

    /// The components there, by name of file; what is named otherwise is none.
    ///
    /// # Errors
    /// The disk.
    pub fn pins(&self) -> Result<Vec<Pin>, ShelfError> {
        let io = |error| ShelfError::Io(self.folder.clone(), error);
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        let mut pins = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            let pin = name.to_str().and_then(|name| name.strip_suffix(".wasm"));
            // What is written otherwise is not what a pin looks for.
            pins.extend(pin.and_then(|text| parse_pin(text).filter(|pin| hex(pin) == text)));
        }
        pins.sort_unstable();
        Ok(pins)
    }

    /// Removes a component and its signature; false if it is not there.
    ///
    /// # Errors
    /// The disk.
    pub fn remove(&self, pin: &Pin) -> Result<bool, ShelfError> {
        let path = self.path(pin);
        let gone = |path: &Path| match std::fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(ShelfError::Io(path.to_owned(), error)),
        };
        let removed = gone(&path)?;
        gone(&signature_of(&path))?;
        Ok(removed)
    }
}

/// A pin as it is written: 64 hexadecimal digits.
pub fn parse_pin(text: &str) -> Option<Pin> {
    unhex(text)?.try_into().ok()
}

fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, ShelfError> {
    let io = |error| ShelfError::Io(path.to_owned(), error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(ShelfError::TooLarge(path.to_owned(), most));
    }
    Ok(bytes)
}

/// Written beside and renamed: a server that looks sees all of it or nothing.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ShelfError> {
    let io = |error| ShelfError::Io(path.to_owned(), error);
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = File::create(&beside).map_err(io)?;
    std::io::Write::write_all(&mut file, bytes).map_err(io)?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&beside, path).map_err(io)
}
