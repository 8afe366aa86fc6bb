//! Reads of the directory, and commit.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;

use super::directory::{Directory, Row, under};
use super::groups::{memberships, users_below};
use super::{MemoryStore, count, find, unit};
use crate::walk::Mark;
use crate::{
    ConnectionId, Departure, Document, Edge, Erased, Event, Find, HeldMember, Holding, Kind,
    Member, MemberPage, Memberships, Outcome, Page, Rehearsal, Scope, StoreError, TenantId,
    Timestamp, Trace, Traces, Unit, UserStore, check, limits, spans,
};

impl MemoryStore {
    fn read<T: Default>(&self, tenant: TenantId, read: impl FnOnce(&Directory) -> T) -> T {
        self.lock()
            .directories
            .get(&tenant)
            .map(read)
            .unwrap_or_default()
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn get(
        &self,
        scope: Scope,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        Ok(self.read(scope.tenant, |directory| {
            let row = directory
                .seen(scope.connection, id)
                .filter(|row| row.document.kind == kind);
            row.map(|row| row.document.clone())
        }))
    }

    async fn get_many(&self, scope: Scope, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        check::at_most("ids", ids.len(), check::page())?;
        let ids: BTreeSet<&String> = ids.iter().collect();
        Ok(self.read(scope.tenant, |directory| {
            let rows = ids
                .iter()
                .filter_map(|id| directory.seen(scope.connection, id));
            rows.map(|row| row.document.clone()).collect()
        }))
    }

    async fn find(&self, scope: Scope, find: &Find) -> Result<Page, StoreError> {
        let connection = check::bound(scope)?;
        check::find(find)?;
        let after = find
            .after
            .as_deref()
            .map(|after| Mark::decode(connection, find, after))
            .transpose()?;
        // A tenant without a directory has pages too: empty ones, with a total.
        let (state, none) = (self.lock(), Directory::default());
        let directory = state.directories.get(&scope.tenant).unwrap_or(&none);
        Ok(find::page(directory, connection, find, after))
    }

    async fn index_ready(&self, scope: Scope, index_version: &str) -> Result<bool, StoreError> {
        let connection = check::bound(scope)?;
        check::index_version(index_version)?;
        let behind = self.read(scope.tenant, |directory| {
            let mut rows = directory
                .documents
                .values()
                .filter(|row| row.document.connection == connection);
            rows.any(|row| row.index_version != index_version)
        });
        Ok(!behind)
    }

    async fn has_edges(&self, scope: Scope, edges: &[Edge]) -> Result<Vec<bool>, StoreError> {
        check::at_most("edges", edges.len(), check::page())?;
        let mut answers = self.read(scope.tenant, |directory| {
            let exists = |edge: &Edge| {
                directory.seen(scope.connection, &edge.group).is_some()
                    && directory
                        .edges
                        .contains_key(&(edge.group.clone(), edge.member.clone()))
            };
            edges.iter().map(exists).collect::<Vec<_>>()
        });
        answers.resize(edges.len(), false);
        Ok(answers)
    }

    async fn members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, StoreError> {
        let limit = count(limit);
        check::at_most("members", limit, count(limits::MEMBERS_PAGE))?;
        Ok(self.read(scope.tenant, |directory| {
            if directory.seen(scope.connection, group).is_none() {
                return MemberPage::default();
            }
            let edges = under(&directory.edges, group)
                .filter(|((_, id), _)| after.is_none_or(|after| id.as_str() > after));
            let rows = edges.filter_map(|((_, id), _)| directory.documents.get(id));
            let mut members: Vec<Member> = rows.take(limit + 1).map(member).collect();
            let more = members.len() > limit;
            members.truncate(limit);
            let next = members
                .last()
                .filter(|_| more)
                .map(|member| member.id.clone());
            MemberPage { members, next }
        }))
    }

    async fn groups_of(
        &self,
        scope: Scope,
        member: &str,
        transitive: bool,
    ) -> Result<Memberships, StoreError> {
        Ok(self.read(scope.tenant, |directory| {
            match directory.seen(scope.connection, member) {
                Some(_) => memberships(directory, member, transitive),
                None => Memberships::default(),
            }
        }))
    }

    async fn users_of(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::rows(limit)?;
        Ok(self.read(scope.tenant, |directory| {
            match directory.seen(scope.connection, group) {
                Some(_) => users_below(directory, group)
                    .into_iter()
                    .filter(|id| after.is_none_or(|after| id.as_str() > after))
                    .take(count(limit))
                    .collect(),
                None => Vec::new(),
            }
        }))
    }

    async fn held_members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, StoreError> {
        check::at_most("held members", count(limit), check::page())?;
        Ok(self.read(scope.tenant, |directory| {
            if directory.seen(scope.connection, group).is_none() {
                return Vec::new();
            }
            let rows = under(&directory.held, group)
                .filter(|((_, id), _)| after.is_none_or(|after| id.as_str() > after));
            rows.take(count(limit))
                .map(|((group, id), held)| HeldMember {
                    group: group.clone(),
                    id: id.clone(),
                    display: held.display.clone(),
                    since: held.since,
                })
                .collect()
        }))
    }

    async fn holders(&self, scope: Scope, values: &[Vec<u8>]) -> Result<Vec<Holding>, StoreError> {
        check::holders(values)?;
        Ok(self.read(scope.tenant, |directory| {
            let values: BTreeSet<&Vec<u8>> = values.iter().collect();
            let found = values.into_iter().flat_map(|value| {
                directory
                    .holdings
                    .range((value.clone(), 0)..=(value.clone(), usize::MAX))
            });
            spans::shown(found.map(|((_, span), holding)| {
                let alive = directory.documents.contains_key(&holding.document);
                let holding = Holding {
                    alive,
                    ..holding.clone()
                };
                (*span, holding)
            }))
        }))
    }

    async fn commit(
        &self,
        scope: Scope,
        now: Timestamp,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let connection = check::bound(scope)?;
        check::units(&units)?;
        let mut state = self.lock();
        state.owns(scope.tenant, connection)?;
        let directory = state.directories.entry(scope.tenant).or_default();
        forget(directory, now);
        if let Some(outcomes) = directory.commits.outcomes.get(&(connection, commit_id)) {
            return Ok(outcomes.clone());
        }
        let mut trace = Trace::default();
        let batch = (&units[..], stop_after);
        let outcomes = run(directory, connection, now, batch, &mut trace);
        directory
            .commits
            .by_age
            .push_back((now, connection, commit_id));
        directory
            .commits
            .outcomes
            .insert((connection, commit_id), outcomes.clone());
        Ok(outcomes)
    }

    async fn rehearse(
        &self,
        scope: Scope,
        now: Timestamp,
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Rehearsal, StoreError> {
        let connection = check::bound(scope)?;
        check::units(&units)?;
        self.lock().owns(scope.tenant, connection)?;
        // On a copy: the shortest way to leave no trace, and this store is small.
        let mut directory = self.read(scope.tenant, Directory::clone);
        let last = directory.events.last_key_value().map_or(0, |(seq, _)| *seq);
        let mut trace = Trace::default();
        let batch = (&units[..], stop_after);
        let outcomes = run(&mut directory, connection, now, batch, &mut trace);
        let events = directory
            .events
            .range((Bound::Excluded(last), Bound::Unbounded));
        let document = |id: String| {
            let row = directory.documents.get(&id);
            (id, row.map(|row| row.document.clone()))
        };
        let edge = |(group, member): (String, String)| {
            let since = directory.edges.get(&(group.clone(), member.clone()));
            (Edge { group, member }, since.copied())
        };
        let removal = |id: &String| (id.clone(), directory.removals.get(id).copied());
        Ok(Rehearsal {
            last_removed: trace.members().into_iter().map(removal).collect(),
            outcomes,
            events: events.map(|(_, event)| event.clone()).collect(),
            documents: trace.documents.into_iter().map(document).collect(),
            edges: trace.edges.into_iter().map(edge).collect(),
        })
    }

    async fn events(
        &self,
        tenant: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        Ok(self.read(tenant, |directory| {
            let events = directory
                .events
                .range((Bound::Excluded(after), Bound::Unbounded));
            events
                .take(count(limit.min(limits::PAGE)))
                .map(|(_, event)| event.clone())
                .collect()
        }))
    }

    async fn event_range(&self, tenant: TenantId) -> Result<(u64, u64), StoreError> {
        let newest = self.read(tenant, |directory| {
            let last = directory.events.last_key_value();
            last.map(|(seq, _)| *seq).unwrap_or_default()
        });
        // Nothing is ever forgotten here.
        Ok((1, newest))
    }

    async fn unsettled(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<(TenantId, Event)>, StoreError> {
        let state = self.lock();
        let mut found = Vec::new();
        for (id, directory) in &state.directories {
            if tenant.is_none_or(|tenant| tenant == *id) {
                let open = directory.events.values().filter(|event| !event.settled);
                found.extend(open.map(|event| (*id, event.clone())));
            }
        }
        found.sort_by_key(|(tenant, event)| (event.at, *tenant, event.seq));
        found.truncate(count(limit.min(limits::PAGE)));
        Ok(found)
    }

    async fn settle(&self, tenant: TenantId, seqs: &[u64]) -> Result<(), StoreError> {
        let mut state = self.lock();
        if let Some(directory) = state.directories.get_mut(&tenant) {
            for seq in seqs {
                if let Some(event) = directory.events.get(seq).cloned() {
                    directory.events.put(
                        *seq,
                        Event {
                            settled: true,
                            ..event
                        },
                    );
                }
            }
            directory.events.settle();
        }
        Ok(())
    }

    async fn departures(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError> {
        check::rows(limit)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.read(tenant, |directory| {
            let rows = directory
                .departures
                .range::<str, _>((from, Bound::Unbounded));
            rows.take(count(limit))
                .map(|(_, departure)| departure.clone())
                .collect()
        }))
    }

    async fn departures_of(
        &self,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<Departure>, StoreError> {
        check::at_most("people", ids.len(), check::page())?;
        let ids: BTreeSet<&String> = ids.iter().collect();
        Ok(self.read(tenant, |directory| {
            let rows = ids.iter().filter_map(|id| directory.departures.get(*id));
            rows.cloned().collect()
        }))
    }

    async fn traces(&self, tenant: TenantId, id: &str) -> Result<Traces, StoreError> {
        Ok(self.read(tenant, |directory| directory.traces(id)))
    }

    async fn erase(
        &self,
        tenant: TenantId,
        now: Timestamp,
        id: &str,
    ) -> Result<Erased, StoreError> {
        let mut state = self.lock();
        let directory = state.directories.get_mut(&tenant);
        directory.map_or(Ok(Erased::default()), |directory| directory.erase(now, id))
    }

    async fn forget_departure(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(directory) = state.directories.get_mut(&tenant) else {
            return Ok(false);
        };
        let known = directory.departures.take(&id.to_owned()).is_some();
        directory.departures.settle();
        Ok(known)
    }
}

/// Does units: those that are refused leave nothing.
fn run(
    directory: &mut Directory,
    connection: ConnectionId,
    now: Timestamp,
    (units, stop_after): (&[Unit], Option<u32>),
    trace: &mut Trace,
) -> Vec<Outcome> {
    let mut failed = 0;
    let mut outcomes = Vec::new();
    for unit in units {
        if stop_after.is_some_and(|most| failed >= most) {
            outcomes.push(Outcome::NotTried);
            continue;
        }
        let outcome = unit::run(directory, connection, now, unit, trace);
        if matches!(outcome, Outcome::Committed { .. }) {
            directory.settle();
        } else {
            directory.revert();
            failed += 1;
        }
        outcomes.push(outcome);
    }
    outcomes
}

fn member(row: &Row) -> Member {
    Member {
        id: row.document.id.clone(),
        kind: row.document.kind,
        label: row.document.label.clone(),
    }
}

/// Drops outcomes that are older than a repeat may be.
fn forget(directory: &mut Directory, now: Timestamp) {
    let commits = &mut directory.commits;
    while let Some((at, connection, id)) = commits.by_age.front().copied() {
        if now.saturating_sub(at) <= limits::COMMIT_MEMORY_MS {
            break;
        }
        commits.by_age.pop_front();
        commits.outcomes.remove(&(connection, id));
    }
}
