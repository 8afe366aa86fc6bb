//! The directory: documents, index keys and edges. Mirrors `wit/user-store.wit`,
//! which holds the contract item by item; here is what a backend needs besides.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    ConnectionId, Departure, Erased, Event, Outcome, Rehearsal, Scope, StoreError, TenantId,
    Timestamp, Traces, Unit,
};

/// What a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// Starts at 1, up by one with each real change.
    pub version: u64,
    /// When it was created.
    pub created: Timestamp,
    /// The last real change of the document or, for a group, of its members.
    pub modified: Timestamp,
    /// A short name; at most [`limits::LABEL`] bytes.
    pub label: String,
    /// The plugin's JSON; opaque.
    pub json: Vec<u8>,
    /// For a group, how many members are attached; 0 for a user.
    pub member_count: u64,
}

/// Sizes a backend enforces ([`StoreError::Invalid`] beyond them).
pub mod limits {
    /// A document id, in bytes.
    pub const ID: usize = 64;
    /// A label, in bytes.
    pub const LABEL: usize = 1024;
    /// An attribute name of a key, in bytes.
    pub const ATTRIBUTE: usize = 128;
    /// A key value, in bytes: fits the smallest index row of the SQL backends.
    pub const KEY: usize = 512;
    /// A document's JSON, in bytes.
    pub const JSON: usize = 1 << 20;
    /// What a client sends as a member's id, in bytes.
    pub const MEMBER: usize = 512;
    /// Where a page ended, as [`Page::next`](super::Page::next), in bytes.
    pub const TOKEN: usize = 1024;
    /// Hits of one `find`, ids of one `get_many`.
    pub const PAGE: u32 = 1000;
    /// Members of one page.
    pub const MEMBERS_PAGE: u32 = 10_000;
    /// Documents' JSON in one page, in bytes: a page ends early beyond it.
    pub const PAGE_BYTES: usize = 4 << 20;
    /// Logins of an event up to which those of its subject are added: as many as
    /// one `claimed_by` takes.
    pub const EVENT_LOGINS: usize = 64;
    /// How long outcomes are kept for a repeated commit-id, in milliseconds.
    pub const COMMIT_MEMORY_MS: u64 = 10 * 60 * 1000;
}

/// One index entry of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Which index. A name that begins with `@` is reserved, and a put or rekey that
    /// has one is [`StoreError::Invalid`].
    pub attribute: String,
    /// Folded by the plugin.
    pub value: Vec<u8>,
    /// No two documents of one connection and kind hold it under this attribute.
    pub unique: bool,
    /// Keep from when to when this document held it (see [`UserStore::holders`]).
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
    /// Holding the value somewhere; [`StoreError::Invalid`] on a reserved index.
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
    /// Two are [`reserved`](crate::reserved), and a backend MUST keep them by itself
    /// whatever keys it is given: `@id`, each document under the bytes of its id, and
    /// `@modified`, each under its `modified` as 8 bytes, big-endian. They are ready
    /// at any time. Another name that begins with `@` is [`StoreError::Invalid`].
    pub index: String,
    /// Which part of it.
    pub range: KeyRange,
    /// In which order.
    pub direction: Direction,
    /// Hits to pass over first.
    pub skip: u64,
    /// Where an earlier page said to go on. It may come from a client, as any bytes:
    /// for one that no page of this walk (same connection, kind, index, range and
    /// direction) ended with, a backend MUST answer [`StoreError::Invalid`]. A
    /// counterfeit that no backend could tell MUST show nothing but the rest of this
    /// walk from a place in its range (see [`Mark`](crate::walk::Mark)).
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
    /// Where to go on; none at the end. Its form is the backend's own, at most
    /// [`limits::TOKEN`] bytes.
    pub next: Option<Vec<u8>>,
    /// How many documents the range holds, never an estimate. A page without `after`
    /// MUST have it for [`KeyRange::All`] and [`KeyRange::Equal`] and SHOULD where one
    /// count of index entries tells it. With `after` a backend SHOULD NOT count: the
    /// first page has told. A total of a whole kind MUST NOT cost a walk: keep a
    /// counter.
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
    /// Its connection.
    pub connection: ConnectionId,
    /// First moment.
    pub from: Timestamp,
    /// None while it still holds it.
    pub until: Option<Timestamp>,
    /// False once the document is deleted.
    pub alive: bool,
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

