//! The secret of a webhook and the signatures made with it, as the Standard Webhooks
//! specification has them: HMAC-SHA256 over `<id>.<timestamp>.<body>`, in base64.
//!
//! This must not know what is signed, nor where secrets are kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nameplate_store::Timestamp;
use ring::hmac;

use crate::clock::Random;

/// Stands before a secret's base64, so that people and scanners know one.
const PREFIX: &str = "whsec_";
/// Bytes of a secret: as many as the hash has.
const LEN: usize = 32;
/// How long the secret before a rotation still signs.
pub const ROTATION_MS: u64 = 24 * 3600 * 1000;

/// The secrets of one webhook: the present one, and for a while the one before.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    present: Vec<u8>,
    /// The one before, and until when it signs too.
    former: Option<(Vec<u8>, Timestamp)>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// If there are no random bytes; the text says why.
    pub fn draw(random: &dyn Random) -> Result<Self, String> {
        let mut present = vec![0; LEN];
        random.fill(&mut present)?;
        Ok(Self {
            present,
            former: None,
        })
    }

    /// A new one, beside which the present one signs for [`ROTATION_MS`].
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn rotated(&self, random: &dyn Random, now: Timestamp) -> Result<Self, String> {
        let drawn = Self::draw(random)?;
        Ok(Self {
            former: Some((self.present.clone(), now.saturating_add(ROTATION_MS))),
            ..drawn
        })
    }

    /// As it is stored: the present secret, and after a rotation the former one and the
    /// moment it ends, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.present.clone();
        if let Some((former, until)) = &self.former {
            bytes.extend(former);
            bytes.extend(until.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Bytes of another length are one secret.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let split = |bytes: &[u8]| {
            let (present, rest) = bytes.split_at_checked(LEN)?;
            let (former, until) = rest.split_at_checked(LEN)?;
            let until = Timestamp::from_be_bytes(until.try_into().ok()?);
            Some((present.to_vec(), former.to_vec(), until))
        };
        match split(bytes) {
            Some((present, former, until)) => Self {
                present,
                former: Some((former, until)),
            },
            None => Self {
                present: bytes.to_vec(),
                former: None,
            },
        }
    }

    /// As receivers are given it: `whsec_<base64>`. To be shown once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.present))
    }

    /// The value of `webhook-signature`: one signature for each secret in force, the
    /// present one first, with a blank between them.
    pub fn sign(&self, id: &str, seconds: u64, body: &[u8], now: Timestamp) -> String {
        let former = self.former.iter();
        let in_force = former.filter(|(_, until)| now < *until);
        let secrets = std::iter::once(&self.present).chain(in_force.map(|(secret, _)| secret));
        let signatures: Vec<String> = secrets
            .map(|secret| {
                let mut context = hmac::Context::with_key(&key(secret));
                context.update(format!("{id}.{seconds}.").as_bytes());
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            })
            .collect();
        signatures.join(" ")
    }
}

/// Is one of the signatures in the header made with this secret (`whsec_…`)? For
/// receivers that are written in Rust, and for tests. The caller compares `seconds`
/// with its own clock: what is older than five minutes may be a repeat by a stranger.
pub fn verify(secret: &str, id: &str, seconds: u64, body: &[u8], header: &str) -> bool {
    let bare = secret.strip_prefix(PREFIX).unwrap_or(secret);
    let Ok(secret) = STANDARD.decode(bare) else {
        return false;
    };
    let mut signed = format!("{id}.{seconds}.").into_bytes();
    signed.extend(body);
    header
        .split(' ')
        .filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok())
        .any(|signature| hmac::verify(&key(&secret), &signed, &signature).is_ok())
}

fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::clock::SystemRandom;

    // The example of the specification and of its reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_example_is_signed_as_published() {
        let bytes = STANDARD
            .decode(SECRET.strip_prefix(PREFIX).unwrap())
            .unwrap();
        let secret = Secret::from_bytes(&bytes);
        assert_eq!(secret.sign(ID, AT, BODY, 0), SIGNATURE);
        assert_eq!(secret.reveal(), SECRET);
        assert!(verify(SECRET, ID, AT, BODY, SIGNATURE));
    }

    #[test]
    fn anything_else_than_what_was_signed_is_refused() {
        let others = format!("v1a,{SIGNATURE} v2,x {SIGNATURE}");
        assert!(verify(SECRET, ID, AT, BODY, &others));
        for (id, at, body) in [
            ("msg_x", AT, BODY),
            (ID, AT + 1, BODY),
            (ID, AT, b"{}".as_slice()),
        ] {
            assert!(!verify(SECRET, id, at, body, SIGNATURE), "{id} {at}");
        }
        for header in ["", "v1", "v1,", "v1,!", &format!("v2,{SIGNATURE}")] {
            assert!(!verify(SECRET, ID, AT, BODY, header), "{header}");
        }
        assert!(!verify("whsec_!", ID, AT, BODY, SIGNATURE));
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone() {
        let old = Secret::draw(&SystemRandom).unwrap();
        let new = old.rotated(&SystemRandom, 1000).unwrap();
        let new = Secret::from_bytes(&new.to_bytes());
        let both = new.sign(ID, AT, BODY, 1000 + ROTATION_MS - 1);
        assert!(verify(&old.reveal(), ID, AT, BODY, &both));
        assert!(verify(&new.reveal(), ID, AT, BODY, &both));
        let later = new.sign(ID, AT, BODY, 1000 + ROTATION_MS);
        assert!(!verify(&old.reveal(), ID, AT, BODY, &later));
        assert!(verify(&new.reveal(), ID, AT, BODY, &later));
    }

    #[test]
    fn a_secret_is_stored_as_its_bytes_and_never_shown_by_debug() {
        let secret = Secret::draw(&SystemRandom).unwrap();
        assert_eq!(secret.to_bytes().len(), LEN);
        assert_eq!(Secret::from_bytes(&secret.to_bytes()), secret);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
