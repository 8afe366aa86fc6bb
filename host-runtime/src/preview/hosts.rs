//! Hosts that keep what is written to themselves: the store underneath is read and never
//! written.
//!
//! What a write comes to is what every store has to answer (`nameplate_store::HostStore`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nameplate_store::{
    Assignment, AssignmentOutcome, Claim, Host, HostName, HostRecord, HostStore, HostSummary,
    HostWrite, HostsErased, PastAssignment, Promise, Source, StoreError, TenantId, Timestamp,
    check,
};

use super::merge::Merged;

/// The hosts of one tenant, as they would be.
pub(crate) struct HostPreview {
    base: Arc<dyn HostStore>,
    written: Mutex<BTreeMap<String, Written>>,
}

/// A host that was written.
#[derive(Clone)]
struct Written {
    host: Host,
    /// Whom the store has it assigned to.
    before: Option<String>,
    /// Assignments that ended in the preview, the oldest first.
    past: Vec<PastAssignment>,
}

impl HostPreview {
    /// As the store has them now.
    pub fn new(base: Arc<dyn HostStore>) -> Self {
        Self {
            base,
            written: Mutex::default(),
        }
    }

    /// Hosts that were written, by id.
    pub fn touched(&self) -> Vec<String> {
        self.written().keys().cloned().collect()
    }

    /// Only whole values are put into it, so a panic elsewhere leaves it usable.
    fn written(&self) -> MutexGuard<'_, BTreeMap<String, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each host that was written, as an entry of a list: none if it is not in it.
    fn ours<T>(&self, entry: impl Fn(&Host) -> Option<T>) -> BTreeMap<String, Option<T>> {
        let written = self.written();
        let entries = written.iter();
        entries
            .map(|(id, written)| (id.clone(), entry(&written.host)))
            .collect()
    }

    async fn write(
        &self,
        tenant: TenantId,
        host: &str,
        write: impl FnOnce(&mut Written) -> HostWrite + Send,
    ) -> Result<HostWrite, StoreError> {
        let known = self.written().get(host).cloned();
        let mut written = match known {
            Some(written) => written,
            None => match self.base.host(tenant, host).await? {
                None => return Ok(HostWrite::NoHost),
                Some(host) => Written {
                    before: host.assignment.user.clone(),
                    host,
                    past: Vec::new(),
                },
            },
        };
        let outcome = write(&mut written);
        if matches!(outcome, HostWrite::Written(_)) {
            self.written().insert(host.to_owned(), written);
        }
        Ok(outcome)
    }
}

fn up(host: &mut Host) -> HostWrite {
    host.version += 1;
    HostWrite::Written(host.version)
}

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::Denied("a preview writes nothing".to_owned()))
}

#[async_trait]
impl HostStore for HostPreview {
    async fn put_host(
        &self,
        _tenant: TenantId,
        _now: Timestamp,
        _host: HostRecord,
    ) -> Result<bool, StoreError> {
        read_only()
    }

    async fn delete_host(
        &self,
        _tenant: TenantId,
        _now: Timestamp,
        _host: &str,
    ) -> Result<bool, StoreError> {
        read_only()
    }

    async fn host(&self, tenant: TenantId, host: &str) -> Result<Option<Host>, StoreError> {
        let ours = self.written().get(host).map(|written| written.host.clone());
        match ours {
            Some(host) => Ok(Some(host)),
            None => self.base.host(tenant, host).await,
        }
    }

    async fn hosts(
        &self,
        tenant: TenantId,
        outcome: Option<AssignmentOutcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HostSummary>, StoreError> {
        let ours = self.ours(|host| {
            let wanted = outcome.is_none_or(|outcome| host.assignment.outcome == outcome);
            wanted.then(|| HostSummary {
                record: host.record.clone(),
                assignment: host.assignment.clone(),
            })
        });
        let mut list = Merged::new(after, limit, ours);
        while let Some(after) = list.needs() {
            let page = self.base.hosts(tenant, outcome, after.as_deref(), limit);
            list.read(page.await?, |host| &host.record.id);
        }
        Ok(list.page())
    }

    async fn host_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.base.host_count(tenant).await
    }

    async fn hosts_named(
        &self,
        tenant: TenantId,
        name: &HostName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.base.hosts_named(tenant, name, after, limit).await
    }

    async fn put_promise(&self, _tenant: TenantId, _promise: Promise) -> Result<bool, StoreError> {
        read_only()
    }

    async fn drop_promise(&self, _tenant: TenantId, _name: &HostName) -> Result<bool, StoreError> {
        read_only()
    }

