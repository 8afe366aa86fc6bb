//! Reading and forgetting all that is kept of one person.
//!
//! What names somebody is found by readers, a piece at a time, for it may mean looking at
//! every row of a tenant; the writer then does what was found and looks again at each row.

mod hosts;
mod requests;

use std::cell::RefCell;
use std::collections::BTreeSet;

use nameplate_store::{
    Change, ConnectionId, Delete, Document, Erased, Event, EventDraft, Holding, Kind, Outcome,
    Precondition, Quota, Scope, StoreError, Subject, TenantId, Timestamp, Traces, Unit, check,
    event_names,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::codec::{U, unpack_keys};
use super::errors::Fault;
use super::events::{self, Keep};
use super::unit::Batch;
use super::{departures, rows};

/// Rows looked at by one read.
const LOOKED_AT: u32 = 1000;
/// Rows written by one job: a few milliseconds.
const AT_ONCE: usize = 200;

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl SqliteStore {
    /// Numbers of all events that are wanted.
    fn events_where(
        &self,
        tenant: TenantId,
        wanted: impl Fn(&Event) -> bool,
    ) -> Result<Vec<u64>, StoreError> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let (found, next) = self.read(|connection| {
                events::numbers(connection, tenant, after, LOOKED_AT, &wanted)
            })?;
            all.extend(found);
            match next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    pub(super) fn traces_of(&self, tenant: TenantId, id: &str) -> Result<Traces, StoreError> {
        let about = about(id);
        let mut seqs = self.events_where(tenant, &about)?;
        let newest = usize::try_from(check::TRACED).unwrap_or(usize::MAX);
        seqs.drain(..seqs.len().saturating_sub(newest));
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            traces(&snapshot, tenant, id, &seqs)
        })
    }

    pub(super) async fn erase_user(
        &self,
        tenant: TenantId,
        now: Timestamp,
        id: &str,
    ) -> Result<Erased, StoreError> {
        let (user, keep) = (id.to_owned(), self.keep());
        let mut erased = self
            .write(move |connection| erase(connection, tenant, now, &user, keep))
            .await?;
        // Found after the deletion, whose own event is among them.
        for seqs in self.events_where(tenant, about(id))?.chunks(AT_ONCE) {
            let seqs = seqs.to_vec();
            erased.events += self
                .write(move |connection| events::strip(connection, tenant, &seqs))
                .await?;
        }
        Ok(erased)
    }
}

/// Is an event about this person?
fn about(id: &str) -> impl Fn(&Event) -> bool {
    move |event| event.subject_kind == Subject::User && event.subject == id
}

fn traces(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
    seqs: &[u64],
) -> Result<Traces, Fault> {
    let document = rows::load(connection, Scope::whole(tenant), id)?;
    let document = document.filter(|document| document.kind == Kind::User);
    let departure = departures::of(connection, tenant, id)?;
    let mut found = Vec::new();
    for seq in seqs {
        found.extend(events::after(connection, tenant, seq.saturating_sub(1), 1)?);
    }
    let connection_of = (document.as_ref().map(|document| document.connection))
        .or(departure.as_ref().map(|departure| departure.connection))
        .or(found.last().and_then(|event| event.connection));
    Ok(Traces {
        groups: match &document {
            Some(_) => groups(connection, tenant, id)?,
            None => Vec::new(),
        },
        logins: logins(connection, tenant, id, document.is_some())?,
        connection: connection_of,
        document,
        departure,
        events: found,
    })
}

