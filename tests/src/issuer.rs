//! An OAuth issuer: a key of its own and whatever tokens a test wants signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::clock::TestClock;

/// Who it says it is.
pub const ISSUER: &str = "https://login.example.com/7f0c";
/// Whom its tokens are for.
pub const AUDIENCE: &str = "api://nameplate";

/// An issuer with one P-256 key.
pub struct Issuer {
    key: EcdsaKeyPair,
    kid: &'static str,
}

impl Issuer {
    /// With a new key of this name.
    pub fn new(kid: &'static str) -> Self {
        let (chance, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(kind, &chance).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &chance).expect("the same key");
        Self { key, kid }
    }

    /// Its public key set.
    pub fn jwks(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)}]})
    }

    /// How a connection is told to take its tokens.
    pub fn auth(&self) -> Value {
        json!({"issuer": ISSUER, "audience": AUDIENCE, "jwks": self.jwks()})
    }

    /// What a token says unless a test says otherwise: good for an hour.
    pub fn claims() -> Value {
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "okta-client",
            "exp": TestClock::START / 1000 + 3600})
    }

    /// A token with these claims instead of the usual ones.
    pub fn token(&self, other: &Value) -> String {
        let mut claims = Self::claims();
        for (name, value) in other.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        self.signed(&json!({"alg": "ES256", "kid": self.kid}), &claims)
    }

    /// A token of this header and these claims.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
