//! Walks of the directory in memory: which entries a range holds, in which order,
//! and the token a page ends with.

use std::hash::{DefaultHasher, Hash, Hasher};

use nameplate_scim::directory::{
    BY_ID, BY_MODIFIED, Change, Direction, DirectoryError, Find, KeyRange, Unit,
};

use crate::state::{State, Stored};

/// The hits of a walk in its order, each document under the key met first.
pub fn hits_of(state: &State, find: &Find) -> Vec<(Vec<u8>, String)> {
    let mut hits: Vec<(Vec<u8>, String)> = Vec::new();
    for (id, stored) in state
        .stored
        .iter()
        .filter(|(_, s)| s.document.kind == find.kind)
    {
        let mut values = entries(find, stored);
        values.retain(|value| holds(&find.range, value));
        values.sort();
        let met_first = match find.direction {
            Direction::Ascending => values.into_iter().next(),
            Direction::Descending => values.into_iter().next_back(),
        };
        hits.extend(met_first.map(|value| (value, id.clone())));
    }
    hits.sort();
    if find.direction == Direction::Descending {
        hits.reverse();
    }
    hits
}

/// A document's values in the index that is walked.
fn entries(find: &Find, stored: &Stored) -> Vec<Vec<u8>> {
    if find.range == KeyRange::All {
        return vec![Vec::new()];
    }
    match find.index.as_str() {
        BY_ID => vec![stored.document.id.clone().into_bytes()],
        BY_MODIFIED => vec![stored.document.modified.to_be_bytes().to_vec()],
        index => {
            let keys = stored.keys.iter().filter(|k| k.attribute == index);
            keys.map(|k| k.value.clone()).collect()
        }
    }
}

fn holds(range: &KeyRange, value: &Vec<u8>) -> bool {
    match range {
        KeyRange::All => true,
        KeyRange::Equal(v) => value == v,
        KeyRange::Prefix(v) => value.starts_with(v),
        KeyRange::Between(from, to) => {
            from.as_ref().is_none_or(|f| value >= f) && to.as_ref().is_none_or(|t| value <= t)
        }
        KeyRange::Contains(v) => value.windows(v.len().max(1)).any(|w| w == v),
    }
}

pub fn reserved(find: &Find) -> bool {
    find.range != KeyRange::All && find.index.starts_with('@')
}

pub fn refused<T>(why: &str) -> Result<T, DirectoryError> {
    Err(DirectoryError::Refused(why.to_owned()))
}

pub fn check_index(find: &Find) -> Result<(), DirectoryError> {
    if !reserved(find) {
        return Ok(());
    }
    if ![BY_ID, BY_MODIFIED].contains(&find.index.as_str()) {
        return refused("an unknown reserved index");
    }
    if matches!(find.range, KeyRange::Contains(_)) {
        return refused("contains on a reserved index");
    }
    Ok(())
}

/// No put may write a reserved index.
pub fn check_keys(units: &[Unit]) -> Result<(), DirectoryError> {
    let keys = units
        .iter()
        .flat_map(|unit| &unit.changes)
        .map(|c| match c {
            Change::Put(put) => put.keys.as_slice(),
            Change::Rekey(rekey) => rekey.keys.as_slice(),
            Change::Delete(_) | Change::Members(_) => &[],
        });
    match keys.flatten().any(|key| key.attribute.starts_with('@')) {
        true => refused("a key in a reserved index"),
        false => Ok(()),
    }
}

/// Where a page ended, bound to its walk.
pub fn token(find: &Find, (value, id): &(Vec<u8>, String)) -> Vec<u8> {
    let index = if find.range == KeyRange::All {
        ""
    } else {
        &find.index
    };
    let walk = format!("{:?}{:?}{index}{:?}", find.kind, find.direction, find.range);
    let mut hasher = DefaultHasher::new();
    (walk, value, id).hash(&mut hasher);
    let length = u16::try_from(value.len()).unwrap();
    let parts: [&[u8]; 4] = [
        &hasher.finish().to_be_bytes(),
        &length.to_be_bytes(),
        value,
        id.as_bytes(),
    ];
    parts.concat()
}

/// The hit a page ended with, if `after` is of this walk.
pub fn read_token(find: &Find, after: &[u8]) -> Option<(Vec<u8>, String)> {
    let (_, rest) = after.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (value, id) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let hit = (value.to_vec(), String::from_utf8(id.to_vec()).ok()?);
    (token(find, &hit) == after).then_some(hit)
}

mod tests {
    use std::collections::BTreeSet;

    use nameplate_scim::directory::{
        Detail, Directory, DirectoryError, Document, Find, Key, KeyRange, Kind, Page, Precondition,
        Put, Unit,
    };

    use super::{BY_ID, BY_MODIFIED, Change, Direction, Stored};
    use crate::directory::Memory;

