//! How every write goes: its request is read, a unit is made of it, committed, and
//! made again on what another writer left; at last there is what to answer. Also what
//! writes share: new ids, labels, and the logins whose holder a change may have moved.
//!
//! This module must not know how users and groups differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::bulk::Promises;
use crate::config::Config;
use crate::directory::{
    Bounded, Change, ChangeResult, DirectoryError, Document, EventDraft, Key, Kind, Outcome,
    Precondition, Put, Unit,
};
use crate::error::ScimError;
use crate::filter::{index_version, keys_of};
use crate::http::Response;
use crate::render::Renderer;
use crate::resource::room::MAX_DOCUMENT;
use crate::resource::{Body, Rule};
use crate::response::{self, Failure};
use crate::schema::ResourceType;
use crate::service::{Call, busy, no_such, taken};
use crate::{groups, users};

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

/// What a request asks to be done to one resource.
pub(crate) struct Wish<'p> {
    pub kind: Kind,
    /// The resource; of one to be created, its new id.
    pub id: &'p str,
    pub verb: Verb,
    /// Ids its body may hold of what is not there yet.
    pub promises: Option<&'p Promises>,
}

impl<'p> Wish<'p> {
    pub fn new(kind: Kind, id: &'p str, verb: Verb) -> Self {
        Self {
            kind,
            id,
            verb,
            promises: None,
        }
    }

    /// A body of POST or PUT.
    pub fn body(
        &self,
        call: &mut Call<'_>,
        sent: &[u8],
        rt: &ResourceType,
    ) -> Result<Body, ScimError> {
        let mut body = read_body(call, sent, rt)?;
        if let Some(promises) = self.promises {
            promises.leave_out(&mut body);
        }
        Ok(body)
    }
}

/// The methods that write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// POST (RFC 7644 3.3).
    Create,
    /// PUT (RFC 7644 3.5.1).
    Replace,
    /// PATCH (RFC 7644 3.5.2).
    Patch,
    /// DELETE (RFC 7644 3.6).
    Delete,
    /// The body of a POST again, for what had to be left out of it the first time. Takes
    /// nothing away.
    Complete,
}

/// One write, read from its request.
pub(crate) trait Write {
    /// Reads what the change rests on and says what to commit. `failed` is what became
    /// of the unit before, if another writer was faster.
    ///
    /// # Errors
    /// What the client is refused with. Nothing has been written then.
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure>;
}

/// What a write comes to.
pub(crate) enum Step {
    /// The resource is as it should be.
    Nothing(Written),
    /// This has to be committed.
    Commit(Unit, Pending),
}

/// What to say of a unit once it is committed.
pub(crate) struct Pending {
    written: Written,
    /// The remark for the log; none if only members change.
    remark: Option<(&'static str, String)>,
}

/// A write that was carried out.
pub(crate) struct Written {
    /// As it is now, its content aside.
    pub document: Document,
    /// Its content.
    pub json: Vec<u8>,
    /// Can it be in groups, or have members.
    pub linked: bool,
    /// How the client is told.
    pub answer: Answer,
}

/// How a client is told of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 201 with the resource.
    Created,
    /// 200 with the resource.
    Changed,
    /// 200 with the resource, or 204 if it has more members than are shown, or if the
    /// client takes that for the right answer.
    Sparing,
    /// 204.
    Gone,
}

impl Pending {
    /// See [`Written::forget_content`].
    pub fn forget_content(&mut self) {
        self.written.forget_content();
    }
}

impl Written {
    /// Forgets the content of the resource, for answers that do not show it.
    pub fn forget_content(&mut self) {
        self.json = Vec::new();
        self.document.json = Vec::new();
    }

    /// The status. `links`: are the groups or members of the resource to be shown.
    pub fn status(&self, config: &Config, links: bool) -> u16 {
        let many = links && self.document.member_count > config.max_members_inline;
        match self.answer {
            Answer::Created => 201,
            Answer::Sparing if many || Rule::GroupWithoutBody.accepted(config.dialect) => 204,
            Answer::Changed | Answer::Sparing => 200,
            Answer::Gone => 204,
        }
    }
}

