//! Hosts, claims, assignments and history of all tenants.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use async_trait::async_trait;

use super::{MemoryStore, State, count};
use crate::erasure::Person;
use crate::{
    Assignment, AssignmentOutcome, Claim, Event, Host, HostName, HostRecord, HostStore,
    HostSummary, HostWrite, HostsErased, PastAssignment, Promise, Source, StoreError, TenantId,
    Timestamp, check, fold,
};

/// The hosts of one tenant, by id.
pub type Hosts = BTreeMap<String, Row>;

/// One host, with more claims than a read shows.
#[derive(Debug)]
pub struct Row {
    pub(super) host: Host,
    pub(super) history: VecDeque<PastAssignment>,
}

impl Row {
    /// Replaces the assignment; the old one becomes a line of the history.
    fn assign(&mut self, now: Timestamp, assignment: Assignment) {
        let replaced_because = assignment.reason.clone();
        let from = std::mem::replace(&mut self.host.assigned, now);
        let past = std::mem::replace(&mut self.host.assignment, assignment);
        if past.never_found() {
            return;
        }
        self.history.push_back(PastAssignment {
            from,
            until: now,
            assignment: past,
            replaced_because,
        });
        if self.history.len() > check::HISTORY {
            self.history.pop_front();
        }
    }
}

impl State {
    /// Appends an event that no unit made.
    fn append(&mut self, tenant: TenantId, event: Event) {
        let directory = self.directories.entry(tenant).or_default();
        directory.append(event);
        directory.settle();
    }
}

impl MemoryStore {
    fn hosts_where<T>(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
        want: impl Fn(&Host) -> Option<T>,
    ) -> Vec<T> {
        let state = self.lock();
        let Some(hosts) = state.hosts.get(&tenant) else {
            return Vec::new();
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = hosts.range::<str, _>((from, Bound::Unbounded));
        rows.filter_map(|(_, row)| want(&row.host))
            .take(count(limit))
            .collect()
    }

    fn with_row(
        &self,
        tenant: TenantId,
        host: &str,
        write: impl FnOnce(&mut Row) -> HostWrite,
    ) -> HostWrite {
        let mut state = self.lock();
        let row = state
            .hosts
            .get_mut(&tenant)
            .and_then(|hosts| hosts.get_mut(host));
        row.map_or(HostWrite::NoHost, write)
    }
}

fn written(host: &mut Host) -> HostWrite {
    host.version += 1;
    HostWrite::Written(host.version)
}

#[async_trait]
impl HostStore for MemoryStore {
    async fn put_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: HostRecord,
    ) -> Result<bool, StoreError> {
        check::host(&host)?;
        let mut state = self.lock();
        state.known(tenant)?;
        let hosts = state.hosts.entry(tenant).or_default();
        if let Some(row) = hosts.get_mut(&host.id) {
            row.host.record = host;
            return Ok(false);
        }
        let id = host.id.clone();
        let host = Host {
            record: host,
            created: now,
            version: 1,
            claims: Vec::new(),
            assignment: Assignment::default(),
            assigned: now,
        };
        hosts.insert(
            id,
            Row {
                host,
                history: VecDeque::new(),
            },
        );
        Ok(true)
    }

