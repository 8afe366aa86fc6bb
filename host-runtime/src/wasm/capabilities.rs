//! What a guest can reach: the traits generated from `wit/`, bound to the current
//! call. Every method meters itself, checks the scope, asks the store, converts.
//!
//! A guest that breaks the contract gets a `denied` or `invalid` value; one that
//! exceeds a limit is trapped.

use futures_util::future::join_all;
use nameplate_store::{HostWrite, StoreError, limits};
use wasmtime::Result;

use super::bindings::nameplate::scim::{config, host_store, journal, types, user_store};
use super::bindings::wasi::clocks::wall_clock;
use super::bindings::wasi::random::random;
use super::convert::{
    document, find_request, holding, host_to_wit, names, outcome, page_to_wit, unit_from_wit,
};
use super::state::GuestState;
use crate::plugin::{Call, Note, NoteLevel};

/// Random bytes of one call; ids and commit ids need sixteen each.
const MAX_RANDOM: u64 = 4096;

/// Units of one commit: as many as Bulk has operations.
const MAX_UNITS: usize = 1000;

/// Runs one store call of the guest: clock stopped, error converted.
macro_rules! ask {
    ($state:ident, |$call:ident| $future:expr) => {{
        $state.meter.pause()?;
        let $call = $state.call()?;
        let answer = $future.await;
        $state.meter.resume();
        answer.map_err(store_error)
    }};
}

/// The store's trouble as the guest may know it: no paths, no SQL. The host's log
/// has the rest.
fn store_error(error: StoreError) -> types::StoreError {
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(%error, "a store call failed");
            types::StoreError::Unavailable("the database does not answer".into())
        }
        StoreError::Denied(text) => types::StoreError::Denied(text),
        StoreError::Invalid(text) => types::StoreError::Invalid(text),
        _ => {
            tracing::error!(%error, "a store call failed");
            types::StoreError::Other("the database failed".into())
        }
    }
}

fn too_many(what: &str, most: usize) -> types::StoreError {
    types::StoreError::Invalid(format!("more than {most} {what} in one call"))
}

/// Hosts and other connections belong to the tenant: a SCIM request reaches none.
macro_rules! mapping_only {
    ($state:ident) => {
        if $state.call()?.scope.connection.is_some() {
            return Ok(Err(types::StoreError::Denied(
                "in scope of mapping alone".into(),
            )));
        }
    };
}

impl types::Host for GuestState {}

impl config::Host for GuestState {
    fn get(&mut self, known_revision: Option<u64>) -> Result<config::State> {
        let config = &self.call()?.config;
        if known_revision == Some(config.revision) {
            return Ok(config::State::Unchanged);
        }
        Ok(config::State::Current(config::Document {
            revision: config.revision,
            json: config.json.clone(),
        }))
    }
}

impl journal::Host for GuestState {
    fn add(&mut self, note: journal::Note) -> Result<()> {
        let journal::Note { level, code, text } = note;
        let level = match level {
            journal::Level::Action => NoteLevel::Action,
            journal::Level::Quirk => NoteLevel::Quirk,
            journal::Level::Warning => NoteLevel::Warning,
        };
        self.add_note(Note { level, code, text });
        Ok(())
    }
}

impl wall_clock::Host for GuestState {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        let now = self.call()?.sources.clock.now();
        Ok(wall_clock::Datetime {
            seconds: now / 1000,
            nanoseconds: u32::try_from(now % 1000).unwrap_or(0) * 1_000_000,
        })
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        })
    }
}

