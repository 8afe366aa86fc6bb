//! The text form of a token.
//!
//! `np_<scope>_<id>_<secret>_<checksum>`: the id is public and finds the row, the
//! secret is kept nowhere but with its owner, the checksum covers all before it.

use std::fmt;

use nameplate_store::TokenScope;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::clock::Random;
use crate::hex::hex;

/// 36^12 is 62 bits: ids do not collide by chance.
const ID_LEN: usize = 12;
/// 44 of 62 symbols are 261 bits, more than the 256 of the hash that is stored.
const SECRET_LEN: usize = 44;
/// 32 bits: one typing error in four thousand million goes unnoticed.
const CHECKSUM_LEN: usize = 8;
/// No token of ours is longer; a longer header is not even split.
const MAX_LEN: usize = 256;

const ID_SYMBOLS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Why a text is no token of ours, told without the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It looks like another product's token.
    #[error("this is not a token of nameplate: those start with `np_scim_` or `np_admin_`")]
    Foreign,
    /// It starts like one of ours and ends differently.
    #[error(
        "the token is mistyped or cut off: its checksum does not match; copy it again as a whole"
    )]
    Mistyped,
}

/// A token as it was sent, taken apart. Its secret is only kept as a hash, so
/// printing it shows nothing of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenText {
    /// What it claims to be for.
    pub scope: TokenScope,
    /// Finds the row.
    pub id: String,
    /// SHA-256 of the secret part.
    pub secret_sha256: [u8; 32],
}

impl TokenText {
    /// Takes a token apart and checks its checksum.
    ///
    /// # Errors
    /// [`Malformed`] says which kind of mistake it is.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (scope, rest) = if let Some(rest) = text.strip_prefix("np_scim_") {
            (TokenScope::Scim, rest)
        } else if let Some(rest) = text.strip_prefix("np_admin_") {
            (TokenScope::Admin, rest)
        } else {
            return Err(Malformed::Foreign);
        };
        if text.len() > MAX_LEN {
            return Err(Malformed::Mistyped);
        }
        let mut parts = rest.split('_');
        let (Some(id), Some(secret), Some(sum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed::Mistyped);
        };
        let of = |part: &str, symbols: &[u8]| part.bytes().all(|byte| symbols.contains(&byte));
        let (covered, _) = text.rsplit_once('_').unwrap_or_default();
        if id.len() != ID_LEN
            || secret.len() != SECRET_LEN
            || !of(id, ID_SYMBOLS)
            || !of(secret, SECRET_SYMBOLS)
            || checksum(covered) != sum
        {
            return Err(Malformed::Mistyped);
        }
        Ok(Self {
            scope,
            id: id.to_owned(),
            secret_sha256: Sha256::digest(secret.as_bytes()).into(),
        })
    }
}

/// The public part of what looks like a token of ours, whole or not: whose it was meant
/// to be.
pub fn public_part(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("np_scim_");
    let rest = rest.or_else(|| text.strip_prefix("np_admin_"))?;
    let (id, _) = rest.split_once('_')?;
    let fits = id.len() == ID_LEN && id.bytes().all(|byte| ID_SYMBOLS.contains(&byte));
    fits.then_some(id)
}

/// A token at the one moment its text exists on our side.
pub struct NewToken {
    /// Its public part.
    pub id: String,
    /// SHA-256 of its secret part, for the store.
    pub secret_sha256: [u8; 32],
    text: String,
}

impl NewToken {
    /// Draws a token.
    ///
    /// # Errors
    /// If the operating system gives no random bytes; the text says why.
    pub fn draw(scope: TokenScope, random: &dyn Random) -> Result<Self, String> {
        let id = draw(random, ID_SYMBOLS, ID_LEN)?;
        let secret = draw(random, SECRET_SYMBOLS, SECRET_LEN)?;
        let covered = format!("np_{}_{id}_{secret}", scope.as_str());
        Ok(Self {
            text: format!("{covered}_{}", checksum(&covered)),
            secret_sha256: Sha256::digest(secret.as_bytes()).into(),
            id,
        })
    }