    async fn delete_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let hosts = state.hosts.get_mut(&tenant);
        let Some(row) = hosts.and_then(|hosts| hosts.remove(host)) else {
            return Ok(false);
        };
        state.append(
            tenant,
            Event::of_host(now, host, &row.host.assignment, None),
        );
        Ok(true)
    }

    async fn host(&self, tenant: TenantId, host: &str) -> Result<Option<Host>, StoreError> {
        let state = self.lock();
        let row = state.hosts.get(&tenant).and_then(|hosts| hosts.get(host));
        Ok(row.map(|row| Host {
            claims: shown(&row.host.claims),
            ..row.host.clone()
        }))
    }

    async fn hosts(
        &self,
        tenant: TenantId,
        outcome: Option<AssignmentOutcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HostSummary>, StoreError> {
        Ok(self.hosts_where(tenant, after, limit, |host| {
            let wanted = outcome.is_none_or(|outcome| host.assignment.outcome == outcome);
            wanted.then(|| HostSummary {
                record: host.record.clone(),
                assignment: host.assignment.clone(),
            })
        }))
    }

    async fn host_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let state = self.lock();
        let hosts = state.hosts.get(&tenant).map_or(0, BTreeMap::len);
        Ok(u64::try_from(hosts).unwrap_or(u64::MAX))
    }

    async fn hosts_named(
        &self,
        tenant: TenantId,
        name: &HostName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::rows(limit)?;
        let wanted = name.folded();
        Ok(self.hosts_where(tenant, after, limit, |host| {
            let its = match &wanted {
                HostName::Serial(_) => &host.record.serial,
                HostName::Name(_) => &host.record.display_name,
            };
            let named = !wanted.value().is_empty() && fold(its) == wanted.value();
            named.then(|| host.record.id.clone())
        }))
    }

    async fn claimed_by(
        &self,
        tenant: TenantId,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::claimed_by(logins)?;
        Ok(self.hosts_where(tenant, after, limit, |host| {
            let live = host.claims.iter().filter(|claim| claim.withdrawn.is_none());
            let claimed = live
                .flat_map(|claim| &claim.logins)
                .any(|login| logins.contains(login));
            claimed.then(|| host.record.id.clone())
        }))
    }

    async fn assigned_to(
        &self,
        tenant: TenantId,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        Ok(self.hosts_where(tenant, after, limit, |host| {
            (host.assignment.user.as_deref() == Some(user)).then(|| host.record.id.clone())
        }))
    }

    async fn with_host(
        &self,
        tenant: TenantId,
        users: &[String],
    ) -> Result<Vec<String>, StoreError> {
        check::at_most("people", users.len(), check::page())?;
        let users: BTreeSet<&String> = users.iter().collect();
        let mut found = self.hosts_where(tenant, None, u32::MAX, |host| {
            host.assignment
                .user
                .clone()
                .filter(|user| users.contains(user))
        });
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn put_claim(
        &self,
        tenant: TenantId,
        _now: Timestamp,
        host: &str,
        claim: Claim,
    ) -> Result<HostWrite, StoreError> {
        check::claim(&claim)?;
        Ok(self.with_row(tenant, host, |row| {
            if row.host.claims.iter().any(|other| other.id == claim.id) {
                return HostWrite::Unchanged(row.host.version);
            }
            row.host.claims.push(claim);
            written(&mut row.host)
        }))
    }

    async fn withdraw(
        &self,
        tenant: TenantId,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<HostWrite, StoreError> {
        Ok(self.with_row(tenant, host, |row| {
            let claims = row.host.claims.iter_mut();
            let mut any = false;
            for claim in claims.filter(|claim| claim.source == *source && claim.since <= at) {
                any |= claim.withdrawn.is_none();
                claim.withdrawn.get_or_insert(at);
            }
            match any {
                true => written(&mut row.host),
                false => HostWrite::Unchanged(row.host.version),
            }
        }))
    }

    async fn put_assignment(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
        expected: u64,
        assignment: Assignment,
    ) -> Result<HostWrite, StoreError> {
        check::assignment(&assignment)?;
        let mut state = self.lock();
        let hosts = state.hosts.get_mut(&tenant);
        let Some(row) = hosts.and_then(|hosts| hosts.get_mut(host)) else {
            return Ok(HostWrite::NoHost);
        };
        if row.host.version != expected {
            return Ok(HostWrite::Stale(row.host.version));
        }
        if row.host.assignment == assignment {
            return Ok(HostWrite::Unchanged(expected));
        }
        let event = Event::of_host(now, host, &row.host.assignment, Some(&assignment));
        row.assign(now, assignment);
        let written = written(&mut row.host);
        state.append(tenant, event);
        Ok(written)
    }

    async fn history(
        &self,
        tenant: TenantId,
        host: &str,
        limit: u32,
    ) -> Result<Vec<PastAssignment>, StoreError> {
        let state = self.lock();
        let row = state.hosts.get(&tenant).and_then(|hosts| hosts.get(host));
        Ok(row
            .map(|row| {
                row.history
                    .iter()
                    .rev()
                    .take(count(limit))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default())
    }

    async fn put_promise(&self, tenant: TenantId, promise: Promise) -> Result<bool, StoreError> {
        check::promise(&promise)?;
        let mut state = self.lock();
        state.known(tenant)?;
        Ok(state.promises.entry(tenant).or_default().put(promise))
    }

    async fn drop_promise(&self, tenant: TenantId, name: &HostName) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let promises = state.promises.get_mut(&tenant);
        Ok(promises.is_some_and(|promises| promises.drop(name)))
    }

    async fn promises(
        &self,
        tenant: TenantId,
        after: Option<&HostName>,
        limit: u32,
    ) -> Result<Vec<Promise>, StoreError> {
        check::rows(limit)?;
        let state = self.lock();
        let promises = state.promises.get(&tenant);
        Ok(promises.map_or_else(Vec::new, |promises| promises.after(after, limit)))
    }

    async fn erase(
        &self,
        tenant: TenantId,
        now: Timestamp,
        user: &str,
        logins: &[String],
    ) -> Result<HostsErased, StoreError> {
        Ok(self.erase_among_hosts(tenant, now, &Person::new(user, logins)))
    }

    async fn promises_for(
        &self,
        tenant: TenantId,
        serial: &str,
        display_name: &str,
    ) -> Result<Vec<Promise>, StoreError> {
        let state = self.lock();
        let promises = state.promises.get(&tenant);
        Ok(promises.map_or_else(Vec::new, |promises| promises.to(serial, display_name)))
    }
}

/// At most [`check::CLAIMS`], the newest of each source before the second newest
/// of any, so that a chatty source never hides the one manual claim.
fn shown(claims: &[Claim]) -> Vec<Claim> {
    let mut shown = claims.to_vec();
    shown.sort_by(|one, other| {
        other
            .since
            .cmp(&one.since)
            .then_with(|| one.id.cmp(&other.id))
    });
    let mut seen: BTreeMap<Source, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Claim)> = Vec::new();
    for claim in shown {
        let rank = seen.entry(claim.source.clone()).or_default();
        ranked.push((*rank, claim));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.truncate(check::CLAIMS);
    let mut shown: Vec<Claim> = ranked.into_iter().map(|(_, claim)| claim).collect();
    shown.sort_by(|one, other| {
        other
            .since
            .cmp(&one.since)
            .then_with(|| one.id.cmp(&other.id))
    });
    shown
}
