//! How values lie in columns.
//!
//! Numbers are 63 bits, lists of bytes are length-prefixed blobs, outcomes are
//! JSON. What cannot be read back is [`nameplate_store::StoreError::Corrupt`].

use nameplate_store::{Bounded, ChangeResult, ConnectionId, Document, Key, Kind, Outcome, Subject};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use super::errors::Fault;

/// A number that is never negative.
#[derive(Clone, Copy)]
pub struct U(pub u64);

impl U {
    /// The nearest number that a column holds: to compare with, where a larger one means
    /// no more than the largest.
    pub fn within(number: u64) -> Self {
        Self(number.min(i64::MAX.unsigned_abs()))
    }
}

impl ToSql for U {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(number.into())
    }
}

impl FromSql for U {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// A kind: 0 user, 1 group.
#[derive(Clone, Copy)]
pub struct K(pub Kind);

fn number(kind: Kind) -> i64 {
    match kind {
        Kind::User => 0,
        Kind::Group => 1,
    }
}

impl ToSql for K {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(number(self.0).into())
    }
}

impl FromSql for K {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self(Kind::User)),
            1 => Ok(Self(Kind::Group)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// What an event is about: a kind as [`K`], or 2 for a host.
#[derive(Clone, Copy)]
pub struct S(pub Subject);

impl ToSql for S {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.kind().map_or(2, number).into())
    }
}

impl FromSql for S {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            2 => Ok(Self(Subject::Host)),
            _ => K::column_result(value).map(|kind| Self(kind.0.into())),
        }
    }
}

/// A connection, or 0 for none.
#[derive(Clone, Copy)]
pub struct C(pub Option<ConnectionId>);

impl ToSql for C {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.map_or(0, |connection| connection.0).into())
    }
}

impl FromSql for C {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        Ok(Self((number != 0).then_some(ConnectionId(number))))
    }
}

/// Byte strings of at most 64 KiB one after another, each after its length.
pub fn pack<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut packed = Vec::new();
    for item in items {
        let item = item.get(..usize::from(u16::MAX)).unwrap_or(item);
        packed.extend_from_slice(&u16::try_from(item.len()).unwrap_or(u16::MAX).to_be_bytes());
        packed.extend_from_slice(item);
    }
    packed
}

/// Reads what [`pack`] wrote.
pub fn unpack(mut packed: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    let damaged = || Fault::corrupt("a packed list ends early");
    let mut items = Vec::new();
    while !packed.is_empty() {
        let (length, rest) = packed.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (item, rest) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or_else(damaged)?;
        items.push(item.to_vec());
        packed = rest;
    }
    Ok(items)
}

/// Reads a packed list of texts.
pub fn unpack_texts(packed: &[u8]) -> Result<Vec<String>, Fault> {
    unpack(packed)?.into_iter().map(text).collect()
}

fn text(bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|_| Fault::corrupt("a text is not utf-8"))
}

/// A key set as one blob: attribute, value and switches of each key.
pub fn pack_keys(keys: &[Key]) -> Vec<u8> {
    const SWITCHES: [&[u8]; 4] = [&[0], &[1], &[2], &[3]];
    pack(keys.iter().flat_map(|key| {
        let switches = usize::from(key.unique) + 2 * usize::from(key.tracked);
        [
            key.attribute.as_bytes(),
            &key.value,
            SWITCHES.get(switches).copied().unwrap_or_default(),
        ]
    }))
}

/// Reads what [`pack_keys`] wrote.
pub fn unpack_keys(packed: &[u8]) -> Result<Vec<Key>, Fault> {
    let mut keys = Vec::new();
    let mut items = unpack(packed)?.into_iter();
    while let Some(attribute) = items.next() {
        let (Some(value), Some(switches)) = (items.next(), items.next()) else {
            return Err(Fault::corrupt("a key set ends early"));
        };
        let switches = switches.first().copied().unwrap_or_default();
        keys.push(Key {
            attribute: text(attribute)?,
            value,
            unique: switches & 1 != 0,
            tracked: switches & 2 != 0,
        });
    }
    Ok(keys)
}

