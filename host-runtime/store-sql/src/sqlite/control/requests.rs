//! The request log.

use std::collections::BTreeMap;

use nameplate_store::{
    ConnectionId, Recorded, RequestEntry, RequestQuery, Retention, StoreError, TenantId, check,
    limits,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::collect;
use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;

const REQUEST: &str = "id, request_id, tenant, connection, at, method, path, status, micros, \
                       guest_micros, detail, notes, caller, user_agent, from_idp";

/// Appends lines and trims the logs they belong to.
pub fn log(
    connection: &Connection,
    entries: &[RequestEntry],
    retention: &Retention,
) -> Result<(), Fault> {
    // Trimmed once for all lines of a tenant: it costs more than a line does.
    let mut newest = BTreeMap::new();
    for entry in entries {
        newest.insert(entry.tenant, append(connection, entry)?);
    }
    for (tenant, last) in newest {
        trim_to(connection, tenant, last, retention)?;
    }
    Ok(())
}

/// Appends a line; returns its id.
fn append(connection: &Connection, entry: &RequestEntry) -> Result<u64, Fault> {
    let RequestEntry {
        id: _,
        request_id,
        tenant,
        connection: idp,
        at,
        method,
        path,
        status,
        micros,
        guest_micros,
        detail,
        notes,
        caller,
        user_agent,
        from_idp,
        recorded,
    } = entry;
    let last = connection
        .prepare_cached(
            "UPDATE tenants SET request_seq = request_seq + 1 WHERE id = ?1 RETURNING request_seq",
        )?
        .query_row([tenant.0], |row| row.get::<_, U>(0))
        .optional()?
        .ok_or_else(|| StoreError::Invalid("no such tenant".to_owned()))?;
    let unwritable = |_| Fault::corrupt("a line of the request log cannot be written");
    let notes = serde_json::to_string(notes).map_err(unwritable)?;
    let caller = serde_json::to_string(caller).map_err(unwritable)?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO requests ({REQUEST})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
        ))?
        .execute(params![
            last,
            request_id,
            tenant.0,
            idp.map(|idp| idp.0),
            U(*at),
            method,
            path,
            status,
            U::within(*micros),
            U::within(*guest_micros),
            detail,
            notes,
            caller,
            user_agent,
            from_idp
        ])?;
    if let Some(recorded) = recorded {
        let Recorded {
            query,
            content_type,
            body,
        } = recorded;
        connection
            .prepare_cached(
                "INSERT INTO recordings (tenant, id, query, content_type, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![tenant.0, last, query, content_type, body])?;
    }
    Ok(last.0)
}

/// Forgets lines of a tenant.
pub fn trim(
    connection: &Connection,
    tenant: TenantId,
    retention: &Retention,
) -> Result<u64, Fault> {
    let last = connection
        .prepare_cached("SELECT request_seq FROM tenants WHERE id = ?1")?
        .query_row([tenant.0], |row| row.get::<_, U>(0))
        .optional()?;
    last.map_or(Ok(0), |last| trim_to(connection, tenant, last.0, retention))
}

fn trim_to(
    connection: &Connection,
    tenant: TenantId,
    last: u64,
    retention: &Retention,
) -> Result<u64, Fault> {
    let Retention { lines, since } = retention;
    let kept = last_idp_id(connection, tenant)?;
    let mut by_number = connection.prepare_cached(
        "DELETE FROM requests WHERE tenant = ?1 AND id IN (
             SELECT id FROM requests
             WHERE tenant = ?1 AND id <= ?2 AND id IS NOT ?3 ORDER BY id LIMIT ?4)",
    )?;
    let oldest = U(last.saturating_sub(*lines));
    let mut gone = by_number.execute(params![tenant.0, oldest, kept, check::TRIMMED])?;
    let mut by_age = connection.prepare_cached(
        "DELETE FROM requests WHERE tenant = ?1 AND id IN (
             SELECT id FROM requests INDEXED BY requests_times
             WHERE tenant = ?1 AND from_idp = ?4 AND at < ?2 AND id IS NOT ?3
             ORDER BY at, id LIMIT ?5)",
    )?;
    // One of the two has nothing to show most of the time.
    let mut left = i64::from(check::TRIMMED);
    for from_idp in [false, true] {
        let old = by_age.execute(params![tenant.0, U::within(*since), kept, from_idp, left])?;
        left = left.saturating_sub(i64::try_from(old).unwrap_or(i64::MAX));
        gone += old;
    }
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

