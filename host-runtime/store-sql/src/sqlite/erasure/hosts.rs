//! Forgetting a person among hosts.

use std::collections::BTreeSet;

use nameplate_store::erasure::Person;
use nameplate_store::{
    Assignment, Claim, Event, HostName, HostsErased, PastAssignment, StoreError, Subject, TenantId,
    Timestamp,
};
use rusqlite::{Connection, Row, params};

use super::{AT_ONCE, LOOKED_AT, number};
use crate::sqlite::SqliteStore;
use crate::sqlite::codec::{U, unpack};
use crate::sqlite::errors::Fault;
use crate::sqlite::events::{self, Keep};
use crate::sqlite::hosts::assignments::{ASSIGNMENT, assignment};
use crate::sqlite::hosts::{claims, promises};

/// Where a walk over a table goes on: a host's id and a number or an id below it.
type Place = (String, String);

/// Rows of one table after a place: the hosts among them that name somebody, and where to
/// go on.
type Look =
    fn(&Connection, TenantId, &Person, &Place) -> Result<(Vec<String>, Option<Place>), Fault>;

impl SqliteStore {
    pub(in crate::sqlite) async fn erase_among_hosts(
        &self,
        tenant: TenantId,
        now: Timestamp,
        person: Person,
    ) -> Result<HostsErased, StoreError> {
        let mut erased = HostsErased::default();
        let hosts: Vec<String> = self.hosts_naming(tenant, &person)?.into_iter().collect();
        for some in hosts.chunks(AT_ONCE) {
            let (some, person, keep) = (some.to_vec(), person.clone(), self.keep());
            let part = self
                .write(move |connection| {
                    let mut erased = HostsErased::default();
                    for host in &some {
                        forget(connection, tenant, now, host, (&person, keep), &mut erased)?;
                    }
                    Ok(erased)
                })
                .await?;
            let HostsErased {
                claims,
                history,
                promises: _,
                events: _,
                hosts,
            } = part;
            erased.claims += claims;
            erased.history += history;
            erased.hosts.extend(hosts);
        }
        erased.promises = self.erase_promises(tenant, &person).await?;
        let named = |event: &Event| {
            event.subject_kind == Subject::Host
                && (person.told(event.before.as_deref()) || person.told(event.after.as_deref()))
        };
        for seqs in self.events_where(tenant, named)?.chunks(AT_ONCE) {
            let seqs = seqs.to_vec();
            erased.events += self
                .write(move |connection| events::strip(connection, tenant, &seqs))
                .await?;
        }
        Ok(erased)
    }

    /// Hosts with any row that names the person.
    fn hosts_naming(
        &self,
        tenant: TenantId,
        person: &Person,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut hosts = BTreeSet::new();
        let looks: [Look; 3] = [assigned, claimed, remembered];
        for look in looks {
            let mut place = Place::default();
            loop {
                let (found, next) =
                    self.read(|connection| look(connection, tenant, person, &place))?;
                hosts.extend(found);
                match next {
                    Some(next) => place = next,
                    None => break,
                }
            }
        }
        Ok(hosts)
    }

    async fn erase_promises(&self, tenant: TenantId, person: &Person) -> Result<u64, StoreError> {
        let (mut after, mut erased) = (None, 0);
        loop {
            let page = self.read(|connection| {
                promises::after(connection, tenant, after.as_ref(), LOOKED_AT)
            })?;
            let Some(last) = page.last() else {
                return Ok(erased);
            };
            after = Some(last.name.clone());
            let named = page.into_iter().filter(|promise| person.promised(promise));
            let named: Vec<HostName> = named.map(|promise| promise.name).collect();
            if named.is_empty() {
                continue;
            }
            erased += self
                .write(move |connection| {
                    let mut dropped = 0;
                    for name in &named {
                        dropped += u64::from(promises::drop(connection, tenant, name)?);
                    }
                    Ok(dropped)
                })
                .await?;
        }
    }
}

/// Reads rows of `statement`: whether each names the person, and its place.
fn look(
    connection: &Connection,
    statement: &str,
    (tenant, place): (TenantId, &Place),
    named: impl Fn(&Row<'_>) -> Result<bool, Fault>,
) -> Result<(Vec<String>, Option<Place>), Fault> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params![tenant.0, place.0, place.1, LOOKED_AT])?;
    let (mut hosts, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let host: String = row.get(0)?;
        if named(row)? {
            hosts.push(host.clone());
        }
        next = Some((host, row.get(1)?));
    }
    Ok((hosts, next))
}

fn assigned(
    connection: &Connection,
    tenant: TenantId,
    person: &Person,
    place: &Place,
) -> Result<(Vec<String>, Option<Place>), Fault> {
    let statement = format!(
        "SELECT id, '', {ASSIGNMENT} FROM hosts
         WHERE tenant = ?1 AND id > ?2 AND ?3 = '' ORDER BY id LIMIT ?4"
    );
    look(connection, &statement, (tenant, place), |row| {
        Ok(person.assigned(&assignment(row, 2)?))
    })
}

