//! JSON web tokens (RFC 7519) of an OAuth issuer, as bearers of SCIM requests.
//!
//! A token is taken apart here, and what it says is compared with keys and times. Whose
//! keys count and which connection is meant is said by `oauth`.
//!
//! We take the stance that the forty lines of RFC 7515 needed here are better than a
//! library with a signer, an encoder and a cryptography provider for the whole process,
//! which a program that embeds this runtime may have chosen for itself: everything is
//! verified with `ring`, and by the runtime's own clock.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nameplate_store::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::keys::{Algorithm, KeySet, Unverified};

/// Bytes of a token: those of large issuers with two hundred groups are about 10 KiB.
const MAX_LEN: usize = 16 << 10;
/// Bytes of issuer, subject and each audience: URLs and ids.
const MAX_NAME: usize = 512;
/// Audiences that are looked at.
const MAX_AUDIENCES: usize = 16;
/// Clocks differ (RFC 7519 4.1.4 allows "a few minutes").
const LEEWAY_MS: u64 = 60_000;

/// Why a token is not accepted, for the log: a stranger is not told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtFault {
    /// It cannot be read.
    #[error("the oauth token cannot be read: {0}")]
    Form(&'static str),
    /// `none`, a shared secret, or something new.
    #[error(
        "the oauth token is signed with an algorithm that is not accepted; RS256, PS256, ES256, \
         ES384 and EdDSA are"
    )]
    Algorithm,
    /// The key set has no such key.
    #[error("the oauth token's key is not in the connection's key set; is the set out of date?")]
    NoKey,
    /// It has to name its key.
    #[error("the oauth token has no `kid`, and several keys of the connection could be meant")]
    WhichKey,
    /// Somebody else's, or changed on the way.
    #[error("the signature of the oauth token does not fit the connection's keys")]
    Signature,
    /// Its time is over.
    #[error("the oauth token has expired; the client has to fetch a new one")]
    Expired,
    /// Its time has not come.
    #[error("the oauth token is not valid yet; is a clock wrong?")]
    TooEarly,
}

impl From<Unverified> for JwtFault {
    fn from(fault: Unverified) -> Self {
        match fault {
            Unverified::NoKey => Self::NoKey,
            Unverified::WhichKey => Self::WhichKey,
            Unverified::Signature => Self::Signature,
        }
    }
}

/// RFC 7515 4.1. Where a token says its keys lie (`jku`, `x5u`, `jwk`, `x5c`) is not
/// read at all: the keys are the connection's.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// RFC 7519 4.1; a name that stands twice is an error.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: Option<String>,
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A token taken apart. Nothing it says may be believed before [`Self::verify`].
pub struct Jwt<'a> {
    header: Header,
    algorithm: Algorithm,
    claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Is this meant as such a token: three parts, of which the first begins like a JSON
    /// object.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with('e') && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwtFault::Form`] and [`JwtFault::Algorithm`].
    pub fn parse(text: &'a str) -> Result<Self, JwtFault> {
        if text.len() > MAX_LEN {
            return Err(JwtFault::Form("it is too long"));
        }
        let (signed, signature) = text
            .rsplit_once('.')
            .ok_or(JwtFault::Form("it has not three parts"))?;
        let (header, claims) = signed
            .split_once('.')
            .ok_or(JwtFault::Form("it has not three parts"))?;
        let header: Header = part(header, "its header is none of a token")?;
        // RFC 7515 4.1.11: what must be understood and is not makes the token invalid.
        if header.crit.is_some() {
            return Err(JwtFault::Form("its header demands extensions"));
        }
        let algorithm = Algorithm::from_str(&header.alg).map_err(|_| JwtFault::Algorithm)?;
        let claims: Claims = part(
            claims,
            "its claims lack `iss`, `aud` or `exp`, or say them twice",
        )?;
        let short = |name: &str| (1..=MAX_NAME).contains(&name.len());
        if !short(&claims.iss) || !claims.sub.as_deref().is_none_or(short) {
            return Err(JwtFault::Form("its issuer or subject is empty or too long"));
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| JwtFault::Form("its signature is no base64url"))?;
        Ok(Self {
            header,
            algorithm,
            claims,
            signed: signed.as_bytes(),
            signature,
        })
    }

    /// Who says to have made it.
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Whom it is about; for client credentials the client.
    pub fn subject(&self) -> Option<&str> {
        self.claims.sub.as_deref()
    }

    /// Is it for this audience?
    pub fn is_for(&self, audience: &str) -> bool {
        match &self.claims.aud {
            Audience::One(one) => one == audience,
            Audience::Many(many) => many.iter().take(MAX_AUDIENCES).any(|one| one == audience),
        }
    }

    /// Was it signed with one of these keys, and is it its time?
    ///
    /// # Errors
    /// Every other [`JwtFault`].
    pub fn verify(&self, keys: &KeySet, now: Timestamp) -> Result<(), JwtFault> {
        let kid = self.header.kid.as_deref();
        keys.verify(self.algorithm, kid, self.signed, &self.signature)?;
        if milliseconds(self.claims.exp).saturating_add(LEEWAY_MS) <= now {
            return Err(JwtFault::Expired);
        }
        let begins = self.claims.nbf.map_or(0, milliseconds);
        if begins > now.saturating_add(LEEWAY_MS) {
            return Err(JwtFault::TooEarly);
        }
        Ok(())
    }
}

fn part<T: DeserializeOwned>(text: &str, fault: &'static str) -> Result<T, JwtFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(JwtFault::Form(fault))
}

/// RFC 7519 2: seconds, perhaps with a fraction. A cast keeps to what fits, and a time
/// before 1970 becomes 1970.
fn milliseconds(seconds: f64) -> Timestamp {
    (seconds * 1000.0) as Timestamp
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
