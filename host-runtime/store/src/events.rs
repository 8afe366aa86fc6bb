//! The event log of a tenant.

use crate::{ConnectionId, Kind, Timestamp};

/// An entry of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Per tenant, without gaps in visible order.
    pub seq: u64,
    /// Where it happened.
    pub connection: ConnectionId,
    /// When.
    pub at: Timestamp,
    /// What, e.g. `user.updated`.
    pub name: String,
    /// Of the subject.
    pub subject_kind: Kind,
    /// The document it is about.
    pub subject: String,
    /// The document's JSON before; none if it was created.
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
