//! Texts that may stand in the log.
//!
//! A line of the log is built from these types alone, and there is no way to make one
//! that does not look for secrets first: a text keeps no word that looks like a token, a
//! path no query, and neither a character that ends a line or steers a terminal. Both
//! know what secrets look like; what a request is they must not know.

use std::fmt;

use percent_encoding::percent_decode_str;

/// What stands in the place of a secret.
pub const REMOVED: &str = "[removed]";
/// A path is cut here; ids are far shorter.
const PATH_BYTES: usize = 1024;
/// A word is looked at up to here; a longer one is no word and goes as a whole.
const MOST_WORD: usize = 2048;
/// Random words from here on are taken for secrets. The ids of identity providers have
/// 20 characters, a UUID 36, of one case and with hyphens; a key of 160 bits has 27 in
/// base64 and 40 in hexadecimal digits.
const RANDOM: usize = 27;
const RANDOM_HEX: usize = 40;
/// How secrets begin, in lower case: ours, and those that are pasted in their place.
const BEGINNINGS: [&str; 14] = [
    "np_scim_",
    "np_admin_",
    "eyj",
    "ssws",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "sk-",
    "akia",
];
/// A word that begins like this is no secret if it is as short as this.
const SHORT: usize = 12;
/// After these words stands a secret, unless it is a word of small letters alone, as in
/// "no bearer token".
const SCHEMES: [&str; 3] = ["bearer", "basic", "ssws"];

/// Words for the log: one line, bounded, without what looks like a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogText(String);

impl LogText {
    /// Takes at most `most` bytes of a text.
    pub fn new(text: &str, most: usize) -> Self {
        let mut masked = masked(text);
        cut_bytes(&mut masked, most);
        Self(masked)
    }

    /// At most `most` bytes of it.
    #[must_use]
    pub fn cut(mut self, most: usize) -> Self {
        cut_bytes(&mut self.0, most);
        self
    }
}

impl From<LogText> for String {
    fn from(kept: LogText) -> Self {
        kept.0
    }
}

impl fmt::Display for LogText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a request for the log, without its query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPath(String);

impl LogPath {
    /// Takes a path as it was sent, percent-encoded. A segment that looks like a secret,
    /// encoded or not, is removed.
    pub fn new(path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<String> = path.split('/').map(segment).collect();
        let mut path = segments.join("/");
        cut_bytes(&mut path, PATH_BYTES);
        Self(path)
    }
}

impl From<LogPath> for String {
    fn from(kept: LogPath) -> Self {
        kept.0
    }
}

/// A segment as it was sent, or what of it may be kept.
fn segment(sent: &str) -> String {
    let decoded = percent_decode_str(sent).decode_utf8_lossy();
    let plain = masked(&decoded);
    if plain == *decoded {
        // What is encoded stays encoded: an encoded line break is none.
        return masked(sent);
    }
    plain
}

/// The text on one line, with [`REMOVED`] for each word that looks like a secret.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_scheme = false;
    while let Some(first) = rest.chars().next() {
        if !in_word(first) {
            // A scheme and its secret stand apart by blanks or a colon.
            after_scheme &= matches!(first, ' ' | '\t' | ':' | '"' | '`');
            out.push(harmless(first));
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
        if (after_scheme && !plain) || is_secret(word) {
            out.push_str(REMOVED);
        } else {
            out.push_str(word);
        }
        after_scheme = SCHEMES
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme));
        rest = behind;
    }
    out
}

/// Characters of tokens. `%` is one for what is encoded; `/` is none, so that a path is
/// looked at piece by piece.
fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '=' | '%')
}

/// Nothing that ends a line, and nothing that turns the direction of writing.
fn harmless(c: char) -> char {
    let turns =
        matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    if c.is_control() || turns { ' ' } else { c }
}

fn is_secret(word: &str) -> bool {
    if word.len() > MOST_WORD {
        return true;
    }
    let plain = percent_decode_str(word).decode_utf8_lossy();
    if plain.len() <= SHORT {
        return false;
    }
    let lower = plain.to_ascii_lowercase();
    let ours = ["np_scim_", "np_admin_"]
        .iter()
        .any(|mark| lower.contains(mark));
    if ours || BEGINNINGS.iter().any(|mark| lower.starts_with(mark)) {
        return true;
    }
    // Any of its parts: a secret may stand behind a name, as in `key=…`.
    plain
        .split(['=', '.', '~', '%'])
        .any(|part| is_random(part) || BEGINNINGS.iter().any(|mark| begins(part, mark)))
}

fn begins(part: &str, mark: &str) -> bool {
    part.len() > SHORT
        && part
            .get(..mark.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(mark))
}

