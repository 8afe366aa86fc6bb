//! One unit of a commit: its changes in order, refused at the first that fails.

mod members;

use std::collections::{BTreeMap, BTreeSet};

use crate::departures::Turn;
use crate::keyset::{self, Difference};
use crate::memory::directory::{Directory, Row};
use crate::{
    Bounded, Change, ChangeResult, ConnectionId, Delete, Departure, Document, Event, EventDraft,
    Holding, Key, Kind, Outcome, Precondition, Put, Quota, Rekey, Timestamp, Trace, Unit, spans,
};

/// What a unit has done so far.
pub struct Work<'a> {
    directory: &'a mut Directory,
    connection: ConnectionId,
    now: Timestamp,
    change: u32,
    /// Documents with a new version, and the one they had: a version goes up
    /// once in a unit.
    bumped: BTreeMap<String, u64>,
    subject: String,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    quota: Quota,
    trace: &'a mut Trace,
}

/// Does the unit, and notes what it touches. The caller takes everything back unless it is committed.
pub fn run(
    directory: &mut Directory,
    connection: ConnectionId,
    now: Timestamp,
    unit: &Unit,
    trace: &mut Trace,
) -> Outcome {
    let subject = unit
        .event
        .as_ref()
        .map(|event| event.subject.clone())
        .unwrap_or_default();
    let before = directory
        .seen(Some(connection), &subject)
        .map(|row| row.document.clone());
    let mut work = Work {
        directory,
        connection,
        now,
        change: 0,
        bumped: BTreeMap::new(),
        subject,
        added: BTreeSet::new(),
        removed: BTreeSet::new(),
        quota: unit.quota,
        trace,
    };
    let mut results = Vec::new();
    for change in &unit.changes {
        match work.change(change) {
            Ok(result) => results.push(result),
            Err(refusal) => return refusal,
        }
        work.change += 1;
    }
    let really = unit
        .changes
        .iter()
        .zip(&results)
        .any(|(change, result)| result.changed && !matches!(change, Change::Rekey(_)));
    let seq = if really {
        work.event(unit, before)
    } else {
        None
    };
    Outcome::Committed { results, seq }
}

