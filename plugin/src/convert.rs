//! Conversions between the generated types of `user-store` and the protocol
//! crate's. Records are taken apart without `..`, so that a new field in `wit/`
//! or in the crate breaks the build here and is thought about.

use nameplate_scim::directory as scim;
use nameplate_scim::http;

use crate::bindings::exports::nameplate::scim::http_handler;
use crate::bindings::nameplate::scim::types;
use crate::bindings::nameplate::scim::user_store as wit;

/// Converts each item.
pub(crate) fn list<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

impl From<http_handler::Request> for http::Request {
    fn from(request: http_handler::Request) -> Self {
        let http_handler::Request {
            method,
            path,
            query,
            headers,
            body,
            base_url,
            extras: _,
        } = request;
        Self {
            method,
            path,
            query,
            headers,
            body,
            base_url,
        }
    }
}

impl From<http::Response> for http_handler::Response {
    fn from(response: http::Response) -> Self {
        let http::Response {
            status,
            headers,
            body,
        } = response;
        Self {
            status,
            headers,
            body,
            extras: Vec::new(),
        }
    }
}

impl From<types::StoreError> for scim::DirectoryError {
    fn from(error: types::StoreError) -> Self {
        match error {
            types::StoreError::Unavailable(text) => Self::Unavailable(text),
            types::StoreError::Denied(text) | types::StoreError::Invalid(text) => {
                Self::Refused(text)
            }
            types::StoreError::Other(text) => Self::Other(text),
        }
    }
}

impl From<scim::DirectoryError> for types::StoreError {
    fn from(error: scim::DirectoryError) -> Self {
        match error {
            scim::DirectoryError::Unavailable(text) => Self::Unavailable(text),
            scim::DirectoryError::Refused(text) => Self::Invalid(text),
            scim::DirectoryError::Other(text) => Self::Other(text),
        }
    }
}

impl From<scim::Kind> for types::Kind {
    fn from(kind: scim::Kind) -> Self {
        match kind {
            scim::Kind::User => Self::User,
            scim::Kind::Group => Self::Group,
        }
    }
}

impl From<types::Kind> for scim::Kind {
    fn from(kind: types::Kind) -> Self {
        match kind {
            types::Kind::User => Self::User,
            types::Kind::Group => Self::Group,
        }
    }
}

impl From<wit::Document> for scim::Document {
    fn from(document: wit::Document) -> Self {
        let wit::Document {
            kind,
            id,
            connection,
            version,
            created,
            modified,
            label,
            json,
            member_count,
            extras: _,
        } = document;
        Self {
            kind: kind.into(),
            id,
            connection,
            version,
            created,
            modified,
            label,
            json,
            member_count,
        }
    }
}

impl From<&scim::Find> for wit::FindRequest {
    fn from(find: &scim::Find) -> Self {
        let scim::Find {
            kind,
            index,
            range,
            direction,
            skip,
            after,
            limit,
            want,
        } = find;
        Self {
            kind: (*kind).into(),
            index: index.clone(),
            range: match range {
                scim::KeyRange::All => wit::KeyRange::All,
                scim::KeyRange::Equal(value) => wit::KeyRange::Equal(value.clone()),
                scim::KeyRange::Prefix(value) => wit::KeyRange::Prefix(value.clone()),
                scim::KeyRange::Between(from, to) => {
                    wit::KeyRange::Between((from.clone(), to.clone()))
                }
                scim::KeyRange::Contains(value) => wit::KeyRange::Contains(value.clone()),
            },
            direction: match direction {
                scim::Direction::Ascending => wit::Direction::Ascending,
                scim::Direction::Descending => wit::Direction::Descending,
            },
            skip: *skip,
            after: after.clone(),
            limit: *limit,
            want: match want {
                scim::Detail::Ids => wit::Detail::Ids,
                scim::Detail::Keys => wit::Detail::Keys,
                scim::Detail::Documents => wit::Detail::Documents,
            },
        }
    }
}

impl From<wit::Page> for scim::Page {
    fn from(page: wit::Page) -> Self {
        let wit::Page { hits, next, total } = page;
        Self {
            hits: list(hits),
            next,
            total,
        }
    }
}

impl From<wit::Hit> for scim::Hit {
    fn from(hit: wit::Hit) -> Self {
        let wit::Hit { id, key, document } = hit;
        Self {
            id,
            key,
            document: document.map(Into::into),
        }
    }
}

impl From<&scim::Edge> for wit::Edge {
    fn from(edge: &scim::Edge) -> Self {
        let scim::Edge { group, member } = edge;
        Self {
            group: group.clone(),
            member: member.clone(),
        }
    }
}

impl From<wit::MemberPage> for scim::MemberPage {
    fn from(page: wit::MemberPage) -> Self {
        let wit::MemberPage { members, next } = page;
        Self {
            members: list(members),
            next,
        }
    }
}

