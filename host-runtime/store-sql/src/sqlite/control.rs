//! Tenants, connections, tokens and the request log.

use std::collections::BTreeMap;

use async_trait::async_trait;
use nameplate_store::{
    Connection as Idp, ConnectionId, ControlStore, RequestEntry, StoreError, Tenant, TenantId,
    Timestamp, Token, TokenScope, check,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::codec::U;
use super::errors::Fault;

const TENANT: &str = "id, name, created, settings";
const CONNECTION: &str =
    "id, tenant, name, dialect, reactivate_inactive, settings, revision, created";
const TOKEN: &str =
    "id, tenant, connection, scope, secret_sha256, created, expires, revoked, last_used";
const REQUEST: &str =
    "id, tenant, connection, at, method, path, status, micros, detail, notes, from_idp";

#[async_trait]
impl ControlStore for SqliteStore {
    async fn add_tenant(&self, now: Timestamp, name: &str) -> Result<Option<Tenant>, StoreError> {
        check::name(name)?;
        let name = name.to_owned();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "INSERT INTO tenants (name, created) VALUES (?1, ?2)
                 ON CONFLICT DO NOTHING RETURNING {TENANT}"
            ))?;
            Ok(statement
                .query_row(params![name, U(now)], tenant)
                .optional()?)
        })
        .await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {TENANT} FROM tenants ORDER BY name"))?;
            let tenants = statement.query_map([], tenant)?;
            Ok(tenants.collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {TENANT} FROM tenants WHERE id = ?1"))?;
            Ok(statement.query_row([id.0], tenant).optional()?)
        })
    }

    async fn set_tenant(&self, id: TenantId, settings: &str) -> Result<bool, StoreError> {
        check::settings(settings)?;
        let settings = settings.to_owned();
        self.write(move |connection| {
            let found = connection
                .prepare_cached("UPDATE tenants SET settings = ?2 WHERE id = ?1")?
                .execute(params![id.0, settings])?;
            Ok(found > 0)
        })
        .await
    }

    async fn add_connection(
        &self,
        now: Timestamp,
        tenant: TenantId,
        name: &str,
        dialect: &str,
    ) -> Result<Option<Idp>, StoreError> {
        check::name(name)?;
        check::connection(dialect, "{}")?;
        let (name, dialect) = (name.to_owned(), dialect.to_owned());
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "INSERT INTO connections (tenant, name, dialect, created) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING RETURNING {CONNECTION}"
            ))?;
            Ok(statement
                .query_row(params![tenant.0, name, dialect, U(now)], idp)
                .optional()?)
        })
        .await
    }

    async fn connections(&self, tenant: TenantId) -> Result<Vec<Idp>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {CONNECTION} FROM connections WHERE tenant = ?1 ORDER BY created, id"
            ))?;
            Ok(statement
                .query_map([tenant.0], idp)?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn set_connection(
        &self,
        connection: ConnectionId,
        dialect: &str,
        reactivate_inactive: bool,
        settings: &str,
    ) -> Result<bool, StoreError> {
        check::connection(dialect, settings)?;
        let (id, dialect, settings) = (connection.0, dialect.to_owned(), settings.to_owned());
        self.write(move |connection| {
            let found = connection
                .prepare_cached(
                    "UPDATE connections SET dialect = ?2, reactivate_inactive = ?3, settings = ?4,
                         revision = revision + (dialect <> ?2 OR reactivate_inactive <> ?3 OR settings <> ?4)
                     WHERE id = ?1",
                )?
                .execute(params![id, dialect, reactivate_inactive, settings])?;
            Ok(found > 0)
        })
        .await
    }

    async fn add_token(&self, token: Token) -> Result<bool, StoreError> {
        check::token(&token)?;
        self.write(move |connection| add_token(connection, &token))
            .await
    }

    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {TOKEN} FROM tokens WHERE id = ?1"))?;
            let mut rows = statement.query([id])?;
            rows.next()?.map(token).transpose()
        })
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {TOKEN} FROM tokens WHERE tenant = ?1 ORDER BY created, id"
            ))?;
            collect(statement.query([tenant.0])?, token)
        })
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let revoked = connection
                .prepare_cached("UPDATE tokens SET revoked = ?3 WHERE id = ?1 AND tenant = ?2 AND revoked IS NULL")?
                .execute(params![id, tenant.0, U(at)])?;
            Ok(revoked > 0)
        })
        .await
    }

    async fn touch_tokens(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE tokens SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1",
            )?;
            for (id, at) in &uses {
                statement.execute(params![id, U(*at)])?;
            }
            Ok(())
        })
        .await
    }

    async fn log_requests(&self, entries: Vec<RequestEntry>, keep: u64) -> Result<(), StoreError> {
        entries.iter().try_for_each(check::request)?;
        self.write(move |connection| {
            // Trimmed once for all lines of a tenant: it costs more than a line does.
            let mut newest = BTreeMap::new();
            for entry in &entries {
                newest.insert(entry.tenant, log(connection, entry)?);
            }
            newest
                .into_iter()
                .try_for_each(|(tenant, last)| trim(connection, tenant, last, keep))
        })
        .await
    }

    async fn requests(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {REQUEST} FROM requests WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
            ))?;
            let last = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
            collect(statement.query(params![tenant.0, U(before.unwrap_or(last).min(last)), limit])?, request)
        })
    }

    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {REQUEST} FROM requests INDEXED BY requests_idp
                 WHERE tenant = ?1 AND from_idp = 1 ORDER BY at DESC, id DESC LIMIT 1"
            ))?;
            let mut rows = statement.query([tenant.0])?;
            rows.next()?.map(request).transpose()
        })
    }
}

