//! A commit: units in order, each under its own savepoint, preconditions checked
//! inside the writer's transaction.

mod index;
mod members;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use nameplate_store::departures::Turn;
use nameplate_store::{
    Bounded, Change, ChangeResult, ConnectionId, Delete, Departure, Document, Edge, Event,
    EventDraft, Kind, Outcome, Precondition, Quota, Rehearsal, Scope, StoreError, TenantId,
    Timestamp, Trace, Unit, limits, spans,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{K, U, read_outcomes, write_outcomes};
use super::errors::Fault;
use super::events::{self, Keep};
use super::writer::saved;
use super::{FORGET, departures, rows};

/// All that one call of `commit` or `rehearse` asks for.
pub struct Batch {
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub now: Timestamp,
    pub units: Vec<Unit>,
    pub stop_after: Option<u32>,
    pub keep: Keep,
}

/// Why a unit ends early; it is taken back in both cases.
enum Stop {
    /// An outcome other than committed.
    Refused(Box<Outcome>),
    /// Infrastructure: the whole call fails.
    Failed(Fault),
}

impl Stop {
    fn refused(outcome: Outcome) -> Self {
        Self::Refused(Box::new(outcome))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Batch {
    /// Does the units, or returns what they came to the first time.
    pub fn commit(
        &self,
        connection: &Connection,
        commit_id: [u8; 16],
    ) -> Result<Vec<Outcome>, Fault> {
        self.known(connection)?;
        let mut statement = connection.prepare_cached(
            "SELECT outcomes FROM commits WHERE tenant = ?1 AND connection = ?2 AND id = ?3",
        )?;
        let key = params![self.tenant.0, self.connection.0, commit_id];
        let first: Option<String> = statement.query_row(key, |row| row.get(0)).optional()?;
        if let Some(first) = first {
            return read_outcomes(&first);
        }
        let outcomes = self.units(connection, &RefCell::default())?;
        self.remember(connection, commit_id, &outcomes)?;
        Ok(outcomes)
    }

    /// Does the units, reads what they would leave behind and takes them back.
    pub fn rehearse(&self, connection: &Connection) -> Result<Rehearsal, Fault> {
        self.known(connection)?;
        let mut rehearsal = Err(StoreError::Other("the units were not rehearsed".to_owned()));
        let undone = saved(connection, "rehearsal", |connection| {
            rehearsal = Ok(self.rehearsed(connection)?);
            // Whatever an error does to a savepoint is what is wanted here.
            Err::<(), _>(Undo::Rehearsed)
        });
        match undone {
            Err(Undo::Failed(fault)) => Err(fault),
            Ok(()) | Err(Undo::Rehearsed) => Ok(rehearsal?),
        }
    }

    fn rehearsed(&self, connection: &Connection) -> Result<Rehearsal, Fault> {
        let last = events::last(connection, self.tenant)?;
        let trace = RefCell::new(Some(Trace::default()));
        let outcomes = self.units(connection, &trace)?;
        let trace = trace.take().unwrap_or_default();
        let mut rehearsal = Rehearsal {
            outcomes,
            ..Rehearsal::default()
        };
        let mut seq = last;
        loop {
            let page = events::after(connection, self.tenant, seq, limits::PAGE)?;
            let Some(end) = page.last() else { break };
            seq = end.seq;
            rehearsal.events.extend(page);
        }
        let whole = Scope {
            tenant: self.tenant,
            connection: None,
        };
        for id in trace.members() {
            let at = rows::last_removed(connection, self.tenant, id)?;
            rehearsal.last_removed.push((id.clone(), at));
        }
        for id in trace.documents {
            let document = rows::load(connection, whole, &id)?;
            rehearsal.documents.push((id, document));
        }
        for (group, member) in trace.edges {
            let edge = Edge { group, member };
            let since = rows::edge_since(connection, self.tenant, &edge)?;
            rehearsal.edges.push((edge, since));
        }
        Ok(rehearsal)
    }

    /// Does the units without looking for an earlier call.
    pub(super) fn units(
        &self,
        connection: &Connection,
        trace: &RefCell<Option<Trace>>,
    ) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes = Vec::new();
        let mut failed = 0;
        for unit in &self.units {
            if self.stop_after.is_some_and(|most| failed >= most) {
                outcomes.push(Outcome::NotTried);
                continue;
            }
            match saved(connection, "unit", |connection| {
                Work::new(self, connection, unit, trace).run(unit)
            }) {
                Ok(outcome) => outcomes.push(outcome),
                Err(Stop::Refused(outcome)) => {
                    outcomes.push(*outcome);
                    failed += 1;
                }
                Err(Stop::Failed(fault)) => return Err(fault),
            }
        }
        Ok(outcomes)
    }

    fn known(&self, connection: &Connection) -> Result<(), Fault> {
        let mut statement =
            connection.prepare_cached("SELECT 1 FROM connections WHERE id = ?1 AND tenant = ?2")?;
        match statement.exists(params![self.connection.0, self.tenant.0])? {
            true => Ok(()),
            false => {
                Err(StoreError::Denied("the connection is not the tenant's".to_owned()).into())
            }
        }
    }

    fn remember(
        &self,
        connection: &Connection,
        commit_id: [u8; 16],
        outcomes: &[Outcome],
    ) -> Result<(), Fault> {
        let (tenant, at) = (self.tenant.0, self.connection.0);
        connection
            .prepare_cached("INSERT INTO commits (tenant, connection, id, at, outcomes) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![tenant, at, commit_id, U(self.now), write_outcomes(outcomes)?])?;
        let horizon = U(self.now.saturating_sub(limits::COMMIT_MEMORY_MS));
        connection
            .prepare_cached(
                "DELETE FROM commits WHERE tenant = ?1 AND (connection, id) IN (
                     SELECT connection, id FROM commits INDEXED BY commits_age WHERE tenant = ?1 AND at < ?2 ORDER BY at LIMIT ?3)",
            )?
            .execute(params![tenant, horizon, FORGET])?;
        Ok(())
    }
}

/// Why a rehearsal ends: always with an error, so that it is taken back.
enum Undo {
    /// All went well.
    Rehearsed,
    /// Infrastructure.
    Failed(Fault),
}

impl From<Fault> for Undo {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<rusqlite::Error> for Undo {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The row of a document without its content.
struct Head {
    row: i64,
    connection: i64,
    kind: Kind,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
}

/// What an event shows of its subject.
struct Shown {
    label: String,
    json: Vec<u8>,
}

/// What a unit has done so far.
struct Work<'a> {
    db: &'a Connection,
    tenant: TenantId,
    connection: ConnectionId,
    now: Timestamp,
    keep: Keep,
    change: u32,
    /// Documents with a new version, and the one they had: a version goes up
    /// once in a unit.
    bumped: BTreeMap<String, u64>,
    /// What the event is about; its members that came and went.
    subject: String,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    quota: Quota,
    /// What was touched, noted in a rehearsal alone: a commit has no use for it.
    trace: &'a RefCell<Option<Trace>>,
}

impl<'a> Work<'a> {
    fn new(
        batch: &Batch,
        db: &'a Connection,
        unit: &Unit,
        trace: &'a RefCell<Option<Trace>>,
    ) -> Self {
        Self {
            db,
            trace,
            tenant: batch.tenant,
            connection: batch.connection,
            now: batch.now,
            keep: batch.keep,
            change: 0,
            bumped: BTreeMap::new(),
            subject: unit
                .event
                .as_ref()
                .map(|event| event.subject.clone())
                .unwrap_or_default(),
            added: BTreeSet::new(),
            removed: BTreeSet::new(),
            quota: unit.quota,
        }
    }

    fn run(mut self, unit: &Unit) -> Result<Outcome, Stop> {
        let before = match unit.event {
            Some(_) => self.subject()?,
            None => None,
        };
        let mut results = Vec::new();
        let mut really = false;
        for change in &unit.changes {
            let result = match change {
                Change::Put(put) => self.put(put)?,
                Change::Delete(delete) => self.delete(delete)?,
                Change::Members(delta) => self.members(delta)?,
                Change::Rekey(rekey) => self.rekey(rekey)?,
            };
            really |= result.changed && !matches!(change, Change::Rekey(_));
            results.push(result);
            self.change += 1;
        }
        let seq = if really {
            self.event(unit, before)?
        } else {
            None
        };
        Ok(Outcome::Committed { results, seq })
    }

    fn full(&self, what: Bounded, most: u64) -> Stop {
        Stop::refused(Outcome::Full {
            change: self.change,
            what,
            most,
        })
    }

    /// Notes what is touched, if this is a rehearsal.
    fn note(&self, note: impl FnOnce(&mut Trace)) {
        if let Some(trace) = self.trace.borrow_mut().as_mut() {
            note(trace);
        }
    }

    fn scope(&self) -> Scope {
        Scope {
            tenant: self.tenant,
            connection: Some(self.connection),
        }
    }

    fn subject(&self) -> Result<Option<Shown>, Fault> {
        let mut statement = self.db.prepare_cached(
            "SELECT label, json FROM documents WHERE tenant = ?1 AND id = ?2 AND connection = ?3",
        )?;
        let subject = params![self.tenant.0, self.subject, self.connection.0];
        let shown = statement.query_row(subject, |row| {
            Ok(Shown {
                label: row.get(0)?,
                json: row.get(1)?,
            })
        });
        Ok(shown.optional()?)
    }

    fn event(&mut self, unit: &Unit, before: Option<Shown>) -> Result<Option<u64>, Fault> {
        let Some(draft) = &unit.event else {
            return Ok(None);
        };
        let after = self.subject()?;
        self.depart(draft, after.as_ref().or(before.as_ref()))?;
        let event = Event {
            seq: 0,
            connection: Some(self.connection),
            at: self.now,
            name: draft.name.clone(),
            subject_kind: draft.subject_kind.into(),
            subject: draft.subject.clone(),
            before: before.map(|shown| shown.json),
            after: after.map(|shown| shown.json),
            added: std::mem::take(&mut self.added).into_iter().collect(),
            removed: std::mem::take(&mut self.removed).into_iter().collect(),
            logins: self.logins(draft)?,
            settled: draft.logins.is_empty(),
        };
        events::append(self.db, self.tenant, &event, self.keep).map(Some)
    }

    /// Keeps when a user left, if the event says so.
    fn depart(&self, draft: &EventDraft, shown: Option<&Shown>) -> Result<(), Fault> {
        let Some(turn) = Turn::of(&draft.name).filter(|_| draft.subject_kind == Kind::User) else {
            return Ok(());
        };
        let user = Departure {
            id: draft.subject.clone(),
            connection: self.connection,
            label: shown.map_or_else(String::new, |shown| shown.label.clone()),
            deactivated: None,
            deleted: None,
        };
        let old = departures::of(self.db, self.tenant, &draft.subject)?;
        match (turn.after(old.clone(), user, self.now), old) {
            (Some(departure), _) => departures::keep(self.db, self.tenant, &departure),
            (None, Some(_)) => departures::forget(self.db, self.tenant, &draft.subject).map(|_| ()),
            (None, None) => Ok(()),
        }
    }

    /// The draft's logins and, where there are any, those of its user.
    fn logins(&self, draft: &EventDraft) -> Result<Vec<Vec<u8>>, Fault> {
        if draft.logins.is_empty() || draft.subject_kind != Kind::User {
            return Ok(draft.logins.clone());
        }
        let mut next = self.db.prepare_cached(
            "SELECT value FROM holdings INDEXED BY holdings_document
             WHERE tenant = ?1 AND document = ?2 AND value > ?3 ORDER BY value LIMIT 1",
        )?;
        let mut own: Vec<Vec<u8>> = Vec::new();
        // From value to value, so that a value held a thousand times is met once.
        // Twice the limit: half of them may be named by the draft already.
        while own.len() < 2 * limits::EVENT_LOGINS {
            let last = own.last().map(Vec::as_slice).unwrap_or_default();
            let found = next.query_row(params![self.tenant.0, draft.subject, last], |row| {
                row.get(0)
            });
            match found.optional()? {
                Some(value) => own.push(value),
                None => break,
            }
        }
        Ok(spans::with_own(&draft.logins, own))
    }

    /// The row of this id, of whatever kind and connection.
    fn head(&self, id: &str) -> Result<Option<Head>, Fault> {
        let mut statement = self.db.prepare_cached(
            "SELECT row, connection, kind, version, created, modified FROM documents WHERE tenant = ?1 AND id = ?2",
        )?;
        let head = statement.query_row(params![self.tenant.0, id], |row| {
            Ok(Head {
                row: row.get(0)?,
                connection: row.get(1)?,
                kind: row.get::<_, K>(2)?.0,
                version: row.get::<_, U>(3)?.0,
                created: row.get::<_, U>(4)?.0,
                modified: row.get::<_, U>(5)?.0,
            })
        });
        Ok(head.optional()?)
    }

    /// The row if the precondition holds. A version is that before the unit or
    /// the one the unit gave it.
    fn checked(&self, kind: Kind, id: &str, condition: Precondition) -> Result<Option<Head>, Stop> {
        let any = self.head(id)?;
        let absent = any.is_none();
        let head = any.filter(|head| head.connection == self.connection.0 && head.kind == kind);
        let holds = match (condition, &head) {
            (Precondition::Absent, _) => absent,
            (Precondition::Exists, head) => head.is_some(),
            (Precondition::Version(_), None) => false,
            (Precondition::Version(wanted), Some(head)) => {
                head.version == wanted || self.bumped.get(id) == Some(&wanted)
            }
        };
        if holds {
            return Ok(head);
        }
        let current: Option<Document> = match head {
            Some(_) => rows::load(self.db, self.scope(), id)?,
            None => None,
        };
        Err(Stop::refused(Outcome::Stale {
            change: self.change,
            current,
        }))
    }

    /// Version and time of a document after a real change.
    fn bump(&mut self, id: &str, head: &mut Head) {
        if !self.bumped.contains_key(id) {
            self.bumped.insert(id.to_owned(), head.version);
            head.version += 1;
        }
        head.modified = head.modified.max(self.now);
    }

    fn delete(&mut self, delete: &Delete) -> Result<ChangeResult, Stop> {
        let id = &delete.id;
        let Some(head) = self.checked(delete.kind, id, delete.condition)? else {
            return Ok(ChangeResult::default());
        };
        self.drop_keys(delete.kind, id, head.row)?;
        let members_removed = self.empty_group(id)?;
        self.leave_all(id)?;
        self.note(|trace| trace.wrote(id));
        for statement in [
            "DELETE FROM removals WHERE tenant = ?1 AND member_id = ?2",
            "DELETE FROM documents WHERE tenant = ?1 AND id = ?2",
        ] {
            self.db
                .prepare_cached(statement)?
                .execute(params![self.tenant.0, id])?;
        }
        let Head {
            version,
            created,
            modified,
            ..
        } = head;
        Ok(ChangeResult {
            changed: true,
            version,
            created,
            modified,
            members_removed,
            ..ChangeResult::default()
        })
    }
}
