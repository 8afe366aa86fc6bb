//! Conversions between the store's and runtime's types and the protocol crate's. Records are taken apart without `..`, so that a new field
//! breaks the build here and is thought about.

use nameplate_runtime::plugin;
use nameplate_scim::directory as scim;
use nameplate_scim::http;
use nameplate_store as store;

pub(super) fn request(request: plugin::PluginRequest) -> http::Request {
    let plugin::PluginRequest {
        method,
        path,
        query,
        headers,
        body,
        base_url,
    } = request;
    http::Request {
        method,
        path,
        query,
        headers,
        body: body.into(),
        base_url,
    }
}

pub(super) fn response(response: http::Response) -> plugin::PluginResponse {
    let http::Response {
        status,
        headers,
        body,
    } = response;
    plugin::PluginResponse {
        status,
        headers,
        body,
    }
}

/// What the sandbox lets through of the store's trouble: no paths, no SQL.
pub(super) fn directory_error(error: store::StoreError) -> scim::DirectoryError {
    match error {
        store::StoreError::Unavailable(_) => {
            scim::DirectoryError::Unavailable("the database does not answer".to_owned())
        }
        store::StoreError::Denied(text) | store::StoreError::Invalid(text) => {
            scim::DirectoryError::Refused(text)
        }
        _ => scim::DirectoryError::Other("the database failed".to_owned()),
    }
}

pub(super) fn directory_error_back(error: scim::DirectoryError) -> store::StoreError {
    match error {
        scim::DirectoryError::Unavailable(text) => store::StoreError::Unavailable(text),
        scim::DirectoryError::Refused(text) => store::StoreError::Invalid(text),
        scim::DirectoryError::Other(text) => store::StoreError::Other(text),
    }
}

pub(super) fn kind(kind: scim::Kind) -> store::Kind {
    match kind {
        scim::Kind::User => store::Kind::User,
        scim::Kind::Group => store::Kind::Group,
    }
}

pub(super) fn kind_from_store(kind: store::Kind) -> scim::Kind {
    match kind {
        store::Kind::User => scim::Kind::User,
        store::Kind::Group => scim::Kind::Group,
    }
}

fn name_of(connection: store::ConnectionId, connections: &[store::Connection]) -> String {
    connections
        .iter()
        .find(|known| known.id == connection)
        .map_or_else(|| connection.0.to_string(), |known| known.name.clone())
}

pub(super) fn document(
    document: store::Document,
    connections: &[store::Connection],
) -> scim::Document {
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
    scim::Document {
        kind: kind_from_store(kind),
        id,
        connection: name_of(connection, connections),
        version,
        created,
        modified,
        label,
        json,
        member_count,
    }
}

pub(super) fn find(find: &scim::Find) -> store::Find {
    let scim::Find {
        kind: of,
        index,
        range,
        direction,
        skip,
        after,
        limit,
        want,
    } = find;
    store::Find {
        kind: kind(*of),
        index: index.clone(),
        range: match range {
            scim::KeyRange::All => store::KeyRange::All,
            scim::KeyRange::Equal(value) => store::KeyRange::Equal(value.clone()),
            scim::KeyRange::Prefix(value) => store::KeyRange::Prefix(value.clone()),
            scim::KeyRange::Between(from, to) => store::KeyRange::Between(from.clone(), to.clone()),
            scim::KeyRange::Contains(value) => store::KeyRange::Contains(value.clone()),
        },
        direction: match direction {
            scim::Direction::Ascending => store::Direction::Ascending,
            scim::Direction::Descending => store::Direction::Descending,
        },
        skip: *skip,
        after: after.clone(),
        limit: (*limit).min(store::limits::PAGE),
        want: match want {
            scim::Detail::Ids => store::Detail::Ids,
            scim::Detail::Keys => store::Detail::Keys,
            scim::Detail::Documents => store::Detail::Documents,
        },
    }
}

