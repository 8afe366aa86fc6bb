//! Webhooks and their dead letters.

use async_trait::async_trait;
use nameplate_store::{
    DeadLetter, StoreError, TenantId, Webhook, WebhookProgress, WebhookStore, check,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::codec::{U, pack, unpack_texts};
use super::errors::Fault;

const WEBHOOK: &str = "tenant, id, url, secret, events, created, position, failures, next_try, last_error, last_delivered, paused";
const LETTER: &str = "seq, at, attempts, error";

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn add_webhook(&self, webhook: Webhook) -> Result<bool, StoreError> {
        check::webhook(&webhook)?;
        self.write(move |connection| add(connection, &webhook))
            .await
    }

    async fn webhooks(&self, tenant: Option<TenantId>) -> Result<Vec<Webhook>, StoreError> {
        self.read(|connection| match tenant {
            Some(tenant) => collect(
                connection
                    .prepare_cached(&format!(
                        "SELECT {WEBHOOK} FROM webhooks WHERE tenant = ?1 ORDER BY created, id"
                    ))?
                    .query([tenant.0])?,
            ),
            None => collect(
                connection
                    .prepare_cached(&format!(
                        "SELECT {WEBHOOK} FROM webhooks ORDER BY tenant, created, id"
                    ))?
                    .query([])?,
            ),
        })
    }

    async fn webhook(&self, tenant: TenantId, id: &str) -> Result<Option<Webhook>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {WEBHOOK} FROM webhooks WHERE tenant = ?1 AND id = ?2"
            ))?;
            Ok(collect(statement.query(params![tenant.0, id])?)?.pop())
        })
    }

    async fn change_webhook(
        &self,
        tenant: TenantId,
        id: &str,
        url: &str,
        events: &[String],
        paused: bool,
    ) -> Result<bool, StoreError> {
        check::webhook_settings(url, events)?;
        let (id, url, events) = (id.to_owned(), url.to_owned(), packed(events));
        self.write(move |connection| {
            let found = connection
                .prepare_cached(
                    "UPDATE webhooks SET url = ?3, events = ?4, paused = ?5 WHERE tenant = ?1 AND id = ?2",
                )?
                .execute(params![tenant.0, id, url, events, paused])?;
            Ok(found > 0)
        })
        .await
    }

    async fn set_webhook_secret(
        &self,
        tenant: TenantId,
        id: &str,
        secret: &[u8],
    ) -> Result<bool, StoreError> {
        check::webhook_secret(secret)?;
        let (id, secret) = (id.to_owned(), secret.to_vec());
        self.write(move |connection| {
            let found = connection
                .prepare_cached("UPDATE webhooks SET secret = ?3 WHERE tenant = ?1 AND id = ?2")?
                .execute(params![tenant.0, id, secret])?;
            Ok(found > 0)
        })
        .await
    }

    async fn remove_webhook(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let at = params![tenant.0, id];
            connection
                .prepare_cached("DELETE FROM dead_letters WHERE tenant = ?1 AND webhook = ?2")?
                .execute(at)?;
            let gone = connection
                .prepare_cached("DELETE FROM webhooks WHERE tenant = ?1 AND id = ?2")?
                .execute(at)?;
            Ok(gone > 0)
        })
        .await
    }

    async fn webhook_progress(
        &self,
        tenant: TenantId,
        id: &str,
        expected: u64,
        progress: WebhookProgress,
    ) -> Result<bool, StoreError> {
        check::webhook_progress(&progress)?;
        let id = id.to_owned();
        self.write(move |connection| advance(connection, tenant, &id, expected, &progress))
            .await
    }

    async fn add_dead_letter(
        &self,
        tenant: TenantId,
        webhook: &str,
        letter: DeadLetter,
    ) -> Result<bool, StoreError> {
        check::dead_letter(&letter)?;
        let webhook = webhook.to_owned();
        self.write(move |connection| bury(connection, tenant, &webhook, &letter))
            .await
    }

    async fn dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        check::rows(limit)?;
        self.read(|connection| letters(connection, tenant, webhook, after, limit))
    }

    async fn remove_dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        seqs: &[u64],
    ) -> Result<u64, StoreError> {
        check::at_most("dead letters", seqs.len(), check::page())?;
        let (webhook, seqs) = (webhook.to_owned(), seqs.to_vec());
        self.write(move |connection| remove(connection, tenant, &webhook, &seqs))
            .await
    }
}

fn packed(events: &[String]) -> Vec<u8> {
    pack(events.iter().map(String::as_bytes))
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Webhook>, Fault> {
    let mut webhooks = Vec::new();
    while let Some(row) = rows.next()? {
        webhooks.push(Webhook {
            tenant: TenantId(row.get(0)?),
            id: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            events: unpack_texts(&row.get::<_, Vec<u8>>(4)?)?,
            created: row.get::<_, U>(5)?.0,
            position: row.get::<_, U>(6)?.0,
            failures: row.get(7)?,
            next_try: row.get::<_, U>(8)?.0,
            last_error: row.get(9)?,
            last_delivered: row.get::<_, Option<U>>(10)?.map(|at| at.0),
            paused: row.get(11)?,
        });
    }
    Ok(webhooks)
}

/// Dead letters after a number.
pub fn letters(
    connection: &Connection,
    tenant: TenantId,
    webhook: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<DeadLetter>, Fault> {
    // No number is larger than 63 bits, so nothing comes after one that is.
    let after = U(after.min(u64::try_from(i64::MAX).unwrap_or(u64::MAX)));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {LETTER} FROM dead_letters WHERE tenant = ?1 AND webhook = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4"
    ))?;
    let found = statement.query_map(params![tenant.0, webhook, after, limit], letter)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        seq: row.get::<_, U>(0)?.0,
        at: row.get::<_, U>(1)?.0,
        attempts: row.get(2)?,
        error: row.get(3)?,
    })
}

