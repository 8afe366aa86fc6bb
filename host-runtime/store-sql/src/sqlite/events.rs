//! The event log.

use nameplate_store::{Event, TenantId, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::FORGET;
use super::codec::{C, S, U, pack, unpack, unpack_texts};
use super::errors::Fault;

const COLUMNS: &str = "tenant, seq, connection, at, name, subject_kind, subject, settled, logins, added, removed, before, after";

/// How much of a tenant's log is kept: see [`SqliteOptions`](super::SqliteOptions).
#[derive(Clone, Copy)]
pub struct Keep {
    pub events: u64,
    pub waiting: u64,
}

/// Appends an event and returns its number: the last write of its unit, so that
/// numbers are visible in order. Forgets a few old ones.
pub fn append(
    connection: &Connection,
    tenant: TenantId,
    event: &Event,
    keep: Keep,
) -> Result<u64, Fault> {
    let Event {
        seq: _,
        connection: at_connection,
        at,
        name,
        subject_kind,
        subject,
        before,
        after,
        added,
        removed,
        logins,
        settled,
    } = event;
    let seq = connection
        .prepare_cached(
            "UPDATE tenants SET event_seq = event_seq + 1 WHERE id = ?1 RETURNING event_seq",
        )?
        .query_row([tenant.0], |row| row.get::<_, U>(0))?;
    let texts = |texts: &[String]| pack(texts.iter().map(String::as_bytes));
    let logins = pack(logins.iter().map(Vec::as_slice));
    connection
        .prepare_cached(&format!(
            "INSERT INTO events ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        ))?
        .execute(params![
            tenant.0, seq, C(*at_connection), U(*at), name, S(*subject_kind), subject, settled, logins,
            texts(added), texts(removed), before, after
        ])?;
    forget(connection, tenant, seq.0, keep)?;
    Ok(seq.0)
}

/// The number of the newest event there has been.
pub fn last(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    Ok(range(connection, tenant)?.1)
}

/// Forgets the oldest settled events that nobody waits for, a few at a time.
fn forget(connection: &Connection, tenant: TenantId, newest: u64, keep: Keep) -> Result<(), Fault> {
    let old = newest.saturating_sub(keep.events);
    if old == 0 {
        return Ok(());
    }
    let passed: Option<U> = connection
        .prepare_cached(
            "SELECT min(position) FROM webhooks INDEXED BY webhooks_waiting WHERE tenant = ?1 AND paused = 0",
        )?
        .query_row([tenant.0], |row| row.get(0))?;
    let up_to = passed.map_or(old, |passed| {
        old.min(passed.0.max(newest.saturating_sub(keep.waiting)))
    });
    let mut statement = connection.prepare_cached(
        "DELETE FROM events WHERE row IN (
             SELECT row FROM events INDEXED BY events_settled
             WHERE tenant = ?1 AND seq <= ?2 AND settled = 1 ORDER BY seq LIMIT ?3) RETURNING seq",
    )?;
    let gone = statement.query_map(params![tenant.0, U(up_to), FORGET], |row| {
        Ok(row.get::<_, U>(0)?.0)
    })?;
    let last = gone
        .collect::<rusqlite::Result<Vec<u64>>>()?
        .into_iter()
        .max();
    if let Some(last) = last {
        connection
            .prepare_cached(
                "UPDATE tenants SET events_forgotten = max(events_forgotten, ?2) WHERE id = ?1",
            )?
            .execute(params![tenant.0, U(last)])?;
    }
    Ok(())
}

/// From and to which number every event is there.
pub fn range(connection: &Connection, tenant: TenantId) -> Result<(u64, u64), Fault> {
    let mut statement = connection
        .prepare_cached("SELECT events_forgotten + 1, event_seq FROM tenants WHERE id = ?1")?;
    let range = statement.query_row([tenant.0], |row| {
        Ok((row.get::<_, U>(0)?.0, row.get::<_, U>(1)?.0))
    });
    Ok(range.optional()?.unwrap_or((1, 0)))
}

/// The log from `after` on. Ends early at [`limits::PAGE_BYTES`].
pub fn after(
    connection: &Connection,
    tenant: TenantId,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM events WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))?;
    // No number is larger than 63 bits, so nothing comes after one that is.
    let after = U(after.min(u64::try_from(i64::MAX).unwrap_or(u64::MAX)));
    let rows = statement.query(params![tenant.0, after, limit.min(limits::PAGE)])?;
    Ok(collect(rows)?.into_iter().map(|(_, event)| event).collect())
}

