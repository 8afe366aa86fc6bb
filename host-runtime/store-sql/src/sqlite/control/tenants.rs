//! Tenants and their connections.

use nameplate_store::{
    Connection as Idp, ConnectionEdit, ConnectionId, Tenant, TenantChange, TenantChanged, TenantId,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;

/// Host names have no blank in them.
const TENANT: &str = "id, name, created, settings, limits, plugin, previous_plugin, suspended, \
     coalesce((SELECT group_concat(h.name, ' ' ORDER BY h.name) FROM host_names h WHERE h.tenant = tenants.id), '')";
const CONNECTION: &str = "id, tenant, name, dialect, reactivate_inactive, settings, auth, issuer, \
     record_until, revision, created";

pub fn add(connection: &Connection, now: Timestamp, name: &str) -> Result<Option<Tenant>, Fault> {
    let added = connection
        .prepare_cached(
            "INSERT INTO tenants (name, created) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![name, U(now)])?;
    match added {
        0 => Ok(None),
        _ => one(connection, "name = ?1", name),
    }
}

pub fn all(connection: &Connection) -> Result<Vec<Tenant>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {TENANT} FROM tenants ORDER BY name"))?;
    let tenants = statement.query_map([], tenant)?;
    Ok(tenants.collect::<rusqlite::Result<_>>()?)
}

pub fn one(connection: &Connection, of: &str, value: impl ToSql) -> Result<Option<Tenant>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {TENANT} FROM tenants WHERE {of}"))?;
    Ok(statement.query_row([value], tenant).optional()?)
}

pub fn change(
    connection: &Connection,
    tenant: TenantId,
    change: &TenantChange,
) -> Result<TenantChanged, Fault> {
    let TenantChange {
        settings,
        host_names,
        limits,
        plugin,
        suspended,
    } = change;
    if !connection
        .prepare_cached("SELECT 1 FROM tenants WHERE id = ?1")?
        .exists([tenant.0])?
    {
        return Ok(TenantChanged::Unknown);
    }
    if let Some(names) = host_names {
        let mut others = connection
            .prepare_cached("SELECT 1 FROM host_names WHERE name = ?1 AND tenant <> ?2")?;
        for name in names {
            if others.exists(params![name, tenant.0])? {
                return Ok(TenantChanged::HostTaken(name.clone()));
            }
        }
        connection
            .prepare_cached("DELETE FROM host_names WHERE tenant = ?1")?
            .execute([tenant.0])?;
        let mut insert =
            connection.prepare_cached("INSERT INTO host_names (name, tenant) VALUES (?1, ?2)")?;
        for name in names {
            insert.execute(params![name, tenant.0])?;
        }
    }
    connection
        .prepare_cached(
            "UPDATE tenants SET settings = coalesce(?2, settings), limits = coalesce(?3, limits),
                 suspended = coalesce(?4, suspended),
                 previous_plugin = CASE WHEN ?5 AND plugin IS NOT ?6 THEN plugin ELSE previous_plugin END,
                 plugin = CASE WHEN ?5 THEN ?6 ELSE plugin END
             WHERE id = ?1",
        )?
        .execute(params![
            tenant.0,
            settings,
            limits,
            suspended,
            plugin.is_some(),
            plugin.flatten()
        ])?;
    Ok(TenantChanged::Changed)
}

pub fn add_connection(
    connection: &Connection,
    now: Timestamp,
    tenant: TenantId,
    name: &str,
    dialect: &str,
) -> Result<Option<Idp>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "INSERT INTO connections (tenant, name, dialect, created) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING RETURNING {CONNECTION}"
    ))?;
    Ok(statement
        .query_row(params![tenant.0, name, dialect, U(now)], idp)
        .optional()?)
}

pub fn connections(
    connection: &Connection,
    of: &str,
    value: impl ToSql,
) -> Result<Vec<Idp>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {CONNECTION} FROM connections WHERE {of} ORDER BY created, id"
    ))?;
    let found = statement.query_map([value], idp)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn change_connection(
    connection: &Connection,
    id: ConnectionId,
    edit: &ConnectionEdit,
) -> Result<bool, Fault> {
    let ConnectionEdit {
        dialect,
        reactivate_inactive,
        settings,
        auth,
        issuer,
        record_until,
    } = edit;
    let found = connection
        .prepare_cached(
            "UPDATE connections SET dialect = coalesce(?2, dialect),
                 reactivate_inactive = coalesce(?3, reactivate_inactive),
                 settings = coalesce(?4, settings), auth = coalesce(?5, auth),
                 issuer = coalesce(?6, issuer),
                 record_until = CASE WHEN ?7 THEN ?8 ELSE record_until END,
                 revision = revision + (dialect <> coalesce(?2, dialect)
                     OR reactivate_inactive <> coalesce(?3, reactivate_inactive)
                     OR settings <> coalesce(?4, settings))
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            dialect,
            reactivate_inactive,
            settings,
            auth,
            issuer,
            record_until.is_some(),
            record_until.flatten().map(U)
        ])?;
    Ok(found > 0)
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    let host_names: String = row.get(8)?;
    Ok(Tenant {
        id: TenantId(row.get(0)?),
        name: row.get(1)?,
        created: row.get::<_, U>(2)?.0,
        settings: row.get(3)?,
        limits: row.get(4)?,
        plugin: row.get(5)?,
        previous_plugin: row.get(6)?,
        suspended: row.get(7)?,
        host_names: host_names.split_whitespace().map(str::to_owned).collect(),
    })
}

fn idp(row: &Row<'_>) -> rusqlite::Result<Idp> {
    Ok(Idp {
        id: ConnectionId(row.get(0)?),
        tenant: TenantId(row.get(1)?),
        name: row.get(2)?,
        dialect: row.get(3)?,
        reactivate_inactive: row.get(4)?,
        settings: row.get(5)?,
        auth: row.get(6)?,
        issuer: row.get(7)?,
        record_until: row.get::<_, Option<U>>(8)?.map(|time| time.0),
        revision: row.get::<_, U>(9)?.0,
        created: row.get::<_, U>(10)?.0,
    })
}
