//! What all writes share: new ids, one unit per request, labels, and the logins
//! whose holder a change may have moved.
//!
//! This module must not know what a request looks like.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{
    ChangeResult, DirectoryError, Document, Key, Kind, Outcome, Precondition, Put, Unit,
};
use crate::error::ScimError;
use crate::filter::{index_version, keys_of};
use crate::resource::room::MAX_DOCUMENT;
use crate::response::Failure;
use crate::schema::ResourceType;
use crate::service::Call;

/// How often a change is tried on what another writer left, before the client is
/// asked to come back. Eight writers on one resource need it about twice.
pub(crate) const ATTEMPTS: u32 = 5;

/// The most bytes of a label (`wit/user-store.wit`).
const MAX_LABEL: usize = 1024;

/// A new id: a UUIDv7 (RFC 9562 5.7), so that the order of ids is the order of
/// creation and lists show the oldest first.
pub(crate) fn new_id(call: &mut Call<'_>) -> String {
    let time = u128::from(call.env.now()) << 80;
    let chance = u128::from_be_bytes(call.env.random()) & !(u128::MAX << 80);
    let version = 0x7_u128 << 76;
    let variant = 0b10_u128 << 62;
    let bits = (time | chance) & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let hex = format!("{bits:032x}");
    let mut id = String::with_capacity(36);
    for (place, digit) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

/// Writes one unit: one request, wholly or not at all.
pub(crate) fn commit(call: &mut Call<'_>, unit: Unit) -> Result<Outcome, Failure> {
    let commit_id = call.env.random();
    let outcomes = call.directory.commit(commit_id, vec![unit], None)?;
    outcomes
        .into_iter()
        .next()
        .ok_or_else(|| DirectoryError::Other("a commit without an outcome".to_owned()).into())
}

/// A document as it is going to be written.
pub(crate) struct Draft {
    pub label: String,
    pub json: Vec<u8>,
    pub keys: Vec<Key>,
}

/// A document's content as it is stored: the same text for the same content.
///
/// # Errors
/// `invalidValue` for more than a store takes. A body may be larger than that, and
/// small changes add up.
pub(crate) fn text(rt: &ResourceType, content: &Map<String, Value>) -> Result<Vec<u8>, ScimError> {
    let json = crate::response::bytes(content);
    if json.len() > MAX_DOCUMENT {
        return Err(ScimError::invalid_value(format!(
            "the {} would have more than {MAX_DOCUMENT} bytes: send fewer or shorter values",
            rt.name
        )));
    }
    Ok(json)
}

impl Draft {
    /// `json` is the content's [`text`].
    pub fn new(
        rt: &ResourceType,
        config: &Config,
        content: &Map<String, Value>,
        json: Vec<u8>,
    ) -> Self {
        let name = match rt.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        let label = content
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default();
        Self {
            label: cut(label, MAX_LABEL).to_owned(),
            json,
            keys: keys_of(rt, content, config),
        }
    }

    pub fn put(self, kind: Kind, id: &str, condition: Precondition, config: &Config) -> Put {
        Put {
            kind,
            id: id.to_owned(),
            condition,
            label: self.label,
            json: self.json,
            keys: self.keys,
            index_version: index_version(config),
        }
    }
}

/// The beginning of a text, whole characters only.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The tracked values among keys: the logins a document is found by.
pub(crate) fn logins<'k>(keys: impl IntoIterator<Item = &'k Key>) -> BTreeSet<Vec<u8>> {
    let tracked = keys.into_iter().filter(|key| key.tracked);
    tracked.map(|key| key.value.clone()).collect()
}

/// The logins that came, went or are held another way. A value that goes from an
/// e-mail to the userName counts: a userName decides before an e-mail does.
pub(crate) fn moved_logins(before: &[Key], now: &[Key]) -> BTreeSet<Vec<u8>> {
    let (before, now): (BTreeSet<&Key>, BTreeSet<&Key>) =
        (before.iter().collect(), now.iter().collect());
    logins(before.symmetric_difference(&now).copied())
}

/// A document just created, without the content that is at hand.
pub(crate) fn created(kind: Kind, id: String, results: &[ChangeResult]) -> Document {
    let document = Document {
        kind,
        id,
        connection: String::new(),
        version: 0,
        created: 0,
        modified: 0,
        label: String::new(),
        json: Vec::new(),
        member_count: 0,
    };
    after(document, results)
}

/// A document after a change of it; its content is not touched.
pub(crate) fn after(mut document: Document, results: &[ChangeResult]) -> Document {
    for result in results {
        document.version = document.version.max(result.version);
        document.created = result.created;
        document.modified = document.modified.max(result.modified);
        document.member_count = document
            .member_count
            .saturating_add(result.members_added)
            .saturating_sub(result.members_removed);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("", 3), "");
    }
}
