//! How values are made comparable: index keys and logins.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// The most bytes a key value may have: what every store's index row takes.
pub const MAX_KEY: usize = 512;

/// Folds a text for comparison without case: Unicode canonical caseless form,
/// NFC(fold(NFD(text))). Accents stay distinct, so `Jose` is not `José`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Unicode 3.13 D145: canonical caseless matching normalises before folding.
    let decomposed: String = text.nfd().collect();
    caseless::default_case_fold_str(&decomposed).nfc().collect()
}

/// A value as index bytes: itself, or past [`MAX_KEY`] its prefix and SHA-256.
pub fn key_bytes(value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    if bytes.len() <= MAX_KEY {
        return bytes.to_vec();
    }
    let digest = Sha256::digest(bytes);
    let mut key: Vec<u8> = bytes.iter().copied().take(MAX_KEY - digest.len()).collect();
    key.extend_from_slice(&digest);
    key
}

/// A login (userName or e-mail) as it is compared; empty if it is blank.
pub fn login_key(login: &str) -> Vec<u8> {
    key_bytes(&fold(login.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_and_accents_are_kept() {
        assert_eq!(fold("ANA.Díaz@Example.COM"), "ana.díaz@example.com");
        assert_ne!(fold("jose"), fold("josé"));
        assert_eq!(
            fold("jose\u{301}"),
            fold("JOSÉ"),
            "composed and decomposed are the same text"
        );
        assert_eq!(fold("Straße"), fold("STRASSE"));
    }

    #[test]
    fn a_long_value_keeps_its_prefix_and_stays_distinct() {
        let (a, b) = (
            format!("{}a", "x".repeat(600)),
            format!("{}b", "x".repeat(600)),
        );
        assert_eq!(key_bytes(&a).len(), MAX_KEY);
        assert_ne!(key_bytes(&a), key_bytes(&b));
    }
}
