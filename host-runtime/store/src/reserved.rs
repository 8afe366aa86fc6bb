//! The two indexes every store keeps by itself: by id, and by the time of the last
//! change.
//!
//! They need no keys and no index-version and hold each document once. A backend
//! answers them from its documents; this names them and says which moments a range
//! of bytes means. It knows no rows.

use std::ops::RangeInclusive;

use crate::{Document, Find, KeyRange, Timestamp, walk};

/// Each document under the bytes of its id.
pub const BY_ID: &str = "@id";

/// Each document under its `modified` as 8 bytes, big-endian.
pub const BY_MODIFIED: &str = "@modified";

/// What names of reserved indexes begin with; no key's attribute may.
pub const SIGN: char = '@';

/// Which of them a walk reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// [`BY_ID`].
    Id,
    /// [`BY_MODIFIED`].
    Modified,
}

impl Reserved {
    /// None for [`KeyRange::All`], which ignores the index, and for an index of keys.
    pub fn of(find: &Find) -> Option<Self> {
        match find.index.as_str() {
            _ if find.range == KeyRange::All => None,
            BY_ID => Some(Self::Id),
            BY_MODIFIED => Some(Self::Modified),
            _ => None,
        }
    }

    /// The value a document stands under.
    pub fn value(self, document: &Document) -> Vec<u8> {
        match self {
            Self::Id => document.id.clone().into_bytes(),
            Self::Modified => document.modified.to_be_bytes().to_vec(),
        }
    }
}

/// The moments whose 8 bytes lie in a range; none if there are none. For backends
/// that keep `modified` as a number. (All of them for [`KeyRange::Contains`], which
/// is not asked of a reserved index.)
pub fn moments(range: &KeyRange) -> Option<RangeInclusive<Timestamp>> {
    let bounds = walk::bounds(range);
    let from = match bounds.from {
        Some(value) => first_from(value)?,
        None => 0,
    };
    let to = match (bounds.to, bounds.below.as_deref()) {
        (Some(value), _) => match <[u8; 8]>::try_from(value) {
            Ok(whole) => Timestamp::from_be_bytes(whole),
            // No moment equals a value of another length.
            Err(_) => last_below(value)?,
        },
        (None, Some(value)) => last_below(value)?,
        (None, None) => Timestamp::MAX,
    };
    (from <= to).then_some(from..=to)
}

/// The first moment whose bytes are not before `value`.
fn first_from(value: &[u8]) -> Option<Timestamp> {
    let mut bytes = [0; 8];
    for (byte, given) in bytes.iter_mut().zip(value) {
        *byte = *given;
    }
    let start = Timestamp::from_be_bytes(bytes);
    // Of two values the longer one comes after its own beginning.
    start.checked_add(u64::from(value.len() > bytes.len()))
}

/// The last moment whose bytes are before `value`.
fn last_below(value: &[u8]) -> Option<Timestamp> {
    match first_from(value) {
        Some(first) => first.checked_sub(1),
        None => Some(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way a bound may look, and every moment near them.
    #[test]
    fn a_range_of_bytes_means_the_moments_it_holds() {
        let whole = [0, 1, 255, 256, 1 << 56, u64::MAX - 1, u64::MAX];
        let mut values: Vec<Vec<u8>> = vec![Vec::new(), vec![255; 9], vec![255; 512]];
        for moment in whole {
            let bytes = moment.to_be_bytes();
            values.extend([bytes.to_vec(), [&bytes[..], &[0]].concat()]);
            values.extend([bytes[..1].to_vec(), bytes[..7].to_vec()]);
        }
        let mut ranges: Vec<KeyRange> = vec![KeyRange::Between(None, None)];
        for value in &values {
            ranges.push(KeyRange::Equal(value.clone()));
            ranges.push(KeyRange::Prefix(value.clone()));
            ranges.push(KeyRange::Between(Some(value.clone()), None));
            for to in &values {
                ranges.push(KeyRange::Between(None, Some(to.clone())));
                ranges.push(KeyRange::Between(Some(value.clone()), Some(to.clone())));
            }
        }
        for range in ranges {
            let found = moments(&range);
            for moment in whole {
                let inside = found.as_ref().is_some_and(|found| found.contains(&moment));
                let holds = walk::holds(&range, &moment.to_be_bytes());
                assert_eq!(inside, holds, "{moment} in {range:?}");
            }
        }
    }
}
