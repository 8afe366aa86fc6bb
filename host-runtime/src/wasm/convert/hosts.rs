//! `host-store` and the store's hosts.

use nameplate_store as store;

use super::list;
use crate::wasm::bindings::nameplate::scim::host_store;

impl From<store::Source> for host_store::Source {
    fn from(source: store::Source) -> Self {
        match source {
            store::Source::Manual => Self::Manual,
            store::Source::Enrollment => Self::Enrollment,
            store::Source::ChromeProfile => Self::ChromeProfile,
            store::Source::Custom => Self::Custom,
            store::Source::Serial => Self::Serial,
            store::Source::Other(name) => Self::Other(name),
        }
    }
}

impl From<host_store::Source> for store::Source {
    fn from(source: host_store::Source) -> Self {
        match source {
            host_store::Source::Manual => Self::Manual,
            host_store::Source::Enrollment => Self::Enrollment,
            host_store::Source::ChromeProfile => Self::ChromeProfile,
            host_store::Source::Custom => Self::Custom,
            host_store::Source::Serial => Self::Serial,
            host_store::Source::Other(name) => Self::Other(name),
        }
    }
}

impl From<store::Claim> for host_store::Claim {
    fn from(claim: store::Claim) -> Self {
        let store::Claim {
            id,
            source,
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
        } = claim;
        Self {
            id,
            source: source.into(),
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras: Vec::new(),
        }
    }
}

impl From<host_store::Claim> for store::Claim {
    fn from(claim: host_store::Claim) -> Self {
        let host_store::Claim {
            id,
            source,
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras: _,
        } = claim;
        Self {
            id,
            source: source.into(),
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
        }
    }
}

impl From<store::AssignmentOutcome> for host_store::Outcome {
    fn from(outcome: store::AssignmentOutcome) -> Self {
        match outcome {
            store::AssignmentOutcome::Linked => Self::Linked,
            store::AssignmentOutcome::Pending => Self::Pending,
            store::AssignmentOutcome::Ambiguous => Self::Ambiguous,
            store::AssignmentOutcome::Unassigned => Self::Unassigned,
            store::AssignmentOutcome::Shared => Self::Shared,
        }
    }
}

impl From<host_store::Outcome> for store::AssignmentOutcome {
    fn from(outcome: host_store::Outcome) -> Self {
        match outcome {
            host_store::Outcome::Linked => Self::Linked,
            host_store::Outcome::Pending => Self::Pending,
            host_store::Outcome::Ambiguous => Self::Ambiguous,
            host_store::Outcome::Unassigned => Self::Unassigned,
            host_store::Outcome::Shared => Self::Shared,
        }
    }
}

impl From<store::Assignment> for host_store::Assignment {
    fn from(assignment: store::Assignment) -> Self {
        let store::Assignment {
            outcome,
            user,
            login,
            reason,
        } = assignment;
        Self {
            outcome: outcome.into(),
            user,
            login,
            reason,
        }
    }
}

impl From<host_store::Assignment> for store::Assignment {
    fn from(assignment: host_store::Assignment) -> Self {
        let host_store::Assignment {
            outcome,
            user,
            login,
            reason,
        } = assignment;
        Self {
            outcome: outcome.into(),
            user,
            login,
            reason,
        }
    }
}

/// A host without its description: mapping needs none of it.
pub(in crate::wasm) fn host_to_wit(host: store::Host) -> host_store::HostState {
    let store::Host {
        record,
        created: _,
        version,
        claims,
        assignment,
        assigned: _,
    } = host;
    host_store::HostState {
        id: record.id,
        version,
        claims: list(claims),
        assignment: assignment.into(),
        extras: Vec::new(),
    }
}

impl From<store::HostWrite> for host_store::WriteOutcome {
    fn from(outcome: store::HostWrite) -> Self {
        match outcome {
            store::HostWrite::Written(version) => Self::Written(version),
            store::HostWrite::Unchanged(version) => Self::Unchanged(version),
            store::HostWrite::Stale(version) => Self::Stale(version),
            store::HostWrite::NoHost => Self::NoHost,
        }
    }
}
