//! A directory that keeps what is committed to itself: the store underneath is read and
//! never written.
//!
//! What a commit comes to is what the store itself says ([`UserStore::rehearse`]), so
//! that preconditions, unique keys and held members mean here what they mean there.
//! Later commits of the same preview are rehearsed behind the earlier ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nameplate_store::{
    Change, Departure, Document, Edge, Erased, Event, Find, HeldMember, Holding, Kind, Member,
    MemberPage, Membership, Memberships, Outcome, Page, Rehearsal, Scope, StoreError, TenantId,
    Timestamp, Traces, Unit, UserStore, check, limits,
};

use super::changed::Changed;
use super::merge::Merged;

/// People below a group that are collected at most, where memberships have changed.
const PEOPLE: usize = 10_000;

/// The directory of one connection, as it would be.
pub(super) struct DirectoryPreview {
    pub(super) base: Arc<dyn UserStore>,
    /// Everything happens at this moment.
    now: Timestamp,
    state: Mutex<State>,
}

struct State {
    units: Vec<Unit>,
    outcomes: BTreeMap<[u8; 16], Vec<Outcome>>,
    changed: Arc<Changed>,
}

impl DirectoryPreview {
    /// As the store has it now. `scope` names the connection that is written.
    pub fn new(base: Arc<dyn UserStore>, scope: Scope, now: Timestamp) -> Result<Self, StoreError> {
        let connection = check::bound(scope)?;
        Ok(Self {
            base,
            now,
            state: Mutex::new(State {
                units: Vec::new(),
                outcomes: BTreeMap::new(),
                changed: Arc::new(Changed::nothing(connection, now)),
            }),
        })
    }

    /// What has changed so far.
    pub fn changed(&self) -> Arc<Changed> {
        self.state().changed.clone()
    }

    /// Only whole values are put into it, so a panic elsewhere leaves it usable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sees(&self, scope: Scope, changed: &Changed, id: &str) -> Result<bool, StoreError> {
        if let Some(document) = changed.document(id) {
            return Ok(document.is_some_and(|document| shows(scope, document)));
        }
        let found = self.base.get_many(scope, &[id.to_owned()]).await?;
        Ok(!found.is_empty())
    }

    /// Direct groups: since when, and their labels.
    async fn direct(
        &self,
        scope: Scope,
        changed: &Changed,
        member: &str,
    ) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let stored = self.base.groups_of(scope, member, false).await?.groups;
        let mut groups: BTreeMap<String, Timestamp> = stored
            .into_iter()
            .map(|found| (found.group, found.since))
            .collect();
        for (group, since) in changed.groups_over(member) {
            match since {
                Some(since) => groups.insert(group.to_owned(), since),
                None => groups.remove(group),
            };
        }
        Ok(groups)
    }

    /// Level by level, as the store does it: of several shortest ways to a group the one
    /// that was complete earliest counts.
    async fn memberships(
        &self,
        scope: Scope,
        changed: &Changed,
        member: &str,
        transitive: bool,
    ) -> Result<Vec<Membership>, StoreError> {
        let mut found: BTreeMap<String, (bool, Timestamp)> = BTreeMap::new();
        let mut level = BTreeMap::from([(member.to_owned(), 0)]);
        let mut direct = true;
        while !level.is_empty() && found.len() < check::GROUPS && (direct || transitive) {
            let mut above: BTreeMap<String, Timestamp> = BTreeMap::new();
            for (id, since) in &level {
                for (group, edge) in self.direct(scope, changed, id).await? {
                    if group != member && !found.contains_key(&group) {
                        let way = edge.max(*since);
                        above
                            .entry(group)
                            .and_modify(|other| *other = way.min(*other))
                            .or_insert(way);
                    }
                }
            }
            found.extend(
                above
                    .iter()
                    .map(|(group, since)| (group.clone(), (direct, *since))),
            );
            level = above;
            direct = false;
        }
        let ids: Vec<String> = found.keys().take(check::GROUPS).cloned().collect();
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for chunk in ids.chunks(check::page()) {
            let documents = self.get_many(scope, chunk).await?;
            labels.extend(documents.into_iter().map(|group| (group.id, group.label)));
        }
        Ok(found
            .into_iter()
            .take(check::GROUPS)
            .map(|(group, (direct, since))| Membership {
                label: labels.remove(&group).unwrap_or_default(),
                group,
                direct,
                since,
            })
            .collect())
    }

    /// Everybody below a group, by id.
    async fn below(&self, scope: Scope, group: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut people = BTreeSet::new();
        let mut groups = BTreeSet::from([group.to_owned()]);
        let mut queue = vec![group.to_owned()];
        while let Some(group) = queue.pop() {
            let mut after = None;
            loop {
                let page = self
                    .members(scope, &group, after.as_deref(), limits::PAGE)
                    .await?;
                for member in page.members {
                    match member.kind {
                        Kind::User => _ = people.insert(member.id),
                        Kind::Group if groups.insert(member.id.clone()) => queue.push(member.id),
                        Kind::Group => {}
                    }
                }
                if people.len() + groups.len() > PEOPLE {
                    return Err(StoreError::Other(format!(
                        "a preview cannot look at more than {PEOPLE} people of a group"
                    )));
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(people)
    }
}

/// Does the scope show this document.
fn shows(scope: Scope, document: &Document) -> bool {
    scope
        .connection
        .is_none_or(|connection| connection == document.connection)
}

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::Denied("a preview writes nothing".to_owned()))
}