impl Work<'_> {
    fn change(&mut self, change: &Change) -> Result<ChangeResult, Outcome> {
        match change {
            Change::Put(put) => self.put(put),
            Change::Delete(delete) => self.delete(delete),
            Change::Members(delta) => self.members(delta),
            Change::Rekey(rekey) => self.rekey(rekey),
        }
    }

    fn event(&mut self, unit: &Unit, before: Option<Document>) -> Option<u64> {
        let draft = unit.event.as_ref()?;
        let after = self.directory.seen(Some(self.connection), &draft.subject);
        let after = after.map(|row| row.document.clone());
        self.depart(draft, after.as_ref().or(before.as_ref()));
        let event = Event {
            seq: 0,
            connection: Some(self.connection),
            at: self.now,
            name: draft.name.clone(),
            subject_kind: draft.subject_kind.into(),
            subject: draft.subject.clone(),
            before: before.map(|document| document.json),
            after: after.map(|document| document.json),
            added: self.added.iter().cloned().collect(),
            removed: self.removed.iter().cloned().collect(),
            logins: self.logins(draft),
            settled: draft.logins.is_empty(),
        };
        Some(self.directory.append(event))
    }

    /// Keeps when a user left, if the event says so.
    fn depart(&mut self, draft: &EventDraft, document: Option<&Document>) {
        let Some(turn) = Turn::of(&draft.name).filter(|_| draft.subject_kind == Kind::User) else {
            return;
        };
        let old = self.directory.departures.take(&draft.subject);
        let user = Departure {
            id: draft.subject.clone(),
            connection: self.connection,
            label: document.map_or_else(String::new, |document| document.label.clone()),
            deactivated: None,
            deleted: None,
        };
        if let Some(departure) = turn.after(old, user, self.now) {
            self.directory
                .departures
                .put(draft.subject.clone(), departure);
        }
    }

    /// The draft's logins and, where there are any, those of its user.
    fn logins(&self, draft: &EventDraft) -> Vec<Vec<u8>> {
        if draft.logins.is_empty() || draft.subject_kind != Kind::User {
            return draft.logins.clone();
        }
        let own = self
            .directory
            .held_by
            .range((draft.subject.clone(), Vec::new())..)
            .take_while(|((document, _), ())| *document == draft.subject)
            .map(|((_, value), ())| value);
        spans::with_own(&draft.logins, own.cloned())
    }

    fn of_kind(&self, kind: Kind, id: &str) -> Option<&Row> {
        self.directory
            .seen(Some(self.connection), id)
            .filter(|row| row.document.kind == kind)
    }

    /// The document if the precondition holds. A version is that before the
    /// unit or the one the unit gave it.
    fn checked(
        &self,
        kind: Kind,
        id: &str,
        condition: Precondition,
    ) -> Result<Option<Row>, Outcome> {
        let row = self.of_kind(kind, id);
        let holds = match (condition, row) {
            (Precondition::Absent, _) => !self.directory.documents.contains_key(id),
            (Precondition::Exists, row) => row.is_some(),
            (Precondition::Version(_), None) => false,
            (Precondition::Version(wanted), Some(row)) => {
                row.document.version == wanted || self.bumped.get(id) == Some(&wanted)
            }
        };
        match holds {
            true => Ok(row.cloned()),
            false => Err(self.stale(row)),
        }
    }

    fn stale(&self, row: Option<&Row>) -> Outcome {
        Outcome::Stale {
            change: self.change,
            current: row.map(|row| row.document.clone()),
        }
    }

    fn bump(&mut self, document: &mut Document) {
        if !self.bumped.contains_key(&document.id) {
            self.bumped.insert(document.id.clone(), document.version);
            document.version += 1;
        }
        document.modified = document.modified.max(self.now);
    }

    fn put(&mut self, put: &Put) -> Result<ChangeResult, Outcome> {
        let old = self.checked(put.kind, &put.id, put.condition)?;
        let created = old.is_none();
        if created {
            self.room_for(put.kind)?;
        }
        let mut row = old.unwrap_or_else(|| Row {
            document: Document {
                kind: put.kind,
                id: put.id.clone(),
                connection: self.connection,
                version: 0,
                created: self.now,
                modified: self.now,
                label: String::new(),
                json: Vec::new(),
                member_count: 0,
            },
            keys: Vec::new(),
            index_version: String::new(),
        });
        let differs = created || row.document.label != put.label || row.document.json != put.json;
        if differs {
            row.document.label.clone_from(&put.label);
            row.document.json.clone_from(&put.json);
            self.bump(&mut row.document);
        }
        let keys = keyset::normalise(&put.keys);
        let old_keys = std::mem::replace(&mut row.keys, keys.clone());
        let difference = keyset::difference(&old_keys, &keys);
        self.reindex(put.kind, &put.id, &difference)?;
        row.index_version.clone_from(&put.index_version);
        let Document {
            version,
            created: at,
            modified,
            ..
        } = row.document;
        self.trace.wrote(&put.id);
        self.directory.documents.put(put.id.clone(), row);
        let attached_to = self.attach(put, created, &difference);
        Ok(ChangeResult {
            changed: differs || !attached_to.is_empty(),
            version,
            created: at,
            modified,
            attached_to,
            ..ChangeResult::default()
        })
    }

    /// Is there room for one document more. Counted only where it may be too many.
    fn room_for(&self, kind: Kind) -> Result<(), Outcome> {
        let (what, most) = self.quota.of(kind);
        let rows = &self.directory.documents;
        let of_kind = || rows.values().filter(|row| row.document.kind == kind);
        let wide = usize::try_from(most).is_ok_and(|most| most <= rows.len());
        match wide && of_kind().count() as u64 >= most {
            true => Err(self.full(what, most)),
            false => Ok(()),
        }
    }

    fn full(&self, what: Bounded, most: u64) -> Outcome {
        Outcome::Full {
            change: self.change,
            what,
            most,
        }
    }

    fn reindex(
        &mut self,
        kind: Kind,
        id: &str,
        difference: &Difference<'_>,
    ) -> Result<(), Outcome> {
        for key in &difference.dropped {
            self.directory.index.take(&self.entry(kind, key, id));
            if key.unique {
                self.directory.unique.take(&(
                    self.connection,
                    kind,
                    key.value.clone(),
                    key.attribute.clone(),
                ));
            }
        }
        for key in &difference.added {
            if key.unique {
                let place = (
                    self.connection,
                    kind,
                    key.value.clone(),
                    key.attribute.clone(),
                );
                if let Some(owner) = self.directory.unique.get(&place) {
                    let (attribute, owner) = (key.attribute.clone(), owner.clone());
                    return Err(Outcome::KeyTaken {
                        change: self.change,
                        attribute,
                        owner,
                    });
                }
                self.directory.unique.put(place, id.to_owned());
            }
            self.directory.index.put(self.entry(kind, key, id), ());
        }
        difference.closed.iter().for_each(|key| self.close(key, id));
        for key in &difference.opened {
            self.directory
                .held_by
                .put((id.to_owned(), key.value.clone()), ());
            let span = self.directory.holdings.len();
            let holding = Holding {
                attribute: key.attribute.clone(),
                value: key.value.clone(),
                document: id.to_owned(),
                connection: self.connection,
                from: self.now,
                until: None,
                alive: true,
            };
            self.directory
                .holdings
                .put((key.value.clone(), span), holding);
        }
        Ok(())
    }

    fn entry(&self, kind: Kind, key: &Key, id: &str) -> crate::memory::directory::Entry {
        (
            self.connection,
            kind,
            key.attribute.clone(),
            key.value.clone(),
            id.to_owned(),
        )
    }

    fn close(&mut self, key: &Key, id: &str) {
        let open = self
            .directory
            .holdings
            .range((key.value.clone(), 0)..=(key.value.clone(), usize::MAX))
            .find(|(_, holding)| {
                holding.document == id
                    && holding.attribute == key.attribute
                    && holding.until.is_none()
            });
        if let Some((place, holding)) =
            open.map(|(place, holding)| (place.clone(), holding.clone()))
        {
            let until = Some(holding.from.max(self.now));
            self.directory
                .holdings
                .put(place, Holding { until, ..holding });
        }
    }

    fn delete(&mut self, delete: &Delete) -> Result<ChangeResult, Outcome> {
        let Some(row) = self.checked(delete.kind, &delete.id, delete.condition)? else {
            return Ok(ChangeResult::default());
        };
        let id = &delete.id;
        self.reindex(delete.kind, id, &keyset::difference(&row.keys, &[]))?;
        let members = self.directory.member_ids(id);
        let left = members
            .iter()
            .filter(|member| self.unlink(id, member))
            .count();
        for sent in self.directory.held_ids(id) {
            self.release(id, &sent);
        }
        for group in self.directory.groups_over(id) {
            self.unlink(&group, id);
            self.recount(&group, -1);
        }
        self.trace.wrote(id);
        self.directory.removals.take(id);
        self.directory.documents.take(id);
        let Document {
            version,
            created,
            modified,
            ..
        } = row.document;
        Ok(ChangeResult {
            changed: true,
            version,
            created,
            modified,
            members_removed: u64::try_from(left).unwrap_or(u64::MAX),
            ..ChangeResult::default()
        })
    }

    fn rekey(&mut self, rekey: &Rekey) -> Result<ChangeResult, Outcome> {
        let Some(mut row) = self.of_kind(rekey.kind, &rekey.id).cloned() else {
            return Ok(ChangeResult::default());
        };
        let Document {
            version,
            created,
            modified,
            ..
        } = row.document;
        let mut result = ChangeResult {
            version,
            created,
            modified,
            ..ChangeResult::default()
        };
        let keys = keyset::normalise(&rekey.keys);
        if version == rekey.version
            && (row.keys != keys || row.index_version != rekey.index_version)
        {
            let old = std::mem::replace(&mut row.keys, keys.clone());
            self.reindex(rekey.kind, &rekey.id, &keyset::difference(&old, &keys))?;
            row.index_version.clone_from(&rekey.index_version);
            self.directory.documents.put(rekey.id.clone(), row);
            result.changed = true;
        }
        Ok(result)
    }
}
