//! The audit log.

use nameplate_store::{AuditEntry, StoreError, TenantId, check, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::collect;
use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;

const AUDIT: &str = "id, tenant, at, actor, action, subject, detail";

pub fn append(connection: &Connection, entry: &AuditEntry) -> Result<(), Fault> {
    let AuditEntry {
        id: _,
        tenant,
        at,
        actor,
        action,
        subject,
        detail,
    } = entry;
    let of = tenant.map_or(0, |tenant| tenant.0);
    if tenant.is_some() {
        let mut known = connection.prepare_cached("SELECT 1 FROM tenants WHERE id = ?1")?;
        if !known.exists([of])? {
            return Err(StoreError::Invalid("no such tenant".to_owned()).into());
        }
    }
    let number = 1 + end(connection, of, "DESC")?.map_or(0, |(_, number)| number);
    connection
        .prepare_cached(
            "INSERT INTO audit (tenant, number, at, actor, action, subject, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            of,
            U(number),
            U(*at),
            actor,
            action,
            subject,
            detail
        ])?;
    // One more line each time, so one fewer is enough.
    let oldest = end(connection, of, "ASC")?;
    if let Some((id, _)) = oldest.filter(|(_, oldest)| number - oldest >= check::AUDIT) {
        connection
            .prepare_cached("DELETE FROM audit WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(())
}

/// Id and number of the first line of a tenant in this order.
fn end(connection: &Connection, tenant: i64, order: &str) -> Result<Option<(i64, u64)>, Fault> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT id, number FROM audit INDEXED BY audit_tenant
             WHERE tenant = ?1 ORDER BY id {order} LIMIT 1"
        ))?
        .query_row([tenant], |row| Ok((row.get(0)?, row.get::<_, U>(1)?.0)))
        .optional()?)
}

pub fn audit(
    connection: &Connection,
    tenant: Option<TenantId>,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Fault> {
    let (index, of) = match tenant {
        Some(_) => ("INDEXED BY audit_tenant", "tenant = ?2"),
        None => ("", "?2 IS NULL"),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {AUDIT} FROM audit {index} WHERE {of} AND id < ?1 ORDER BY id DESC LIMIT ?3"
    ))?;
    let rows = statement.query(params![
        U::within(before.unwrap_or(u64::MAX)),
        tenant.map(|tenant| tenant.0),
        limit.min(limits::PAGE)
    ])?;
    collect(rows, read)
}

fn read(row: &Row<'_>) -> Result<AuditEntry, Fault> {
    let tenant: i64 = row.get(1)?;
    Ok(AuditEntry {
        id: row.get::<_, U>(0)?.0,
        tenant: (tenant != 0).then_some(TenantId(tenant)),
        at: row.get::<_, U>(2)?.0,
        actor: row.get(3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        detail: row.get(6)?,
    })
}