fn add(connection: &Connection, webhook: &Webhook) -> Result<bool, Fault> {
    let Webhook {
        id,
        tenant,
        url,
        secret,
        events,
        created,
        position,
        failures,
        next_try,
        last_error,
        last_delivered,
        paused,
    } = webhook;
    let mut statement = connection.prepare_cached(
        "SELECT count(*), coalesce(sum(id = ?2), 0) FROM webhooks WHERE tenant = ?1",
    )?;
    let (others, same) = statement.query_row(params![tenant.0, id], |row| {
        Ok((row.get::<_, U>(0)?, row.get(1)?))
    })?;
    if same {
        return Ok(false);
    }
    let others = usize::try_from(others.0).unwrap_or(usize::MAX);
    check::at_most("webhooks", others.saturating_add(1), check::WEBHOOKS)?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO webhooks ({WEBHOOK}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?
        .execute(params![
            tenant.0,
            id,
            url,
            secret,
            packed(events),
            U(*created),
            U(*position),
            failures,
            U(*next_try),
            last_error,
            last_delivered.map(U),
            paused
        ])?;
    Ok(true)
}

/// Writes how far a webhook has come, if it is still where it was.
pub fn advance(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
    expected: u64,
    progress: &WebhookProgress,
) -> Result<bool, Fault> {
    let WebhookProgress {
        position,
        failures,
        next_try,
        last_error,
        last_delivered,
    } = progress;
    // No webhook is further than 63 bits.
    if i64::try_from(expected).is_err() {
        return Ok(false);
    }
    let written = connection
        .prepare_cached(
            "UPDATE webhooks SET position = ?4, failures = ?5, next_try = ?6, last_error = ?7, last_delivered = ?8
             WHERE tenant = ?1 AND id = ?2 AND position = ?3",
        )?
        .execute(params![
            tenant.0,
            id,
            U(expected),
            U(*position),
            failures,
            U(*next_try),
            last_error,
            last_delivered.map(U)
        ])?;
    Ok(written > 0)
}

/// Adds a number of letters to those a webhook has, and returns how many that makes;
/// none if there is no such webhook.
fn recount(
    connection: &Connection,
    tenant: TenantId,
    webhook: &str,
    by: i64,
) -> Result<Option<u64>, Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE webhooks SET dead_letters = dead_letters + ?3 WHERE tenant = ?1 AND id = ?2 RETURNING dead_letters",
    )?;
    let count = statement.query_row(params![tenant.0, webhook, by], |row| row.get::<_, U>(0));
    Ok(count.optional()?.map(|count| count.0))
}

/// Keeps a dead letter; false if there is no such webhook.
pub fn bury(
    connection: &Connection,
    tenant: TenantId,
    webhook: &str,
    letter: &DeadLetter,
) -> Result<bool, Fault> {
    let DeadLetter {
        seq,
        at,
        attempts,
        error,
    } = letter;
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM dead_letters WHERE tenant = ?1 AND webhook = ?2 AND seq = ?3",
        )?
        .exists(params![tenant.0, webhook, U(*seq)])?;
    let Some(count) = recount(connection, tenant, webhook, i64::from(!known))? else {
        return Ok(false);
    };
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO dead_letters (tenant, webhook, {LETTER}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ))?
        .execute(params![tenant.0, webhook, U(*seq), U(*at), attempts, error])?;
    if count > u64::try_from(check::DEAD_LETTERS).unwrap_or(u64::MAX) {
        connection
            .prepare_cached(
                "DELETE FROM dead_letters WHERE tenant = ?1 AND webhook = ?2 AND seq = (
                     SELECT min(seq) FROM dead_letters WHERE tenant = ?1 AND webhook = ?2)",
            )?
            .execute(params![tenant.0, webhook])?;
        recount(connection, tenant, webhook, -1)?;
    }
    Ok(true)
}

/// Removes dead letters and returns how many there were.
pub fn remove(
    connection: &Connection,
    tenant: TenantId,
    webhook: &str,
    seqs: &[u64],
) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM dead_letters WHERE tenant = ?1 AND webhook = ?2 AND seq = ?3",
    )?;
    let mut gone = 0;
    for seq in seqs.iter().filter(|seq| i64::try_from(**seq).is_ok()) {
        gone += statement.execute(params![tenant.0, webhook, U(*seq)])?;
    }
    let count = i64::try_from(gone).unwrap_or(i64::MAX);
    recount(connection, tenant, webhook, -count)?;
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}
