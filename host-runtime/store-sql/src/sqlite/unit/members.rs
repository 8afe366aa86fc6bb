//! Edges: deltas of one group, held edges, and what attaches or leaves.
//!
//! Adding or removing one member touches its edge and the group's row, however
//! many others there are.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_store::keyset::Difference;
use nameplate_store::{
    Bounded, ChangeResult, IfMissing, Kind, MemberDelta, NewMember, Outcome, Put, check,
};
use rusqlite::{OptionalExtension, ToSql, params};

use super::{Head, Stop, Work};
use crate::sqlite::codec::{K, U};
use crate::sqlite::errors::Fault;

/// What is sent, as documents and as members that are not there.
struct Wanted<'d> {
    /// Every id sent.
    sent: BTreeSet<&'d str>,
    /// The documents meant.
    present: BTreeMap<String, Kind>,
    absent: Vec<&'d NewMember>,
}

impl Work<'_> {
    pub(super) fn members(&mut self, delta: &MemberDelta) -> Result<ChangeResult, Stop> {
        let group = &delta.group;
        let head = self.checked(Kind::Group, group, delta.condition)?;
        let wanted = self.wanted(delta)?;
        let named = || {
            wanted
                .absent
                .iter()
                .take(check::NAMED)
                .map(|member| member.id.clone())
                .collect()
        };
        if delta.if_missing == IfMissing::Fail && !wanted.absent.is_empty() {
            return Err(Stop::refused(Outcome::Missing(named())));
        }
        let (gone, given_up) = match delta.replace {
            true => (self.member_ids(group)?, self.held_ids(group)?),
            false => (delta.remove.clone(), delta.remove.clone()),
        };
        let (mut added, mut removed) = (0_u64, 0_u64);
        for id in gone.iter().filter(|id| !wanted.present.contains_key(*id)) {
            removed += u64::from(self.unlink(group, id)?);
        }
        for id in given_up
            .iter()
            .filter(|id| !wanted.sent.contains(id.as_str()))
        {
            self.release(group, id)?;
        }
        for (id, kind) in &wanted.present {
            added += u64::from(self.link(group, id, *kind)?);
        }
        if delta.if_missing == IfMissing::Hold {
            wanted
                .absent
                .iter()
                .try_for_each(|member| self.hold(group, member))?;
        }
        let changed = added + removed > 0;
        let head = if changed {
            self.recount(group, added, removed)?
        } else {
            head
        };
        let holds = delta.if_missing == IfMissing::Hold && !wanted.absent.is_empty();
        if added > 0 || holds {
            self.room_in(group, holds)?;
        }
        let (version, created, modified) = head.map_or(
            (0, 0, 0),
            |Head {
                 version,
                 created,
                 modified,
                 ..
             }| (version, created, modified),
        );
        Ok(ChangeResult {
            changed,
            version,
            created,
            modified,
            members_added: added,
            members_removed: removed,
            absent_members: named(),
            attached_to: Vec::new(),
        })
    }

    /// Does what the group has now keep to its bound. Held members are counted only
    /// where this change holds some: they are few, but there is no counter of them.
    fn room_in(&self, group: &str, holds: bool) -> Result<(), Stop> {
        let most = self.quota.members;
        if most == u64::MAX {
            return Ok(());
        }
        let key = params![self.tenant.0, group];
        let mut members: u64 = self
            .db
            .prepare_cached("SELECT member_count FROM documents WHERE tenant = ?1 AND id = ?2")?
            .query_row(key, |row| Ok(row.get::<_, U>(0)?.0))?;
        if holds {
            let held: U = self
                .db
                .prepare_cached("SELECT count(*) FROM held WHERE tenant = ?1 AND group_id = ?2")?
                .query_row(key, |row| row.get(0))?;
            members = members.saturating_add(held.0);
        }
        match members > most {
            true => Err(self.full(Bounded::Members, most)),
            false => Ok(()),
        }
    }

    fn wanted<'d>(&self, delta: &'d MemberDelta) -> Result<Wanted<'d>, Fault> {
        let mut wanted = Wanted {
            sent: BTreeSet::new(),
            present: BTreeMap::new(),
            absent: Vec::new(),
        };
        for member in &delta.add {
            if wanted.sent.insert(&member.id) {
                match self.resolve(member, delta.if_missing)? {
                    Some((id, kind)) => _ = wanted.present.insert(id, kind),
                    None => wanted.absent.push(member),
                }
            }
        }
        Ok(wanted)
    }

    /// The document a sent member means: the one of that id or, where members
    /// are held, the user who has the login already. (Held until that user comes
    /// it would attach; the order of arrival must not matter.)
    fn resolve(
        &self,
        member: &NewMember,
        if_missing: IfMissing,
    ) -> Result<Option<(String, Kind)>, Fault> {
        let (tenant, connection) = (self.tenant.0, self.connection.0);
        let mut statement = self.db.prepare_cached(
            "SELECT kind FROM documents WHERE tenant = ?1 AND id = ?2 AND connection = ?3",
        )?;
        let found: Option<K> = statement
            .query_row(params![tenant, member.id, connection], |row| row.get(0))
            .optional()?;
        if let Some(K(kind)) = found {
            return Ok(Some((member.id.clone(), kind)));
        }
        let Some(login) = member
            .login
            .as_ref()
            .filter(|_| if_missing == IfMissing::Hold)
        else {
            return Ok(None);
        };
        let mut statement = self.db.prepare_cached(
            "SELECT id FROM keys INDEXED BY keys_unique
             WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND value = ?4 AND is_unique = 1 ORDER BY attribute LIMIT 1",
        )?;
        Ok(statement
            .query_row(params![tenant, connection, K(Kind::User), login], |row| {
                Ok((row.get(0)?, Kind::User))
            })
            .optional()?)
    }

    fn ids(&self, statement: &str, of: &str) -> Result<Vec<String>, Fault> {
        let mut statement = self.db.prepare_cached(statement)?;
        let ids = statement.query_map(params![self.tenant.0, of], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    fn member_ids(&self, group: &str) -> Result<Vec<String>, Fault> {
        self.ids(
            "SELECT member_id FROM edges WHERE tenant = ?1 AND group_id = ?2",
            group,
        )
    }

    fn held_ids(&self, group: &str) -> Result<Vec<String>, Fault> {
        self.ids(
            "SELECT sent FROM held WHERE tenant = ?1 AND group_id = ?2",
            group,
        )
    }

    /// Makes an edge; false if it is there.
    fn link(&mut self, group: &str, member: &str, kind: Kind) -> Result<bool, Fault> {
        let made = self
            .db
            .prepare_cached(
                "INSERT INTO edges (tenant, group_id, member_id, connection, since, nested) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                self.tenant.0, group, member, self.connection.0, U(self.now), kind == Kind::Group
            ])?;
        if made > 0 {
            self.note(|trace| trace.moved(group, member));
        }
        if made > 0 && group == self.subject && !self.removed.remove(member) {
            self.added.insert(member.to_owned());
        }
        Ok(made > 0)
    }

    /// Removes an edge and notes when; false if there is none.
    fn unlink(&mut self, group: &str, member: &str) -> Result<bool, Fault> {
        let gone = self
            .db
            .prepare_cached(
                "DELETE FROM edges WHERE tenant = ?1 AND group_id = ?2 AND member_id = ?3",
            )?
            .execute(params![self.tenant.0, group, member])?;
        if gone == 0 {
            return Ok(false);
        }
        self.note(|trace| trace.moved(group, member));
        self.db
            .prepare_cached(
                "INSERT INTO removals (tenant, member_id, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
            )?
            .execute(params![self.tenant.0, member, U(self.now)])?;
        if group == self.subject && !self.added.remove(member) {
            self.removed.insert(member.to_owned());
        }
        Ok(true)
    }

    /// A new version for a group whose members changed.
    fn recount(&mut self, group: &str, added: u64, removed: u64) -> Result<Option<Head>, Fault> {
        let Some(mut head) = self.head(group)? else {
            return Ok(None);
        };
        self.bump(group, &mut head);
        self.note(|trace| trace.wrote(group));
        self.db
            .prepare_cached(
                "UPDATE documents SET version = ?2, modified = ?3, member_count = member_count + ?4 - ?5 WHERE row = ?1",
            )?
            .execute(params![head.row, U(head.version), U(head.modified), U(added), U(removed)])?;
        Ok(Some(head))
    }

    fn hold(&self, group: &str, member: &NewMember) -> Result<(), Fault> {
        let NewMember { id, display, login } = member;
        self.db
            .prepare_cached(
                "INSERT INTO held (tenant, group_id, sent, connection, display, login, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET display = excluded.display, login = excluded.login",
            )?
            .execute(params![self.tenant.0, group, id, self.connection.0, display, login, U(self.now)])?;
        Ok(())
    }

    fn release(&self, group: &str, sent: &str) -> Result<(), Fault> {
        self.db
            .prepare_cached("DELETE FROM held WHERE tenant = ?1 AND group_id = ?2 AND sent = ?3")?
            .execute(params![self.tenant.0, group, sent])?;
        Ok(())
    }

    /// Turns held edges into edges: by id for a new document, by unique key for
    /// a user that has a new one.
    pub(super) fn attach(
        &mut self,
        put: &Put,
        created: bool,
        difference: &Difference<'_>,
    ) -> Result<Vec<String>, Fault> {
        let mut waiting = Vec::new();
        if created {
            waiting.extend(self.waiting(
                "SELECT group_id, sent FROM held INDEXED BY held_sent WHERE tenant = ?1 AND connection = ?2 AND sent = ?3",
                &put.id,
            )?);
        }
        for key in difference
            .added
            .iter()
            .filter(|key| key.unique && put.kind == Kind::User)
        {
            waiting.extend(self.waiting(
                "SELECT group_id, sent FROM held INDEXED BY held_login WHERE tenant = ?1 AND connection = ?2 AND login = ?3",
                &key.value,
            )?);
        }
        let mut groups = BTreeSet::new();
        for (group, sent) in waiting {
            self.release(&group, &sent)?;
            if self.link(&group, &put.id, put.kind)? {
                self.recount(&group, 1, 0)?;
                groups.insert(group);
            }
        }
        Ok(groups.into_iter().collect())
    }

    fn waiting(
        &self,
        statement: &str,
        awaited: &dyn ToSql,
    ) -> Result<Vec<(String, String)>, Fault> {
        let mut statement = self.db.prepare_cached(statement)?;
        let found = statement
            .query_map(params![self.tenant.0, self.connection.0, awaited], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Removes every edge and held edge of a group that goes.
    pub(super) fn empty_group(&mut self, group: &str) -> Result<u64, Fault> {
        let mut removed = 0;
        for member in self.member_ids(group)? {
            removed += u64::from(self.unlink(group, &member)?);
        }
        self.db
            .prepare_cached("DELETE FROM held WHERE tenant = ?1 AND group_id = ?2")?
            .execute(params![self.tenant.0, group])?;
        Ok(removed)
    }

    /// Takes a document that goes out of its groups.
    pub(super) fn leave_all(&mut self, member: &str) -> Result<(), Fault> {
        let over = "SELECT group_id FROM edges INDEXED BY edges_member WHERE tenant = ?1 AND member_id = ?2";
        for group in self.ids(over, member)? {
            self.unlink(&group, member)?;
            self.recount(&group, 0, 1)?;
        }
        Ok(())
    }
}
