//! Tokens and which of them are live.

use nameplate_store::{
    Access, ConnectionId, StoreError, TenantId, Timestamp, Token, TokenAdded, TokenRotated,
    TokenScope,
};
use rusqlite::{Connection, Row, params};

use super::collect;
use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;

const TOKEN: &str = "id, tenant, connection, scope, access, note, secret_sha256, created, expires, revoked, last_used";

pub fn token(connection: &Connection, id: &str) -> Result<Option<Token>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {TOKEN} FROM tokens WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

pub fn tokens(connection: &Connection, tenant: TenantId) -> Result<Vec<Token>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TOKEN} FROM tokens WHERE tenant = ?1 ORDER BY created, id"
    ))?;
    collect(statement.query([tenant.0])?, read)
}

pub fn expiring(
    connection: &Connection,
    tenant: Option<TenantId>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Token>, Fault> {
    let of = match tenant {
        Some(_) => "AND tenant = ?3",
        None => "AND ?3 IS NULL",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TOKEN} FROM tokens INDEXED BY tokens_expiring
         WHERE revoked IS NULL AND expires IS NOT NULL AND expires > ?1 AND expires <= ?2 {of}
         ORDER BY expires, id"
    ))?;
    let rows = statement.query(params![
        U::within(now),
        U::within(until),
        tenant.map(|tenant| tenant.0)
    ])?;
    collect(rows, read)
}

pub fn add(connection: &Connection, token: &Token, most_live: u32) -> Result<TokenAdded, Fault> {
    let Token {
        id,
        tenant,
        connection: idp,
        scope,
        access,
        note,
        secret_sha256,
        created,
        expires,
        revoked,
        last_used,
    } = token;
    let idp = idp.map(|idp| idp.0);
    if let Some(idp) = idp {
        let mut statement =
            connection.prepare_cached("SELECT 1 FROM connections WHERE id = ?1 AND tenant = ?2")?;
        if !statement.exists(params![idp, tenant.0])? {
            return Err(StoreError::Invalid("no such connection in the tenant".to_owned()).into());
        }
    }
    if self::token(connection, id)?.is_some() {
        return Ok(TokenAdded::IdTaken);
    }
    let live: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM tokens WHERE tenant = ?1 AND connection IS ?2 AND scope = ?3
                 AND revoked IS NULL AND (expires IS NULL OR expires > ?4)",
        )?
        .query_row(params![tenant.0, idp, scope.as_str(), U(*created)], |row| {
            row.get(0)
        })?;
    if live >= most_live {
        return Ok(TokenAdded::TooMany);
    }
    connection
        .prepare_cached(&format!(
            "INSERT INTO tokens ({TOKEN}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        ))?
        .execute(params![
            id,
            tenant.0,
            idp,
            scope.as_str(),
            access.as_str(),
            note,
            secret_sha256,
            U(*created),
            expires.map(U),
            revoked.map(U),
            last_used.map(U)
        ])?;
    Ok(TokenAdded::Added)
}

pub fn rotate(
    connection: &Connection,
    tenant: TenantId,
    old: &str,
    new: &Token,
    old_expires: Timestamp,
    most_live: u32,
) -> Result<TokenRotated, Fault> {
    let before = token(connection, old)?.filter(|old| {
        new.tenant == tenant && old.tenant == tenant && old.live(new.created) && old.beside(new)
    });
    let Some(before) = before else {
        return Ok(TokenRotated::Unknown);
    };
    let ends = before
        .expires
        .map_or(old_expires, |end| end.min(old_expires));
    expire(connection, old, Some(ends))?;
    let added = add(connection, new, most_live)?;
    if added != TokenAdded::Added {
        expire(connection, old, before.expires)?;
    }
    Ok(match added {
        TokenAdded::Added => TokenRotated::Rotated,
        TokenAdded::IdTaken => TokenRotated::IdTaken,
        TokenAdded::TooMany => TokenRotated::TooMany,
    })
}

fn expire(connection: &Connection, id: &str, at: Option<Timestamp>) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE tokens SET expires = ?2 WHERE id = ?1")?
        .execute(params![id, at.map(U)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Token, Fault> {
    let time = |at| {
        row.get::<_, Option<U>>(at)
            .map(|time| time.map(|time| time.0))
    };
    let (scope, access): (String, String) = (row.get(3)?, row.get(4)?);
    let scope = [TokenScope::Scim, TokenScope::Admin]
        .into_iter()
        .find(|known| known.as_str() == scope);
    let access = Access::from_name(&access);
    Ok(Token {
        id: row.get(0)?,
        tenant: TenantId(row.get(1)?),
        connection: row.get::<_, Option<i64>>(2)?.map(ConnectionId),
        scope: scope.ok_or_else(|| Fault::corrupt("no such scope of a token"))?,
        access: access.ok_or_else(|| Fault::corrupt("no such access of a token"))?,
        note: row.get(5)?,
        secret_sha256: row.get(6)?,
        created: row.get::<_, U>(7)?.0,
        expires: time(8)?,
        revoked: time(9)?,
        last_used: time(10)?,
    })
}
