//! Hosts as they are described: rows, lists, names and their number.

use nameplate_store::{
    Assignment, AssignmentOutcome, Event, Host, HostName, HostRecord, HostSummary, TenantId,
    Timestamp, fold,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::assignments::{ASSIGNMENT, assignment};
use super::claims;
use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;
use crate::sqlite::events::{self, Keep};

const RECORD: &str = "id, display_name, platform, serial, uuid";

fn record(row: &Row<'_>, at: usize) -> rusqlite::Result<HostRecord> {
    Ok(HostRecord {
        id: row.get(at)?,
        display_name: row.get(at + 1)?,
        platform: row.get(at + 2)?,
        serial: row.get(at + 3)?,
        uuid: row.get(at + 4)?,
    })
}

/// Creates a host or changes its description; true if it was created.
pub fn put_host(
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
    let (serial_key, name_key) = (fold(serial), fold(display_name));
    let changed = connection
        .prepare_cached(
            "UPDATE hosts SET display_name = ?3, platform = ?4, serial = ?5, uuid = ?6, serial_key = ?7, name_key = ?8
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            tenant.0, id, display_name, platform, serial, uuid, serial_key, name_key
        ])?;
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
            "INSERT INTO hosts (tenant, {RECORD}, created, version, assigned, {ASSIGNMENT}, serial_key, name_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
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
            reason,
            serial_key,
            name_key
        ])?;
    recount(connection, tenant, 1)?;
    Ok(true)
}

/// Deletes a host and all that is known of it; false if there is none.
pub fn delete_host(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    keep: Keep,
) -> Result<bool, Fault> {
    let Some(was) = assigned(connection, tenant, host)? else {
        return Ok(false);
    };
    claims::drop_all(connection, tenant, host)?;
    for statement in [
        "DELETE FROM host_history WHERE tenant = ?1 AND host = ?2",
        "DELETE FROM hosts WHERE tenant = ?1 AND id = ?2",
    ] {
        connection
            .prepare_cached(statement)?
            .execute(params![tenant.0, host])?;
    }
    recount(connection, tenant, -1)?;
    events::append(
        connection,
        tenant,
        &Event::of_host(now, host, &was, None),
        keep,
    )?;
    Ok(true)
}

fn assigned(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
) -> Result<Option<Assignment>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    rows.next()?.map(|row| assignment(row, 0)).transpose()
}

fn recount(connection: &Connection, tenant: TenantId, by: i64) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE tenants SET host_count = host_count + ?2 WHERE id = ?1")?
        .execute(params![tenant.0, by])?;
    Ok(())
}

/// How many hosts a tenant has.
pub fn count(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT host_count FROM tenants WHERE id = ?1")?;
    let count = statement.query_row([tenant.0], |row| row.get::<_, U>(0));
    Ok(count.optional()?.map_or(0, |count| count.0))
}

/// Hosts of a name.
pub fn named(
    connection: &Connection,
    tenant: TenantId,
    name: &HostName,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    let column = match name {
        HostName::Serial(_) => "serial_key",
        HostName::Name(_) => "name_key",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id FROM hosts WHERE tenant = ?1 AND {column} = ?2 AND {column} <> '' AND id > ?3 ORDER BY id LIMIT ?4"
    ))?;
    let name = fold(name.value());
    let place = params![tenant.0, name, after.unwrap_or_default(), limit];
    let found = statement.query_map(place, |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn read_host(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
) -> Result<Option<Host>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {RECORD}, created, version, assigned, {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(Host {
        record: record(row, 0)?,
        created: row.get::<_, U>(5)?.0,
        version: row.get::<_, U>(6)?.0,
        assigned: row.get::<_, U>(7)?.0,
        assignment: assignment(row, 8)?,
        claims: claims::claims(connection, tenant, host)?,
    }))
}

pub fn hosts(
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
