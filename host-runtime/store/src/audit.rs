//! The log of what administrators did.

use crate::{TenantId, Timestamp};

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Goes up in the installation; 0 until it is stored.
    pub id: u64,
    /// Whose it is; none for the installation itself.
    pub tenant: Option<TenantId>,
    /// When it was done.
    pub at: Timestamp,
    /// By whom; at most 255 bytes, as the next two.
    pub actor: String,
    /// What was done, as a stable name.
    pub action: String,
    /// To what.
    pub subject: String,
    /// More of it: a JSON object of at most 16 KiB.
    pub detail: String,
}