impl random::Host for GuestState {
    fn get_random_bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        if len > MAX_RANDOM {
            return Err(wasmtime::Error::msg(format!(
                "{len} random bytes asked for, at most {MAX_RANDOM} are given"
            )));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.call()?
            .sources
            .random
            .fill(&mut bytes)
            .map_err(wasmtime::Error::msg)?;
        Ok(bytes)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.call()?
            .sources
            .random
            .fill(&mut bytes)
            .map_err(wasmtime::Error::msg)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

type Answer<T> = Result<std::result::Result<T, types::StoreError>>;

impl user_store::Host for GuestState {
    async fn get(&mut self, kind: types::Kind, id: String) -> Answer<Option<user_store::Document>> {
        let found = ask!(self, |call| call.users.get(call.scope, kind.into(), &id));
        let connections = names(self.call()?);
        Ok(found.map(|found| found.map(|found| document(found, connections))))
    }

    async fn get_many(&mut self, ids: Vec<String>) -> Answer<Vec<user_store::Document>> {
        if ids.len() > limits::PAGE as usize {
            return Ok(Err(too_many("ids", limits::PAGE as usize)));
        }
        let found = ask!(self, |call| call.users.get_many(call.scope, &ids));
        let connections = names(self.call()?);
        Ok(found.map(|found| {
            found
                .into_iter()
                .map(|found| document(found, connections))
                .collect()
        }))
    }

    async fn find(&mut self, request: user_store::FindRequest) -> Answer<user_store::Page> {
        let find = find_request(request);
        let page = ask!(self, |call| call.users.find(call.scope, &find));
        let connections = names(self.call()?);
        Ok(page.map(|page| page_to_wit(page, connections)))
    }

    async fn find_in(
        &mut self,
        connection: String,
        request: user_store::FindRequest,
    ) -> Answer<user_store::Page> {
        mapping_only!(self);
        let find = find_request(request);
        let mut scope = self.call()?.scope;
        let known = self.call()?.connections.clone();
        let Some(found) = known.iter().find(|known| known.name == connection) else {
            return Ok(Err(types::StoreError::Denied(
                "the tenant has no connection of this name".into(),
            )));
        };
        scope.connection = Some(found.id);
        let page = ask!(self, |call| call.users.find(scope, &find));
        Ok(page.map(|page| page_to_wit(page, &known)))
    }

    async fn users_of(
        &mut self,
        group: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Vec<String>> {
        let limit = limit.min(limits::PAGE);
        Ok(ask!(self, |call| call.users.users_of(
            call.scope,
            &group,
            after.as_deref(),
            limit
        )))
    }

    async fn index_ready(&mut self, index_version: String) -> Answer<bool> {
        Ok(ask!(self, |call| call
            .users
            .index_ready(call.scope, &index_version)))
    }

    async fn has_edges(&mut self, edges: Vec<user_store::Edge>) -> Answer<Vec<bool>> {
        if edges.len() > limits::PAGE as usize {
            return Ok(Err(too_many("edges", limits::PAGE as usize)));
        }
        let edges: Vec<_> = edges.into_iter().map(Into::into).collect();
        Ok(ask!(self, |call| call.users.has_edges(call.scope, &edges)))
    }

    async fn members(
        &mut self,
        group: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<user_store::MemberPage> {
        let limit = limit.min(limits::MEMBERS_PAGE);
        let page = ask!(self, |call| call.users.members(
            call.scope,
            &group,
            after.as_deref(),
            limit
        ));
        Ok(page.map(Into::into))
    }

    async fn groups_of(
        &mut self,
        member: String,
        transitive: bool,
    ) -> Answer<user_store::Memberships> {
        let groups = ask!(self, |call| call
            .users
            .groups_of(call.scope, &member, transitive));
        Ok(groups.map(Into::into))
    }

    async fn held_members(
        &mut self,
        group: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Vec<user_store::HeldMember>> {
        let limit = limit.min(limits::PAGE);
        let held = ask!(self, |call| call.users.held_members(
            call.scope,
            &group,
            after.as_deref(),
            limit
        ));
        Ok(held.map(|held| held.into_iter().map(Into::into).collect()))
    }

    async fn holders(&mut self, values: Vec<Vec<u8>>) -> Answer<Vec<user_store::Holding>> {
        if values.len() > 16 {
            return Ok(Err(too_many("values", 16)));
        }
        let holdings = ask!(self, |call| call.users.holders(call.scope, &values));
        let connections = names(self.call()?);
        Ok(holdings.map(|holdings| {
            holdings
                .into_iter()
                .map(|held| holding(held, connections))
                .collect()
        }))
    }

    async fn commit(
        &mut self,
        commit_id: Vec<u8>,
        units: Vec<user_store::Unit>,
        stop_after: Option<u32>,
    ) -> Answer<Vec<user_store::Outcome>> {
        let Ok(commit_id) = <[u8; 16]>::try_from(commit_id) else {
            return Ok(Err(types::StoreError::Invalid(
                "a commit-id has 16 bytes".into(),
            )));
        };
        if units.len() > MAX_UNITS {
            return Ok(Err(too_many("units", MAX_UNITS)));
        }
        let units: Vec<_> = units.into_iter().map(unit_from_wit).collect();
        let committed = ask!(self, |call| call.commit(commit_id, units, stop_after));
        let (outcomes, changes) = match committed {
            Ok(committed) => committed,
            Err(error) => return Ok(Err(error)),
        };
        self.report().changes.extend(changes);
        let connections = names(self.call()?);
        Ok(Ok(outcomes
            .into_iter()
            .map(|result| outcome(result, connections))
            .collect()))
    }
}

impl host_store::Host for GuestState {
    async fn get(&mut self, host: String) -> Answer<Option<host_store::HostState>> {
        mapping_only!(self);
        let found = ask!(self, |call| call.hosts.host(call.scope.tenant, &host));
        Ok(found.map(|found| found.map(host_to_wit)))
    }

    async fn claimed_by(
        &mut self,
        logins: Vec<Vec<u8>>,
        after: Option<String>,
        limit: u32,
    ) -> Answer<host_store::HostPage> {
        mapping_only!(self);
        if logins.len() > 64 {
            return Ok(Err(too_many("logins", 64)));
        }
        let limit = limit.min(limits::PAGE);
        let hosts = ask!(self, |call| call.hosts.claimed_by(
            call.scope.tenant,
            &logins,
            after.as_deref(),
            limit
        ));
        Ok(hosts.map(|hosts| host_page(hosts, limit)))
    }

    async fn assigned_to(
        &mut self,
        user: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<host_store::HostPage> {
        mapping_only!(self);
        let limit = limit.min(limits::PAGE);
        let hosts = ask!(self, |call| call.hosts.assigned_to(
            call.scope.tenant,
            &user,
            after.as_deref(),
            limit
        ));
        Ok(hosts.map(|hosts| host_page(hosts, limit)))
    }

    async fn all(&mut self, after: Option<String>, limit: u32) -> Answer<host_store::HostPage> {
        mapping_only!(self);
        let limit = limit.min(limits::PAGE);
        let hosts = ask!(self, |call| call.hosts.hosts(
            call.scope.tenant,
            None,
            after.as_deref(),
            limit
        ));
        Ok(hosts.map(|hosts| {
            let ids = hosts.into_iter().map(|host| host.record.id).collect();
            host_page(ids, limit)
        }))
    }

    async fn put_claim(
        &mut self,
        host: String,
        claim: host_store::Claim,
    ) -> Answer<host_store::WriteOutcome> {
        mapping_only!(self);
        let claim = claim.into();
        let outcome = ask!(self, |call| call.hosts.put_claim(
            call.scope.tenant,
            call.sources.clock.now(),
            &host,
            claim
        ));
        Ok(outcome.map(Into::into))
    }

    async fn withdraw(
        &mut self,
        host: String,
        source: host_store::Source,
        at: u64,
    ) -> Answer<host_store::WriteOutcome> {
        mapping_only!(self);
        let source = source.into();
        let outcome = ask!(self, |call| call.hosts.withdraw(
            call.scope.tenant,
            &host,
            &source,
            at
        ));
        Ok(outcome.map(Into::into))
    }

    async fn put_assignment(
        &mut self,
        host: String,
        expected: u64,
        assignment: host_store::Assignment,
    ) -> Answer<host_store::WriteOutcome> {
        mapping_only!(self);
        let write = host_store::AssignmentWrite {
            host,
            expected,
            assignment,
        };
        let outcome = ask!(self, |call| put(call, write));
        Ok(outcome.map(Into::into))
    }

    async fn put_assignments(
        &mut self,
        writes: Vec<host_store::AssignmentWrite>,
    ) -> Answer<Vec<host_store::WriteOutcome>> {
        mapping_only!(self);
        if writes.len() > limits::PAGE as usize {
            return Ok(Err(too_many("assignments", limits::PAGE as usize)));
        }
        let outcomes = ask!(self, |call| put_all(call, writes));
        Ok(outcomes.map(|outcomes| outcomes.into_iter().map(Into::into).collect()))
    }
}

async fn put(
    call: &Call,
    write: host_store::AssignmentWrite,
) -> std::result::Result<HostWrite, StoreError> {
    let host_store::AssignmentWrite {
        host,
        expected,
        assignment,
    } = write;
    let (tenant, now) = (call.scope.tenant, call.sources.clock.now());
    let hosts = &call.hosts;
    hosts
        .put_assignment(tenant, now, &host, expected, assignment.into())
        .await
}

/// Writes assignments all at once, so that a store which groups what waits for its disk
/// waits once.
async fn put_all(
    call: &Call,
    writes: Vec<host_store::AssignmentWrite>,
) -> std::result::Result<Vec<HostWrite>, StoreError> {
    let written = writes.into_iter().map(|write| put(call, write));
    join_all(written).await.into_iter().collect()
}

/// A full page may have more behind it.
fn host_page(hosts: Vec<String>, limit: u32) -> host_store::HostPage {
    let full = hosts.len() >= limit as usize;
    host_store::HostPage {
        next: if full { hosts.last().cloned() } else { None },
        hosts,
    }
}
