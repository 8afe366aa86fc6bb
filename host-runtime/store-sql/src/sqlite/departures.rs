//! People who left: the rows that follow from events.

use nameplate_store::{ConnectionId, Departure, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::U;
use super::errors::Fault;

const COLUMNS: &str = "id, connection, label, deactivated, deleted";

/// What is kept of one of them.
pub fn of(connection: &Connection, tenant: TenantId, id: &str) -> Result<Option<Departure>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM departures WHERE tenant = ?1 AND id = ?2"
    ))?;
    Ok(statement
        .query_row(params![tenant.0, id], departure)
        .optional()?)
}

/// All of them by id, from `after` on.
pub fn after(
    connection: &Connection,
    tenant: TenantId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Departure>, Fault> {
    // No id is empty, so an empty `after` is before all of them.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM departures WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    ))?;
    let found = statement.query_map(
        params![tenant.0, after.unwrap_or_default(), limit],
        departure,
    )?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Keeps one, over what was kept before.
pub fn keep(connection: &Connection, tenant: TenantId, kept: &Departure) -> Result<(), Fault> {
    let Departure {
        id,
        connection: at,
        label,
        deactivated,
        deleted,
    } = kept;
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO departures (tenant, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ))?
        .execute(params![
            tenant.0,
            id,
            at.0,
            label,
            deactivated.map(U),
            deleted.map(U)
        ])?;
    Ok(())
}

/// Forgets one; false if nothing is kept.
pub fn forget(connection: &Connection, tenant: TenantId, id: &str) -> Result<bool, Fault> {
    let gone = connection
        .prepare_cached("DELETE FROM departures WHERE tenant = ?1 AND id = ?2")?
        .execute(params![tenant.0, id])?;
    Ok(gone > 0)
}

fn departure(row: &Row<'_>) -> rusqlite::Result<Departure> {
    Ok(Departure {
        id: row.get(0)?,
        connection: ConnectionId(row.get(1)?),
        label: row.get(2)?,
        deactivated: row.get::<_, Option<U>>(3)?.map(|at| at.0),
        deleted: row.get::<_, Option<U>>(4)?.map(|at| at.0),
    })
}
