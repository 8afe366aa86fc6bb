//! The directory: reads, and commit as one job of the writer.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use nameplate_store::walk::Mark;
use nameplate_store::{
    ConnectionId, Departure, Document, Edge, Erased, Event, Find, HeldMember, Holding, Kind,
    Member, MemberPage, Membership, Memberships, Outcome, Page, Rehearsal, Scope, StoreError,
    TenantId, Timestamp, Traces, Unit, UserStore, check, limits, spans,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{K, U};
use super::errors::Fault;
use super::find::Walk;
use super::{SqliteStore, below, departures, events, rows, unit};

/// Edges one `groups_of` follows at most. Together with [`check::GROUPS`] it
/// bounds what one question may cost (about 0.2 s).
const EDGES: usize = 100_000;

/// The state of a span whose document is deleted (see the migrations).
const GONE: i64 = 2;

#[async_trait]
impl UserStore for SqliteStore {
    async fn get(
        &self,
        scope: Scope,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.read(|connection| {
            Ok(rows::load(connection, scope, id)?.filter(|document| document.kind == kind))
        })
    }

    async fn get_many(&self, scope: Scope, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        check::at_most("ids", ids.len(), check::page())?;
        let ids: BTreeSet<&String> = ids.iter().collect();
        self.read(|connection| {
            ids.into_iter()
                .filter_map(|id| rows::load(connection, scope, id).transpose())
                .collect()
        })
    }

    async fn find(&self, scope: Scope, find: &Find) -> Result<Page, StoreError> {
        let connection = check::bound(scope)?;
        check::find(find)?;
        let after = find
            .after
            .as_deref()
            .map(|after| Mark::decode(connection, find, after))
            .transpose()?;
        let walk = Walk {
            tenant: scope.tenant,
            connection,
            find,
            after,
        };
        self.read(|connection| walk.page(connection))
    }

    async fn index_ready(&self, scope: Scope, index_version: &str) -> Result<bool, StoreError> {
        let bound = check::bound(scope)?;
        check::index_version(index_version)?;
        self.read(|connection| {
            // Counters that reach 0 are deleted: any other version means work.
            let mut statement = connection.prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM counters WHERE tenant = ?1 AND connection = ?2 AND index_version <> ?3)",
            )?;
            Ok(statement.query_row(params![scope.tenant.0, bound.0, index_version], |row| row.get(0))?)
        })
    }

    async fn has_edges(&self, scope: Scope, edges: &[Edge]) -> Result<Vec<bool>, StoreError> {
        check::at_most("edges", edges.len(), check::page())?;
        self.read(|connection| {
            edges
                .iter()
                .map(|edge| has_edge(connection, scope, edge))
                .collect()
        })
    }

    async fn members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, StoreError> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        check::at_most(
            "members",
            most,
            usize::try_from(limits::MEMBERS_PAGE).unwrap_or(usize::MAX),
        )?;
        self.read(|connection| members(connection, scope, group, after, most))
    }

    async fn groups_of(
        &self,
        scope: Scope,
        member: &str,
        transitive: bool,
    ) -> Result<Memberships, StoreError> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            match rows::seen(&snapshot, scope, member)? {
                true => memberships(&snapshot, scope.tenant, member, transitive),
                false => Ok(Memberships::default()),
            }
        })
    }

    async fn users_of(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::rows(limit)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|connection| below::users(connection, scope, group, after, limit))
    }

    async fn held_members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, StoreError> {
        check::at_most(
            "held members",
            usize::try_from(limit).unwrap_or(usize::MAX),
            check::page(),
        )?;
        self.read(|connection| held(connection, scope, group, after, limit))
    }

    async fn holders(&self, scope: Scope, values: &[Vec<u8>]) -> Result<Vec<Holding>, StoreError> {
        check::holders(values)?;
        self.read(|connection| holders(connection, scope.tenant, values))
    }

    async fn commit(
        &self,
        scope: Scope,
        now: Timestamp,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let batch = self.batch(scope, now, units, stop_after)?;
        self.write(move |connection| batch.commit(connection, commit_id))
            .await
    }

    async fn rehearse(
        &self,
        scope: Scope,
        now: Timestamp,
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Rehearsal, StoreError> {
        let batch = self.batch(scope, now, units, stop_after)?;
        self.write(move |connection| batch.rehearse(connection))
            .await
    }

    async fn events(
        &self,
        tenant: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.read(|connection| events::after(connection, tenant, after, limit))
    }

    async fn event_range(&self, tenant: TenantId) -> Result<(u64, u64), StoreError> {
        self.read(|connection| events::range(connection, tenant))
    }

    async fn unsettled(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<(TenantId, Event)>, StoreError> {
        self.read(|connection| events::unsettled(connection, tenant, limit))
    }

    async fn settle(&self, tenant: TenantId, seqs: &[u64]) -> Result<(), StoreError> {
        let seqs = seqs.to_vec();
        self.write(move |connection| events::settle(connection, tenant, &seqs))
            .await
    }

    async fn departures(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError> {
        check::rows(limit)?;
        self.read(|connection| departures::after(connection, tenant, after, limit))
    }

    async fn departures_of(
        &self,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<Departure>, StoreError> {
        check::at_most("people", ids.len(), check::page())?;
        let ids: BTreeSet<&String> = ids.iter().collect();
        self.read(|connection| {
            ids.into_iter()
                .filter_map(|id| departures::of(connection, tenant, id).transpose())
                .collect()
        })
    }

    async fn traces(&self, tenant: TenantId, id: &str) -> Result<Traces, StoreError> {
        self.traces_of(tenant, id)
    }

    async fn erase(
        &self,
        tenant: TenantId,
        now: Timestamp,
        id: &str,
    ) -> Result<Erased, StoreError> {
        self.erase_user(tenant, now, id).await
    }

    async fn forget_departure(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| departures::forget(connection, tenant, &id))
            .await
    }
}

impl SqliteStore {
    fn batch(
        &self,
        scope: Scope,
        now: Timestamp,
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<unit::Batch, StoreError> {
        let connection = check::bound(scope)?;
        check::units(&units)?;
        Ok(unit::Batch {
            tenant: scope.tenant,
            connection,
            now,
            units,
            stop_after,
            keep: self.keep(),
        })
    }
}

fn has_edge(connection: &Connection, scope: Scope, edge: &Edge) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT connection FROM edges WHERE tenant = ?1 AND group_id = ?2 AND member_id = ?3",
    )?;
    let found = params![scope.tenant.0, edge.group, edge.member];
    let owner: Option<i64> = statement.query_row(found, |row| row.get(0)).optional()?;
    Ok(owner.is_some_and(|owner| rows::shows(scope, ConnectionId(owner))))
}

fn members(
    connection: &Connection,
    scope: Scope,
    group: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<MemberPage, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    if !rows::seen(&snapshot, scope, group)? {
        return Ok(MemberPage::default());
    }
    // No id is empty, so an empty `after` is before all of them.
    let mut statement = snapshot.prepare_cached(
        "SELECT e.member_id, d.kind, d.label FROM edges e CROSS JOIN documents d ON d.tenant = e.tenant AND d.id = e.member_id
         WHERE e.tenant = ?1 AND e.group_id = ?2 AND e.member_id > ?3 ORDER BY e.member_id LIMIT ?4",
    )?;
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = statement.query_map(
        params![scope.tenant.0, group, after.unwrap_or_default(), one_more],
        |row| {
            Ok(Member {
                id: row.get(0)?,
                kind: row.get::<_, K>(1)?.0,
                label: row.get(2)?,
            })
        },
    )?;
    let mut members = found.collect::<rusqlite::Result<Vec<Member>>>()?;
    let more = members.len() > limit;
    members.truncate(limit);
    let next = members
        .last()
        .filter(|_| more)
        .map(|member| member.id.clone());
    Ok(MemberPage { members, next })
}

fn held(
    connection: &Connection,
    scope: Scope,
    group: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<HeldMember>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    if !rows::seen(&snapshot, scope, group)? {
        return Ok(Vec::new());
    }
    let mut statement = snapshot.prepare_cached(
        "SELECT group_id, sent, display, since FROM held
         WHERE tenant = ?1 AND group_id = ?2 AND sent > ?3 ORDER BY sent LIMIT ?4",
    )?;
    let found = statement.query_map(
        params![scope.tenant.0, group, after.unwrap_or_default(), limit],
        |row| {
            Ok(HeldMember {
                group: row.get(0)?,
                id: row.get(1)?,
                display: row.get(2)?,
                since: row.get::<_, U>(3)?.0,
            })
        },
    )?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Reads each value in the order of [`spans::shown`], so that no more than what
/// may be shown is met, however much was deleted.
pub fn holders(
    connection: &Connection,
    tenant: TenantId,
    values: &[Vec<u8>],
) -> Result<Vec<Holding>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached(
        "SELECT span, attribute, value, document, connection, since, until, state
         FROM holdings INDEXED BY holdings_value WHERE tenant = ?1 AND value = ?2
         ORDER BY state, since DESC, span DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(check::SPANS).unwrap_or(i64::MAX);
    let mut found: Vec<(i64, Holding)> = Vec::new();
    for value in values.iter().collect::<BTreeSet<_>>() {
        let mut rows = statement.query(params![tenant.0, value, limit])?;
        while let Some(row) = rows.next()? {
            let holding = Holding {
                attribute: row.get(1)?,
                value: row.get(2)?,
                document: row.get(3)?,
                connection: ConnectionId(row.get(4)?),
                from: row.get::<_, U>(5)?.0,
                until: row.get::<_, Option<U>>(6)?.map(|until| until.0),
                alive: row.get::<_, i64>(7)? != GONE,
            };
            found.push((row.get(0)?, holding));
        }
    }
    Ok(spans::shown(found))
}

/// Level by level, so that a group is met on a shortest way first; of several
/// shortest ways the one that was complete earliest counts.
fn memberships(
    connection: &Connection,
    tenant: TenantId,
    member: &str,
    transitive: bool,
) -> Result<Memberships, Fault> {
    let mut above = connection.prepare_cached(
        "SELECT group_id, since FROM edges INDEXED BY edges_member WHERE tenant = ?1 AND member_id = ?2 ORDER BY group_id LIMIT ?3",
    )?;
    let mut edges = EDGES;
    let mut found: BTreeMap<String, (bool, Timestamp)> = BTreeMap::new();
    let mut level: BTreeMap<String, Timestamp> = BTreeMap::from([(member.to_owned(), 0)]);
    let mut direct = true;
    while !level.is_empty() && found.len() < check::GROUPS && (direct || transitive) {
        let mut next: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (id, since) in &level {
            let mut rows = above.query(params![
                tenant.0,
                id,
                i64::try_from(edges).unwrap_or(i64::MAX)
            ])?;
            while let Some(row) = rows.next()? {
                edges = edges.saturating_sub(1);
                let group: String = row.get(0)?;
                if group != member && !found.contains_key(&group) {
                    let way = row.get::<_, U>(1)?.0.max(*since);
                    next.entry(group)
                        .and_modify(|other| *other = way.min(*other))
                        .or_insert(way);
                }
            }
        }
        found.extend(
            next.iter()
                .map(|(group, since)| (group.clone(), (direct, *since))),
        );
        level = next;
        direct = false;
    }
    let mut label =
        connection.prepare_cached("SELECT label FROM documents WHERE tenant = ?1 AND id = ?2")?;
    let mut groups = Vec::new();
    for (group, (direct, since)) in found.into_iter().take(check::GROUPS) {
        let label = label
            .query_row(params![tenant.0, group], |row| row.get(0))
            .optional()?
            .unwrap_or_default();
        groups.push(Membership {
            group,
            label,
            direct,
            since,
        });
    }
    Ok(Memberships {
        groups,
        last_removed: rows::last_removed(connection, tenant, member)?,
    })
}
