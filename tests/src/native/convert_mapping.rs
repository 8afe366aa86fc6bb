//! Conversions between the store's and runtime's types and the mapping crate's.
//! Records are taken apart without `..`, as in [`convert`](super::convert).

use nameplate_mapping::claim::ClaimDraft;
use nameplate_mapping::hosts::{
    Assignment, Claim, Host, HostsError, Outcome as Found, Source, WriteOutcome,
};
use nameplate_mapping::person::Person;
use nameplate_mapping::service as mapping;
use nameplate_runtime::plugin;
use nameplate_scim::directory::DirectoryError;
use nameplate_store as store;

use super::convert::{directory_error, directory_error_back, kind_from_store};

pub(super) fn hosts_error(error: store::StoreError) -> HostsError {
    match directory_error(error) {
        DirectoryError::Unavailable(text) => HostsError::Unavailable(text),
        DirectoryError::Refused(text) => HostsError::Refused(text),
        DirectoryError::Other(text) => HostsError::Other(text),
    }
}

pub(super) fn mapping_error(error: mapping::MappingError) -> plugin::MappingError {
    match error {
        mapping::MappingError::NoHost => plugin::MappingError::NoHost,
        mapping::MappingError::Invalid(text) => plugin::MappingError::Invalid(text),
        mapping::MappingError::Directory(error) => {
            plugin::MappingError::Store(directory_error_back(error))
        }
        mapping::MappingError::Hosts(error) => plugin::MappingError::Store(match error {
            HostsError::Unavailable(text) => store::StoreError::Unavailable(text),
            HostsError::Refused(text) => store::StoreError::Invalid(text),
            HostsError::Other(text) => store::StoreError::Other(text),
        }),
        mapping::MappingError::Busy => plugin::MappingError::Busy,
    }
}

fn source(source: store::Source) -> Source {
    match source {
        store::Source::Manual => Source::Manual,
        store::Source::Enrollment => Source::Enrollment,
        store::Source::ChromeProfile => Source::ChromeProfile,
        store::Source::Custom => Source::Custom,
        store::Source::Serial => Source::Serial,
        store::Source::Other(name) => Source::other(name),
    }
}

pub(super) fn source_to_store(source: Source) -> store::Source {
    match source {
        Source::Manual => store::Source::Manual,
        Source::Enrollment => store::Source::Enrollment,
        Source::ChromeProfile => store::Source::ChromeProfile,
        Source::Custom => store::Source::Custom,
        Source::Serial => store::Source::Serial,
        Source::Shared => store::Source::Other(Source::SHARED.to_owned()),
        Source::Other(name) => store::Source::Other(name),
    }
}

fn claim(claim: store::Claim) -> Claim {
    let store::Claim {
        id,
        source: from,
        username,
        email,
        full_name,
        logins,
        since,
        withdrawn,
    } = claim;
    Claim {
        id,
        source: source(from),
        username,
        email,
        full_name,
        logins,
        since,
        withdrawn,
        extras: Vec::new(),
    }
}

pub(super) fn claim_to_store(claim: Claim) -> store::Claim {
    let Claim {
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
    store::Claim {
        id,
        source: source_to_store(source),
        username,
        email,
        full_name,
        logins,
        since,
        withdrawn,
    }
}

fn found(outcome: store::AssignmentOutcome) -> Found {
    match outcome {
        store::AssignmentOutcome::Linked => Found::Linked,
        store::AssignmentOutcome::Pending => Found::Pending,
        store::AssignmentOutcome::Ambiguous => Found::Ambiguous,
        store::AssignmentOutcome::Unassigned => Found::Unassigned,
        store::AssignmentOutcome::Shared => Found::Shared,
    }
}

fn found_to_store(outcome: Found) -> store::AssignmentOutcome {
    match outcome {
        Found::Linked => store::AssignmentOutcome::Linked,
        Found::Pending => store::AssignmentOutcome::Pending,
        Found::Ambiguous => store::AssignmentOutcome::Ambiguous,
        Found::Unassigned => store::AssignmentOutcome::Unassigned,
        Found::Shared => store::AssignmentOutcome::Shared,
    }
}

fn assignment(assignment: store::Assignment) -> Assignment {
    let store::Assignment {
        outcome,
        user,
        login,
        reason,
    } = assignment;
    Assignment {
        outcome: found(outcome),
        user,
        login,
        reason,
    }
}

pub(super) fn assignment_to_store(assignment: Assignment) -> store::Assignment {
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = assignment;
    store::Assignment {
        outcome: found_to_store(outcome),
        user,
        login,
        reason,
    }
}

/// A host without its description: mapping needs none of it.
pub(super) fn host(host: store::Host) -> Host {
    let store::Host {
        record,
        created: _,
        version,
        claims,
        assignment: stored,
        assigned: _,
    } = host;
    Host {
        id: record.id,
        version,
        claims: claims.into_iter().map(claim).collect(),
        assignment: assignment(stored),
        extras: Vec::new(),
    }
}

pub(super) fn write_outcome(outcome: store::HostWrite) -> WriteOutcome {
    match outcome {
        store::HostWrite::Written(version) => WriteOutcome::Written(version),
        store::HostWrite::Unchanged(version) => WriteOutcome::Unchanged(version),
        store::HostWrite::Stale(version) => WriteOutcome::Stale(version),
        store::HostWrite::NoHost => WriteOutcome::NoHost,
    }
}

pub(super) fn event(event: plugin::MappingEvent) -> mapping::Event {
    match event {
        plugin::MappingEvent::Directory(change) => {
            let plugin::DirectoryChange {
                seq,
                name,
                subject_kind,
                subject,
                logins,
            } = change;
            mapping::Event::Directory(mapping::DirectoryChange {
                seq,
                name,
                subject_kind: kind_from_store(subject_kind),
                subject,
                logins,
            })
        }
        plugin::MappingEvent::Claimed(host, draft) => {
            let plugin::ClaimDraft {
                id,
                source: from,
                username,
                email,
                full_name,
                since,
            } = draft;
            let draft = ClaimDraft {
                id,
                source: source(from),
                username,
                email,
                full_name,
                since,
                extras: Vec::new(),
            };
            mapping::Event::Claimed(host, draft)
        }
        plugin::MappingEvent::Withdrawn(host, from) => {
            mapping::Event::Withdrawn(host, source(from))
        }
        plugin::MappingEvent::Host(host) => mapping::Event::Host(host),
    }
}

pub(super) fn progress(progress: mapping::Progress) -> plugin::Progress {
    let mapping::Progress {
        seen,
        changed,
        recorded,
        next,
    } = progress;
    plugin::Progress {
        seen,
        changed,
        recorded,
        next,
    }
}

fn person(person: Person) -> plugin::Person {
    let Person {
        id,
        connection,
        external_id,
        username,
        full_name,
        department,
        groups,
        active,
        updated,
        attributes,
    } = person;
    plugin::Person {
        id,
        connection,
        external_id,
        username,
        full_name,
        department,
        groups,
        active,
        updated,
        attributes,
    }
}

pub(super) fn end_user(end_user: mapping::EndUser) -> plugin::EndUser {
    let mapping::EndUser {
        outcome,
        login,
        reason,
        person: linked,
        candidates,
        near,
    } = end_user;
    plugin::EndUser {
        outcome: found_to_store(outcome),
        login,
        reason,
        person: linked.map(person),
        candidates,
        near,
    }
}