/// The directory of all tenants.
///
/// Every method is bound by its [`Scope`]. Where it names a connection, a backend
/// MUST NOT show or touch another one's documents, except in [`Self::holders`];
/// where it does not, reads see all connections of the tenant and `find` and
/// `commit` MUST answer [`StoreError::Denied`].
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Reads one document.
    async fn get(&self, scope: Scope, kind: Kind, id: &str)
    -> Result<Option<Document>, StoreError>;

    /// Reads up to [`limits::PAGE`] documents of any kind; absent ones are left out.
    async fn get_many(&self, scope: Scope, ids: &[String]) -> Result<Vec<Document>, StoreError>;

    /// Walks the documents of one connection.
    async fn find(&self, scope: Scope, find: &Find) -> Result<Page, StoreError>;

    /// Has every document of the connection keys of this index-version? True for
    /// an empty connection. MUST NOT cost a walk: keep a count per version.
    async fn index_ready(&self, scope: Scope, index_version: &str) -> Result<bool, StoreError>;

    /// Which of these edges exist, in order.
    async fn has_edges(&self, scope: Scope, edges: &[Edge]) -> Result<Vec<bool>, StoreError>;

    /// Reads members by id, at most [`limits::MEMBERS_PAGE`].
    async fn members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, StoreError>;

    /// Reads the groups of a document; with `transitive` those above them too.
    async fn groups_of(
        &self,
        scope: Scope,
        member: &str,
        transitive: bool,
    ) -> Result<Memberships, StoreError>;

    /// Ids of the users in a group and in the groups below it, each once, in the order
    /// of their ids, at most [`limits::PAGE`]; fewer than `limit` only at the end.
    ///
    /// However it is nested, and whatever cycles there are. A backend MUST find the
    /// groups below by an index that holds nested groups alone, so that it does not
    /// pass over users to find them; it MAY leave out groups beyond 10,000.
    async fn users_of(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// Reads held members by id.
    async fn held_members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, StoreError>;

    /// Who holds or held any of these tracked values, oldest first, in all
    /// connections of the tenant.
    ///
    /// Where there are more spans than the answer holds, a backend MUST leave out
    /// those of deleted documents first, then those that ended; of each the oldest
    /// (see [`spans::shown`](crate::spans::shown)). It MUST find the living ones by
    /// an index and not behind the dead: a login may have been created and deleted
    /// any number of times. It MAY forget ended spans that are left out of the answer
    /// for their value alone.
    async fn holders(&self, scope: Scope, values: &[Vec<u8>]) -> Result<Vec<Holding>, StoreError>;

    /// Writes units: each wholly or not at all, in order, durable on return.
    ///
    /// `now` becomes created, modified, event time and the bounds of holdings; a
    /// backend MUST NOT let `modified` of a document go backwards. With the event of a
    /// user, what is kept of their [departure](Departure) MUST follow
    /// ([`departures::Turn`](crate::departures::Turn)).
    async fn commit(
        &self,
        scope: Scope,
        now: Timestamp,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, StoreError>;

    /// Answers what [`Self::commit`] would do, and MUST leave no trace of it: no row, no
    /// number of an event, no commit-id.
    ///
    /// For previews. A backend does the units as it always does and takes them back.
    async fn rehearse(
        &self,
        scope: Scope,
        now: Timestamp,
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Rehearsal, StoreError>;

    /// Reads the event log from `after` (exclusive) on, at most 1000.
    ///
    /// A backend MAY forget events with 100,000 newer ones in their tenant, so
    /// that the log has a bound; never one that is not settled, and with fewer than
    /// 1,000,000 newer ones never one that a webhook which is not paused has still to
    /// pass. What is left keeps its number.
    async fn events(
        &self,
        tenant: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// From and to which number every event is there: `(oldest, newest)`, the first one
    /// past the last where none is. Who has read up to `oldest - 1` or further has
    /// missed nothing.
    async fn event_range(&self, tenant: TenantId) -> Result<(u64, u64), StoreError>;

    /// Events that mapping has not worked in, oldest first. MUST be found by an index.
    async fn unsettled(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<(TenantId, Event)>, StoreError>;

    /// Marks events as worked in.
    async fn settle(&self, tenant: TenantId, seqs: &[u64]) -> Result<(), StoreError>;

    /// People who left, by id, in all connections of the tenant, at most
    /// [`limits::PAGE`].
    async fn departures(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError>;

    /// Those of these people (at most [`limits::PAGE`]) who left, by id.
    async fn departures_of(
        &self,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<Departure>, StoreError>;

    /// All that is kept of one person, in all connections of the tenant; nothing if
    /// nothing is. It may look at every event of the tenant.
    async fn traces(&self, tenant: TenantId, id: &str) -> Result<Traces, StoreError>;

    /// Forgets one person, and is harmless to repeat.
    ///
    /// A live document MUST be deleted as a commit would, with the event `user.deleted`.
    /// Then MUST be gone: the documents and logins of every event about the person (which
    /// count as settled then), the spans in which logins were held, the departure, held
    /// edges that were sent with the id or one of the logins, and outcomes kept for a
    /// repeated commit that tell of the person. Numbers of events stay, and so does that
    /// there was somebody of this id.
    ///
    /// Since no event is left for mapping, hosts are to be [erased](crate::HostStore::erase)
    /// first. It may look at every event of the tenant, in pieces that nobody waits for.
    async fn erase(&self, tenant: TenantId, now: Timestamp, id: &str)
    -> Result<Erased, StoreError>;

    /// Forgets that somebody left; false if nothing is kept of them.
    async fn forget_departure(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError>;
}
