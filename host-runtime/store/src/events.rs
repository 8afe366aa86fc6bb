//! The event log of a tenant: what happened to people, groups and hosts.

use crate::{Assignment, ConnectionId, Kind, Timestamp};

/// Names of events that a store looks at or makes by itself. Others mean nothing to it.
pub mod event_names {
    /// A user came; ends what is kept of one who left under the same id.
    pub const USER_CREATED: &str = "user.created";
    /// A user came who may not sign in. Whoever asks for names that begin with
    /// [`USER_CREATED`] is told of it too.
    pub const USER_CREATED_INACTIVE: &str = "user.created.inactive";
    /// A user may not sign in any more.
    pub const USER_DEACTIVATED: &str = "user.deactivated";
    /// A user may sign in again.
    pub const USER_REACTIVATED: &str = "user.reactivated";
    /// A user is gone.
    pub const USER_DELETED: &str = "user.deleted";
    /// Another assignment was written to a host.
    pub const ASSIGNMENT_CHANGED: &str = "assignment.changed";
    /// A host is gone.
    pub const HOST_DELETED: &str = "host.deleted";
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A person of the directory.
    User,
    /// A group of the directory.
    Group,
    /// A host.
    Host,
}

impl Subject {
    /// The kind of document; none for a host.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::User => Some(Kind::User),
            Self::Group => Some(Kind::Group),
            Self::Host => None,
        }
    }

    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Host => "host",
        }
    }
}

impl From<Kind> for Subject {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::User,
            Kind::Group => Self::Group,
        }
    }
}

/// An entry of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Per tenant, without gaps in visible order.
    pub seq: u64,
    /// Where it happened; none for a host, which belongs to no connection.
    pub connection: Option<ConnectionId>,
    /// When.
    pub at: Timestamp,
    /// What, e.g. `user.updated`.
    pub name: String,
    /// Of the subject.
    pub subject_kind: Subject,
    /// The document or host it is about.
    pub subject: String,
    /// The document's JSON before; none if it was created. Of a host, its
    /// [assignment](Assignment::json); none if it was [never
    /// found](Assignment::never_found).
    pub before: Option<Vec<u8>>,
    /// And after; none if it was deleted.
    pub after: Option<Vec<u8>>,
    /// Members that came.
    pub added: Vec<String>,
    /// Members that went.
    pub removed: Vec<String>,
    /// Logins whose holder may have changed.
    pub logins: Vec<Vec<u8>>,
    /// Mapping has worked it in (true at once if `logins` is empty).
    pub settled: bool,
}

impl Event {
    /// The event of a host whose assignment was another before; `after` is none once
    /// the host is deleted. Its number is given when it is appended.
    pub fn of_host(
        at: Timestamp,
        host: &str,
        before: &Assignment,
        after: Option<&Assignment>,
    ) -> Self {
        let name = match after {
            Some(_) => event_names::ASSIGNMENT_CHANGED,
            None => event_names::HOST_DELETED,
        };
        Self {
            seq: 0,
            connection: None,
            at,
            name: name.to_owned(),
            subject_kind: Subject::Host,
            subject: host.to_owned(),
            before: (!before.never_found()).then(|| before.json()),
            after: after.map(Assignment::json),
            added: Vec::new(),
            removed: Vec::new(),
            logins: Vec::new(),
            settled: true,
        }
    }
}
