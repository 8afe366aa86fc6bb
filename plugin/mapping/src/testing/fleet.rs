//! A store of hosts in memory.

use std::collections::BTreeMap;

use nameplate_scim::directory::Timestamp;

use crate::hosts::*;

/// What another process does while a host is being settled.
pub(crate) type Interference = Box<dyn FnMut(&mut BTreeMap<String, Host>, &Assignment)>;

#[derive(Default)]
pub(crate) struct Fleet {
    pub(crate) hosts: BTreeMap<String, Host>,
    /// Called before each assignment is written.
    pub(crate) meanwhile: Option<Interference>,
}

impl Fleet {
    pub(crate) fn add(&mut self, id: &str) {
        let host = Host {
            id: id.to_owned(),
            version: 1,
            ..Host::default()
        };
        self.hosts.insert(id.to_owned(), host);
    }

    fn page(&self, after: Option<&str>, limit: u32, wanted: impl Fn(&Host) -> bool) -> HostPage {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut ids: Vec<String> = self
            .hosts
            .values()
            .filter(|host| after.is_none_or(|after| host.id.as_str() > after) && wanted(host))
            .map(|host| host.id.clone())
            .take(limit.saturating_add(1))
            .collect();
        let more = ids.len() > limit;
        ids.truncate(limit);
        HostPage {
            next: ids.last().filter(|_| more).cloned(),
            hosts: ids,
        }
    }
}

impl Fleet {
    fn put(&mut self, write: &AssignmentWrite) -> WriteOutcome {
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile(&mut self.hosts, &write.assignment);
        }
        let Some(host) = self.hosts.get_mut(&write.host) else {
            return WriteOutcome::NoHost;
        };
        if host.version != write.expected {
            return WriteOutcome::Stale(host.version);
        }
        host.assignment = write.assignment.clone();
        host.version += 1;
        WriteOutcome::Written(host.version)
    }
}

impl Hosts for Fleet {
    fn get(&mut self, host: &str) -> Result<Option<Host>, HostsError> {
        Ok(self.hosts.get(host).cloned())
    }
    fn claimed_by(
        &mut self,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        if logins.len() > 64 {
            return Err(HostsError::Refused("too many logins".to_owned()));
        }
        Ok(self.page(after, limit, |host| {
            host.claims.iter().any(|claim| {
                claim.withdrawn.is_none() && claim.logins.iter().any(|key| logins.contains(key))
            })
        }))
    }
    fn assigned_to(
        &mut self,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        Ok(self.page(after, limit, |host| {
            host.assignment.user.as_deref() == Some(user)
        }))
    }
    fn all(&mut self, after: Option<&str>, limit: u32) -> Result<HostPage, HostsError> {
        Ok(self.page(after, limit, |_| true))
    }
    fn put_claim(&mut self, host: &str, claim: &Claim) -> Result<WriteOutcome, HostsError> {
        let Some(host) = self.hosts.get_mut(host) else {
            return Ok(WriteOutcome::NoHost);
        };
        if host.claims.iter().any(|other| other.id == claim.id) {
            return Ok(WriteOutcome::Unchanged(host.version));
        }
        host.claims.push(claim.clone());
        host.version += 1;
        Ok(WriteOutcome::Written(host.version))
    }
    fn withdraw(
        &mut self,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<WriteOutcome, HostsError> {
        let Some(host) = self.hosts.get_mut(host) else {
            return Ok(WriteOutcome::NoHost);
        };
        let mut any = false;
        for claim in &mut host.claims {
            if claim.source == *source && claim.withdrawn.is_none() && claim.since <= at {
                claim.withdrawn = Some(at);
                any = true;
            }
        }
        if !any {
            return Ok(WriteOutcome::Unchanged(host.version));
        }
        host.version += 1;
        Ok(WriteOutcome::Written(host.version))
    }
    fn put_assignments(
        &mut self,
        writes: &[AssignmentWrite],
    ) -> Result<Vec<WriteOutcome>, HostsError> {
        if writes.len() > 1000 {
            return Err(HostsError::Refused("too many writes".to_owned()));
        }
        Ok(writes.iter().map(|write| self.put(write)).collect())
    }
}
