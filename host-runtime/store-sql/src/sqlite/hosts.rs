//! Hosts, claims, assignments and their history.

use std::collections::BTreeSet;

use async_trait::async_trait;
use nameplate_store::{
    Assignment, AssignmentOutcome, Claim, Host, HostRecord, HostStore, HostSummary, HostWrite,
    PastAssignment, Source, StoreError, TenantId, Timestamp, check,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::codec::{U, pack, unpack};
use super::errors::Fault;

const RECORD: &str = "id, display_name, platform, serial, uuid";
const ASSIGNMENT: &str = "outcome, user_id, login, reason";

#[async_trait]
impl HostStore for SqliteStore {
    async fn put_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: HostRecord,
    ) -> Result<bool, StoreError> {
        check::host(&host)?;
        self.write(move |connection| put_host(connection, tenant, now, &host))
            .await
    }

    async fn delete_host(&self, tenant: TenantId, host: &str) -> Result<bool, StoreError> {
        let host = host.to_owned();
        self.write(move |connection| delete_host(connection, tenant, &host))
            .await
    }

    async fn host(&self, tenant: TenantId, host: &str) -> Result<Option<Host>, StoreError> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            read_host(&snapshot, tenant, host)
        })
    }

    async fn hosts(
        &self,
        tenant: TenantId,
        outcome: Option<AssignmentOutcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HostSummary>, StoreError> {
        self.read(|connection| hosts(connection, tenant, outcome, after, limit))
    }

    async fn claimed_by(
        &self,
        tenant: TenantId,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        check::claimed_by(logins)?;
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let mut statement = snapshot.prepare_cached(
                "SELECT DISTINCT host FROM claim_logins WHERE tenant = ?1 AND login = ?2 AND host > ?3 ORDER BY host LIMIT ?4",
            )?;
            let mut hosts = BTreeSet::new();
            for login in logins {
                let found =
                    statement.query_map(params![tenant.0, login, after.unwrap_or_default(), limit], |row| row.get(0))?;
                for host in found {
                    hosts.insert(host?);
                }
            }
            Ok(hosts.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
        })
    }

    async fn assigned_to(
        &self,
        tenant: TenantId,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM hosts INDEXED BY hosts_user WHERE tenant = ?1 AND user_id = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
            )?;
            let found = statement.query_map(params![tenant.0, user, after.unwrap_or_default(), limit], |row| row.get(0))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn with_host(
        &self,
        tenant: TenantId,
        users: &[String],
    ) -> Result<Vec<String>, StoreError> {
        check::at_most("people", users.len(), check::page())?;
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT 1 FROM hosts INDEXED BY hosts_user WHERE tenant = ?1 AND user_id = ?2 LIMIT 1")?;
            let mut found = Vec::new();
            for user in users.iter().collect::<BTreeSet<_>>() {
                if statement.exists(params![tenant.0, user])? {
                    found.push(user.clone());
                }
            }
            Ok(found)
        })
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
        self.write(move |connection| put_claim(connection, tenant, &host, &claim))
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
        self.write(move |connection| withdraw(connection, tenant, &host, &source, at))
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
        let host = host.to_owned();
        self.write(move |connection| {
            put_assignment(connection, tenant, now, &host, expected, &assignment)
        })
        .await
    }

    async fn history(
        &self,
        tenant: TenantId,
        host: &str,
        limit: u32,
    ) -> Result<Vec<PastAssignment>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {ASSIGNMENT}, until, replaced_because FROM host_history
                 WHERE tenant = ?1 AND host = ?2 ORDER BY line DESC LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![tenant.0, host, limit])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                let (until, replaced_because) = (row.get::<_, U>(4)?.0, row.get(5)?);
                lines.push(PastAssignment {
                    until,
                    assignment: assignment(row, 0)?,
                    replaced_because,
                });
            }
            Ok(lines)
        })
    }
}

fn record(row: &Row<'_>, at: usize) -> rusqlite::Result<HostRecord> {
    Ok(HostRecord {
        id: row.get(at)?,
        display_name: row.get(at + 1)?,
        platform: row.get(at + 2)?,
        serial: row.get(at + 3)?,
        uuid: row.get(at + 4)?,
    })
}

