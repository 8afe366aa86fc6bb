//! Edges: deltas of one group, held edges, and what attaches.

use std::collections::BTreeSet;

use super::Work;
use crate::keyset::Difference;
use crate::memory::directory::{Awaited, Held};
use crate::{Bounded, ChangeResult, IfMissing, Kind, MemberDelta, NewMember, Outcome, Put, check};

impl Work<'_> {
    /// Turns held edges into edges: by id for a new document, by unique key for
    /// a user that has a new one.
    pub(super) fn attach(
        &mut self,
        put: &Put,
        created: bool,
        difference: &Difference<'_>,
    ) -> Vec<String> {
        let mut awaited = Vec::new();
        if created {
            awaited.push(Awaited::Id(put.id.clone()));
        }
        if put.kind == Kind::User {
            let unique = difference.added.iter().filter(|key| key.unique);
            awaited.extend(unique.map(|key| Awaited::Login(key.value.clone())));
        }
        let mut groups = BTreeSet::new();
        for awaited in awaited {
            let from = (
                self.connection,
                awaited.clone(),
                String::new(),
                String::new(),
            );
            let waiting: Vec<(String, String)> = self
                .directory
                .awaited
                .range(from..)
                .take_while(|((connection, other, _, _), ())| {
                    *connection == self.connection && *other == awaited
                })
                .map(|((_, _, group, id), ())| (group.clone(), id.clone()))
                .collect();
            for (group, sent) in waiting {
                self.release(&group, &sent);
                if self.link(&group, &put.id) {
                    self.recount(&group, 1);
                    groups.insert(group);
                }
            }
        }
        groups.into_iter().collect()
    }

    pub(super) fn release(&mut self, group: &str, sent: &str) {
        if let Some(held) = self
            .directory
            .held
            .take(&(group.to_owned(), sent.to_owned()))
        {
            let place = |awaited| (held.connection, awaited, group.to_owned(), sent.to_owned());
            self.directory
                .awaited
                .take(&place(Awaited::Id(sent.to_owned())));
            if let Some(login) = held.login.clone() {
                self.directory.awaited.take(&place(Awaited::Login(login)));
            }
        }
    }

    pub(super) fn link(&mut self, group: &str, member: &str) -> bool {
        let place = (group.to_owned(), member.to_owned());
        if self.directory.edges.contains_key(&place) {
            return false;
        }
        self.trace.moved(group, member);
        self.directory.edges.put(place, self.now);
        self.directory
            .upward
            .put((member.to_owned(), group.to_owned()), ());
        if group == self.subject && !self.removed.remove(member) {
            self.added.insert(member.to_owned());
        }
        true
    }

    pub(super) fn unlink(&mut self, group: &str, member: &str) -> bool {
        if self
            .directory
            .edges
            .take(&(group.to_owned(), member.to_owned()))
            .is_none()
        {
            return false;
        }
        self.trace.moved(group, member);
        self.directory
            .upward
            .take(&(member.to_owned(), group.to_owned()));
        let last = self
            .directory
            .removals
            .get(member)
            .copied()
            .unwrap_or_default();
        self.directory
            .removals
            .put(member.to_owned(), last.max(self.now));
        if group == self.subject && !self.added.remove(member) {
            self.removed.insert(member.to_owned());
        }
        true
    }

    /// A new version for a group whose members changed.
    pub(super) fn recount(&mut self, group: &str, by: i64) {
        if let Some(mut row) = self.directory.documents.get(group).cloned() {
            self.bump(&mut row.document);
            row.document.member_count = row.document.member_count.saturating_add_signed(by);
            self.trace.wrote(group);
            self.directory.documents.put(group.to_owned(), row);
        }
    }

    pub(super) fn members(&mut self, delta: &MemberDelta) -> Result<ChangeResult, Outcome> {
        self.checked(Kind::Group, &delta.group, delta.condition)?;
        let group = &delta.group;
        let mut sent = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        let mut absent = Vec::new();
        for member in delta
            .add
            .iter()
            .filter(|member| sent.insert(member.id.clone()))
        {
            match self.resolve(member, delta.if_missing) {
                Some(id) => _ = wanted.insert(id),
                None => absent.push(member),
            }
        }
        if delta.if_missing == IfMissing::Fail && !absent.is_empty() {
            let ids = absent
                .iter()
                .take(check::NAMED)
                .map(|member| member.id.clone());
            return Err(Outcome::Missing(ids.collect()));
        }
        let (gone, given_up) = match delta.replace {
            true => (
                self.directory.member_ids(group),
                self.directory.held_ids(group),
            ),
            false => (delta.remove.clone(), delta.remove.clone()),
        };
        let removed = gone
            .iter()
            .filter(|id| !wanted.contains(*id) && self.unlink(group, id))
            .count();
        for id in given_up.iter().filter(|id| !sent.contains(*id)) {
            self.release(group, id);
        }
        let added = wanted.iter().filter(|id| self.link(group, id)).count();
        if delta.if_missing == IfMissing::Hold {
            absent.iter().for_each(|member| self.hold(group, member));
        }
        if added + removed > 0 {
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            self.recount(group, count(added) - count(removed));
        }
        let document = self
            .of_kind(Kind::Group, group)
            .map(|row| row.document.clone());
        let holds = delta.if_missing == IfMissing::Hold && !absent.is_empty();
        if added > 0 || holds {
            let members = document.as_ref().map_or(0, |group| group.member_count);
            let held = if holds {
                self.directory.held_ids(group).len()
            } else {
                0
            };
            let most = self.quota.members;
            if members.saturating_add(held as u64) > most {
                return Err(self.full(Bounded::Members, most));
            }
        }
        let (version, created, modified) = document.map_or((0, 0, 0), |document| {
            (document.version, document.created, document.modified)
        });
        Ok(ChangeResult {
            changed: added + removed > 0,
            version,
            created,
            modified,
            members_added: u64::try_from(added).unwrap_or(u64::MAX),
            members_removed: u64::try_from(removed).unwrap_or(u64::MAX),
            absent_members: absent
                .iter()
                .take(check::NAMED)
                .map(|member| member.id.clone())
                .collect(),
            attached_to: Vec::new(),
        })
    }

    /// The document a sent member means: the one of that id or, where members
    /// are held, the user who has the login already. (Held until that user comes
    /// it would attach; the order of arrival must not matter.)
    fn resolve(&self, member: &NewMember, if_missing: IfMissing) -> Option<String> {
        if self
            .directory
            .seen(Some(self.connection), &member.id)
            .is_some()
        {
            return Some(member.id.clone());
        }
        let login = member
            .login
            .as_ref()
            .filter(|_| if_missing == IfMissing::Hold)?;
        let from = (self.connection, Kind::User, login.clone(), String::new());
        let (place, owner) = self.directory.unique.range(from..).next()?;
        (place.0 == self.connection && place.1 == Kind::User && place.2 == *login)
            .then(|| owner.clone())
    }

    fn hold(&mut self, group: &str, member: &NewMember) {
        let place = (group.to_owned(), member.id.clone());
        let since = self
            .directory
            .held
            .get(&place)
            .map_or(self.now, |held| held.since);
        self.release(group, &member.id);
        let NewMember { id, display, login } = member;
        for awaited in [
            Some(Awaited::Id(id.clone())),
            login.clone().map(Awaited::Login),
        ]
        .into_iter()
        .flatten()
        {
            self.directory
                .awaited
                .put((self.connection, awaited, group.to_owned(), id.clone()), ());
        }
        let held = Held {
            connection: self.connection,
            display: display.clone(),
            login: login.clone(),
            since,
        };
        self.directory.held.put(place, held);
    }
}