fn groups(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
) -> Result<Vec<(String, String)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT e.group_id, d.label FROM edges e INDEXED BY edges_member
         CROSS JOIN documents d ON d.tenant = e.tenant AND d.id = e.group_id
         WHERE e.tenant = ?1 AND e.member_id = ?2 ORDER BY e.group_id",
    )?;
    let found = statement.query_map(params![tenant.0, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn logins(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
    alive: bool,
) -> Result<Vec<Holding>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT attribute, value, connection, since, until
         FROM holdings INDEXED BY holdings_document
         WHERE tenant = ?1 AND document = ?2 ORDER BY value, span",
    )?;
    let found = statement.query_map(params![tenant.0, id], |row| {
        Ok(Holding {
            attribute: row.get(0)?,
            value: row.get(1)?,
            document: id.to_owned(),
            connection: ConnectionId(row.get(2)?),
            from: row.get::<_, U>(3)?.0,
            until: row.get::<_, Option<U>>(4)?.map(|until| until.0),
            alive,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Forgets all but what events tell.
fn erase(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    id: &str,
    keep: Keep,
) -> Result<Erased, Fault> {
    let mut erased = Erased {
        departures: u64::from(departures::of(connection, tenant, id)?.is_some()),
        ..Erased::default()
    };
    let document = rows::load(connection, Scope::whole(tenant), id)?;
    if let Some(document) = document.filter(|document| document.kind == Kind::User) {
        erased.document = true;
        erased.keys = keys(connection, tenant, id)?;
        erased.edges = number(groups(connection, tenant, id)?.len());
        delete(connection, tenant, now, &document, keep)?;
    }
    departures::forget(connection, tenant, id)?;
    let values = logins(connection, tenant, id, false)?.into_iter();
    let values: BTreeSet<Vec<u8>> = values.map(|holding| holding.value).collect();
    erased.edges += drop_held(connection, tenant, id, &values)?;
    let run = |statement: &str| -> Result<usize, Fault> {
        let mut statement = connection.prepare_cached(statement)?;
        Ok(statement.execute(params![tenant.0, id])?)
    };
    run("DELETE FROM removals WHERE tenant = ?1 AND member_id = ?2")?;
    erased.logins = number(run(
        "DELETE FROM holdings WHERE tenant = ?1 AND document = ?2",
    )?);
    // Documents stand in them where a change came too late.
    run("DELETE FROM commits WHERE tenant = ?1 AND instr(outcomes, ?2) > 0")?;
    Ok(erased)
}

fn keys(connection: &Connection, tenant: TenantId, id: &str) -> Result<u64, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT keys FROM documents WHERE tenant = ?1 AND id = ?2")?;
    let packed: Option<Vec<u8>> = statement
        .query_row(params![tenant.0, id], |row| row.get(0))
        .optional()?;
    Ok(number(unpack_keys(&packed.unwrap_or_default())?.len()))
}

/// The person is deleted as a client would have it.
fn delete(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    document: &Document,
    keep: Keep,
) -> Result<(), Fault> {
    let unit = Unit {
        changes: vec![Change::Delete(Delete {
            kind: Kind::User,
            id: document.id.clone(),
            condition: Precondition::Exists,
        })],
        event: Some(EventDraft {
            name: event_names::USER_DELETED.to_owned(),
            subject_kind: Kind::User,
            subject: document.id.clone(),
            logins: Vec::new(),
        }),
        quota: Quota::default(),
    };
    let batch = Batch {
        tenant,
        connection: document.connection,
        now,
        units: vec![unit],
        stop_after: None,
        keep,
    };
    match batch.units(connection, &RefCell::default())?.as_slice() {
        [Outcome::Committed { seq: Some(seq), .. }] => {
            // Before anybody can read it.
            events::strip(connection, tenant, &[*seq])?;
            Ok(())
        }
        _ => Err(StoreError::Other("the document was not deleted".to_owned()).into()),
    }
}

/// Drops held edges that were sent with this id or one of these logins.
fn drop_held(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
    logins: &BTreeSet<Vec<u8>>,
) -> Result<u64, Fault> {
    let mut dropped = connection
        .prepare_cached(
            "DELETE FROM held WHERE tenant = ?1 AND sent = ?2
                 AND connection IN (SELECT id FROM connections WHERE tenant = ?1)",
        )?
        .execute(params![tenant.0, id])?;
    let mut by_login = connection.prepare_cached(
        "DELETE FROM held WHERE tenant = ?1 AND login = ?2 AND login IS NOT NULL
             AND connection IN (SELECT id FROM connections WHERE tenant = ?1)",
    )?;
    for login in logins {
        dropped += by_login.execute(params![tenant.0, login])?;
    }
    Ok(number(dropped))
}