pub(super) fn page(page: store::Page, connections: &[store::Connection]) -> scim::Page {
    let store::Page { hits, next, total } = page;
    scim::Page {
        hits: hits
            .into_iter()
            .map(|hit| {
                let store::Hit {
                    id,
                    key,
                    document: found,
                } = hit;
                scim::Hit {
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

pub(super) fn edge(edge: &scim::Edge) -> store::Edge {
    let scim::Edge { group, member } = edge;
    store::Edge {
        group: group.clone(),
        member: member.clone(),
    }
}

pub(super) fn member_page(page: store::MemberPage) -> scim::MemberPage {
    let store::MemberPage { members, next } = page;
    scim::MemberPage {
        members: members
            .into_iter()
            .map(|member| {
                let store::Member { id, kind, label } = member;
                scim::Member {
                    id,
                    kind: kind_from_store(kind),
                    label,
                }
            })
            .collect(),
        next,
    }
}

pub(super) fn memberships(memberships: store::Memberships) -> scim::Memberships {
    let store::Memberships {
        groups,
        last_removed,
    } = memberships;
    scim::Memberships {
        groups: groups
            .into_iter()
            .map(|membership| {
                let store::Membership {
                    group,
                    label,
                    direct,
                    since,
                } = membership;
                scim::Membership {
                    group,
                    label,
                    direct,
                    since,
                }
            })
            .collect(),
        last_removed,
    }
}

pub(super) fn held_member(member: store::HeldMember) -> scim::HeldMember {
    let store::HeldMember {
        group,
        id,
        display,
        since,
    } = member;
    scim::HeldMember {
        group,
        id,
        display,
        since,
    }
}

pub(super) fn holding(holding: store::Holding, connections: &[store::Connection]) -> scim::Holding {
    let store::Holding {
        attribute,
        value,
        document,
        connection,
        from,
        until,
        alive,
    } = holding;
    scim::Holding {
        attribute,
        value,
        document,
        connection: name_of(connection, connections),
        from,
        until,
        alive,
    }
}

fn keys(keys: Vec<scim::Key>) -> Vec<store::Key> {
    keys.into_iter()
        .map(|key| {
            let scim::Key {
                attribute,
                value,
                unique,
                tracked,
            } = key;
            store::Key {
                attribute,
                value,
                unique,
                tracked,
            }
        })
        .collect()
}

fn precondition(condition: scim::Precondition) -> store::Precondition {
    match condition {
        scim::Precondition::Absent => store::Precondition::Absent,
        scim::Precondition::Exists => store::Precondition::Exists,
        scim::Precondition::Version(version) => store::Precondition::Version(version),
    }
}

fn new_member(member: scim::NewMember) -> store::NewMember {
    let scim::NewMember { id, display, login } = member;
    store::NewMember { id, display, login }
}

fn change_to_store(change: scim::Change) -> store::Change {
    match change {
        scim::Change::Put(scim::Put {
            kind: of,
            id,
            condition,
            label,
            json,
            keys: entries,
            index_version,
        }) => store::Change::Put(store::Put {
            kind: kind(of),
            id,
            condition: precondition(condition),
            label,
            json,
            keys: keys(entries),
            index_version,
        }),
        scim::Change::Delete(scim::Delete {
            kind: of,
            id,
            condition,
        }) => store::Change::Delete(store::Delete {
            kind: kind(of),
            id,
            condition: precondition(condition),
        }),
        scim::Change::Members(scim::MemberDelta {
            group,
            condition,
            replace,
            add,
            remove,
            if_missing,
        }) => store::Change::Members(store::MemberDelta {
            group,
            condition: precondition(condition),
            replace,
            add: add.into_iter().map(new_member).collect(),
            remove,
            if_missing: match if_missing {
                scim::IfMissing::Hold => store::IfMissing::Hold,
                scim::IfMissing::Skip => store::IfMissing::Skip,
                scim::IfMissing::Fail => store::IfMissing::Fail,
            },
        }),
        scim::Change::Rekey(scim::Rekey {
            kind: of,
            id,
            version,
            keys: entries,
            index_version,
        }) => store::Change::Rekey(store::Rekey {
            kind: kind(of),
            id,
            version,
            keys: keys(entries),
            index_version,
        }),
    }
}

pub(super) fn unit(unit: scim::Unit) -> store::Unit {
    let scim::Unit { changes, event } = unit;
    store::Unit {
        // Not the plugin's to say: the call sets it.
        quota: store::Quota::default(),
        changes: changes.into_iter().map(change_to_store).collect(),
        event: event.map(|event| {
            let scim::EventDraft {
                name,
                subject_kind,
                subject,
                logins,
            } = event;
            store::EventDraft {
                name,
                subject_kind: kind(subject_kind),
                subject,
                logins,
            }
        }),
    }
}

fn change_result(result: store::ChangeResult) -> scim::ChangeResult {
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
    scim::ChangeResult {
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

pub(super) fn outcome(outcome: store::Outcome, connections: &[store::Connection]) -> scim::Outcome {
    match outcome {
        store::Outcome::Committed { results, seq } => scim::Outcome::Committed {
            results: results.into_iter().map(change_result).collect(),
            seq,
        },
        store::Outcome::Stale { change, current } => scim::Outcome::Stale {
            change,
            current: current.map(|current| document(current, connections)),
        },
        store::Outcome::KeyTaken {
            change,
            attribute,
            owner,
        } => scim::Outcome::KeyTaken {
            change,
            attribute,
            owner,
        },
        store::Outcome::Missing(ids) => scim::Outcome::Missing(ids),
        store::Outcome::Full { change, what, most } => scim::Outcome::Full {
            change,
            what: match what {
                store::Bounded::Users => scim::Bounded::Users,
                store::Bounded::Groups => scim::Bounded::Groups,
                store::Bounded::Members => scim::Bounded::Members,
            },
            most,
        },
        store::Outcome::NotTried => scim::Outcome::NotTried,
    }
}

pub(super) fn reindex_progress(progress: nameplate_scim::Progress) -> plugin::ReindexProgress {
    let nameplate_scim::Progress {
        seen,
        written,
        next,
    } = progress;
    plugin::ReindexProgress {
        seen,
        written,
        next,
    }
}