/// What mapping has not worked in, oldest first. Ends early at
/// [`limits::PAGE_BYTES`].
pub fn unsettled(
    connection: &Connection,
    tenant: Option<TenantId>,
    limit: u32,
) -> Result<Vec<(TenantId, Event)>, Fault> {
    let limit = limit.min(limits::PAGE);
    match tenant {
        Some(tenant) => collect(
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM events INDEXED BY events_unsettled WHERE tenant = ?1 AND settled = 0 ORDER BY at, seq LIMIT ?2"
                ))?
                .query(params![tenant.0, limit])?,
        ),
        None => collect(
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM events INDEXED BY events_unsettled_all WHERE settled = 0 ORDER BY at, tenant, seq LIMIT ?1"
                ))?
                .query([limit])?,
        ),
    }
}

/// Marks events as worked in.
pub fn settle(connection: &Connection, tenant: TenantId, seqs: &[u64]) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE events SET settled = 1 WHERE tenant = ?1 AND seq = ?2 AND settled = 0",
    )?;
    // No number is larger than 63 bits, and so none that is there.
    for seq in seqs.iter().filter(|seq| i64::try_from(**seq).is_ok()) {
        statement.execute(params![tenant.0, U(*seq)])?;
    }
    Ok(())
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<(TenantId, Event)>, Fault> {
    let mut events = Vec::new();
    let mut bytes = 0;
    while bytes < limits::PAGE_BYTES
        && let Some(row) = rows.next()?
    {
        let (tenant, event) = event(row)?;
        let documents =
            event.before.as_ref().map_or(0, Vec::len) + event.after.as_ref().map_or(0, Vec::len);
        let members: usize = event
            .added
            .iter()
            .chain(&event.removed)
            .map(String::len)
            .sum();
        bytes += documents + members;
        events.push((tenant, event));
    }
    Ok(events)
}

/// Numbers of events above `after` that `wanted` fits, among the next `scanned`; and where
/// to go on, if there are more.
pub fn numbers(
    connection: &Connection,
    tenant: TenantId,
    after: u64,
    scanned: u32,
    wanted: impl Fn(&Event) -> bool,
) -> Result<(Vec<u64>, Option<u64>), Fault> {
    let page = self::after(connection, tenant, after, scanned)?;
    let next = page.last().map(|event| event.seq);
    let wanted = page.iter().filter(|event| wanted(event));
    Ok((wanted.map(|event| event.seq).collect(), next))
}

/// Takes the documents and logins out of events, which are settled by it; returns how many
/// there were that had any.
pub fn strip(connection: &Connection, tenant: TenantId, seqs: &[u64]) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE events SET before = NULL, after = NULL, logins = x'', settled = 1
         WHERE tenant = ?1 AND seq = ?2
             AND (before IS NOT NULL OR after IS NOT NULL OR logins <> x'' OR settled = 0)",
    )?;
    let mut stripped = 0;
    for seq in seqs {
        stripped += statement.execute(params![tenant.0, U(*seq)])?;
    }
    Ok(u64::try_from(stripped).unwrap_or(u64::MAX))
}

fn event(row: &Row<'_>) -> Result<(TenantId, Event), Fault> {
    let packed = |at| row.get::<_, Vec<u8>>(at);
    let event = Event {
        seq: row.get::<_, U>(1)?.0,
        connection: row.get::<_, C>(2)?.0,
        at: row.get::<_, U>(3)?.0,
        name: row.get(4)?,
        subject_kind: row.get::<_, S>(5)?.0,
        subject: row.get(6)?,
        settled: row.get(7)?,
        logins: unpack(&packed(8)?)?,
        added: unpack_texts(&packed(9)?)?,
        removed: unpack_texts(&packed(10)?)?,
        before: row.get(11)?,
        after: row.get(12)?,
    };
    Ok((TenantId(row.get(0)?), event))
}
