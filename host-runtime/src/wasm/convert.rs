//! Conversions between the generated types and the store's and runtime's own.
//! Records are taken apart without `..`, so that a new field breaks the build here.

use nameplate_store as store;

use super::bindings::exports::nameplate::scim::{http_handler, mapping, reindex};
use super::bindings::nameplate::scim::{host_store, types, user_store as wit};
use crate::plugin::{
    Call, ClaimDraft, EndUser, MappingError, MappingEvent, Person, PluginRequest, PluginResponse,
    Progress, ReindexProgress,
};

fn list<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

/// The connections whose names a document may carry.
pub(super) fn names(call: &Call) -> &[store::Connection] {
    &call.connections
}

fn name_of(connection: store::ConnectionId, connections: &[store::Connection]) -> String {
    connections
        .iter()
        .find(|known| known.id == connection)
        // A connection added since this call began: its number is as good a name.
        .map_or_else(|| connection.0.to_string(), |known| known.name.clone())
}

impl From<types::Kind> for store::Kind {
    fn from(kind: types::Kind) -> Self {
        match kind {
            types::Kind::User => Self::User,
            types::Kind::Group => Self::Group,
        }
    }
}

impl From<store::Kind> for types::Kind {
    fn from(kind: store::Kind) -> Self {
        match kind {
            store::Kind::User => Self::User,
            store::Kind::Group => Self::Group,
        }
    }
}

pub(super) fn document(
    document: store::Document,
    connections: &[store::Connection],
) -> wit::Document {
    let store::Document {
        kind,
        id,
        connection,
        version,
        created,
        modified,
        label,
        json,
        member_count,
    } = document;
    wit::Document {
        kind: kind.into(),
        id,
        connection: name_of(connection, connections),
        version,
        created,
        modified,
        label,
        json,
        member_count,
        extras: Vec::new(),
    }
}

pub(super) fn find_request(request: wit::FindRequest) -> store::Find {
    let wit::FindRequest {
        kind,
        index,
        range,
        direction,
        skip,
        after,
        limit,
        want,
    } = request;
    store::Find {
        kind: kind.into(),
        index,
        range: match range {
            wit::KeyRange::All => store::KeyRange::All,
            wit::KeyRange::Equal(value) => store::KeyRange::Equal(value),
            wit::KeyRange::Prefix(value) => store::KeyRange::Prefix(value),
            wit::KeyRange::Between((from, to)) => store::KeyRange::Between(from, to),
            wit::KeyRange::Contains(value) => store::KeyRange::Contains(value),
        },
        direction: match direction {
            wit::Direction::Ascending => store::Direction::Ascending,
            wit::Direction::Descending => store::Direction::Descending,
        },
        skip,
        after,
        limit: limit.min(store::limits::PAGE),
        want: match want {
            wit::Detail::Ids => store::Detail::Ids,
            wit::Detail::Keys => store::Detail::Keys,
            wit::Detail::Documents => store::Detail::Documents,
        },
    }
}

pub(super) fn page_to_wit(page: store::Page, connections: &[store::Connection]) -> wit::Page {
    let store::Page { hits, next, total } = page;
    wit::Page {
        hits: hits
            .into_iter()
            .map(|hit| {
                let store::Hit {
                    id,
                    key,
                    document: found,
                } = hit;
                wit::Hit {
                    id,
                    key,
                    document: found.map(|found| document(found, connections)),
                }
            })
            .collect(),
        next,
        total,
    }
}

impl From<wit::Edge> for store::Edge {
    fn from(edge: wit::Edge) -> Self {
        let wit::Edge { group, member } = edge;
        Self { group, member }
    }
}

impl From<store::Member> for wit::Member {
    fn from(member: store::Member) -> Self {
        let store::Member { id, kind, label } = member;
        Self {
            id,
            kind: kind.into(),
            label,
        }
    }
}

impl From<store::MemberPage> for wit::MemberPage {
    fn from(page: store::MemberPage) -> Self {
        let store::MemberPage { members, next } = page;
        Self {
            members: list(members),
            next,
        }
    }
}

impl From<store::Membership> for wit::Membership {
    fn from(membership: store::Membership) -> Self {
        let store::Membership {
            group,
            label,
            direct,
            since,
        } = membership;
        Self {
            group,
            label,
            direct,
            since,
        }
    }
}