fn assignment(row: &Row<'_>, at: usize) -> Result<Assignment, Fault> {
    let name: String = row.get(at)?;
    let outcome =
        AssignmentOutcome::from_name(&name).ok_or_else(|| Fault::corrupt("no such outcome"))?;
    Ok(Assignment {
        outcome,
        user: row.get(at + 1)?,
        login: row.get(at + 2)?,
        reason: row.get(at + 3)?,
    })
}

fn put_host(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &HostRecord,
) -> Result<bool, Fault> {
    let HostRecord {
        id,
        display_name,
        platform,
        serial,
        uuid,
    } = host;
    let changed = connection
        .prepare_cached(
            "UPDATE hosts SET display_name = ?3, platform = ?4, serial = ?5, uuid = ?6 WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![tenant.0, id, display_name, platform, serial, uuid])?;
    if changed > 0 {
        return Ok(false);
    }
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = Assignment::default();
    connection
        .prepare_cached(&format!(
            "INSERT INTO hosts (tenant, {RECORD}, created, version, {ASSIGNMENT})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11)"
        ))?
        .execute(params![
            tenant.0,
            id,
            display_name,
            platform,
            serial,
            uuid,
            U(now),
            outcome.as_str(),
            user,
            login,
            reason
        ])?;
    Ok(true)
}

fn delete_host(connection: &Connection, tenant: TenantId, host: &str) -> Result<bool, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT id, logins FROM claims WHERE tenant = ?1 AND host = ?2")?;
    let mut rows = statement.query(params![tenant.0, host])?;
    while let Some(row) = rows.next()? {
        forget_logins(
            connection,
            tenant,
            host,
            &row.get::<_, String>(0)?,
            &row.get::<_, Vec<u8>>(1)?,
        )?;
    }
    for statement in [
        "DELETE FROM claims WHERE tenant = ?1 AND host = ?2",
        "DELETE FROM host_history WHERE tenant = ?1 AND host = ?2",
    ] {
        connection
            .prepare_cached(statement)?
            .execute(params![tenant.0, host])?;
    }
    let gone = connection
        .prepare_cached("DELETE FROM hosts WHERE tenant = ?1 AND id = ?2")?
        .execute(params![tenant.0, host])?;
    Ok(gone > 0)
}

fn forget_logins(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    claim: &str,
    logins: &[u8],
) -> Result<(), Fault> {
    for login in unpack(logins)? {
        connection
            .prepare_cached("DELETE FROM claim_logins WHERE tenant = ?1 AND login = ?2 AND host = ?3 AND claim = ?4")?
            .execute(params![tenant.0, login, host, claim])?;
    }
    Ok(())
}

fn read_host(connection: &Connection, tenant: TenantId, host: &str) -> Result<Option<Host>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {RECORD}, created, version, {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(Host {
        record: record(row, 0)?,
        created: row.get::<_, U>(5)?.0,
        version: row.get::<_, U>(6)?.0,
        assignment: assignment(row, 7)?,
        claims: claims(connection, tenant, host)?,
    }))
}

/// At most [`check::CLAIMS`], the newest of each source before the second newest
/// of any, so that a chatty source never hides the one manual claim.
fn claims(connection: &Connection, tenant: TenantId, host: &str) -> Result<Vec<Claim>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, source, username, email, full_name, logins, since, withdrawn FROM (
             SELECT *, row_number() OVER (PARTITION BY source ORDER BY since DESC, id) AS place
             FROM claims WHERE tenant = ?1 AND host = ?2 ORDER BY place, since DESC, id LIMIT ?3)
         ORDER BY since DESC, id",
    )?;
    let most = i64::try_from(check::CLAIMS).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![tenant.0, host, most])?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        claims.push(Claim {
            id: row.get(0)?,
            source: Source::from(row.get::<_, String>(1)?.as_str()),
            username: row.get(2)?,
            email: row.get(3)?,
            full_name: row.get(4)?,
            logins: unpack(&row.get::<_, Vec<u8>>(5)?)?,
            since: row.get::<_, U>(6)?.0,
            withdrawn: row.get::<_, Option<U>>(7)?.map(|at| at.0),
        });
    }
    Ok(claims)
}

