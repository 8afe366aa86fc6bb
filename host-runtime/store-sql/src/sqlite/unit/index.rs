//! Documents and their keys: put, rekey, and what a delete takes along.

use std::collections::BTreeMap;

use nameplate_store::keyset::{self, Difference};
use nameplate_store::{ChangeResult, Key, Kind, Outcome, Put, Rekey, check};
use rusqlite::{OptionalExtension, params};

use super::{Head, Stop, Work};
use crate::sqlite::FORGET;
use crate::sqlite::codec::{K, U, pack_keys, unpack_keys};
use crate::sqlite::errors::Fault;

/// What a put compares with.
struct Stored {
    label: String,
    json: Vec<u8>,
    keys: Vec<Key>,
    index_version: String,
}

impl Work<'_> {
    pub(super) fn put(&mut self, put: &Put) -> Result<ChangeResult, Stop> {
        let keys = keyset::normalise(&put.keys);
        match self.checked(put.kind, &put.id, put.condition)? {
            Some(head) => self.replace(put, head, &keys),
            None => self.create(put, &keys),
        }
    }

    fn create(&mut self, put: &Put, keys: &[Key]) -> Result<ChangeResult, Stop> {
        self.room_for(put.kind)?;
        let difference = keyset::difference(&[], keys);
        self.reindex(put.kind, &put.id, &difference)?;
        self.recount_surplus(put.kind, &[], keys)?;
        let mut statement = self.db.prepare_cached(
            "INSERT INTO documents (tenant, connection, kind, id, version, created, modified, member_count, index_version, label, keys, json)
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, 0, ?6, ?7, ?8, ?9)",
        )?;
        let (tenant, connection, now) = (self.tenant.0, self.connection.0, U(self.now));
        let Put {
            kind,
            id,
            condition: _,
            label,
            json,
            keys: _,
            index_version,
        } = put;
        statement.execute(params![
            tenant,
            connection,
            K(*kind),
            id,
            now,
            index_version,
            label,
            pack_keys(keys),
            json
        ])?;
        self.bumped.insert(id.clone(), 0);
        self.count(*kind, index_version, 1)?;
        // A document of this id may have been deleted before.
        self.mark_spans(id, 2, 1)?;
        self.note(|trace| trace.wrote(id));
        let attached_to = self.attach(put, true, &difference)?;
        let (created, modified) = (self.now, self.now);
        Ok(ChangeResult {
            changed: true,
            version: 1,
            created,
            modified,
            attached_to,
            ..ChangeResult::default()
        })
    }

    /// Is there room for one document more: a sum of a few counters.
    fn room_for(&self, kind: Kind) -> Result<(), Stop> {
        let (what, most) = self.quota.of(kind);
        if most == u64::MAX {
            return Ok(());
        }
        let mut statement = self.db.prepare_cached(
            "SELECT coalesce(sum(count), 0) FROM counters WHERE tenant = ?1 AND kind = ?2",
        )?;
        let there: U = statement.query_row(params![self.tenant.0, K(kind)], |row| row.get(0))?;
        match there.0 >= most {
            true => Err(self.full(what, most)),
            false => Ok(()),
        }
    }

    fn replace(&mut self, put: &Put, mut head: Head, keys: &[Key]) -> Result<ChangeResult, Stop> {
        let stored = self.stored(head.row)?;
        let differs = stored.label != put.label || stored.json != put.json;
        if differs {
            self.bump(&put.id, &mut head);
            let mut statement = self
                .db
                .prepare_cached("UPDATE documents SET version = ?2, modified = ?3, label = ?4, json = ?5 WHERE row = ?1")?;
            statement.execute(params![
                head.row,
                U(head.version),
                U(head.modified),
                put.label,
                put.json
            ])?;
        }
        let difference = keyset::difference(&stored.keys, keys);
        self.rewrite_keys(
            put.kind,
            &put.id,
            head.row,
            &stored,
            (keys, &put.index_version),
            &difference,
        )?;
        self.note(|trace| trace.wrote(&put.id));
        let attached_to = self.attach(put, false, &difference)?;
        let Head {
            version,
            created,
            modified,
            ..
        } = head;
        let changed = differs || !attached_to.is_empty();
        Ok(ChangeResult {
            changed,
            version,
            created,
            modified,
            attached_to,
            ..ChangeResult::default()
        })
    }

    pub(super) fn rekey(&mut self, rekey: &Rekey) -> Result<ChangeResult, Stop> {
        let head = self.head(&rekey.id)?;
        let Some(head) =
            head.filter(|head| head.connection == self.connection.0 && head.kind == rekey.kind)
        else {
            return Ok(ChangeResult::default());
        };
        let Head {
            row,
            version,
            created,
            modified,
            ..
        } = head;
        let mut result = ChangeResult {
            version,
            created,
            modified,
            ..ChangeResult::default()
        };
        if version == rekey.version {
            let keys = keyset::normalise(&rekey.keys);
            let stored = self.stored(row)?;
            let difference = keyset::difference(&stored.keys, &keys);
            let new = (keys.as_slice(), &rekey.index_version);
            result.changed =
                self.rewrite_keys(rekey.kind, &rekey.id, row, &stored, new, &difference)?;
        }
        Ok(result)
    }

    fn stored(&self, row: i64) -> Result<Stored, Fault> {
        let mut statement = self.db.prepare_cached(
            "SELECT label, json, keys, index_version FROM documents WHERE row = ?1",
        )?;
        let (label, json, keys, index_version) = statement.query_row([row], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get(3)?,
            ))
        })?;
        Ok(Stored {
            label,
            json,
            keys: unpack_keys(&keys)?,
            index_version,
        })
    }

    /// Writes a key set over the stored one; false if it is the same.
    fn rewrite_keys(
        &mut self,
        kind: Kind,
        id: &str,
        row: i64,
        stored: &Stored,
        (keys, index_version): (&[Key], &String),
        difference: &Difference<'_>,
    ) -> Result<bool, Stop> {
        if stored.keys == keys && stored.index_version == *index_version {
            return Ok(false);
        }
        self.reindex(kind, id, difference)?;
        self.recount_surplus(kind, &stored.keys, keys)?;
        self.db
            .prepare_cached("UPDATE documents SET keys = ?2, index_version = ?3 WHERE row = ?1")?
            .execute(params![row, pack_keys(keys), index_version])?;
        if stored.index_version != *index_version {
            self.count(kind, &stored.index_version, -1)?;
            self.count(kind, index_version, 1)?;
        }
        Ok(true)
    }

    /// Keeps the number of documents with keys of an index-version.
    fn count(&self, kind: Kind, index_version: &str, by: i64) -> Result<(), Fault> {
        let key = params![self.tenant.0, self.connection.0, K(kind), index_version, by];
        self.db
            .prepare_cached(
                "INSERT INTO counters (tenant, connection, kind, index_version, count) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET count = count + excluded.count",
            )?
            .execute(key)?;
        if by < 0 {
            self.db
                .prepare_cached(
                    "DELETE FROM counters WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND index_version = ?4 AND count = 0",
                )?
                .execute(params![self.tenant.0, self.connection.0, K(kind), index_version])?;
        }
        Ok(())
    }

    /// Keeps the number of entries beyond the first of their document, so that a walk
    /// knows whether entries may be counted for documents.
    fn recount_surplus(&self, kind: Kind, old: &[Key], new: &[Key]) -> Result<(), Fault> {
        let mut by: BTreeMap<&str, i64> = BTreeMap::new();
        for (attribute, count) in keyset::surplus(new) {
            by.insert(attribute, count);
        }
        for (attribute, count) in keyset::surplus(old) {
            *by.entry(attribute).or_default() -= count;
        }
        for (attribute, by) in by.into_iter().filter(|(_, by)| *by != 0) {
            let place = params![self.tenant.0, self.connection.0, K(kind), attribute];
            self.db
                .prepare_cached(
                    "INSERT INTO surplus (tenant, connection, kind, attribute, count) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET count = count + excluded.count",
                )?
                .execute(params![self.tenant.0, self.connection.0, K(kind), attribute, by])?;
            self.db
                .prepare_cached(
                    "DELETE FROM surplus WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND attribute = ?4 AND count = 0",
                )?
                .execute(place)?;
        }
        Ok(())
    }

    fn reindex(&mut self, kind: Kind, id: &str, difference: &Difference<'_>) -> Result<(), Stop> {
        let (tenant, connection, kind, now) =
            (self.tenant.0, self.connection.0, K(kind), U(self.now));
        for Key {
            attribute, value, ..
        } in &difference.dropped
        {
            self.db
                .prepare_cached(
                    "DELETE FROM keys WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND attribute = ?4 AND value = ?5 AND id = ?6",
                )?
                .execute(params![tenant, connection, kind, attribute, value, id])?;
        }
        for key in difference.added.iter().copied() {
            if key.unique {
                self.free(kind, key)?;
            }
            self.db
                .prepare_cached(
                    "INSERT INTO keys (tenant, connection, kind, attribute, value, id, is_unique) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![tenant, connection, kind, key.attribute, key.value, id, key.unique])?;
        }
        for Key {
            attribute, value, ..
        } in &difference.closed
        {
            self.db
                .prepare_cached(
                    "UPDATE holdings INDEXED BY holdings_document SET until = max(since, ?5), state = 1
                     WHERE tenant = ?1 AND document = ?2 AND value = ?4 AND state = 0 AND attribute = ?3",
                )?
                .execute(params![tenant, id, attribute, value, now])?;
        }
        for Key {
            attribute, value, ..
        } in &difference.opened
        {
            self.db
                .prepare_cached(
                    "INSERT INTO holdings (tenant, connection, attribute, value, document, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![tenant, connection, attribute, value, id, now])?;
            self.forget_spans(value)?;
        }
        Ok(())
    }

    /// Forgets a few spans of a value that ended so long ago that `holders` cannot show
    /// them: each was opened once, so their number stays bounded.
    fn forget_spans(&self, value: &[u8]) -> Result<(), Fault> {
        let shown = i64::try_from(check::SPANS).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "DELETE FROM holdings WHERE span IN (
                     SELECT span FROM holdings INDEXED BY holdings_value
                     WHERE tenant = ?1 AND value = ?2 AND state > 0
                     ORDER BY state, since DESC, span DESC LIMIT ?3 OFFSET ?4)",
            )?
            .execute(params![self.tenant.0, value, FORGET, shown])?;
        Ok(())
    }

    /// Refuses a unique key that another document holds.
    fn free(&self, kind: K, key: &Key) -> Result<(), Stop> {
        let mut statement = self.db.prepare_cached(
            "SELECT id FROM keys INDEXED BY keys_unique
             WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND value = ?4 AND attribute = ?5 AND is_unique = 1",
        )?;
        let place = params![
            self.tenant.0,
            self.connection.0,
            kind,
            key.value,
            key.attribute
        ];
        match statement.query_row(place, |row| row.get(0)).optional()? {
            Some(owner) => {
                let attribute = key.attribute.clone();
                Err(Stop::refused(Outcome::KeyTaken {
                    change: self.change,
                    attribute,
                    owner,
                }))
            }
            None => Ok(()),
        }
    }

    pub(super) fn drop_keys(&mut self, kind: Kind, id: &str, row: i64) -> Result<(), Stop> {
        let stored = self.stored(row)?;
        self.reindex(kind, id, &keyset::difference(&stored.keys, &[]))?;
        self.recount_surplus(kind, &stored.keys, &[])?;
        self.mark_spans(id, 1, 2)?;
        Ok(self.count(kind, &stored.index_version, -1)?)
    }

    /// Moves a document's spans from one state to another (see the migrations).
    fn mark_spans(&self, id: &str, from: i64, to: i64) -> Result<(), Fault> {
        self.db
            .prepare_cached(
                "UPDATE holdings INDEXED BY holdings_document SET state = ?4
                 WHERE tenant = ?1 AND document = ?2 AND state = ?3",
            )?
            .execute(params![self.tenant.0, id, from, to])?;
        Ok(())
    }
}
