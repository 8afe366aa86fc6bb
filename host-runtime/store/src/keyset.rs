//! Key sets: what a put has to change in an index.
//!
//! Backends compare the stored set with the new one here and touch only the
//! difference. Nothing of this knows where a set is kept.

use crate::Key;

/// The set in order of attribute and value, each pair once: of repeated entries
/// a switch set in one is set.
pub fn normalise(keys: &[Key]) -> Vec<Key> {
    let mut sorted = keys.to_vec();
    sorted.sort();
    sorted.dedup_by(|later, kept| {
        let same = later.attribute == kept.attribute && later.value == kept.value;
        if same {
            kept.unique |= later.unique;
            kept.tracked |= later.tracked;
        }
        same
    });
    sorted
}

/// What leads from one key set to another, in order of attribute and value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Entries to drop from the index.
    pub dropped: Vec<&'a Key>,
    /// Entries to add to it, after the drops.
    pub added: Vec<&'a Key>,
    /// Holdings that end.
    pub closed: Vec<&'a Key>,
    /// Holdings that begin.
    pub opened: Vec<&'a Key>,
}

/// Compares two sets made by [`normalise`].
pub fn difference<'a>(old: &'a [Key], new: &'a [Key]) -> Difference<'a> {
    let mut difference = Difference::default();
    for key in old {
        let now = lookup(new, key);
        if now.is_none_or(|now| now.unique != key.unique) {
            difference.dropped.push(key);
        }
        if key.tracked && now.is_none_or(|now| !now.tracked) {
            difference.closed.push(key);
        }
    }
    for key in new {
        let before = lookup(old, key);
        if before.is_none_or(|before| before.unique != key.unique) {
            difference.added.push(key);
        }
        if key.tracked && before.is_none_or(|before| !before.tracked) {
            difference.opened.push(key);
        }
    }
    difference
}

/// For each attribute with several entries in a set made by [`normalise`]: how many
/// there are beyond the first. A backend that keeps the sum knows, while it is 0, that
/// entries of the attribute may be counted for documents.
pub fn surplus(set: &[Key]) -> impl Iterator<Item = (&str, i64)> {
    set.chunk_by(|one, next| one.attribute == next.attribute)
        .filter_map(|entries| {
            let (first, others) = entries.split_first()?;
            let count = i64::try_from(others.len()).unwrap_or(i64::MAX);
            (count > 0).then_some((first.attribute.as_str(), count))
        })
}

fn lookup<'a>(set: &'a [Key], key: &Key) -> Option<&'a Key> {
    set.binary_search_by(|other| {
        other
            .attribute
            .cmp(&key.attribute)
            .then_with(|| other.value.cmp(&key.value))
    })
    .ok()
    .and_then(|at| set.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(attribute: &str, value: &str, unique: bool, tracked: bool) -> Key {
        Key {
            attribute: attribute.to_owned(),
            value: value.into(),
            unique,
            tracked,
        }
    }

    #[test]
    fn repeated_entries_count_once_and_keep_every_switch() {
        let set = normalise(&[
            key("b", "1", false, true),
            key("a", "2", false, false),
            key("b", "1", true, false),
        ]);
        assert_eq!(
            set,
            [key("a", "2", false, false), key("b", "1", true, true)]
        );
    }

    #[test]
    fn only_what_differs_is_touched() {
        let old = normalise(&[
            key("a", "1", true, true),
            key("b", "1", false, false),
            key("c", "1", false, true),
        ]);
        let new = normalise(&[
            key("a", "2", true, true),
            key("b", "1", true, false),
            key("c", "1", false, true),
        ]);
        let difference = difference(&old, &new);
        assert_eq!(
            difference.dropped,
            [&key("a", "1", true, true), &key("b", "1", false, false)]
        );
        assert_eq!(
            difference.added,
            [&key("a", "2", true, true), &key("b", "1", true, false)]
        );
        assert_eq!(difference.closed, [&key("a", "1", true, true)]);
        assert_eq!(difference.opened, [&key("a", "2", true, true)]);
    }

    #[test]
    fn surplus_is_what_an_attribute_has_beyond_one_entry() {
        let set = normalise(&[
            key("a", "1", false, false),
            key("b", "1", false, false),
            key("b", "2", true, false),
            key("b", "2", false, true),
            key("b", "3", false, false),
            key("c", "1", false, false),
        ]);
        assert_eq!(surplus(&set).collect::<Vec<_>>(), [("b", 2)]);
    }
}
