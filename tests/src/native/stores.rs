//! The runtime's stores, clock and random source as the sync traits of the protocol
//! and mapping crates.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;
use nameplate_mapping::directory::TenantDirectory;
use nameplate_mapping::hosts::{
    AssignmentWrite, Claim, Host, HostPage, Hosts, HostsError, Source, WriteOutcome,
};
use nameplate_runtime::clock::Sources;
use nameplate_runtime::plugin::{Call, DirectoryChange, Note, NoteLevel, PluginError};
use nameplate_scim::directory::{
    Directory, DirectoryError, Document, Edge, Find, HeldMember, Holding, Kind, MemberPage,
    Memberships, Outcome, Page, Timestamp, Unit,
};
use nameplate_scim::env::{Env, Level};
use nameplate_store as store;

use super::{convert, convert_mapping};

/// Waits for a store. Most answers are there at the first look; for the others the
/// thread waits, as a native server over these traits would have to.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
        }
    }
}

/// The directory of a call's scope; remembers what mapping has to look at.
pub(super) struct NativeDirectory<'a> {
    call: &'a Call,
    changes: Vec<DirectoryChange>,
}

impl<'a> NativeDirectory<'a> {
    pub(super) fn new(call: &'a Call) -> Self {
        Self {
            call,
            changes: Vec::new(),
        }
    }

    pub(super) fn changes(self) -> Vec<DirectoryChange> {
        self.changes
    }
}

impl Directory for NativeDirectory<'_> {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        let call = self.call;
        wait(call.users.get(call.scope, convert::kind(kind), id))
            .map(|found| found.map(|found| convert::document(found, &call.connections)))
            .map_err(convert::directory_error)
    }

    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        let call = self.call;
        let found = wait(call.users.get_many(call.scope, ids));
        Ok(found
            .map_err(convert::directory_error)?
            .into_iter()
            .map(|found| convert::document(found, &call.connections))
            .collect())
    }

    fn find(&mut self, find: &Find) -> Result<Page, DirectoryError> {
        let call = self.call;
        wait(call.users.find(call.scope, &convert::find(find)))
            .map(|page| convert::page(page, &call.connections))
            .map_err(convert::directory_error)
    }

    fn index_ready(&mut self, index_version: &str) -> Result<bool, DirectoryError> {
        let call = self.call;
        wait(call.users.index_ready(call.scope, index_version)).map_err(convert::directory_error)
    }

    fn has_edges(&mut self, edges: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        let call = self.call;
        let edges: Vec<_> = edges.iter().map(convert::edge).collect();
        wait(call.users.has_edges(call.scope, &edges)).map_err(convert::directory_error)
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, DirectoryError> {
        let call = self.call;
        wait(call.users.members(call.scope, group, after, limit))
            .map(convert::member_page)
            .map_err(convert::directory_error)
    }

    fn groups_of(&mut self, member: &str, transitive: bool) -> Result<Memberships, DirectoryError> {
        let call = self.call;
        wait(call.users.groups_of(call.scope, member, transitive))
            .map(convert::memberships)
            .map_err(convert::directory_error)
    }

    fn held_members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        let call = self.call;
        wait(call.users.held_members(call.scope, group, after, limit))
            .map(|held| held.into_iter().map(convert::held_member).collect())
            .map_err(convert::directory_error)
    }

    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        let call = self.call;
        let holdings = wait(call.users.holders(call.scope, values));
        Ok(holdings
            .map_err(convert::directory_error)?
            .into_iter()
            .map(|holding| convert::holding(holding, &call.connections))
            .collect())
    }

    fn commit(
        &mut self,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, DirectoryError> {
        let call = self.call;
        let units: Vec<store::Unit> = units.into_iter().map(convert::unit).collect();
        let committed = wait(call.commit(commit_id, units, stop_after));
        let (outcomes, changes) = committed.map_err(convert::directory_error)?;
        self.changes.extend(changes);
        Ok(outcomes
            .into_iter()
            .map(|outcome| convert::outcome(outcome, &call.connections))
            .collect())
    }
}

impl TenantDirectory for NativeDirectory<'_> {
    fn find_in(&mut self, connection: &str, find: &Find) -> Result<Page, DirectoryError> {
        let call = self.call;
        let known = call.connections.iter();
        let found = known.into_iter().find(|known| known.name == connection);
        let found = found.ok_or_else(|| {
            DirectoryError::Refused("the tenant has no connection of this name".to_owned())
        })?;
        let mut scope = call.scope;
        scope.connection = Some(found.id);
        wait(call.users.find(scope, &convert::find(find)))
            .map(|page| convert::page(page, &call.connections))
            .map_err(convert::directory_error)
    }

    fn users_of(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, DirectoryError> {
        let call = self.call;
        wait(call.users.users_of(call.scope, group, after, limit)).map_err(convert::directory_error)
    }
}