/// Does a word look drawn by chance: long, in both cases and with digits, or longer
/// still. A name of words has no digits among its letters, a UUID one case.
fn is_random(word: &str) -> bool {
    let has = |of: fn(&u8) -> bool| word.bytes().any(|byte| of(&byte));
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let digits = has(u8::is_ascii_digit);
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let long = word.len() >= RANDOM_HEX;
    (mixed && (long || (digits && word.len() >= RANDOM))) || (long && digits && hex)
}

/// The first `limit` characters.
pub fn cut_chars(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// Cuts to at most `limit` bytes without splitting a character.
pub fn cut_bytes(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use nameplate_store::TokenScope;
    use proptest::prelude::*;

    use super::*;
    use crate::auth::NewToken;
    use crate::clock::SystemRandom;

    fn token(scope: TokenScope) -> String {
        NewToken::draw(scope, &SystemRandom).unwrap().reveal()
    }

    fn text(text: &str) -> String {
        LogText::new(text, 1000).into()
    }

    fn path(path: &str) -> String {
        LogPath::new(path).into()
    }

    #[test]
    fn words_that_are_no_secrets_stay() {
        for words in [
            "added 3 members to `Sales`",
            "another resource has this `userName` already",
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department` is in no schema",
            "there is no user `0198c5de-7c3f-7a4e-9a50-3b1f6a3f9f10`",
            "Okta SCIM Client 1.0.0",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
            "00u1abcdEFGH2345ij67",
            "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
            "those start with `np_scim_` or `np_admin_`",
            "send the header `Authorization: Bearer-like",
            "ana.diaz+eu@example.com",
        ] {
            assert_eq!(text(words), words);
        }
    }

    #[test]
    fn other_products_tokens_are_secrets_too() {
        for secret in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "xoxb-123456789012-abc",
            "00QCjAl4MlV-WPXM7ABCDEFGHIJKLMNOPQRSTUVWXY",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            for around in [
                secret.to_owned(),
                format!("key={secret}"),
                format!("`{secret}`,"),
            ] {
                let kept = text(&around);
                assert!(!kept.contains(secret) && kept.contains(REMOVED), "{kept}");
                let kept = path(&format!("/scim/v2/Users/{around}"));
                assert!(
                    kept.starts_with("/scim/v2/Users/") && !kept.contains(secret),
                    "{kept}"
                );
            }
        }
    }

    #[test]
    fn what_follows_a_scheme_is_removed_unless_it_is_a_plain_word() {
        for plain in [
            "no bearer token: send it",
            "a doubled `Bearer` in the header",
        ] {
            assert_eq!(text(plain), plain);
        }
        assert_eq!(text("Bearer hunter2"), format!("Bearer {REMOVED}"));
        assert_eq!(
            text("authorization: basic  YTpi x"),
            format!("authorization: basic  {REMOVED} x")
        );
    }

    #[test]
    fn a_text_is_one_line_that_steers_no_terminal() {
        let kept = text("a\r\nb\u{1b}[31m\u{2028}c\u{202e}d\0");
        assert_eq!(kept, "a  b [31m c d ");
        assert_eq!(path("/a\nb"), "/a b");
        assert_eq!(
            path("/a%0Ab"),
            "/a b",
            "an encoded line break is told as a blank"
        );
    }

    #[test]
    fn a_path_has_no_query_and_bounds() {
        assert_eq!(path("/scim/v2/Users?filter=x"), "/scim/v2/Users");
        assert_eq!(path("/scim/v2/Users#x"), "/scim/v2/Users");
        assert!(path(&"/é".repeat(1000)).len() <= PATH_BYTES);
        assert!(text(&"é ".repeat(1000)).len() <= 1000);
        assert_eq!(text(&"a".repeat(MOST_WORD + 1)), REMOVED);
    }

    /// As a client may encode it: every byte or none.
    fn encoded(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    proptest! {
        #[test]
        fn a_token_put_anywhere_never_stays(
            before in "\\PC{0,40}",
            after in "\\PC{0,40}",
            admin: bool,
            upper: bool,
            twisted: bool,
        ) {
            let mut token = token(if admin { TokenScope::Admin } else { TokenScope::Scim });
            if upper {
                token = token.to_ascii_uppercase();
            }
            let secret = token.split('_').nth(3).unwrap().to_owned();
            let sent = if twisted { encoded(&token) } else { token.clone() };
            let around = format!("{before}{sent}{after}");
            for kept in [text(&around), path(&format!("/scim/v2/Users/{around}")), path(&around)] {
                prop_assert!(!kept.contains(&secret), "{kept}");
                prop_assert!(!kept.contains(&encoded(&secret)), "{kept}");
            }
            // The secret alone, without what makes it ours.
            if !upper {
                let kept = text(&format!("{before} {secret} {after}"));
                prop_assert!(!kept.contains(&secret), "{kept}");
            }
        }

        #[test]
        fn no_text_breaks_a_line(any in any::<String>()) {
            for kept in [text(&any), path(&any)] {
                prop_assert!(!kept.chars().any(char::is_control), "{kept:?}");
            }
        }
    }
}
