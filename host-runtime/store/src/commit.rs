//! What is written to the directory: changes, units, and what became of them.
//! Mirrors `wit/user-store.wit`.

use serde::{Deserialize, Serialize};

use crate::{Document, Key, Kind, Timestamp};

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
    /// Logins whose holder may have changed. If there are any and the subject is a
    /// user, the store MUST add every tracked value that the user ever held, up to
    /// [`limits::EVENT_LOGINS`](crate::limits::EVENT_LOGINS) in all: a claim on a former login means them too.
    pub logins: Vec<Vec<u8>>,
}

/// What there may not be more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounded {
    /// Users of the tenant.
    Users,
    /// Groups of the tenant.
    Groups,
    /// Members of one group, held ones among them.
    Members,
}

/// How much a unit may lead to. What is there already stays and can be changed, even
/// where it is more: only a unit that adds is refused. By default there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Users of the tenant, all connections together.
    pub users: u64,
    /// Groups of the tenant, all connections together.
    pub groups: u64,
    /// Members of a group.
    pub members: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            users: u64::MAX,
            groups: u64::MAX,
            members: u64::MAX,
        }
    }
}

impl Quota {
    /// What bounds documents of a kind, and how many there may be.
    pub fn of(self, kind: Kind) -> (Bounded, u64) {
        match kind {
            Kind::User => (Bounded::Users, self.users),
            Kind::Group => (Bounded::Groups, self.groups),
        }
    }
}

/// Changes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// In order.
    pub changes: Vec<Change>,
    /// Kept only if something really changed.
    pub event: Option<EventDraft>,
    /// What it may not exceed, checked inside the commit: a unit that would is
    /// [`Outcome::Full`].
    pub quota: Quota,
}

/// What one change did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
