//! The directory as the protocol sees it: a store of documents, index keys and
//! edges that knows no SCIM. Mirrors `wit/user-store.wit`, which holds the
//! contract; the component implements [`Directory`] over its imports, the
//! conformance tests over a store in the same process.
//!
//! This module must not know what any attribute means.

use thiserror::Error;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = u64;

/// A reserved index, see [`Find::index`]: each document under the bytes of its id.
pub const BY_ID: &str = "@id";

/// A reserved index, see [`Find::index`]: each document under its `modified` as
/// 8 bytes, big-endian ([`u64::to_be_bytes`]).
pub const BY_MODIFIED: &str = "@modified";

/// What a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person.
    User,
    /// A group of users and groups.
    Group,
}

/// One resource as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it describes.
    pub kind: Kind,
    /// Unique within the tenant, across kinds and connections.
    pub id: String,
    /// The connection it belongs to, by name.
    pub connection: String,
    /// Starts at 1, up by one with each real change.
    pub version: u64,
    /// When it was created.
    pub created: Timestamp,
    /// The last real change of the document or, for a group, of its members.
    pub modified: Timestamp,
    /// A short name; at most 1024 bytes.
    pub label: String,
    /// The plugin's JSON; opaque.
    pub json: Vec<u8>,
    /// For a group, how many members are attached; 0 for a user.
    pub member_count: u64,
}

/// One index entry of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Which index. A name that begins with `@` is reserved, and a put or rekey
    /// that has one is refused.
    pub attribute: String,
    /// Folded by the plugin.
    pub value: Vec<u8>,
    /// No two documents of one connection and kind hold it under this attribute.
    pub unique: bool,
    /// Keep from when to when this document held it (see [`Directory::holders`]).
    pub tracked: bool,
}

/// Which index entries to walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRange {
    /// All documents of the kind, by id.
    All,
    /// Equal to the value.
    Equal(Vec<u8>),
    /// Starting with the value.
    Prefix(Vec<u8>),
    /// Between two values, both inclusive.
    Between(Option<Vec<u8>>, Option<Vec<u8>>),
    /// Holding the value somewhere; refused on a reserved index.
    Contains(Vec<u8>),
}

/// The order of a walk: by key value, then id (ids alone for [`KeyRange::All`]
/// and [`KeyRange::Equal`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// How much of each hit is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Ids alone.
    Ids,
    /// Ids and the key they were found under.
    Keys,
    /// Whole documents.
    Documents,
}

/// A walk over one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// Users or groups.
    pub kind: Kind,
    /// Which index; ignored for [`KeyRange::All`].
    ///
    /// [`BY_ID`] and [`BY_MODIFIED`] are reserved: the store keeps them by itself,
    /// they need no keys, hold each document once and are ready whatever
    /// [`Directory::index_ready`] says. Another name that begins with `@` is refused.
    pub index: String,
    /// Which part of it.
    pub range: KeyRange,
    /// In which order.
    pub direction: Direction,
    /// Hits to pass over first.
    pub skip: u64,
    /// Where an earlier page said to go on: its `next`, with the same kind, index,
    /// range and direction. Anything else, whatever its bytes, is
    /// [`DirectoryError::Refused`], so it may come from a client.
    pub after: Option<Vec<u8>>,
    /// At most this many hits; 0 asks for the total alone.
    pub limit: u32,
    /// How much of each.
    pub want: Detail,
}

/// One hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The document.
    pub id: String,
    /// The value it was found under, for [`Detail::Keys`].
    pub key: Option<Vec<u8>>,
    /// The document itself, for [`Detail::Documents`].
    pub document: Option<Document>,
}

/// A page of hits, each document once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Where to go on, at most 1024 bytes; none at the end.
    pub next: Option<Vec<u8>>,
    /// How many documents the range holds, never an estimate. On a page without
    /// `after` always there for [`KeyRange::All`] and [`KeyRange::Equal`], else none
    /// where counting would mean walking; on later pages only where it costs nothing.
    pub total: Option<u64>,
}

/// Membership of one document in one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The group.
    pub group: String,
    /// The member.
    pub member: String,
}

/// A member as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member document.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its label.
    pub label: String,
}

/// A page of members by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<Member>,
    /// Pass as `after` to go on.
    pub next: Option<String>,
}

/// A group a document belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// Its label.
    pub label: String,
    /// Is the document itself a member, or through another group.
    pub direct: bool,
    /// When the edge was made (for an indirect one, the newest on the way).
    pub since: Timestamp,
}

/// All groups of one document, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The groups.
    pub groups: Vec<Membership>,
    /// When an edge of this document was last removed.
    pub last_removed: Option<Timestamp>,
}

/// A span in which a document held a tracked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The key's attribute.
    pub attribute: String,
    /// The key's value.
    pub value: Vec<u8>,
    /// The document.
    pub document: String,
    /// Its connection, by name.
    pub connection: String,
    /// First moment.
    pub from: Timestamp,
    /// None while it still holds it.
    pub until: Option<Timestamp>,
    /// False once the document is deleted.
    pub alive: bool,
}

/// A member as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// The id sent.
    pub id: String,
    /// The name sent.
    pub display: Option<String>,
    /// Matched against unique keys of users, where unknown members are held and the id
    /// means no document: the user who has it is meant at once, else the first to come.
    pub login: Option<Vec<u8>>,
}

/// A member that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMember {
    /// The group that waits.
    pub group: String,
    /// The id sent.
    pub id: String,
    /// The name sent.
    pub display: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// What has to be true for a change, checked inside the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// No document of this id exists in the tenant.
    Absent,
    /// It exists in this connection with the change's kind.
    Exists,
    /// It exists and has this version.
    Version(u64),
}