/// Bytes in JSON: as text where they are text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Raw(error.into_bytes()), Self::Text)
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        match bytes {
            Bytes::Text(text) => text.into_bytes(),
            Bytes::Raw(raw) => raw,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredDocument {
    kind: Kind,
    id: String,
    connection: i64,
    version: u64,
    created: u64,
    modified: u64,
    label: String,
    json: Bytes,
    member_count: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredOutcome {
    Committed {
        results: Vec<ChangeResult>,
        seq: Option<u64>,
    },
    Stale {
        change: u32,
        current: Option<StoredDocument>,
    },
    KeyTaken {
        change: u32,
        attribute: String,
        owner: String,
    },
    Missing(Vec<String>),
    Full {
        change: u32,
        what: Bounded,
        most: u64,
    },
    NotTried,
}

fn stored_document(document: Document) -> StoredDocument {
    let Document {
        kind,
        id,
        connection,
        version,
        created,
        modified,
        label,
        json,
        member_count,
    } = document;
    let (connection, json) = (connection.0, json.into());
    StoredDocument {
        kind,
        id,
        connection,
        version,
        created,
        modified,
        label,
        json,
        member_count,
    }
}

fn document(stored: StoredDocument) -> Document {
    let StoredDocument {
        kind,
        id,
        connection,
        version,
        created,
        modified,
        label,
        json,
        member_count,
    } = stored;
    let (connection, json) = (ConnectionId(connection), json.into());
    Document {
        kind,
        id,
        connection,
        version,
        created,
        modified,
        label,
        json,
        member_count,
    }
}

/// Outcomes as they are kept for a repeated commit-id.
pub fn write_outcomes(outcomes: &[Outcome]) -> Result<String, Fault> {
    let stored: Vec<StoredOutcome> = outcomes
        .iter()
        .cloned()
        .map(|outcome| match outcome {
            Outcome::Committed { results, seq } => StoredOutcome::Committed { results, seq },
            Outcome::Stale { change, current } => StoredOutcome::Stale {
                change,
                current: current.map(stored_document),
            },
            Outcome::KeyTaken {
                change,
                attribute,
                owner,
            } => StoredOutcome::KeyTaken {
                change,
                attribute,
                owner,
            },
            Outcome::Missing(ids) => StoredOutcome::Missing(ids),
            Outcome::Full { change, what, most } => StoredOutcome::Full { change, what, most },
            Outcome::NotTried => StoredOutcome::NotTried,
        })
        .collect();
    serde_json::to_string(&stored).map_err(|_| Fault::corrupt("outcomes cannot be written"))
}

/// Reads what [`write_outcomes`] wrote.
pub fn read_outcomes(text: &str) -> Result<Vec<Outcome>, Fault> {
    let stored: Vec<StoredOutcome> =
        serde_json::from_str(text).map_err(|_| Fault::corrupt("outcomes cannot be read"))?;
    Ok(stored
        .into_iter()
        .map(|outcome| match outcome {
            StoredOutcome::Committed { results, seq } => Outcome::Committed { results, seq },
            StoredOutcome::Stale { change, current } => Outcome::Stale {
                change,
                current: current.map(document),
            },
            StoredOutcome::KeyTaken {
                change,
                attribute,
                owner,
            } => Outcome::KeyTaken {
                change,
                attribute,
                owner,
            },
            StoredOutcome::Missing(ids) => Outcome::Missing(ids),
            StoredOutcome::Full { change, what, most } => Outcome::Full { change, what, most },
            StoredOutcome::NotTried => Outcome::NotTried,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn key_sets_survive() {
        let keys = vec![
            Key {
                attribute: "userName".to_owned(),
                value: vec![0, 255],
                unique: true,
                tracked: true,
            },
            Key {
                attribute: String::new(),
                value: Vec::new(),
                unique: false,
                tracked: true,
            },
        ];
        assert_eq!(unpack_keys(&pack_keys(&keys)).unwrap(), keys);
    }

    #[test]
    fn a_cut_key_set_is_damage() {
        let packed = pack_keys(&[Key {
            attribute: "a".to_owned(),
            value: vec![1],
            unique: true,
            tracked: false,
        }]);
        for cut in 1..packed.len() {
            assert!(unpack_keys(packed.get(..cut).unwrap()).is_err(), "{cut}");
        }
    }

    #[test]
    fn outcomes_survive_with_any_bytes() {
        let current = Document {
            kind: Kind::Group,
            id: "g".to_owned(),
            connection: ConnectionId(7),
            version: 3,
            created: 1,
            modified: 2,
            label: "ü".to_owned(),
            json: vec![0xff, 0x00],
            member_count: 4,
        };
        let outcomes = vec![
            Outcome::Committed {
                results: vec![ChangeResult::default()],
                seq: Some(9),
            },
            Outcome::Stale {
                change: 1,
                current: Some(current),
            },
            Outcome::KeyTaken {
                change: 0,
                attribute: "a".to_owned(),
                owner: "u".to_owned(),
            },
            Outcome::Missing(vec!["x".to_owned()]),
            Outcome::Full {
                change: 2,
                what: Bounded::Members,
                most: 250_000,
            },
            Outcome::NotTried,
        ];
        assert_eq!(
            read_outcomes(&write_outcomes(&outcomes).unwrap()).unwrap(),
            outcomes
        );
    }
}