    /// Users `a` to `d`, changed last at 3, 1, 3 and 2.
    fn people() -> Memory {
        let mut memory = Memory::default();
        for (id, modified) in [("a", 3), ("b", 1), ("c", 3), ("d", 2)] {
            let document = Document {
                kind: Kind::User,
                id: id.to_owned(),
                connection: "test".into(),
                version: 1,
                created: 0,
                modified,
                label: String::new(),
                json: b"{}".to_vec(),
                member_count: 0,
            };
            let stored = Stored {
                document,
                keys: BTreeSet::new(),
                index_version: "v1".into(),
            };
            memory.state.stored.insert(id.to_owned(), stored);
        }
        memory
    }

    fn walk(index: &str, range: KeyRange, direction: Direction) -> Find {
        Find {
            kind: Kind::User,
            index: index.to_owned(),
            range,
            direction,
            skip: 0,
            after: None,
            limit: 1,
            want: Detail::Ids,
        }
    }

    /// The ids of a walk, a page of one at a time, and the first page's total.
    fn ids(memory: &mut Memory, mut find: Find) -> (String, Option<u64>) {
        let Page { hits, next, total } = memory.find(&find).unwrap();
        let (mut found, mut after) = (hits, next);
        while after.is_some() {
            find.after = after;
            let page = memory.find(&find).unwrap();
            found.extend(page.hits);
            after = page.next;
        }
        (found.into_iter().map(|hit| hit.id).collect(), total)
    }

    fn at(modified: u64) -> Option<Vec<u8>> {
        Some(modified.to_be_bytes().to_vec())
    }

    #[test]
    fn reserved_indexes_are_walked_by_value_then_id() {
        use Direction::{Ascending, Descending};
        let cases = [
            (
                BY_MODIFIED,
                KeyRange::Between(None, None),
                Ascending,
                "bdac",
            ),
            (
                BY_MODIFIED,
                KeyRange::Between(None, None),
                Descending,
                "cadb",
            ),
            (
                BY_MODIFIED,
                KeyRange::Between(at(2), None),
                Ascending,
                "dac",
            ),
            (
                BY_MODIFIED,
                KeyRange::Equal(3_u64.to_be_bytes().to_vec()),
                Descending,
                "ca",
            ),
            (BY_ID, KeyRange::Prefix(Vec::new()), Descending, "dcba"),
            (
                BY_ID,
                KeyRange::Between(Some(b"b".to_vec()), Some(b"c".to_vec())),
                Ascending,
                "bc",
            ),
        ];
        for (index, range, direction, expected) in cases {
            let find = walk(index, range, direction);
            let (found, total) = ids(&mut people(), find.clone());
            assert_eq!(
                (found.as_str(), total),
                (expected, Some(expected.len() as u64)),
                "{find:?}"
            );
        }
    }

    fn is_refused<T>(result: Result<T, DirectoryError>) -> bool {
        matches!(result, Err(DirectoryError::Refused(_)))
    }

    #[test]
    fn what_a_reserved_index_does_not_offer_is_refused() {
        let mut memory = people();
        let up = Direction::Ascending;
        let contains = KeyRange::Contains(b"a".to_vec());
        assert!(is_refused(memory.find(&walk(BY_ID, contains, up))));
        let unknown = walk("@created", KeyRange::Between(None, None), up);
        assert!(is_refused(memory.find(&unknown)));
        let put = Put {
            kind: Kind::User,
            id: "e".into(),
            condition: Precondition::Absent,
            label: String::new(),
            json: Vec::new(),
            keys: vec![Key {
                attribute: BY_ID.into(),
                value: Vec::new(),
                unique: false,
                tracked: false,
            }],
            index_version: "v1".into(),
        };
        let unit = Unit {
            changes: vec![Change::Put(put)],
            event: None,
        };
        assert!(is_refused(memory.commit([0; 16], vec![unit], None)));
    }

    #[test]
    fn a_token_of_another_walk_is_refused() {
        let mut memory = people();
        let up = walk(BY_ID, KeyRange::Between(None, None), Direction::Ascending);
        let token = memory.find(&up).unwrap().next.unwrap();
        let down = walk(BY_ID, KeyRange::Between(None, None), Direction::Descending);
        let changed = walk(
            BY_MODIFIED,
            KeyRange::Between(None, None),
            Direction::Ascending,
        );
        for (find, after) in [
            (&down, token.clone()),
            (&changed, token.clone()),
            (&up, b"a".to_vec()),
            (&up, Vec::new()),
            (&up, vec![255; 64]),
        ] {
            let find = Find {
                after: Some(after),
                ..find.clone()
            };
            assert!(is_refused(memory.find(&find)), "{find:?}");
        }
    }
}
