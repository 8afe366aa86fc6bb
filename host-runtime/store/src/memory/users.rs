//! Reads of the directory, and commit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;

use super::directory::{Directory, Row, under};
use super::{MemoryStore, unit};
use crate::reserved::Reserved;
use crate::walk::{self, Mark};
use crate::{
    ConnectionId, Departure, Detail, Direction, Document, Edge, Event, Find, HeldMember, Hit,
    Holding, KeyRange, Kind, Member, MemberPage, Membership, Memberships, Outcome, Page, Rehearsal,
    Scope, StoreError, TenantId, Timestamp, Trace, Unit, UserStore, check, limits, spans,
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
        Ok(page(directory, connection, find, after))
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

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
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

fn page(directory: &Directory, connection: ConnectionId, find: &Find, after: Option<Mark>) -> Page {
    let mut marks = matches(directory, connection, find);
    // Later pages go without, as where counting costs something: whoever builds on
    // this store should not come to rely on it.
    let counted = after.is_none() || find.range == KeyRange::All;
    let total = u64::try_from(marks.len()).ok().filter(|_| counted);
    if find.direction == Direction::Descending {
        marks.reverse();
    }
    let passed = |mark: &Mark| match (&after, find.direction) {
        (None, _) => false,
        (Some(after), Direction::Ascending) => (&mark.value, &mark.id) <= (&after.value, &after.id),
        (Some(after), Direction::Descending) => {
            (&mark.value, &mark.id) >= (&after.value, &after.id)
        }
    };
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let mut rest = marks.into_iter().skip_while(passed).skip(skip).peekable();
    let mut page = Page {
        hits: Vec::new(),
        next: None,
        total,
    };
    let mut bytes = 0;
    while page.hits.len() < count(find.limit) && bytes < limits::PAGE_BYTES {
        let Some(mark) = rest.next() else { break };
        let document = directory
            .documents
            .get(&mark.id)
            .map(|row| row.document.clone());
        let document = document.filter(|_| find.want == Detail::Documents);
        bytes += document.as_ref().map_or(0, |document| document.json.len());
        page.next = rest.peek().is_some().then(|| mark.encode(connection, find));
        let key = (find.want == Detail::Keys && find.range != KeyRange::All).then_some(mark.value);
        page.hits.push(Hit {
            id: mark.id,
            key,
            document,
        });
    }
    page
}

/// Every hit in ascending order, each document once.
fn matches(directory: &Directory, connection: ConnectionId, find: &Find) -> Vec<Mark> {
    let reserved = Reserved::of(find);
    if reserved.is_some() || find.range == KeyRange::All {
        let rows = directory.documents.values().map(|row| &row.document);
        let rows =
            rows.filter(|document| document.connection == connection && document.kind == find.kind);
        let marks = rows.map(|document| Mark {
            value: reserved.map_or_else(Vec::new, |index| index.value(document)),
            id: document.id.clone(),
        });
        let mut marks: Vec<Mark> = marks
            .filter(|mark| walk::holds(&find.range, &mark.value))
            .collect();
        marks.sort_by(|one, other| (&one.value, &one.id).cmp(&(&other.value, &other.id)));
        return marks;
    }
    let from = (
        connection,
        find.kind,
        find.index.clone(),
        Vec::new(),
        String::new(),
    );
    let entries = directory
        .index
        .range(from..)
        .take_while(|((at, kind, attribute, _, _), ())| {
            *at == connection && *kind == find.kind && *attribute == find.index
        });
    entries
        .filter(|((_, _, _, value, id), ())| {
            let keys = directory
                .documents
                .get(id)
                .map(|row| row.keys.as_slice())
                .unwrap_or_default();
            walk::holds(&find.range, value) && walk::met_first(find, keys, value)
        })
        .map(|((_, _, _, value, id), ())| Mark {
            value: value.clone(),
            id: id.clone(),
        })
        .collect()
}

/// The users in a group and in those below it, whatever the cycles.
fn users_below(directory: &Directory, group: &str) -> BTreeSet<String> {
    let mut groups = BTreeSet::from([group.to_owned()]);
    let mut users = BTreeSet::new();
    let mut open = vec![group.to_owned()];
    while let Some(group) = open.pop() {
        for member in directory.member_ids(&group) {
            let kind = directory
                .documents
                .get(&member)
                .map(|row| row.document.kind);
            match kind {
                Some(Kind::Group) if groups.insert(member.clone()) => open.push(member),
                Some(Kind::User) => _ = users.insert(member),
                Some(Kind::Group) | None => {}
            }
        }
    }
    users
}

/// Level by level, so that a group is met on a shortest way first; of several
/// shortest ways the one that was complete earliest counts.
fn memberships(directory: &Directory, member: &str, transitive: bool) -> Memberships {
    let mut found: BTreeMap<String, Membership> = BTreeMap::new();
    let mut level: BTreeMap<String, Timestamp> = BTreeMap::from([(member.to_owned(), 0)]);
    let mut direct = true;
    while !level.is_empty() && found.len() < check::GROUPS && (direct || transitive) {
        let mut above: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (id, since) in &level {
            for group in directory.groups_over(id) {
                if group == member || found.contains_key(&group) {
                    continue;
                }
                let edge = directory
                    .edges
                    .get(&(group.clone(), id.clone()))
                    .copied()
                    .unwrap_or_default();
                let way = edge.max(*since);
                above
                    .entry(group)
                    .and_modify(|other| *other = way.min(*other))
                    .or_insert(way);
            }
        }
        for (group, since) in &above {
            let label = directory
                .documents
                .get(group)
                .map(|row| row.document.label.clone())
                .unwrap_or_default();
            found.insert(
                group.clone(),
                Membership {
                    group: group.clone(),
                    label,
                    direct,
                    since: *since,
                },
            );
        }
        level = above;
        direct = false;
    }
    Memberships {
        groups: found.into_values().take(check::GROUPS).collect(),
        last_removed: directory.removals.get(member).copied(),
    }
}
