//! Hosts, claims, assignments and their history, and promises.

pub mod assignments;
pub mod claims;
pub mod promises;
pub mod records;

use async_trait::async_trait;
use nameplate_store::erasure::Person;
use nameplate_store::{
    Assignment, AssignmentOutcome, Claim, Host, HostName, HostRecord, HostStore, HostSummary,
    HostWrite, HostsErased, PastAssignment, Promise, Source, StoreError, TenantId, Timestamp,
    check,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::codec::U;
use super::errors::Fault;

#[async_trait]
impl HostStore for SqliteStore {
    async fn put_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: HostRecord,
    ) -> Result<bool, StoreError> {
        check::host(&host)?;
        self.write(move |connection| records::put_host(connection, tenant, now, &host))
            .await
    }

    async fn delete_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
    ) -> Result<bool, StoreError> {
        let (host, keep) = (host.to_owned(), self.keep());
        self.write(move |connection| records::delete_host(connection, tenant, now, &host, keep))
            .await
    }

    async fn host(&self, tenant: TenantId, host: &str) -> Result<Option<Host>, StoreError> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            records::read_host(&snapshot, tenant, host)
        })
    }

    async fn hosts(
        &self,
        tenant: TenantId,
        outcome: Option<AssignmentOutcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HostSummary>, StoreError> {
        self.read(|connection| records::hosts(connection, tenant, outcome, after, limit))
    }

    async fn host_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.read(|connection| records::count(connection, tenant))
    }

    async fn hosts_named(
        &self,
        tenant: TenantId,
        name: &HostName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::rows(limit)?;
        self.read(|connection| records::named(connection, tenant, name, after, limit))
    }

    async fn claimed_by(
        &self,
        tenant: TenantId,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::claimed_by(logins)?;
        self.read(|connection| claims::hosts(connection, tenant, logins, after, limit))
    }

    async fn assigned_to(
        &self,
        tenant: TenantId,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.read(|connection| assignments::of_user(connection, tenant, user, after, limit))
    }

    async fn with_host(
        &self,
        tenant: TenantId,
        users: &[String],
    ) -> Result<Vec<String>, StoreError> {
        check::at_most("people", users.len(), check::page())?;
        let users = users.iter().collect();
        self.read(|connection| assignments::with_host(connection, tenant, &users))
    }

    async fn put_claim(
        &self,
        tenant: TenantId,
        _now: Timestamp,
        host: &str,
        claim: Claim,
    ) -> Result<HostWrite, StoreError> {
        check::claim(&claim)?;
        let host = host.to_owned();
        self.write(move |connection| claims::put_claim(connection, tenant, &host, &claim))
            .await
    }

    async fn withdraw(
        &self,
        tenant: TenantId,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<HostWrite, StoreError> {
        let (host, source) = (host.to_owned(), source.as_str().to_owned());
        self.write(move |connection| claims::withdraw(connection, tenant, &host, &source, at))
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
        let (host, keep) = (host.to_owned(), self.keep());
        self.write(move |connection| {
            assignments::put_assignment(connection, tenant, now, &host, expected, &assignment, keep)
        })
        .await
    }

    async fn history(
        &self,
        tenant: TenantId,
        host: &str,
        limit: u32,
    ) -> Result<Vec<PastAssignment>, StoreError> {
        self.read(|connection| assignments::history(connection, tenant, host, limit))
    }

    async fn put_promise(&self, tenant: TenantId, promise: Promise) -> Result<bool, StoreError> {
        check::promise(&promise)?;
        self.write(move |connection| promises::put(connection, tenant, &promise))
            .await
    }

    async fn drop_promise(&self, tenant: TenantId, name: &HostName) -> Result<bool, StoreError> {
        let name = name.clone();
        self.write(move |connection| promises::drop(connection, tenant, &name))
            .await
    }

    async fn promises(
        &self,
        tenant: TenantId,
        after: Option<&HostName>,
        limit: u32,
    ) -> Result<Vec<Promise>, StoreError> {
        check::rows(limit)?;
        self.read(|connection| promises::after(connection, tenant, after, limit))
    }

    async fn erase(
        &self,
        tenant: TenantId,
        now: Timestamp,
        user: &str,
        logins: &[String],
    ) -> Result<HostsErased, StoreError> {
        self.erase_among_hosts(tenant, now, Person::new(user, logins))
            .await
    }

    async fn promises_for(
        &self,
        tenant: TenantId,
        serial: &str,
        display_name: &str,
    ) -> Result<Vec<Promise>, StoreError> {
        self.read(|connection| promises::to(connection, tenant, serial, display_name))
    }
}

/// The version of a host; none if there is no such host.
fn version(connection: &Connection, tenant: TenantId, host: &str) -> Result<Option<u64>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT version FROM hosts WHERE tenant = ?1 AND id = ?2")?;
    let version = statement
        .query_row(params![tenant.0, host], |row| row.get::<_, U>(0))
        .optional()?;
    Ok(version.map(|version| version.0))
}

/// Gives a host its next version.
fn written(connection: &Connection, tenant: TenantId, host: &str) -> Result<HostWrite, Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE hosts SET version = version + 1 WHERE tenant = ?1 AND id = ?2 RETURNING version",
    )?;
    Ok(HostWrite::Written(
        statement
            .query_row(params![tenant.0, host], |row| row.get::<_, U>(0))?
            .0,
    ))
}
