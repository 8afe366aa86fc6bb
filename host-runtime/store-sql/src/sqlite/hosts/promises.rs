//! Promises to hosts that are not there yet.

use nameplate_store::{HostName, Promise, TenantId, fold};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;

const COLUMNS: &str = "kind, name, username, email, full_name, since";

/// A name as it lies in a row: its kind, and how it is compared.
fn place(name: &HostName) -> (i64, String) {
    let kind = match name {
        HostName::Serial(_) => 0,
        HostName::Name(_) => 1,
    };
    (kind, fold(name.value()))
}

fn promise(row: &Row<'_>) -> rusqlite::Result<Promise> {
    let name = row.get(1)?;
    Ok(Promise {
        name: match row.get::<_, i64>(0)? {
            0 => HostName::Serial(name),
            _ => HostName::Name(name),
        },
        username: row.get(2)?,
        email: row.get(3)?,
        full_name: row.get(4)?,
        since: row.get::<_, U>(5)?.0,
    })
}

fn of(
    connection: &Connection,
    tenant: TenantId,
    (kind, key): (i64, &str),
) -> Result<Option<Promise>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM promises WHERE tenant = ?1 AND kind = ?2 AND name_key = ?3"
    ))?;
    Ok(statement
        .query_row(params![tenant.0, kind, key], promise)
        .optional()?)
}

/// Keeps a promise; false if it is no news.
pub fn put(connection: &Connection, tenant: TenantId, promise: &Promise) -> Result<bool, Fault> {
    let (kind, key) = place(&promise.name);
    let old = of(connection, tenant, (kind, &key))?;
    if old.is_some_and(|old| promise.repeats(&old)) {
        return Ok(false);
    }
    let Promise {
        name,
        username,
        email,
        full_name,
        since,
    } = promise;
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO promises (tenant, {COLUMNS}, name_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?
        .execute(params![
            tenant.0,
            kind,
            name.value(),
            username,
            email,
            full_name,
            U(*since),
            key
        ])?;
    Ok(true)
}

/// Drops the promise to a name; false if there is none.
pub fn drop(connection: &Connection, tenant: TenantId, name: &HostName) -> Result<bool, Fault> {
    let (kind, key) = place(name);
    let gone = connection
        .prepare_cached("DELETE FROM promises WHERE tenant = ?1 AND kind = ?2 AND name_key = ?3")?
        .execute(params![tenant.0, kind, key])?;
    Ok(gone > 0)
}

/// All of them in order, from `after` on.
pub fn after(
    connection: &Connection,
    tenant: TenantId,
    after: Option<&HostName>,
    limit: u32,
) -> Result<Vec<Promise>, Fault> {
    // No name is empty, so an empty one is before all of them.
    let (kind, key) = after.map_or((0, String::new()), place);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM promises WHERE tenant = ?1 AND (kind, name_key) > (?2, ?3)
         ORDER BY kind, name_key LIMIT ?4"
    ))?;
    let found = statement.query_map(params![tenant.0, kind, key, limit], promise)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What is promised to a host of these names.
pub fn to(
    connection: &Connection,
    tenant: TenantId,
    serial: &str,
    display_name: &str,
) -> Result<Vec<Promise>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    [(0, fold(serial)), (1, fold(display_name))]
        .iter()
        .filter_map(|(kind, key)| of(&snapshot, tenant, (*kind, key)).transpose())
        .collect()
}
