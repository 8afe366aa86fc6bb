//! Walks over an index: bounds of a range, and the mark a page ends with.
//!
//! Backends share this so that a mark means the same in all of them. It knows no
//! rows.

use std::borrow::Cow;

use crate::reserved::Reserved;
use crate::{ConnectionId, Direction, Find, Key, KeyRange, Kind, StoreError, check, limits};

/// The first form of a mark; another form gets another number.
const FORM: u8 = 1;

/// Where a page ended: value and id of its last hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The value; empty where ids alone are walked.
    pub value: Vec<u8>,
    /// The document.
    pub id: String,
}

impl Mark {
    /// The mark as `next`, bound to the walk it was made by.
    pub fn encode(&self, connection: ConnectionId, find: &Find) -> Vec<u8> {
        let mut bytes = vec![FORM];
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.value);
        bytes.extend_from_slice(self.id.as_bytes());
        let seal = seal(connection, find, &bytes);
        bytes.extend_from_slice(&seal.to_be_bytes());
        bytes
    }

    /// Reads `after`, whatever bytes it is.
    ///
    /// The seal is no secret. One who counterfeits it gets what any mark gives: the
    /// rest of this same walk from a place within its range. So every mark that is
    /// let through has the shape this walk would have given it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for one that no page of this walk ended with.
    pub fn decode(connection: ConnectionId, find: &Find, bytes: &[u8]) -> Result<Self, StoreError> {
        Self::parse(connection, find, bytes)
            .ok_or_else(|| StoreError::Invalid("`after` was not made by this walk".to_owned()))
    }

    fn parse(connection: ConnectionId, find: &Find, bytes: &[u8]) -> Option<Self> {
        if bytes.len() > limits::TOKEN {
            return None;
        }
        let (body, sealed) = bytes.split_last_chunk::<8>()?;
        if u64::from_be_bytes(*sealed) != seal(connection, find, body) {
            return None;
        }
        let rest = body.strip_prefix(&[FORM])?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (value, id) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let shaped = match (&find.range, Reserved::of(find)) {
            (KeyRange::All, _) => value.is_empty(),
            (_, Some(Reserved::Id)) => value == id,
            (_, Some(Reserved::Modified)) => value.len() == 8,
            (_, None) => value.len() <= limits::KEY,
        };
        // A walk goes on at its mark and need not look at the near bound again.
        if !shaped || !holds(&find.range, value) {
            return None;
        }
        let id = String::from_utf8(id.to_vec()).ok()?;
        check::document_id(&id).ok()?;
        Some(Self {
            value: value.to_vec(),
            id,
        })
    }
}