fn claimed(
    connection: &Connection,
    tenant: TenantId,
    person: &Person,
    place: &Place,
) -> Result<(Vec<String>, Option<Place>), Fault> {
    let statement = format!(
        "SELECT host, id, {CLAIM} FROM claims
         WHERE tenant = ?1 AND (host, id) > (?2, ?3) ORDER BY host, id LIMIT ?4"
    );
    look(connection, &statement, (tenant, place), |row| {
        Ok(person.claims(&claim(row, 2)?))
    })
}

fn remembered(
    connection: &Connection,
    tenant: TenantId,
    person: &Person,
    place: &Place,
) -> Result<(Vec<String>, Option<Place>), Fault> {
    let statement = format!(
        "SELECT host, CAST(line AS TEXT), {PAST} FROM host_history INDEXED BY host_history_host
         WHERE tenant = ?1 AND (host, line) > (?2, CAST(?3 AS INTEGER))
         ORDER BY host, line LIMIT ?4"
    );
    look(connection, &statement, (tenant, place), |row| {
        let past = past(row, 2)?;
        Ok(person.without(&past).as_ref() != Some(&past))
    })
}

/// What names somebody in a claim.
const CLAIM: &str = "username, email, logins";

fn claim(row: &Row<'_>, at: usize) -> Result<Claim, Fault> {
    Ok(Claim {
        id: String::new(),
        source: nameplate_store::Source::Manual,
        username: row.get(at)?,
        email: row.get(at + 1)?,
        full_name: String::new(),
        logins: unpack(&row.get::<_, Vec<u8>>(at + 2)?)?,
        since: 0,
        withdrawn: None,
    })
}

const PAST: &str = "outcome, user_id, login, reason, began, until, replaced_because";

fn past(row: &Row<'_>, at: usize) -> Result<PastAssignment, Fault> {
    Ok(PastAssignment {
        assignment: assignment(row, at)?,
        from: row.get::<_, U>(at + 4)?.0,
        until: row.get::<_, U>(at + 5)?.0,
        replaced_because: row.get(at + 6)?,
    })
}

/// Forgets the person on one host.
fn forget(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    (person, keep): (&Person, Keep),
    erased: &mut HostsErased,
) -> Result<(), Fault> {
    let claims = forget_claims(connection, tenant, host, person)?;
    erased.claims += claims;
    erased.history += forget_history(connection, tenant, host, person)?;
    let reset = forget_assignment(connection, tenant, now, host, person)?;
    if reset || claims > 0 {
        connection
            .prepare_cached("UPDATE hosts SET version = version + 1 WHERE tenant = ?1 AND id = ?2")?
            .execute(params![tenant.0, host])?;
        erased.hosts.push(host.to_owned());
    }
    if reset {
        let nobody = Assignment::default();
        let event = Event::of_host(now, host, &nobody, Some(&nobody));
        events::append(connection, tenant, &event, keep)?;
    }
    Ok(())
}

fn forget_claims(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    person: &Person,
) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, {CLAIM} FROM claims WHERE tenant = ?1 AND host = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let mut gone: Vec<(String, Vec<u8>)> = Vec::new();
    while let Some(row) = rows.next()? {
        if person.claims(&claim(row, 1)?) {
            gone.push((row.get(0)?, row.get(3)?));
        }
    }
    for (id, logins) in &gone {
        claims::forget_logins(connection, tenant, host, id, logins)?;
        connection
            .prepare_cached("DELETE FROM claims WHERE tenant = ?1 AND host = ?2 AND id = ?3")?
            .execute(params![tenant.0, host, id])?;
    }
    Ok(number(gone.len()))
}

fn forget_history(
    connection: &Connection,
    tenant: TenantId,
    host: &str,
    person: &Person,
) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT line, {PAST} FROM host_history WHERE tenant = ?1 AND host = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let (mut gone, mut changed): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let past = past(row, 1)?;
        match person.without(&past) {
            None => gone.push(row.get(0)?),
            Some(other) if other != past => changed.push(row.get(0)?),
            Some(_) => {}
        }
    }
    for line in &gone {
        connection
            .prepare_cached("DELETE FROM host_history WHERE line = ?1")?
            .execute([line])?;
    }
    for line in changed {
        connection
            .prepare_cached("UPDATE host_history SET replaced_because = '' WHERE line = ?1")?
            .execute([line])?;
    }
    Ok(number(gone.len()))
}

/// Makes an assignment that names the person what a host starts with.
fn forget_assignment(
    connection: &Connection,
    tenant: TenantId,
    now: Timestamp,
    host: &str,
    person: &Person,
) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ASSIGNMENT} FROM hosts WHERE tenant = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![tenant.0, host])?;
    let Some(row) = rows.next()? else {
        return Ok(false);
    };
    if !person.assigned(&assignment(row, 0)?) {
        return Ok(false);
    }
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = Assignment::default();
    connection
        .prepare_cached(
            "UPDATE hosts SET outcome = ?3, user_id = ?4, login = ?5, reason = ?6, assigned = ?7
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            tenant.0,
            host,
            outcome.as_str(),
            user,
            login,
            reason,
            U(now)
        ])?;
    Ok(true)
}