impl From<store::Memberships> for wit::Memberships {
    fn from(memberships: store::Memberships) -> Self {
        let store::Memberships {
            groups,
            last_removed,
        } = memberships;
        Self {
            groups: list(groups),
            last_removed,
        }
    }
}

impl From<store::HeldMember> for wit::HeldMember {
    fn from(member: store::HeldMember) -> Self {
        let store::HeldMember {
            group,
            id,
            display,
            since,
        } = member;
        Self {
            group,
            id,
            display,
            since,
        }
    }
}

pub(super) fn holding(holding: store::Holding, connections: &[store::Connection]) -> wit::Holding {
    let store::Holding {
        attribute,
        value,
        document,
        connection,
        from,
        until,
        alive,
    } = holding;
    wit::Holding {
        attribute,
        value,
        document,
        connection: name_of(connection, connections),
        from,
        until,
        alive,
    }
}

impl From<wit::Key> for store::Key {
    fn from(key: wit::Key) -> Self {
        let wit::Key {
            attribute,
            value,
            unique,
            tracked,
        } = key;
        Self {
            attribute,
            value,
            unique,
            tracked,
        }
    }
}

impl From<wit::Precondition> for store::Precondition {
    fn from(condition: wit::Precondition) -> Self {
        match condition {
            wit::Precondition::Absent => Self::Absent,
            wit::Precondition::Exists => Self::Exists,
            wit::Precondition::Version(version) => Self::Version(version),
        }
    }
}

impl From<wit::NewMember> for store::NewMember {
    fn from(member: wit::NewMember) -> Self {
        let wit::NewMember { id, display, login } = member;
        Self { id, display, login }
    }
}

impl From<wit::Change> for store::Change {
    fn from(change: wit::Change) -> Self {
        match change {
            wit::Change::Put(wit::Put {
                kind,
                id,
                condition,
                label,
                json,
                keys,
                index_version,
            }) => Self::Put(store::Put {
                kind: kind.into(),
                id,
                condition: condition.into(),
                label,
                json,
                keys: list(keys),
                index_version,
            }),
            wit::Change::Delete(wit::Delete {
                kind,
                id,
                condition,
            }) => Self::Delete(store::Delete {
                kind: kind.into(),
                id,
                condition: condition.into(),
            }),
            wit::Change::Members(wit::MemberDelta {
                group,
                condition,
                replace,
                add,
                remove,
                if_missing,
            }) => Self::Members(store::MemberDelta {
                group,
                condition: condition.into(),
                replace,
                add: list(add),
                remove,
                if_missing: match if_missing {
                    wit::IfMissing::Hold => store::IfMissing::Hold,
                    wit::IfMissing::Skip => store::IfMissing::Skip,
                    wit::IfMissing::Fail => store::IfMissing::Fail,
                },
            }),
            wit::Change::Rekey(wit::Rekey {
                kind,
                id,
                version,
                keys,
                index_version,
            }) => Self::Rekey(store::Rekey {
                kind: kind.into(),
                id,
                version,
                keys: list(keys),
                index_version,
            }),
        }
    }
}

pub(super) fn unit_from_wit(unit: wit::Unit) -> store::Unit {
    let wit::Unit { changes, event } = unit;
    store::Unit {
        changes: list(changes),
        event: event.map(|event| {
            let wit::EventDraft {
                name,
                subject_kind,
                subject,
                logins,
            } = event;
            store::EventDraft {
                name,
                subject_kind: subject_kind.into(),
                subject,
                logins,
            }
        }),
    }
}

impl From<store::ChangeResult> for wit::ChangeResult {
    fn from(result: store::ChangeResult) -> Self {
        let store::ChangeResult {
            changed,
            version,
            created,
            modified,
            members_added,
            members_removed,
            absent_members,
            attached_to,
        } = result;
        Self {
            changed,
            version,
            created,
            modified,
            members_added,
            members_removed,
            absent_members,
            attached_to,
        }
    }
}

