//! `user-store` and the store's directory.

use nameplate_store as store;

use super::list;
use crate::plugin::Call;
use crate::wasm::bindings::nameplate::scim::{types, user_store as wit};

/// The connections whose names a document may carry.
pub(in crate::wasm) fn names(call: &Call) -> &[store::Connection] {
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

pub(in crate::wasm) fn document(
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

pub(in crate::wasm) fn find_request(request: wit::FindRequest) -> store::Find {
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

pub(in crate::wasm) fn page_to_wit(
    page: store::Page,
    connections: &[store::Connection],
) -> wit::Page {
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

pub(in crate::wasm) fn holding(
    holding: store::Holding,
    connections: &[store::Connection],
) -> wit::Holding {
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

pub(in crate::wasm) fn unit_from_wit(unit: wit::Unit) -> store::Unit {
    let wit::Unit { changes, event } = unit;
    store::Unit {
        // Not the plugin's to say: the call sets it.
        quota: store::Quota::default(),
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

pub(in crate::wasm) fn outcome(
    outcome: store::Outcome,
    connections: &[store::Connection],
) -> wit::Outcome {
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
        store::Outcome::Full { change, what, most } => wit::Outcome::Full(wit::Full {
            change,
            what: match what {
                store::Bounded::Users => wit::Bounded::Users,
                store::Bounded::Groups => wit::Bounded::Groups,
                store::Bounded::Members => wit::Bounded::Members,
            },
            most,
        }),
        store::Outcome::NotTried => wit::Outcome::NotTried,
    }
}
