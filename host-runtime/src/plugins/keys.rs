//! Whose components are run: public keys of minisign.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use minisign_verify::{PublicKey, Signature};
use serde::Deserialize;
use thiserror::Error;

/// A public key of minisign.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PluginKey {
    key: PublicKey,
    text: String,
}

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "this is no public key of minisign; give the line of 56 characters that stands in \
     `minisign.pub`"
)]
pub struct InvalidKey;

impl FromStr for PluginKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        match PublicKey::from_base64(text) {
            Ok(key) => Ok(Self {
                key,
                text: text.to_owned(),
            }),
            Err(_) => Err(InvalidKey),
        }
    }
}

impl TryFrom<String> for PluginKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

/// As it stands in `minisign.pub`.
impl fmt::Display for PluginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PluginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is known of who made a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// Signed by one of the keys.
    Good,
    /// There is no signature.
    Unsigned,
    /// There is one, of no key of ours.
    OtherKey,
    /// There is one, and not of these bytes.
    Wrong,
    /// There is one, and no key to check it with.
    Unchecked,
}

impl SignatureState {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unsigned => "none",
            Self::OtherKey => "of another key",
            Self::Wrong => "wrong",
            Self::Unchecked => "not checked, no key is set",
        }
    }
}

/// The keys in force. Clones share them, so that they can be replaced while a runtime
/// runs. With any, a component has to be signed by one of them; without, none has to be.
#[derive(Clone, Debug, Default)]
pub struct PluginKeys(Arc<RwLock<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    keys: Vec<PluginKey>,
    /// Up with every replacement.
    generation: u64,
}

impl PluginKeys {
    /// These keys.
    pub fn new(keys: Vec<PluginKey>) -> Self {
        let made = Self::default();
        made.replace(keys);
        made
    }

    /// From now on these. What runs by a key that is gone is checked again before its
    /// next call.
    pub fn replace(&self, keys: Vec<PluginKey>) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.keys != keys {
            held.keys = keys;
            held.generation += 1;
        }
    }

    /// Which replacement is in force.
    pub(super) fn generation(&self) -> u64 {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.generation
    }

    /// Has a component to be signed.
    pub(super) fn demanded(&self) -> bool {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !held.keys.is_empty()
    }

    /// Who made these bytes, by the text of a `.minisig` file.
    pub(super) fn check(&self, component: &[u8], signature: Option<&str>) -> SignatureState {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(signature) = signature else {
            return SignatureState::Unsigned;
        };
        if held.keys.is_empty() {
            return SignatureState::Unchecked;
        }
        let Ok(signature) = Signature::decode(signature) else {
            return SignatureState::Wrong;
        };
        let mut state = SignatureState::OtherKey;
        for key in &held.keys {
            // Only signatures of the hash, as minisign has made them since 0.10: others
            // would be an older way to fool, for nobody's use.
            match key.key.verify(component, &signature, false) {
                Ok(()) => return SignatureState::Good,
                Err(minisign_verify::Error::UnexpectedKeyId) => {}
                Err(_) => state = SignatureState::Wrong,
            }
        }
        state
    }
}