fn hosts(
    connection: &Connection,
    tenant: TenantId,
    outcome: Option<AssignmentOutcome>,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<HostSummary>, Fault> {
    let (index, condition) = match outcome {
        Some(_) => ("hosts_outcome", "outcome = ?4"),
        None => ("hosts_id", "?4 IS NULL"),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {RECORD}, {ASSIGNMENT} FROM hosts INDEXED BY {index}
         WHERE tenant = ?1 AND id > ?2 AND {condition} ORDER BY id LIMIT ?3"
    ))?;
    let outcome = outcome.map(AssignmentOutcome::as_str);
    let mut rows = statement.query(params![tenant.0, after.unwrap_or_default(), limit, outcome])?;
    let mut hosts = Vec::new();
    while let Some(row) = rows.next()? {
        hosts.push(HostSummary {
            record: record(row, 0)?,
            assignment: assignment(row, 5)?,
        });
    }
    Ok(hosts)
}

fn version(connection: &Connection, tenant: TenantId, host: &str) -> Result<Option<u64>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT version FROM hosts WHERE tenant = ?1 AND id = ?2")?;
    let version = statement
        .query_row(params![tenant.0, host], |row| row.get::<_, U>(0))
        .optional()?;
    Ok(version.map(|version| version.0))
}

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

fn put_claim(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    claim: &Claim,
) -> Result<HostWrite, Fault> {
    let Some(version) = version(connection, tenant, host)? else {
        return Ok(HostWrite::NoHost);
    };
    let Claim {
        id,
        source,
        username,
        email,
        full_name,
        logins,
        since,
        withdrawn,
    } = claim;
    let packed = pack(logins.iter().map(Vec::as_slice));
    let added = connection
        .prepare_cached(
            "INSERT INTO claims (tenant, host, id, source, username, email, full_name, logins, since, withdrawn)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            tenant.0, host, id, source.as_str(), username, email, full_name, packed, U(*since), withdrawn.map(U)
        ])?;
    if added == 0 {
        return Ok(HostWrite::Unchanged(version));
    }
    if withdrawn.is_none() {
        for login in logins {
            connection
                .prepare_cached(
                    "INSERT INTO claim_logins (tenant, login, host, claim) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                )?
                .execute(params![tenant.0, login, host, id])?;
        }
    }
    written(connection, tenant, host)
}

fn withdraw(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    source: &str,
    at: Timestamp,
) -> Result<HostWrite, Fault> {
    let Some(version) = version(connection, tenant, host)? else {
        return Ok(HostWrite::NoHost);
    };
    let mut statement = connection.prepare_cached(
        "UPDATE claims SET withdrawn = ?4 WHERE tenant = ?1 AND host = ?2 AND source = ?3 AND since <= ?4 AND withdrawn IS NULL
         RETURNING id, logins",
    )?;
    let mut rows = statement.query(params![tenant.0, host, source, U(at)])?;
    let mut any = false;
    while let Some(row) = rows.next()? {
        any = true;
        forget_logins(
            connection,
            tenant,
            host,
            &row.get::<_, String>(0)?,
            &row.get::<_, Vec<u8>>(1)?,
        )?;
    }
    match any {
        true => written(connection, tenant, host),
        false => Ok(HostWrite::Unchanged(version)),
    }
}

fn put_assignment(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    expected: u64,
    new: &Assignment,
) -> Result<HostWrite, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT version, {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let Some(row) = rows.next()? else {
        return Ok(HostWrite::NoHost);
    };
    let (version, old) = (row.get::<_, U>(0)?.0, assignment(row, 1)?);
    if version != expected {
        return Ok(HostWrite::Stale(version));
    }
    if old == *new {
        return Ok(HostWrite::Unchanged(version));
    }
    drop(rows);
    if !old.never_found() {
        remember(connection, tenant, now, host, old, &new.reason)?;
    }
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = new;
    connection
        .prepare_cached(
            "UPDATE hosts SET outcome = ?3, user_id = ?4, login = ?5, reason = ?6 WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![tenant.0, host, outcome.as_str(), user, login, reason])?;
    written(connection, tenant, host)
}

/// Makes an assignment that ends a line of the history.
fn remember(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    old: Assignment,
    because: &str,
) -> Result<(), Fault> {
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = old;
    connection
        .prepare_cached(&format!(
            "INSERT INTO host_history (tenant, host, {ASSIGNMENT}, until, replaced_because)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?
        .execute(params![
            tenant.0,
            host,
            outcome.as_str(),
            user,
            login,
            reason,
            U(now),
            because
        ])?;
    Ok(())
}