/// What to do with members that do not exist in the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Keep them aside until they arrive.
    Hold,
    /// Leave them out.
    Skip,
    /// Refuse the unit.
    Fail,
}

/// Creates or replaces a document with its whole key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Users or groups.
    pub kind: Kind,
    /// The document.
    pub id: String,
    /// Checked first.
    pub condition: Precondition,
    /// Its short name.
    pub label: String,
    /// Its content.
    pub json: Vec<u8>,
    /// Its whole key set; repeated entries count once.
    pub keys: Vec<Key>,
    /// Names the rules the keys were made by.
    pub index_version: String,
}

/// Deletes a document, its keys and its edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Users or groups.
    pub kind: Kind,
    /// The document.
    pub id: String,
    /// Checked first.
    pub condition: Precondition,
}

/// Changes the members of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDelta {
    /// The group.
    pub group: String,
    /// Checked first.
    pub condition: Precondition,
    /// First remove all that `add` does not name.
    pub replace: bool,
    /// To add; repeated ids count once.
    pub add: Vec<NewMember>,
    /// To remove, attached or held.
    pub remove: Vec<String>,
    /// What to do with unknown ones.
    pub if_missing: IfMissing,
}

/// Replaces the keys of a document whose content stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekey {
    /// Users or groups.
    pub kind: Kind,
    /// The document.
    pub id: String,
    /// Does nothing if this is no longer current.
    pub version: u64,
    /// The whole key set.
    pub keys: Vec<Key>,
    /// Names the rules the keys were made by.
    pub index_version: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Create or replace a document.
    Put(Put),
    /// Delete a document.
    Delete(Delete),
    /// Change members.
    Members(MemberDelta),
    /// Replace keys alone.
    Rekey(Rekey),
}

/// What a unit means, for the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// E.g. `user.updated`.
    pub name: String,
    /// Of the subject.
    pub subject_kind: Kind,
    /// The document it is about.
    pub subject: String,
    /// Logins whose holder may have changed.
    pub logins: Vec<Vec<u8>>,
}

/// Changes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// In order.
    pub changes: Vec<Change>,
    /// Kept only if something really changed.
    pub event: Option<EventDraft>,
}

/// What one change did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeResult {
    /// False if the stored state is as it was.
    pub changed: bool,
    /// After the change (of a deleted document, its last).
    pub version: u64,
    /// When the document was created.
    pub created: Timestamp,
    /// After the change.
    pub modified: Timestamp,
    /// Members that came.
    pub members_added: u64,
    /// Members that went.
    pub members_removed: u64,
    /// Ids of `add` that are held or skipped, at most 100.
    pub absent_members: Vec<String>,
    /// Groups whose held member this document turned out to be.
    pub attached_to: Vec<String>,
}

/// What there may not be more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// Users of the tenant.
    Users,
    /// Groups of the tenant.
    Groups,
    /// Members of one group, held ones among them.
    Members,
}

/// What became of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Durable.
    Committed {
        /// One for each change.
        results: Vec<ChangeResult>,
        /// The event's number, if one was kept.
        seq: Option<u64>,
    },
    /// A precondition did not hold.
    Stale {
        /// Which change, from 0.
        change: u32,
        /// The document as it is now.
        current: Option<Document>,
    },
    /// A unique key is held by another document.
    KeyTaken {
        /// Which change, from 0.
        change: u32,
        /// Which key.
        attribute: String,
        /// By whom.
        owner: String,
    },
    /// [`IfMissing::Fail`], and these do not exist; at most 100.
    Missing(Vec<String>),
    /// There is no room for what the unit adds.
    Full {
        /// Which change, from 0.
        change: u32,
        /// Of what there would be too many.
        what: Bounded,
        /// How many there may be.
        most: u64,
    },
    /// Not tried, for `stop_after` units had failed.
    NotTried,
}

/// Trouble with the store. Expected outcomes are values, never errors.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DirectoryError {
    /// The store cannot answer now; the same call may succeed later.
    #[error("the directory is not available: {0}")]
    Unavailable(String),
    /// The call broke the store's contract or its scope: a bug, but for
    /// [`Find::after`], which may come from a client.
    #[error("the directory refused the call: {0}")]
    Refused(String),
    /// Anything else.
    #[error("the directory failed: {0}")]
    Other(String),
}

/// The store of one connection. See `wit/user-store.wit` for each call's contract.
pub trait Directory {
    /// Reads one document.
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError>;
    /// Reads up to 1000 documents of any kind; absent ones are left out, in any order.
    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError>;
    /// Walks documents.
    fn find(&mut self, find: &Find) -> Result<Page, DirectoryError>;
    /// Has every document keys of this index-version?
    fn index_ready(&mut self, index_version: &str) -> Result<bool, DirectoryError>;
    /// Which of these edges exist, in order; at most 1000.
    fn has_edges(&mut self, edges: &[Edge]) -> Result<Vec<bool>, DirectoryError>;
    /// Reads members by id, at most 10000 at a time.
    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, DirectoryError>;
    /// Reads the groups of a document; with `transitive` those above them too.
    fn groups_of(&mut self, member: &str, transitive: bool) -> Result<Memberships, DirectoryError>;
    /// Reads held members of a group by id, at most 1000.
    fn held_members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError>;
    /// Who holds or held any of these tracked values (at most 16), oldest first.
    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError>;
    /// Writes units, each wholly or not at all; durable on return.
    fn commit(
        &mut self,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, DirectoryError>;
}