    /// The token itself, to be shown once.
    pub fn reveal(self) -> String {
        self.text
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn checksum(covered: &str) -> String {
    let mut digits = hex(&Sha256::digest(covered.as_bytes()));
    digits.truncate(CHECKSUM_LEN);
    digits
}

/// Draws `len` symbols, each equally likely: bytes beyond the largest multiple of
/// the alphabet's size are thrown away.
fn draw(random: &dyn Random, symbols: &[u8], len: usize) -> Result<String, String> {
    let fair = 256 - 256 % symbols.len();
    let mut text = String::with_capacity(len);
    let mut bytes = [0; 64];
    // Even the worst alphabet keeps 7 of 8 bytes, so 64 rounds are never needed by
    // chance; they end the loop over a broken source.
    for _ in 0..64 {
        random.fill(&mut bytes)?;
        for byte in bytes {
            let byte = usize::from(byte);
            if text.len() == len {
                return Ok(text);
            }
            if byte < fair
                && let Some(symbol) = symbols.get(byte % symbols.len())
            {
                text.push(char::from(*symbol));
            }
        }
    }
    Err("the random source repeats itself".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::clock::SystemRandom;

    fn drawn(scope: TokenScope) -> (NewToken, String) {
        let token = NewToken::draw(scope, &SystemRandom).unwrap();
        let text = token.text.clone();
        (token, text)
    }

    #[test]
    fn a_drawn_token_parses_back_to_its_id_and_hash() {
        for scope in [TokenScope::Scim, TokenScope::Admin] {
            let (token, text) = drawn(scope);
            assert!(text.starts_with(&format!("np_{}_{}_", scope.as_str(), token.id)));
            let parsed = TokenText::parse(&text).unwrap();
            assert_eq!(parsed.scope, scope);
            assert_eq!(parsed.id, token.id);
            assert_eq!(parsed.secret_sha256, token.secret_sha256);
        }
    }

    #[test]
    fn the_secret_has_at_least_256_bits() {
        let (_, text) = drawn(TokenScope::Scim);
        let secret = text.split('_').nth(3).unwrap();
        let symbols = f64::from(u32::try_from(SECRET_SYMBOLS.len()).unwrap());
        let length = f64::from(u32::try_from(secret.len()).unwrap());
        assert!(symbols.log2() * length >= 256.0);
    }

    #[test]
    fn any_single_changed_character_is_noticed() {
        let (_, text) = drawn(TokenScope::Scim);
        for at in "np_scim_".len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            let old = *bytes.get(at).unwrap();
            let new = if old == b'x' { b'y' } else { b'x' };
            *bytes.get_mut(at).unwrap() = new;
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(TokenText::parse(&changed), Err(Malformed::Mistyped));
        }
    }

    #[test]
    fn a_token_cut_off_is_mistyped_and_another_products_is_foreign() {
        let (_, text) = drawn(TokenScope::Admin);
        let cut = text.get(..text.len() - 3).unwrap();
        assert_eq!(TokenText::parse(cut), Err(Malformed::Mistyped));
        assert_eq!(TokenText::parse("np_scim_"), Err(Malformed::Mistyped));
        assert_eq!(TokenText::parse("ghp_1234"), Err(Malformed::Foreign));
        assert_eq!(TokenText::parse(""), Err(Malformed::Foreign));
        let long = format!("np_scim_{}", "a_".repeat(100_000));
        assert_eq!(TokenText::parse(&long), Err(Malformed::Mistyped));
    }

    #[test]
    fn printing_a_token_for_debugging_shows_no_secret() {
        let (token, text) = drawn(TokenScope::Scim);
        let secret = text.split('_').nth(3).unwrap().to_owned();
        assert!(!format!("{token:?}").contains(&secret));
        assert!(!format!("{:?}", TokenText::parse(&text)).contains(&secret));
    }

    #[test]
    fn a_broken_random_source_is_an_error_and_no_loop() {
        struct Stuck;
        impl Random for Stuck {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
                bytes.fill(255);
                Ok(())
            }
        }
        assert!(NewToken::draw(TokenScope::Scim, &Stuck).is_err());
    }
}