pub fn requests(
    connection: &Connection,
    tenant: TenantId,
    query: &RequestQuery,
) -> Result<Vec<RequestEntry>, Fault> {
    let RequestQuery {
        before,
        after,
        connection: idp,
        errors_only,
        limit,
    } = query;
    // Named, for without statistics SQLite may prefer another.
    let index = match (errors_only, idp) {
        (true, _) => "INDEXED BY requests_errors",
        (false, Some(_)) => "INDEXED BY requests_connection",
        (false, None) => "",
    };
    let errors = if *errors_only {
        "AND status >= 400"
    } else {
        ""
    };
    let of = if idp.is_some() {
        "AND connection = ?4"
    } else {
        "AND ?4 IS NULL"
    };
    let order = if after.is_some() { "ASC" } else { "DESC" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {REQUEST} FROM requests {index}
         WHERE tenant = ?1 AND id > ?2 AND id < ?3 {errors} {of} ORDER BY id {order} LIMIT ?5"
    ))?;
    let rows = statement.query(params![
        tenant.0,
        U::within(after.unwrap_or(0)),
        U::within(before.unwrap_or(u64::MAX)),
        idp.map(|idp| idp.0),
        (*limit).min(limits::PAGE)
    ])?;
    collect(rows, read)
}

/// The newest line of a name.
pub fn request(
    connection: &Connection,
    tenant: Option<TenantId>,
    request_id: &str,
) -> Result<Option<RequestEntry>, Fault> {
    let of = match tenant {
        Some(_) => "AND tenant = ?2",
        None => "AND ?2 IS NULL",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {REQUEST} FROM requests INDEXED BY requests_name
         WHERE request_id = ?1 AND request_id <> '' {of} ORDER BY at DESC, id DESC LIMIT 1"
    ))?;
    let mut rows = statement.query(params![request_id, tenant.map(|tenant| tenant.0)])?;
    let Some(entry) = rows.next()?.map(read).transpose()? else {
        return Ok(None);
    };
    let recorded = connection
        .prepare_cached(
            "SELECT query, content_type, body FROM recordings WHERE tenant = ?1 AND id = ?2",
        )?
        .query_row(params![entry.tenant.0, U(entry.id)], |row| {
            Ok(Recorded {
                query: row.get(0)?,
                content_type: row.get(1)?,
                body: row.get(2)?,
            })
        })
        .optional()?;
    Ok(Some(RequestEntry { recorded, ..entry }))
}

const LAST_IDP: &str = "FROM requests INDEXED BY requests_times
     WHERE tenant = ?1 AND from_idp = 1 ORDER BY at DESC, id DESC LIMIT 1";

pub fn last_idp(connection: &Connection, tenant: TenantId) -> Result<Option<RequestEntry>, Fault> {
    let mut statement = connection.prepare_cached(&format!("SELECT {REQUEST} {LAST_IDP}"))?;
    let mut rows = statement.query([tenant.0])?;
    rows.next()?.map(read).transpose()
}

fn last_idp_id(connection: &Connection, tenant: TenantId) -> Result<Option<i64>, Fault> {
    Ok(connection
        .prepare_cached(&format!("SELECT id {LAST_IDP}"))?
        .query_row([tenant.0], |row| row.get(0))
        .optional()?)
}

fn read(row: &Row<'_>) -> Result<RequestEntry, Fault> {
    let (notes, caller): (String, String) = (row.get(11)?, row.get(12)?);
    let unreadable = |_| Fault::corrupt("a line of the request log cannot be read");
    Ok(RequestEntry {
        id: row.get::<_, U>(0)?.0,
        request_id: row.get(1)?,
        tenant: TenantId(row.get(2)?),
        connection: row.get::<_, Option<i64>>(3)?.map(ConnectionId),
        at: row.get::<_, U>(4)?.0,
        method: row.get(5)?,
        path: row.get(6)?,
        status: row.get(7)?,
        micros: row.get::<_, U>(8)?.0,
        guest_micros: row.get::<_, U>(9)?.0,
        detail: row.get(10)?,
        notes: serde_json::from_str(&notes).map_err(unreadable)?,
        caller: serde_json::from_str(&caller).map_err(unreadable)?,
        user_agent: row.get(13)?,
        from_idp: row.get(14)?,
        recorded: None,
    })
}