impl From<wit::Member> for scim::Member {
    fn from(member: wit::Member) -> Self {
        let wit::Member { id, kind, label } = member;
        Self {
            id,
            kind: kind.into(),
            label,
        }
    }
}

impl From<wit::Memberships> for scim::Memberships {
    fn from(memberships: wit::Memberships) -> Self {
        let wit::Memberships {
            groups,
            last_removed,
        } = memberships;
        Self {
            groups: list(groups),
            last_removed,
        }
    }
}

impl From<wit::Membership> for scim::Membership {
    fn from(membership: wit::Membership) -> Self {
        let wit::Membership {
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

impl From<wit::HeldMember> for scim::HeldMember {
    fn from(member: wit::HeldMember) -> Self {
        let wit::HeldMember {
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

impl From<wit::Holding> for scim::Holding {
    fn from(holding: wit::Holding) -> Self {
        let wit::Holding {
            attribute,
            value,
            document,
            connection,
            from,
            until,
            alive,
        } = holding;
        Self {
            attribute,
            value,
            document,
            connection,
            from,
            until,
            alive,
        }
    }
}

impl From<scim::Unit> for wit::Unit {
    fn from(unit: scim::Unit) -> Self {
        let scim::Unit { changes, event } = unit;
        Self {
            changes: list(changes),
            event: event.map(Into::into),
        }
    }
}

impl From<scim::EventDraft> for wit::EventDraft {
    fn from(event: scim::EventDraft) -> Self {
        let scim::EventDraft {
            name,
            subject_kind,
            subject,
            logins,
        } = event;
        Self {
            name,
            subject_kind: subject_kind.into(),
            subject,
            logins,
        }
    }
}

impl From<scim::Precondition> for wit::Precondition {
    fn from(condition: scim::Precondition) -> Self {
        match condition {
            scim::Precondition::Absent => Self::Absent,
            scim::Precondition::Exists => Self::Exists,
            scim::Precondition::Version(version) => Self::Version(version),
        }
    }
}

impl From<scim::Key> for wit::Key {
    fn from(key: scim::Key) -> Self {
        let scim::Key {
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

impl From<scim::NewMember> for wit::NewMember {
    fn from(member: scim::NewMember) -> Self {
        let scim::NewMember { id, display, login } = member;
        Self { id, display, login }
    }
}

impl From<scim::Change> for wit::Change {
    fn from(change: scim::Change) -> Self {
        match change {
            scim::Change::Put(scim::Put {
                kind,
                id,
                condition,
                label,
                json,
                keys,
                index_version,
            }) => Self::Put(wit::Put {
                kind: kind.into(),
                id,
                condition: condition.into(),
                label,
                json,
                keys: list(keys),
                index_version,
            }),
            scim::Change::Delete(scim::Delete {
                kind,
                id,
                condition,
            }) => Self::Delete(wit::Delete {
                kind: kind.into(),
                id,
                condition: condition.into(),
            }),
            scim::Change::Members(scim::MemberDelta {
                group,
                condition,
                replace,
                add,
                remove,
                if_missing,
            }) => Self::Members(wit::MemberDelta {
                group,
                condition: condition.into(),
                replace,
                add: list(add),
                remove,
                if_missing: match if_missing {
                    scim::IfMissing::Hold => wit::IfMissing::Hold,
                    scim::IfMissing::Skip => wit::IfMissing::Skip,
                    scim::IfMissing::Fail => wit::IfMissing::Fail,
                },
            }),
            scim::Change::Rekey(scim::Rekey {
                kind,
                id,
                version,
                keys,
                index_version,
            }) => Self::Rekey(wit::Rekey {
                kind: kind.into(),
                id,
                version,
                keys: list(keys),
                index_version,
            }),
        }
    }
}

impl From<wit::ChangeResult> for scim::ChangeResult {
    fn from(result: wit::ChangeResult) -> Self {
        let wit::ChangeResult {
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

impl From<wit::Outcome> for scim::Outcome {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Committed(wit::Committed { results, seq }) => Self::Committed {
                results: list(results),
                seq,
            },
            wit::Outcome::Stale(wit::Stale { change, current }) => Self::Stale {
                change,
                current: current.map(Into::into),
            },
            wit::Outcome::KeyTaken(wit::KeyTaken {
                change,
                attribute,
                owner,
            }) => Self::KeyTaken {
                change,
                attribute,
                owner,
            },
            wit::Outcome::Missing(ids) => Self::Missing(ids),
            wit::Outcome::Full(wit::Full { change, what, most }) => Self::Full {
                change,
                what: match what {
                    wit::Bounded::Users => scim::Bounded::Users,
                    wit::Bounded::Groups => scim::Bounded::Groups,
                    wit::Bounded::Members => scim::Bounded::Members,
                },
                most,
            },
            wit::Outcome::NotTried => Self::NotTried,
        }
    }
}