/// The hosts of a call's tenant.
pub(super) struct NativeHosts<'a> {
    call: &'a Call,
}

impl<'a> NativeHosts<'a> {
    pub(super) fn new(call: &'a Call) -> Self {
        Self { call }
    }
}

/// A full page may have more behind it.
fn host_page(hosts: Vec<String>, limit: u32) -> HostPage {
    let full = hosts.len() >= limit as usize;
    HostPage {
        next: if full { hosts.last().cloned() } else { None },
        hosts,
    }
}

impl Hosts for NativeHosts<'_> {
    fn get(&mut self, host: &str) -> Result<Option<Host>, HostsError> {
        wait(self.call.hosts.host(self.call.scope.tenant, host))
            .map(|found| found.map(convert_mapping::host))
            .map_err(convert_mapping::hosts_error)
    }

    fn claimed_by(
        &mut self,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        let tenant = self.call.scope.tenant;
        wait(self.call.hosts.claimed_by(tenant, logins, after, limit))
            .map(|hosts| host_page(hosts, limit))
            .map_err(convert_mapping::hosts_error)
    }

    fn assigned_to(
        &mut self,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        let tenant = self.call.scope.tenant;
        wait(self.call.hosts.assigned_to(tenant, user, after, limit))
            .map(|hosts| host_page(hosts, limit))
            .map_err(convert_mapping::hosts_error)
    }

    fn all(&mut self, after: Option<&str>, limit: u32) -> Result<HostPage, HostsError> {
        let limit = limit.min(store::limits::PAGE);
        let tenant = self.call.scope.tenant;
        wait(self.call.hosts.hosts(tenant, None, after, limit))
            .map(|hosts| {
                let ids = hosts.into_iter().map(|host| host.record.id).collect();
                host_page(ids, limit)
            })
            .map_err(convert_mapping::hosts_error)
    }

    fn put_claim(&mut self, host: &str, claim: &Claim) -> Result<WriteOutcome, HostsError> {
        let (tenant, now) = (self.call.scope.tenant, self.call.sources.clock.now());
        let claim = convert_mapping::claim_to_store(claim.clone());
        wait(self.call.hosts.put_claim(tenant, now, host, claim))
            .map(convert_mapping::write_outcome)
            .map_err(convert_mapping::hosts_error)
    }

    fn withdraw(
        &mut self,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<WriteOutcome, HostsError> {
        let source = convert_mapping::source_to_store(source.clone());
        let tenant = self.call.scope.tenant;
        wait(self.call.hosts.withdraw(tenant, host, &source, at))
            .map(convert_mapping::write_outcome)
            .map_err(convert_mapping::hosts_error)
    }

    fn put_assignments(
        &mut self,
        writes: &[AssignmentWrite],
    ) -> Result<Vec<WriteOutcome>, HostsError> {
        let (tenant, now) = (self.call.scope.tenant, self.call.sources.clock.now());
        let hosts = &self.call.hosts;
        // All at once, as the component's are.
        let written = writes.iter().map(|write| {
            let assignment = convert_mapping::assignment_to_store(write.assignment.clone());
            hosts.put_assignment(tenant, now, &write.host, write.expected, assignment)
        });
        let written: Result<Vec<_>, _> = wait(join_all(written)).into_iter().collect();
        written
            .map(|outcomes| {
                let outcomes = outcomes.into_iter();
                outcomes.map(convert_mapping::write_outcome).collect()
            })
            .map_err(convert_mapping::hosts_error)
    }
}

/// Time, chance and the journal of one call.
pub(super) struct NativeEnv<'a> {
    sources: &'a Sources,
    notes: Vec<Note>,
    /// Why there were no random bytes: the call counts as trapped, as in the sandbox.
    failed: Option<String>,
}

impl<'a> NativeEnv<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            notes: Vec::new(),
            failed: None,
        }
    }

    /// The remarks, or why the call cannot count.
    pub(super) fn finish(self) -> Result<Vec<Note>, PluginError> {
        match self.failed {
            Some(cause) => Err(PluginError::Trapped(cause)),
            None => Ok(self.notes),
        }
    }
}

impl Env for NativeEnv<'_> {
    fn now(&mut self) -> Timestamp {
        self.sources.clock.now()
    }

    fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if let Err(cause) = self.sources.random.fill(&mut bytes) {
            self.failed = Some(cause);
        }
        bytes
    }

    fn note(&mut self, level: Level, code: &str, text: &str) {
        self.notes.push(Note {
            level: match level {
                Level::Action => NoteLevel::Action,
                Level::Quirk => NoteLevel::Quirk,
                Level::Warning => NoteLevel::Warning,
            },
            code: code.to_owned(),
            text: text.to_owned(),
        });
    }
}
