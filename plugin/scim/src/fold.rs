//! How values are made comparable: index keys and logins.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

/// The most bytes a key value may have: what every store's index row takes.
pub const MAX_KEY: usize = 512;

/// Folds a text for comparison without case: letters of full and half width become
/// ordinary ones, then Unicode canonical caseless form, NFC(fold(NFD(text))). Accents
/// stay distinct, so `Jose` is not `José`.
///
/// RFC 7644 5 asks for this preparation (RFC 7613 3.3) of userName. We take the stance
/// that every text that is compared without case goes by the same rule, and that a
/// login with characters RFC 7613 forbids is compared and not refused, because whoever
/// sends it has such users.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut even = String::with_capacity(text.len());
    for c in text.chars() {
        match has_width(c) {
            true => decompose_compatible(c, |c| even.push(c)),
            false => even.push(c),
        }
    }
    // Unicode 3.13 D145: canonical caseless matching normalises before folding.
    let decomposed: String = even.nfd().collect();
    caseless::default_case_fold_str(&decomposed).nfc().collect()
}

/// Is it a variant of another character that differs in width alone: the block
/// "Halfwidth and Fullwidth Forms", and the ideographic space.
fn has_width(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ffee}' | '\u{3000}')
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
    fn width_makes_no_difference() {
        assert_eq!(fold("Ａｎａ＠Ｅｘａｍｐｌｅ．ｃｏｍ"), "ana@example.com");
        assert_eq!(
            fold("ｶﾞ"),
            fold("ガ"),
            "a mark of half width joins its letter"
        );
        assert_eq!(fold("a\u{3000}é"), fold("a é"));
        assert_ne!(fold("①é"), fold("1é"), "what is more than width stays");
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
