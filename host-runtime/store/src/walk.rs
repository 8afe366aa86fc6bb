//! Walks over an index: bounds of a range, and the mark a page ends with.
//!
//! Backends share this so that a mark means the same in all of them. It knows no
//! rows.

use std::borrow::Cow;

use crate::{Direction, Find, Key, KeyRange, Kind, StoreError, limits};

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
    pub fn encode(&self, find: &Find) -> Vec<u8> {
        let mut bytes = vec![FORM];
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.value);
        bytes.extend_from_slice(self.id.as_bytes());
        let seal = seal(find, &bytes);
        bytes.extend_from_slice(&seal.to_be_bytes());
        bytes
    }

    /// Reads `after`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for one that no page of this walk ended with.
    pub fn decode(find: &Find, bytes: &[u8]) -> Result<Self, StoreError> {
        Self::parse(find, bytes)
            .ok_or_else(|| StoreError::Invalid("`after` was not made by this walk".to_owned()))
    }

    fn parse(find: &Find, bytes: &[u8]) -> Option<Self> {
        let (body, sealed) = bytes.split_last_chunk::<8>()?;
        if u64::from_be_bytes(*sealed) != seal(find, body) {
            return None;
        }
        let rest = body.strip_prefix(&[FORM])?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (value, id) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if value.len() > limits::KEY || id.len() > limits::ID {
            return None;
        }
        // A walk goes on at its mark and need not look at the near bound again.
        if find.range != KeyRange::All && !holds(&find.range, value) {
            return None;
        }
        Some(Self {
            value: value.to_vec(),
            id: String::from_utf8(id.to_vec()).ok()?,
        })
    }
}

/// FNV-1a over the mark and the walk: no secret, it only tells a foreign or
/// damaged mark from a real one.
fn seal(find: &Find, body: &[u8]) -> u64 {
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

    #[test]
    fn a_mark_is_read_back_by_its_own_walk_alone() {
        let mark = Mark {
            value: b"a\x00\xff".to_vec(),
            id: "u1".to_owned(),
        };
        let up = find(Direction::Ascending);
        let bytes = mark.encode(&up);
        assert_eq!(Mark::decode(&up, &bytes).unwrap(), mark);
        assert!(Mark::decode(&find(Direction::Descending), &bytes).is_err());
        for cut in 0..bytes.len() {
            assert!(Mark::decode(&up, bytes.get(..cut).unwrap()).is_err());
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
