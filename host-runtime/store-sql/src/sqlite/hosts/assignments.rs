//! Who uses a host, who used it, and which hosts somebody uses.

use std::collections::BTreeSet;

use nameplate_store::{
    Assignment, AssignmentOutcome, Event, HostWrite, PastAssignment, TenantId, Timestamp, check,
};
use rusqlite::{Connection, Row, params};

use crate::sqlite::codec::U;
use crate::sqlite::errors::Fault;
use crate::sqlite::events::{self, Keep};

/// The columns [`assignment`] reads, in its order.
pub const ASSIGNMENT: &str = "outcome, user_id, login, reason";

/// An assignment from columns that start at `at`.
pub fn assignment(row: &Row<'_>, at: usize) -> Result<Assignment, Fault> {
    let name: String = row.get(at)?;
    let outcome =
        AssignmentOutcome::from_name(&name).ok_or_else(|| Fault::corrupt("no such outcome"))?;
    Ok(Assignment {
        outcome,
        user: row.get(at + 1)?,
        login: row.get(at + 2)?,
        reason: row.get(at + 3)?,
    })
}

/// Writes an assignment over the one that was found at version `expected`.
pub fn put_assignment(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    expected: u64,
    new: &Assignment,
    keep: Keep,
) -> Result<HostWrite, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT version, assigned, {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let Some(row) = rows.next()? else {
        return Ok(HostWrite::NoHost);
    };
    let (version, from) = (row.get::<_, U>(0)?.0, row.get::<_, U>(1)?.0);
    let old = assignment(row, 2)?;
    if version != expected {
        return Ok(HostWrite::Stale(version));
    }
    if old == *new {
        return Ok(HostWrite::Unchanged(version));
    }
    drop(rows);
    let event = Event::of_host(now, host, &old, Some(new));
    if !old.never_found() {
        let past = PastAssignment {
            from,
            until: now,
            assignment: old,
            replaced_because: new.reason.clone(),
        };
        remember(connection, tenant, host, past)?;
    }
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = new;
    connection
        .prepare_cached(
            "UPDATE hosts SET outcome = ?3, user_id = ?4, login = ?5, reason = ?6, assigned = ?7, version = version + 1
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![tenant.0, host, outcome.as_str(), user, login, reason, U(now)])?;
    events::append(connection, tenant, &event, keep)?;
    Ok(HostWrite::Written(version + 1))
}

/// Makes an assignment that ended a line of the history, which keeps the newest.
fn remember(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    past: PastAssignment,
) -> Result<(), Fault> {
    let PastAssignment {
        from,
        until,
        assignment:
            Assignment {
                outcome,
                user,
                login,
                reason,
            },
        replaced_because,
    } = past;
    connection
        .prepare_cached(&format!(
            "INSERT INTO host_history (tenant, host, {ASSIGNMENT}, began, until, replaced_because)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ))?
        .execute(params![
            tenant.0,
            host,
            outcome.as_str(),
            user,
            login,
            reason,
            U(from),
            U(until),
            replaced_because
        ])?;
    let kept = i64::try_from(check::HISTORY).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "DELETE FROM host_history WHERE tenant = ?1 AND host = ?2 AND line <= (
                 SELECT line FROM host_history WHERE tenant = ?1 AND host = ?2 ORDER BY line DESC LIMIT 1 OFFSET ?3)",
        )?
        .execute(params![tenant.0, host, kept])?;
    Ok(())
}

/// What a host was assigned before, the newest first.
pub fn history(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    limit: u32,
) -> Result<Vec<PastAssignment>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ASSIGNMENT}, began, until, replaced_because FROM host_history
         WHERE tenant = ?1 AND host = ?2 ORDER BY line DESC LIMIT ?3"
    ))?;
    let mut rows = statement.query(params![tenant.0, host, limit])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(PastAssignment {
            assignment: assignment(row, 0)?,
            from: row.get::<_, U>(4)?.0,
            until: row.get::<_, U>(5)?.0,
            replaced_because: row.get(6)?,
        });
    }
    Ok(lines)
}

/// Hosts of a person.
pub fn of_user(
    connection: &Connection,
    tenant: TenantId,
    user: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM hosts INDEXED BY hosts_user WHERE tenant = ?1 AND user_id = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
    )?;
    let place = params![tenant.0, user, after.unwrap_or_default(), limit];
    let found = statement.query_map(place, |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Those of these people that have a host.
pub fn with_host(
    connection: &Connection,
    tenant: TenantId,
    users: &BTreeSet<&String>,
) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM hosts INDEXED BY hosts_user WHERE tenant = ?1 AND user_id = ?2 LIMIT 1",
    )?;
    let mut found = Vec::new();
    for user in users {
        if statement.exists(params![tenant.0, user])? {
            found.push((*user).clone());
        }
    }
    Ok(found)
}
