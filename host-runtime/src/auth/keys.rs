//! Public keys of an OAuth issuer: a JSON web key set (RFC 7517) and signatures under
//! it.
//!
//! It knows nothing of claims, connections or files. Only public-key signatures exist
//! here: a shared secret would let whoever reads the set sign as the issuer.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

/// Bytes of a key set: large issuers publish some ten keys with certificates, about
/// 2 KiB each.
pub const MAX_SET: usize = 256 << 10;
/// Keys of a set. Issuers have two or three, ten while they rotate.
const MAX_KEYS: usize = 64;
/// What `ring` computes with; below 2048 bits nothing is safe (RFC 7518 3.3).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// How a token is signed. `none` and the symmetric ones are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

/// The text names no algorithm that is accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// RFC 7518 3.1: the names are compared with case.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Ok(match text {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return Err(UnknownAlgorithm),
        })
    }
}

/// Why a key set cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// More bytes than any issuer publishes.
    #[error("the key set is larger than {MAX_SET} bytes")]
    TooLarge,
    /// Another shape.
    #[error("this is no json web key set such as `{{\"keys\":[…]}}`: {0}")]
    Json(String),
    /// More keys than any issuer has.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooMany,
    /// Somebody copied the wrong file.
    #[error("`keys[{0}]` is a private key; give the public keys alone, and replace this one")]
    Private(usize),
    /// A key of a known kind with something wrong.
    #[error("`keys[{0}].{1}` {2}")]
    Bad(usize, &'static str, &'static str),
    /// Nothing to verify with.
    #[error("the key set has no public key for signatures (RSA, P-256, P-384 or Ed25519)")]
    Empty,
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<RawKey>,
}

/// RFC 7517 4, RFC 7518 6; what is not named here (`x5c`, `x5u` …) is not needed and
/// never followed.
#[derive(Deserialize)]
struct RawKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Key {
    kid: Option<String>,
    /// The only algorithm it is for, if the set says so.
    alg: Option<Algorithm>,
    material: Material,
}

/// The public keys of an issuer; at least one.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// No key of that name for that algorithm.
    NoKey,
    /// Several keys fit and the token names none.
    WhichKey,
    /// Made with another key, or for another text.
    Signature,
}

impl KeySet {
    /// Reads a key set. Keys for encryption and of kinds not known here are left out, as
    /// RFC 7517 5 wants it.
    ///
    /// # Errors
    /// [`KeySetError`] says what to change.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        if text.len() > MAX_SET {
            return Err(KeySetError::TooLarge);
        }
        let set: RawSet =
            serde_json::from_slice(text).map_err(|error| KeySetError::Json(error.to_string()))?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut keys = Vec::new();
        for (at, key) in set.keys.into_iter().enumerate() {
            keys.extend(key.read(at)?);
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { keys })
    }

    /// The names of its keys, for people.
    pub fn names(&self) -> Vec<&str> {
        let names = self.keys.iter().filter_map(|key| key.kid.as_deref());
        names.collect()
    }

    /// Was `signed` signed by one of the keys?
    ///
    /// # Errors
    /// [`Unverified`].
    pub fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), Unverified> {
        // The key decides what it is for, never the token alone.
        let fits = |key: &&Key| {
            key.material.is_for(algorithm) && key.alg.is_none_or(|only| only == algorithm)
        };
        let mut found: Vec<&Key> = self.keys.iter().filter(fits).collect();
        if let Some(kid) = kid {
            // A set without names is one that somebody wrote by hand.
            found.retain(|key| key.kid.as_deref().is_none_or(|name| name == kid));
        } else if found.len() > 1 {
            // Trying all of them would let a stranger buy 64 verifications a request.
            return Err(Unverified::WhichKey);
        }
        if found.is_empty() {
            return Err(Unverified::NoKey);
        }
        let verified = |key: &&Key| key.material.verified(algorithm, signed, signature);
        found
            .iter()
            .any(verified)
            .then_some(())
            .ok_or(Unverified::Signature)
    }
}

impl RawKey {
    /// The key, if it is one for signatures of a kind known here.
    fn read(self, at: usize) -> Result<Option<Key>, KeySetError> {
        let Self {
            kty,
            kid,
            usage,
            alg,
            crv,
            n,
            e,
            x,
            y,
            d,
        } = self;
        if d.is_some() {
            return Err(KeySetError::Private(at));
        }
        if usage.is_some_and(|usage| usage != "sig") {
            return Ok(None);
        }
        let alg = match alg.as_deref().map(Algorithm::from_str) {
            None => None,
            Some(Ok(alg)) => Some(alg),
            Some(Err(UnknownAlgorithm)) => return Ok(None),
        };
        let number = |name, text: Option<String>| decoded(at, name, text);
        let material = match (kty.as_str(), crv.as_deref()) {
            ("RSA", _) => {
                let n = trimmed(number("n", n)?);
                if !RSA_BYTES.contains(&n.len()) {
                    let cause = "is a modulus of other than 2048 to 8192 bits";
                    return Err(KeySetError::Bad(at, "n", cause));
                }
                let e = trimmed(number("e", e)?);
                Material::Rsa { n, e }
            }
            ("EC", Some("P-256")) => {
                Material::P256(point(at, 32, number("x", x)?, number("y", y)?)?)
            }
            ("EC", Some("P-384")) => {
                Material::P384(point(at, 48, number("x", x)?, number("y", y)?)?)
            }
            ("OKP", Some("Ed25519")) => {
                let x = number("x", x)?;
                if x.len() != 32 {
                    return Err(KeySetError::Bad(at, "x", "is not 32 bytes long"));
                }
                Material::Ed25519(x)
            }
            _ => return Ok(None),
        };
        Ok(Some(Key { kid, alg, material }))
    }
}

fn decoded(at: usize, name: &'static str, text: Option<String>) -> Result<Vec<u8>, KeySetError> {
    let text = text.ok_or(KeySetError::Bad(at, name, "is missing"))?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| KeySetError::Bad(at, name, "is no base64url without padding"))
}

/// RFC 7518 2 forbids leading zeros, some issuers write one all the same, and `ring`
/// takes none.
fn trimmed(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

/// An uncompressed point (SEC 1, 2.3.3).
fn point(at: usize, len: usize, x: Vec<u8>, y: Vec<u8>) -> Result<Vec<u8>, KeySetError> {
    // RFC 7518 6.2.1.2: always as long as the field.
    if x.len() != len || y.len() != len {
        let cause = "and `y` are not as long as the curve wants";
        return Err(KeySetError::Bad(at, "x", cause));
    }
    let mut point = vec![4];
    point.extend(x);
    point.extend(y);
    Ok(point)
}

impl Material {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => matches!(self, Self::Rsa { .. }),
            Algorithm::Es256 => matches!(self, Self::P256(_)),
            Algorithm::Es384 => matches!(self, Self::P384(_)),
            Algorithm::EdDsa => matches!(self, Self::Ed25519(_)),
        }
    }

    fn verified(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa { n, e }, algorithm) => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, signed, signature).is_ok()
            }),
            (Self::P256(point), Algorithm::Es256) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(signed, signature).is_ok()
            }
            (Self::P384(point), Algorithm::Es384) => {
                let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
                key.verify(signed, signature).is_ok()
            }
            (Self::Ed25519(x), Algorithm::EdDsa) => {
                let key = UnparsedPublicKey::new(&ED25519, x);
                key.verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}