#[async_trait]
impl UserStore for DirectoryPreview {
    async fn get(
        &self,
        scope: Scope,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        let changed = self.changed();
        let Some(document) = changed.document(id) else {
            return self.base.get(scope, kind, id).await;
        };
        Ok(document
            .filter(|document| document.kind == kind && shows(scope, document))
            .cloned())
    }

    async fn get_many(&self, scope: Scope, ids: &[String]) -> Result<Vec<Document>, StoreError> {
        check::at_most("ids", ids.len(), check::page())?;
        let changed = self.changed();
        let known = |id: &&String| changed.document(id).is_some();
        let stored: Vec<String> = ids.iter().filter(|id| !known(id)).cloned().collect();
        let mut found = self.base.get_many(scope, &stored).await?;
        let ours: BTreeSet<&String> = ids.iter().filter(known).collect();
        let ours = ours.into_iter().filter_map(|id| changed.document(id)?);
        found.extend(ours.filter(|document| shows(scope, document)).cloned());
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    async fn find(&self, scope: Scope, find: &Find) -> Result<Page, StoreError> {
        let changed = self.changed();
        if changed.documents.is_empty() {
            return self.base.find(scope, find).await;
        }
        self.walk(scope, find, &changed).await
    }

    async fn index_ready(&self, scope: Scope, index_version: &str) -> Result<bool, StoreError> {
        let changed = self.changed();
        let ours = changed
            .keyed
            .values()
            .all(|keyed| keyed.index_version == index_version);
        Ok(ours && self.base.index_ready(scope, index_version).await?)
    }

    async fn has_edges(&self, scope: Scope, edges: &[Edge]) -> Result<Vec<bool>, StoreError> {
        let changed = self.changed();
        let mut answers = self.base.has_edges(scope, edges).await?;
        for (edge, answer) in edges.iter().zip(&mut answers) {
            let Edge { group, member } = edge;
            if let Some(since) = changed.edges.get(&(group.clone(), member.clone())) {
                *answer = since.is_some() && self.sees(scope, &changed, group).await?;
            }
        }
        Ok(answers)
    }

    async fn members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, StoreError> {
        let changed = self.changed();
        if !self.sees(scope, &changed, group).await? {
            return Ok(MemberPage::default());
        }
        let mut ours: BTreeMap<String, Option<Member>> = BTreeMap::new();
        let mut added = Vec::new();
        for (member, since) in changed.edges_of(group) {
            ours.insert(member.to_owned(), None);
            if since.is_some() {
                added.push(member.to_owned());
            }
        }
        for chunk in added.chunks(check::page()) {
            for document in self.get_many(scope, chunk).await? {
                ours.insert(document.id.clone(), Some(member(&document)));
            }
        }
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut list = Merged::new(after, limit, ours.clone());
        while let Some(after) = list.needs() {
            let page = self.base.members(scope, group, after.as_deref(), limit);
            list.read(page.await?.members, |member| &member.id);
        }
        let mut members = list.page();
        // Is there one more? Asked by itself: a page of the store has a limit too.
        let mut next = members.last().map(|last| last.id.clone());
        if let Some(last) = next.as_deref().filter(|_| members.len() >= wanted) {
            let mut rest = Merged::new(Some(last), 1, ours);
            while let Some(after) = rest.needs() {
                let page = self.base.members(scope, group, after.as_deref(), 1);
                rest.read(page.await?.members, |member| &member.id);
            }
            if rest.page().is_empty() {
                next = None;
            }
        } else {
            next = None;
        }
        for shown in &mut members {
            if let Some(Some(document)) = changed.document(&shown.id) {
                *shown = member(document);
            }
        }
        Ok(MemberPage { members, next })
    }

    async fn users_of(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let changed = self.changed();
        if changed.edges.is_empty() {
            return self.base.users_of(scope, group, after, limit).await;
        }
        let people = self.below(scope, group).await?.into_iter();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        check::at_most("users", limit, check::page())?;
        Ok(people
            .filter(|id| after.is_none_or(|after| id.as_str() > after))
            .take(limit)
            .collect())
    }

    async fn groups_of(
        &self,
        scope: Scope,
        member: &str,
        transitive: bool,
    ) -> Result<Memberships, StoreError> {
        let changed = self.changed();
        if !self.sees(scope, &changed, member).await? {
            return Ok(Memberships::default());
        }
        let mut memberships = if changed.edges.is_empty() {
            self.base.groups_of(scope, member, transitive).await?
        } else {
            Memberships {
                groups: self
                    .memberships(scope, &changed, member, transitive)
                    .await?,
                last_removed: None,
            }
        };
        for shown in &mut memberships.groups {
            if let Some(Some(group)) = changed.document(&shown.group) {
                shown.label.clone_from(&group.label);
            }
        }
        memberships.last_removed = match changed.last_removed.get(member) {
            Some(at) => *at,
            None => {
                let stored = self.base.groups_of(scope, member, false).await?;
                stored.last_removed
            }
        };
        Ok(memberships)
    }

    /// As they are stored: whom a group waits for decides nothing about a host.
    async fn held_members(
        &self,
        scope: Scope,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, StoreError> {
        self.base.held_members(scope, group, after, limit).await
    }

    async fn holders(&self, scope: Scope, values: &[Vec<u8>]) -> Result<Vec<Holding>, StoreError> {
        let stored = self.base.holders(scope, values).await?;
        Ok(self.changed().spans(values, stored))
    }

    async fn commit(
        &self,
        scope: Scope,
        _now: Timestamp,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let rekeys = |unit: &Unit| {
            let mut changes = unit.changes.iter();
            changes.any(|change| matches!(change, Change::Rekey(_)))
        };
        if units.iter().any(rekeys) {
            return read_only();
        }
        let (mut all, changed) = {
            let state = self.state();
            if let Some(outcomes) = state.outcomes.get(&commit_id) {
                return Ok(outcomes.clone());
            }
            (state.units.clone(), state.changed.clone())
        };
        let earlier = all.len();
        all.extend(units);
        let rehearsed = self
            .base
            .rehearse(scope, self.now, all.clone(), stop_after)
            .await?;
        let committed = |outcome: &Outcome| matches!(outcome, Outcome::Committed { .. });
        let (before, outcomes) = rehearsed
            .outcomes
            .split_at_checked(earlier)
            .ok_or_else(|| StoreError::Corrupt("fewer outcomes than units".to_owned()))?;
        if !before.iter().all(committed) {
            return Err(StoreError::Unavailable(
                "somebody else changed the same under the preview; ask for it again".to_owned(),
            ));
        }
        let outcomes = outcomes.to_vec();
        // Numbers only go up, so those of a later rehearsal follow those told before.
        let seqs: BTreeSet<u64> = outcomes.iter().filter_map(seq).collect();
        let mut events = changed.events.clone();
        let new = rehearsed.events.iter();
        events.extend(new.filter(|event| seqs.contains(&event.seq)).cloned());
        let changed = changed.by(&all, rehearsed, events);
        let mut kept = all.split_off(earlier).into_iter();
        let mut done: Vec<Unit> = all;
        done.extend(outcomes.iter().filter_map(|outcome| {
            let unit = kept.next();
            unit.filter(|_| committed(outcome))
        }));
        let mut state = self.state();
        state.units = done;
        state.outcomes.insert(commit_id, outcomes.clone());
        state.changed = Arc::new(changed);
        Ok(outcomes)
    }

    async fn rehearse(
        &self,
        _scope: Scope,
        _now: Timestamp,
        _units: Vec<Unit>,
        _stop_after: Option<u32>,
    ) -> Result<Rehearsal, StoreError> {
        read_only()
    }

    /// Those of the preview alone.
    async fn events(
        &self,
        _tenant: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let changed = self.changed();
        let events = changed.events.iter().filter(|event| event.seq > after);
        let limit = usize::try_from(limit.min(limits::PAGE)).unwrap_or(usize::MAX);
        Ok(events.take(limit).cloned().collect())
    }

    async fn event_range(&self, tenant: TenantId) -> Result<(u64, u64), StoreError> {
        self.base.event_range(tenant).await
    }

    async fn unsettled(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<(TenantId, Event)>, StoreError> {
        self.base.unsettled(tenant, limit).await
    }

    async fn settle(&self, _tenant: TenantId, _seqs: &[u64]) -> Result<(), StoreError> {
        read_only()
    }

    /// As they are stored, here and below: nothing that a host shows comes from them.
    async fn departures(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Departure>, StoreError> {
        self.base.departures(tenant, after, limit).await
    }

    async fn departures_of(
        &self,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<Departure>, StoreError> {
        self.base.departures_of(tenant, ids).await
    }

    async fn traces(&self, tenant: TenantId, id: &str) -> Result<Traces, StoreError> {
        self.base.traces(tenant, id).await
    }

    async fn erase(
        &self,
        _tenant: TenantId,
        _now: Timestamp,
        _id: &str,
    ) -> Result<Erased, StoreError> {
        read_only()
    }

    async fn forget_departure(&self, _tenant: TenantId, _id: &str) -> Result<bool, StoreError> {
        read_only()
    }
}

fn seq(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Committed { seq, .. } => *seq,
        _ => None,
    }
}

fn member(document: &Document) -> Member {
    Member {
        id: document.id.clone(),
        kind: document.kind,
        label: document.label.clone(),
    }
}