/// FNV-1a over the mark and the walk: no secret, it only tells a foreign or
/// damaged mark from a real one.
fn seal(connection: ConnectionId, find: &Find, body: &[u8]) -> u64 {
    let kind: u8 = match find.kind {
        Kind::User => 0,
        Kind::Group => 1,
    };
    let direction: u8 = match find.direction {
        Direction::Ascending => 0,
        Direction::Descending => 1,
    };
    let (range, low, high): (u8, Option<&Vec<u8>>, Option<&Vec<u8>>) = match &find.range {
        KeyRange::All => (0, None, None),
        KeyRange::Equal(value) => (1, Some(value), None),
        KeyRange::Prefix(value) => (2, Some(value), None),
        KeyRange::Between(low, high) => (3, low.as_ref(), high.as_ref()),
        KeyRange::Contains(value) => (4, Some(value), None),
    };
    let index = if find.range == KeyRange::All {
        &[]
    } else {
        find.index.as_bytes()
    };
    let part = |value: Option<&Vec<u8>>| match value {
        None => vec![0],
        Some(value) => [&[1], value.as_slice()].concat(),
    };
    let parts = [
        connection.0.to_be_bytes().to_vec(),
        vec![kind, direction, range],
        index.to_vec(),
        part(low),
        part(high),
        body.to_vec(),
    ];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in &parts {
        for byte in u64::try_from(part.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes()
            .iter()
            .chain(part)
        {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// The first value after all that start with `prefix`; none if there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    let byte = end.last_mut()?;
    *byte = byte.wrapping_add(1);
    Some(end)
}

/// The bounds a range gives: from (inclusive), up to (inclusive), below (exclusive).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// The smallest value.
    pub from: Option<&'a [u8]>,
    /// The largest value.
    pub to: Option<&'a [u8]>,
    /// What all values are below.
    pub below: Option<Cow<'a, [u8]>>,
}

/// The bounds of a range.
pub fn bounds(range: &KeyRange) -> Bounds<'_> {
    match range {
        KeyRange::All | KeyRange::Contains(_) => Bounds::default(),
        KeyRange::Equal(value) => Bounds {
            from: Some(value),
            to: Some(value),
            below: None,
        },
        KeyRange::Prefix(value) => Bounds {
            from: Some(value),
            to: None,
            below: prefix_end(value).map(Cow::Owned),
        },
        KeyRange::Between(from, to) => Bounds {
            from: from.as_deref(),
            to: to.as_deref(),
            below: None,
        },
    }
}

/// Is the value in the range.
pub fn holds(range: &KeyRange, value: &[u8]) -> bool {
    match range {
        KeyRange::All => true,
        KeyRange::Equal(wanted) => value == wanted,
        KeyRange::Prefix(prefix) => value.starts_with(prefix),
        KeyRange::Between(from, to) => {
            from.as_deref().is_none_or(|from| value >= from)
                && to.as_deref().is_none_or(|to| value <= to)
        }
        KeyRange::Contains(part) => contains(value, part),
    }
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    part.is_empty() || value.windows(part.len()).any(|window| window == part)
}

/// Is `value` the one of a document's keys that the walk meets first? A document
/// with several matching values is shown under that one alone.
pub fn met_first(find: &Find, keys: &[Key], value: &[u8]) -> bool {
    keys.iter()
        .filter(|key| key.attribute == find.index && holds(&find.range, &key.value))
        .all(|key| match find.direction {
            Direction::Ascending => key.value.as_slice() >= value,
            Direction::Descending => key.value.as_slice() <= value,
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Detail;

    fn find(direction: Direction) -> Find {
        Find {
            kind: Kind::User,
            index: "userName".to_owned(),
            range: KeyRange::Prefix(b"a".to_vec()),
            direction,
            skip: 0,
            after: None,
            limit: 1,
            want: Detail::Ids,
        }
    }

    const OKTA: ConnectionId = ConnectionId(1);

    fn mark(value: &[u8], id: &str) -> Mark {
        Mark {
            value: value.to_vec(),
            id: id.to_owned(),
        }
    }

    #[test]
    fn a_mark_is_read_back_by_its_own_walk_alone() {
        let mark = mark(b"a\x00\xff", "u1");
        let up = find(Direction::Ascending);
        let bytes = mark.encode(OKTA, &up);
        assert_eq!(Mark::decode(OKTA, &up, &bytes).unwrap(), mark);
        assert!(Mark::decode(OKTA, &find(Direction::Descending), &bytes).is_err());
        assert!(Mark::decode(ConnectionId(2), &up, &bytes).is_err());
    }

    #[test]
    fn a_sealed_mark_of_another_shape_is_refused() {
        let plain = find(Direction::Ascending);
        let reserved = |index: &str| Find {
            index: index.to_owned(),
            range: KeyRange::Between(None, None),
            ..plain.clone()
        };
        let all = Find {
            range: KeyRange::All,
            ..plain.clone()
        };
        let (by_id, by_modified) = (reserved("@id"), reserved("@modified"));
        let moment = 7_u64.to_be_bytes();
        let cases = [
            (&plain, mark(b"a", "u1"), true),
            (&plain, mark(b"b", "u1"), false),
            (&plain, mark(b"a", ""), false),
            (&plain, mark(b"a", "u\0"), false),
            (&plain, mark(&[b'a'; 513], "u1"), false),
            (&plain, mark(b"a", &"u".repeat(65)), false),
            (&all, mark(b"", "u1"), true),
            (&all, mark(b"a", "u1"), false),
            (&by_id, mark(b"u1", "u1"), true),
            (&by_id, mark(b"u2", "u1"), false),
            (&by_modified, mark(&moment, "u1"), true),
            (&by_modified, mark(&moment[1..], "u1"), false),
        ];
        for (find, mark, good) in cases {
            let read = Mark::decode(OKTA, find, &mark.encode(OKTA, find));
            assert_eq!(read.is_ok(), good, "{mark:?} in {find:?}");
        }
    }

    #[test]
    fn the_end_of_a_prefix_steps_over_trailing_ff() {
        assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(prefix_end(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(prefix_end(&[255, 255]), None);
        assert_eq!(prefix_end(b""), None);
    }
}