fn collect<T>(
    mut rows: rusqlite::Rows<'_>,
    read: fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    Ok(Tenant {
        id: TenantId(row.get(0)?),
        name: row.get(1)?,
        created: row.get::<_, U>(2)?.0,
        settings: row.get(3)?,
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
        revision: row.get::<_, U>(6)?.0,
        created: row.get::<_, U>(7)?.0,
    })
}

fn token(row: &Row<'_>) -> Result<Token, Fault> {
    let time = |at| {
        row.get::<_, Option<U>>(at)
            .map(|time| time.map(|time| time.0))
    };
    let scope: String = row.get(3)?;
    let scope = [TokenScope::Scim, TokenScope::Admin]
        .into_iter()
        .find(|known| known.as_str() == scope);
    Ok(Token {
        id: row.get(0)?,
        tenant: TenantId(row.get(1)?),
        connection: row.get::<_, Option<i64>>(2)?.map(ConnectionId),
        scope: scope.ok_or_else(|| Fault::corrupt("no such scope of a token"))?,
        secret_sha256: row.get(4)?,
        created: row.get::<_, U>(5)?.0,
        expires: time(6)?,
        revoked: time(7)?,
        last_used: time(8)?,
    })
}

fn add_token(connection: &Connection, token: &Token) -> Result<bool, Fault> {
    let Token {
        id,
        tenant,
        connection: idp,
        scope,
        secret_sha256,
        created,
        expires,
        revoked,
        last_used,
    } = token;
    if let Some(idp) = idp {
        let mut statement =
            connection.prepare_cached("SELECT 1 FROM connections WHERE id = ?1 AND tenant = ?2")?;
        if !statement.exists(params![idp.0, tenant.0])? {
            return Err(StoreError::Invalid("no such connection in the tenant".to_owned()).into());
        }
    }
    let added = connection
        .prepare_cached(&format!(
            "INSERT INTO tokens ({TOKEN}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"
        ))?
        .execute(params![
            id, tenant.0, idp.map(|idp| idp.0), scope.as_str(), secret_sha256, U(*created),
            expires.map(U), revoked.map(U), last_used.map(U)
        ])?;
    Ok(added > 0)
}

/// Appends a line; returns its id.
fn log(connection: &Connection, entry: &RequestEntry) -> Result<u64, Fault> {
    let RequestEntry {
        id: _,
        tenant,
        connection: idp,
        at,
        method,
        path,
        status,
        micros,
        detail,
        notes,
        from_idp,
    } = entry;
    let last = connection
        .prepare_cached(
            "UPDATE tenants SET request_seq = request_seq + 1 WHERE id = ?1 RETURNING request_seq",
        )?
        .query_row([tenant.0], |row| row.get::<_, U>(0))
        .optional()?
        .ok_or_else(|| StoreError::Invalid("no such tenant".to_owned()))?;
    let text =
        serde_json::to_string(notes).map_err(|_| Fault::corrupt("notes cannot be written"))?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO requests ({REQUEST}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        ))?
        .execute(params![
            last,
            tenant.0,
            idp.map(|idp| idp.0),
            U(*at),
            method,
            path,
            status,
            U(*micros),
            detail,
            text,
            from_idp
        ])?;
    Ok(last.0)
}

/// Keeps the newest lines of a tenant.
fn trim(connection: &Connection, tenant: TenantId, last: u64, keep: u64) -> Result<(), Fault> {
    // All but the line of `last_idp_request`, so at most one is met again.
    connection
        .prepare_cached(
            "DELETE FROM requests WHERE tenant = ?1 AND id <= ?2 AND id IS NOT (
                 SELECT id FROM requests INDEXED BY requests_idp
                 WHERE tenant = ?1 AND from_idp = 1 ORDER BY at DESC, id DESC LIMIT 1)",
        )?
        .execute(params![tenant.0, U(last.saturating_sub(keep))])?;
    Ok(())
}

fn request(row: &Row<'_>) -> Result<RequestEntry, Fault> {
    let notes: String = row.get(9)?;
    Ok(RequestEntry {
        id: row.get::<_, U>(0)?.0,
        tenant: TenantId(row.get(1)?),
        connection: row.get::<_, Option<i64>>(2)?.map(ConnectionId),
        at: row.get::<_, U>(3)?.0,
        method: row.get(4)?,
        path: row.get(5)?,
        status: row.get(6)?,
        micros: row.get::<_, U>(7)?.0,
        detail: row.get(8)?,
        notes: serde_json::from_str(&notes).map_err(|_| Fault::corrupt("notes cannot be read"))?,
        from_idp: row.get(10)?,
    })
}
