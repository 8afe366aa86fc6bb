//! Cursors (RFC 9865): where a page ended, as opaque text.
//!
//! A cursor holds no secret and needs none: it can only name a place in a walk over the
//! connection that the request is bound to anyway. It says what it belongs to, so that
//! one of another query is refused and not misunderstood.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{ScimError, ScimType};

/// The format; another one is refused.
const FORMAT: u8 = 1;
/// The longest cursor that is read: a key and an id, or a token of the store, both with
/// room.
const MAX_TEXT: usize = 4096;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Which resource type, where several are searched.
    pub part: u8,
    pub at: At,
}

/// Where in the resources of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At the first.
    Start,
    /// Where the store said to go on.
    Token(Vec<u8>),
    /// After the one with this key and id.
    After { key: Vec<u8>, id: String },
}

impl Position {
    pub const START: Self = Self {
        part: 0,
        at: At::Start,
    };
}

/// Names the query a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// Of everything that decides which resources come in which order.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 8];
        bytes
            .iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

/// The cursor's text: characters that need no encoding in a URL (RFC 9865 2).
pub(super) fn write(position: &Position, fingerprint: Fingerprint) -> String {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&fingerprint.0);
    bytes.push(position.part);
    match &position.at {
        At::Start => bytes.push(0),
        At::Token(token) => {
            bytes.push(1);
            bytes.extend_from_slice(token);
        }
        At::After { key, id } => {
            bytes.push(2);
            let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend(key.iter().take(usize::from(length)));
            bytes.extend_from_slice(id.as_bytes());
        }
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor; the empty one is the start.
///
/// # Errors
/// 400 `invalidCursor` for anything that [`write`] did not make for this query.
pub(super) fn read(text: &str, fingerprint: Fingerprint) -> Result<Position, ScimError> {
    if text.is_empty() {
        return Ok(Position::START);
    }
    decode(text, fingerprint).ok_or_else(invalid)
}

/// 400 `invalidCursor` (RFC 9865 2.1).
pub(super) fn invalid() -> ScimError {
    ScimError::bad_request(
        ScimType::InvalidCursor,
        "`cursor` is none that was given out for this query: send an empty one to start again, \
         and leave filter and sorting as they were",
    )
}

fn decode(text: &str, fingerprint: Fingerprint) -> Option<Position> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let rest = bytes
        .strip_prefix(&[FORMAT])?
        .strip_prefix(&fingerprint.0)?;
    let (&part, rest) = rest.split_first()?;
    let (kind, rest) = rest.split_first()?;
    let at = match kind {
        0 if rest.is_empty() => At::Start,
        1 => At::Token(rest.to_vec()),
        2 => {
            let (length, rest) = rest.split_at_checked(2)?;
            let length = u16::from_be_bytes(length.try_into().ok()?);
            let (key, id) = rest.split_at_checked(usize::from(length))?;
            At::After {
                key: key.to_vec(),
                id: String::from_utf8(id.to_vec()).ok()?,
            }
        }
        _ => return None,
    };
    Some(Position { part, at })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> Fingerprint {
        Fingerprint::of(&[text])
    }

    fn position() -> impl Strategy<Value = Position> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..600);
        let at = prop_oneof![
            Just(At::Start),
            bytes().prop_map(At::Token),
            (bytes(), ".{0,64}").prop_map(|(key, id)| At::After { key, id }),
        ];
        (0_u8..2, at).prop_map(|(part, at)| Position { part, at })
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(position in position()) {
            let text = write(&position, query("a"));
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
            prop_assert_eq!(read(&text, query("a")).unwrap(), position);
            prop_assert_eq!(
                read(&text, query("b")).unwrap_err().scim_type,
                Some(ScimType::InvalidCursor)
            );
        }

        #[test]
        fn any_other_text_is_an_invalid_cursor(text in ".{1,40}") {
            prop_assert_eq!(
                read(&text, query("a")).unwrap_err().scim_type,
                Some(ScimType::InvalidCursor)
            );
        }
    }

    #[test]
    fn the_parts_of_a_query_do_not_run_into_each_other() {
        assert_ne!(Fingerprint::of(&["ab", "c"]), Fingerprint::of(&["a", "bc"]));
    }
}