impl Verb {
    /// What a method does to a resource that is there.
    pub fn on_resource(method: &str) -> Option<Self> {
        match method {
            "PUT" => Some(Self::Replace),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Reads a write from the request.
pub(crate) fn read<'a>(
    call: &mut Call<'a>,
    wish: &Wish<'_>,
) -> Result<Box<dyn Write + 'a>, Failure> {
    match wish.kind {
        Kind::User => users::read_write(call, wish),
        Kind::Group => groups::read_write(call, wish),
    }
}

/// Answers a request that writes.
pub(crate) fn respond(call: &mut Call<'_>, wish: &Wish<'_>) -> Result<Response, Failure> {
    if wish.verb == Verb::Delete {
        let mut write = read(call, wish)?;
        run(call, &mut *write, None)?;
        return Ok(response::empty(204));
    }
    let query = call.query()?;
    let rt = call.resource_type(wish.kind);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let mut write = read(call, wish)?;
    let written = run(call, &mut *write, None)?;
    match wish.kind {
        Kind::User => users::answer(call, &renderer, &written),
        Kind::Group => groups::answer(call, &renderer, &written),
    }
}

/// Carries out a write: again if another writer was faster. `failed` is what became of
/// an attempt made elsewhere.
pub(crate) fn run(
    call: &mut Call<'_>,
    write: &mut dyn Write,
    mut failed: Option<Outcome>,
) -> Result<Written, Failure> {
    for _ in 0..ATTEMPTS {
        let (unit, pending) = match write.prepare(call, failed)? {
            Step::Nothing(written) => return Ok(written),
            Step::Commit(unit, pending) => (unit, pending),
        };
        let outcomes = commit(call, vec![unit], None)?;
        match outcomes.into_iter().next() {
            Some(Outcome::Committed { results, .. }) => {
                return Ok(finish(call, pending, &results));
            }
            Some(other) => failed = Some(other),
            None => return Err(no_outcome().into()),
        }
    }
    // The last attempt may have been refused for good.
    Err(failed.map_or_else(|| busy().into(), |failed| refusal(failed).into()))
}

/// Writes units, each wholly or not at all.
pub(crate) fn commit(
    call: &mut Call<'_>,
    units: Vec<Unit>,
    stop_after: Option<u32>,
) -> Result<Vec<Outcome>, DirectoryError> {
    let commit_id = call.env.random();
    call.directory.commit(commit_id, units, stop_after)
}

pub(crate) fn no_outcome() -> DirectoryError {
    DirectoryError::Other("a commit without an outcome".to_owned())
}

/// Takes note of what a unit has done.
pub(crate) fn finish(call: &mut Call<'_>, pending: Pending, results: &[ChangeResult]) -> Written {
    let Pending {
        mut written,
        remark,
    } = pending;
    let (kind, id) = (written.document.kind, written.document.id.clone());
    match remark {
        Some((code, text)) => call.action(code, text),
        None if results.iter().any(|result| result.changed) => {}
        None => note_unchanged(call, kind, &id),
    }
    groups::note_members(call, &id, results);
    let attached: usize = results.iter().map(|r| r.attached_to.len()).sum();
    if attached > 0 {
        call.action(
            "held-member-attached",
            format!(
                "{} {id} was waited for and is a member of {attached} more groups now",
                noun(kind)
            ),
        );
    }
    // A new user is in no group, unless somebody waited for it.
    written.linked |= attached > 0;
    written.document = after(written.document, results);
    written
}

fn note_unchanged(call: &mut Call<'_>, kind: Kind, id: &str) {
    let code = match kind {
        Kind::User => "user-unchanged",
        Kind::Group => "group-unchanged",
    };
    call.action(code, format!("{} {id} is as it was", noun(kind)));
}

/// What a kind is called in remarks and refusals.
pub(crate) fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
    }
}

/// The document a change is made on: as it is read, or as the writer left it who was
/// faster.
pub(crate) fn base(
    call: &mut Call<'_>,
    kind: Kind,
    id: &str,
    failed: Option<Outcome>,
) -> Result<Document, Failure> {
    let document = match failed {
        None => call.find(kind, id)?,
        Some(Outcome::Stale { current, .. }) => current.ok_or_else(|| no_such(kind, id))?,
        Some(failed) => return Err(refusal(failed).into()),
    };
    call.check_match(document.version)?;
    Ok(document)
}

/// What a client is told of a unit that was not committed and is not tried again.
pub(crate) fn refusal(failed: Outcome) -> ScimError {
    match failed {
        Outcome::KeyTaken { attribute, .. } => taken(&attribute),
        Outcome::Missing(ids) => groups::unknown_members(&ids),
        Outcome::Full { what, most, .. } => full(what, most),
        Outcome::Committed { .. } | Outcome::Stale { .. } | Outcome::NotTried => busy(),
    }
}

/// No room for more. RFC 7644 has no word for it; 507 (RFC 4918 11.5) says that the
/// request was fine, and that it may be sent again once there is room.
fn full(what: Bounded, most: u64) -> ScimError {
    let what = match what {
        Bounded::Users => format!("{most} users are as many as this tenant may have"),
        Bounded::Groups => format!("{most} groups are as many as this tenant may have"),
        Bounded::Members => format!("{most} members are as many as a group may have"),
    };
    ScimError::new(
        507,
        None,
        format!("{what}; have the limit raised, or remove some"),
    )
}

/// A body of POST or PUT.
pub(crate) fn read_body(
    call: &mut Call<'_>,
    sent: &[u8],
    rt: &ResourceType,
) -> Result<Body, ScimError> {
    Body::read(sent, rt, call.config, &mut call.notes)
}

impl Step {
    /// To be committed as one unit, with the event that tells of it.
    pub fn commit(
        changes: Vec<Change>,
        event: EventDraft,
        written: Written,
        remark: Option<(&'static str, String)>,
    ) -> Self {
        let unit = Unit {
            changes,
            event: Some(event),
        };
        Self::Commit(unit, Pending { written, remark })
    }

    /// The resource is as it should be.
    pub fn nothing(call: &mut Call<'_>, written: Written) -> Self {
        note_unchanged(call, written.document.kind, &written.document.id);
        Self::Nothing(written)
    }
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
    let json = response::bytes(content);
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

/// A document without content, version and times: one to be created or deleted.
pub(crate) fn blank(kind: Kind, id: &str) -> Document {
    Document {
        kind,
        id: id.to_owned(),
        connection: String::new(),
        version: 0,
        created: 0,
        modified: 0,
        label: String::new(),
        json: Vec::new(),
        member_count: 0,
    }
}

/// A document after a change of it; its content is not touched.
fn after(mut document: Document, results: &[ChangeResult]) -> Document {
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