pub(super) fn outcome(outcome: store::Outcome, connections: &[store::Connection]) -> wit::Outcome {
    match outcome {
        store::Outcome::Committed { results, seq } => wit::Outcome::Committed(wit::Committed {
            results: list(results),
            seq,
        }),
        store::Outcome::Stale { change, current } => wit::Outcome::Stale(wit::Stale {
            change,
            current: current.map(|current| document(current, connections)),
        }),
        store::Outcome::KeyTaken {
            change,
            attribute,
            owner,
        } => wit::Outcome::KeyTaken(wit::KeyTaken {
            change,
            attribute,
            owner,
        }),
        store::Outcome::Missing(ids) => wit::Outcome::Missing(ids),
        store::Outcome::NotTried => wit::Outcome::NotTried,
    }
}

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
pub(super) fn host_to_wit(host: store::Host) -> host_store::HostState {
    let store::Host {
        record,
        created: _,
        version,
        claims,
        assignment,
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

impl From<PluginRequest> for http_handler::Request {
    fn from(request: PluginRequest) -> Self {
        let PluginRequest {
            method,
            path,
            query,
            headers,
            body,
            base_url,
        } = request;
        Self {
            method,
            path,
            query,
            headers,
            body: body.into(),
            base_url,
            extras: Vec::new(),
        }
    }
}

impl From<http_handler::Response> for PluginResponse {
    fn from(response: http_handler::Response) -> Self {
        let http_handler::Response {
            status,
            headers,
            body,
            extras: _,
        } = response;
        Self {
            status,
            headers,
            body,
        }
    }
}

impl From<MappingEvent> for mapping::Event {
    fn from(event: MappingEvent) -> Self {
        match event {
            MappingEvent::Directory(change) => {
                let crate::plugin::DirectoryChange {
                    seq,
                    name,
                    subject_kind,
                    subject,
                    logins,
                } = change;
                Self::Directory(mapping::DirectoryChange {
                    seq,
                    name,
                    subject_kind: subject_kind.into(),
                    subject,
                    logins,
                })
            }
            MappingEvent::Claimed(host, draft) => {
                let ClaimDraft {
                    id,
                    source,
                    username,
                    email,
                    full_name,
                    since,
                } = draft;
                Self::Claimed((
                    host,
                    mapping::ClaimDraft {
                        id,
                        source: source.into(),
                        username,
                        email,
                        full_name,
                        since,
                        extras: Vec::new(),
                    },
                ))
            }
            MappingEvent::Withdrawn(host, source) => Self::Withdrawn((host, source.into())),
            MappingEvent::Host(host) => Self::Host(host),
        }
    }
}

impl From<mapping::Progress> for Progress {
    fn from(progress: mapping::Progress) -> Self {
        let mapping::Progress {
            seen,
            changed,
            recorded,
            next,
        } = progress;
        Self {
            seen,
            changed,
            recorded,
            next,
        }
    }
}

impl From<types::StoreError> for store::StoreError {
    fn from(error: types::StoreError) -> Self {
        match error {
            types::StoreError::Unavailable(text) => Self::Unavailable(text),
            types::StoreError::Denied(text) => Self::Denied(text),
            types::StoreError::Invalid(text) => Self::Invalid(text),
            types::StoreError::Other(text) => Self::Other(text),
        }
    }
}

impl From<mapping::MappingError> for MappingError {
    fn from(error: mapping::MappingError) -> Self {
        match error {
            mapping::MappingError::NoHost => Self::NoHost,
            mapping::MappingError::Invalid(text) => Self::Invalid(text),
            mapping::MappingError::Store(error) => Self::Store(error.into()),
            mapping::MappingError::Busy => Self::Busy,
        }
    }
}

impl From<mapping::Person> for Person {
    fn from(person: mapping::Person) -> Self {
        let mapping::Person {
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
        Self {
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
}

impl From<mapping::EndUser> for EndUser {
    fn from(end_user: mapping::EndUser) -> Self {
        let mapping::EndUser {
            outcome,
            login,
            reason,
            person,
            candidates,
            extras: _,
        } = end_user;
        Self {
            outcome: outcome.into(),
            login,
            reason,
            person: person.map(Into::into),
            candidates,
        }
    }
}

impl From<reindex::Progress> for ReindexProgress {
    fn from(progress: reindex::Progress) -> Self {
        let reindex::Progress {
            seen,
            written,
            next,
        } = progress;
        Self {
            seen,
            written,
            next,
        }
    }
}