    async fn promises(
        &self,
        tenant: TenantId,
        after: Option<&HostName>,
        limit: u32,
    ) -> Result<Vec<Promise>, StoreError> {
        self.base.promises(tenant, after, limit).await
    }

    async fn erase(
        &self,
        _tenant: TenantId,
        _now: Timestamp,
        _user: &str,
        _logins: &[String],
    ) -> Result<HostsErased, StoreError> {
        read_only()
    }

    async fn promises_for(
        &self,
        tenant: TenantId,
        serial: &str,
        display_name: &str,
    ) -> Result<Vec<Promise>, StoreError> {
        self.base.promises_for(tenant, serial, display_name).await
    }

    async fn claimed_by(
        &self,
        tenant: TenantId,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let ours = self.ours(|host| {
            let live = host.claims.iter().filter(|claim| claim.withdrawn.is_none());
            let claimed = live
                .flat_map(|claim| &claim.logins)
                .any(|login| logins.contains(login));
            claimed.then(|| host.record.id.clone())
        });
        let mut list = Merged::new(after, limit, ours);
        while let Some(after) = list.needs() {
            let page = self
                .base
                .claimed_by(tenant, logins, after.as_deref(), limit);
            list.read(page.await?, |host| host);
        }
        Ok(list.page())
    }

    async fn assigned_to(
        &self,
        tenant: TenantId,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let ours = self.ours(|host| {
            let assigned = host.assignment.user.as_deref() == Some(user);
            assigned.then(|| host.record.id.clone())
        });
        let mut list = Merged::new(after, limit, ours);
        while let Some(after) = list.needs() {
            let page = self.base.assigned_to(tenant, user, after.as_deref(), limit);
            list.read(page.await?, |host| host);
        }
        Ok(list.page())
    }

    async fn with_host(
        &self,
        tenant: TenantId,
        users: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let mut with: BTreeSet<String> = self
            .base
            .with_host(tenant, users)
            .await?
            .into_iter()
            .collect();
        let concerned: BTreeSet<String> = {
            let written = self.written();
            let people = written.values().flat_map(|written| {
                let after = written.host.assignment.user.iter();
                written.before.iter().chain(after)
            });
            people
                .filter(|user| users.contains(user))
                .cloned()
                .collect()
        };
        for user in concerned {
            if self.assigned_to(tenant, &user, None, 1).await?.is_empty() {
                with.remove(&user);
            } else {
                with.insert(user);
            }
        }
        Ok(with.into_iter().collect())
    }

    async fn put_claim(
        &self,
        tenant: TenantId,
        _now: Timestamp,
        host: &str,
        claim: Claim,
    ) -> Result<HostWrite, StoreError> {
        check::claim(&claim)?;
        self.write(tenant, host, |written| {
            let Written { host, .. } = written;
            if host.claims.iter().any(|other| other.id == claim.id) {
                return HostWrite::Unchanged(host.version);
            }
            host.claims.push(claim);
            host.claims.sort_by(|one, other| {
                let by_time = other.since.cmp(&one.since);
                by_time.then_with(|| one.id.cmp(&other.id))
            });
            up(host)
        })
        .await
    }

    async fn withdraw(
        &self,
        tenant: TenantId,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<HostWrite, StoreError> {
        self.write(tenant, host, |written| {
            let Written { host, .. } = written;
            let mut any = false;
            let of_source = |claim: &&mut Claim| claim.source == *source && claim.since <= at;
            for claim in host.claims.iter_mut().filter(of_source) {
                any |= claim.withdrawn.is_none();
                claim.withdrawn.get_or_insert(at);
            }
            if any {
                up(host)
            } else {
                HostWrite::Unchanged(host.version)
            }
        })
        .await
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
        self.write(tenant, host, |written| {
            let Written { host, past, .. } = written;
            if host.version != expected {
                return HostWrite::Stale(host.version);
            }
            if host.assignment == assignment {
                return HostWrite::Unchanged(expected);
            }
            let replaced_because = assignment.reason.clone();
            let before = std::mem::replace(&mut host.assignment, assignment);
            if !before.never_found() {
                past.push(PastAssignment {
                    from: host.assigned,
                    until: now,
                    assignment: before,
                    replaced_because,
                });
            }
            host.assigned = now;
            up(host)
        })
        .await
    }

    async fn history(
        &self,
        tenant: TenantId,
        host: &str,
        limit: u32,
    ) -> Result<Vec<PastAssignment>, StoreError> {
        let mut history = {
            let written = self.written();
            let past = written.get(host).map(|written| written.past.iter().rev());
            past.into_iter().flatten().cloned().collect::<Vec<_>>()
        };
        history.extend(self.base.history(tenant, host, limit).await?);
        history.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(history)
    }
}
