//! What is claimed of hosts, and which hosts a login is claimed for.

use std::collections::BTreeSet;

use nameplate_store::{Claim, HostWrite, Source, TenantId, Timestamp, check};
use rusqlite::{Connection, params};

use super::{version, written};
use crate::sqlite::codec::{U, pack, unpack};
use crate::sqlite::errors::Fault;

/// At most [`check::CLAIMS`], the newest of each source before the second newest
/// of any, so that a chatty source never hides the one manual claim.
pub fn claims(connection: &Connection, tenant: TenantId, host: &str) -> Result<Vec<Claim>, Fault> {
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

/// Hosts with a claim, not withdrawn, on any of these logins.
pub fn hosts(
    connection: &Connection,
    tenant: TenantId,
    logins: &[Vec<u8>],
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached(
        "SELECT DISTINCT host FROM claim_logins WHERE tenant = ?1 AND login = ?2 AND host > ?3 ORDER BY host LIMIT ?4",
    )?;
    let mut hosts = BTreeSet::new();
    for login in logins {
        let place = params![tenant.0, login, after.unwrap_or_default(), limit];
        for host in statement.query_map(place, |row| row.get(0))? {
            hosts.insert(host?);
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(hosts.into_iter().take(limit).collect())
}

/// Adds a claim, unless there is one with its id.
pub fn put_claim(
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

/// Takes back every claim of this source made up to `at`.
pub fn withdraw(
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

/// Drops every claim of a host.
pub fn drop_all(connection: &Connection, tenant: TenantId, host: &str) -> Result<(), Fault> {
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
    connection
        .prepare_cached("DELETE FROM claims WHERE tenant = ?1 AND host = ?2")?
        .execute(params![tenant.0, host])?;
    Ok(())
}

pub fn forget_logins(
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
