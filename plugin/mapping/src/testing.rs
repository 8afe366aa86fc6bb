//! A directory of users and a store of hosts in memory, with a clock that is set by
//! hand, for this crate's tests.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::config::Config;
use nameplate_scim::derived::Derived;
use nameplate_scim::directory::{Outcome as CommitOutcome, *};
use nameplate_scim::env::{Env, Level};
use nameplate_scim::filter::keys_of;
use nameplate_scim::fold::login_key;
use serde_json::{Value, json};

use crate::claim::{ClaimDraft, logins};
use crate::directory::TenantDirectory;
use crate::hosts::*;
use crate::resolve::{EMAIL, USER_NAME};
use crate::rules::Rules;
use crate::service::{DirectoryChange, Event, Mapping};

/// A claim as the store would hold it; its id is source, login and time.
pub(crate) fn claim(source: Source, username: &str, email: &str, since: u64) -> Claim {
    Claim {
        id: format!("{source:?} {username} {email} {since}"),
        source,
        username: username.to_owned(),
        email: email.to_owned(),
        full_name: String::new(),
        logins: logins(username, email),
        since,
        withdrawn: None,
        extras: Vec::new(),
    }
}

pub(crate) fn draft(claim: &Claim) -> ClaimDraft {
    ClaimDraft {
        id: claim.id.clone(),
        source: claim.source.clone(),
        username: claim.username.clone(),
        email: claim.email.clone(),
        full_name: claim.full_name.clone(),
        since: Some(claim.since),
        extras: Vec::new(),
    }
}

pub(crate) fn holding(attribute: &str, value: &str, user: &str, from: u64) -> Holding {
    Holding {
        attribute: attribute.to_owned(),
        value: login_key(value),
        document: user.to_owned(),
        connection: "okta".to_owned(),
        from,
        until: None,
        alive: true,
    }
}

/// What another process commits.
pub(crate) type Commit = Box<dyn FnOnce(&mut People)>;

#[derive(Default)]
pub(crate) struct People {
    pub(crate) documents: BTreeMap<String, Document>,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) groups: BTreeMap<String, Memberships>,
    /// Group and member; read where `groups` says nothing of a person.
    pub(crate) edges: BTreeSet<(String, String)>,
    /// What keys are made by besides the standard rules, from now on.
    pub(crate) derived: Option<Derived>,
    /// The keys of documents that were put.
    pub(crate) keys: BTreeMap<String, Vec<Key>>,
    /// How often documents were read.
    pub(crate) reads: usize,
    /// How often userNames were walked.
    pub(crate) walks: usize,
    /// A commit that lands right after the next reading of login facts.
    pub(crate) lands_next: Option<Commit>,
}

impl People {
    /// Creates or changes a user as a commit does: spans of logins that went are
    /// closed, spans of logins that came begin. Returns the event's logins:
    /// all the user ever held.
    pub(crate) fn put(&mut self, user: &User, at: u64) -> Vec<Vec<u8>> {
        let mut keys = BTreeSet::from([(USER_NAME.to_owned(), login_key(&user.name))]);
        keys.extend(
            user.emails
                .iter()
                .map(|mail| (EMAIL.to_owned(), login_key(mail))),
        );
        self.close(&user.id, at, &keys);
        for (attribute, value) in keys {
            let open = |one: &&Holding| {
                one.document == user.id
                    && one.until.is_none()
                    && one.attribute == attribute
                    && one.value == value
            };
            if self.holdings.iter().find(open).is_none() {
                self.holdings.push(Holding {
                    attribute,
                    value,
                    document: user.id.clone(),
                    connection: user.connection.clone(),
                    from: at,
                    until: None,
                    alive: true,
                });
            }
        }
        let version = self
            .documents
            .get(&user.id)
            .map_or(1, |old| old.version + 1);
        let mut json = json!({"userName": user.name, "active": user.active,
            "name": {"givenName": user.given, "familyName": "Díaz"}});
        if let (Some(json), Some(more)) = (json.as_object_mut(), user.more.as_object()) {
            json.extend(more.clone());
        }
        self.keys.insert(user.id.clone(), self.keys_of(&json));
        self.documents.insert(
            user.id.clone(),
            Document {
                kind: Kind::User,
                id: user.id.clone(),
                connection: user.connection.clone(),
                version,
                created: at,
                modified: at,
                label: user.name.clone(),
                json: json.to_string().into_bytes(),
                member_count: 0,
            },
        );
        self.ever_held(&user.id)
    }

    fn keys_of(&self, json: &Value) -> Vec<Key> {
        let config = Config {
            derived: self.derived.clone(),
            ..Config::default()
        };
        let rt = config.registry.resource_type(Kind::User);
        json.as_object()
            .map(|json| keys_of(rt, json, &config))
            .unwrap_or_default()
    }

    /// The keys of a document under an index.
    fn values(&self, document: &Document, index: &str) -> Vec<Vec<u8>> {
        let keys = self.keys.get(&document.id).into_iter().flatten();
        keys.filter(|key| key.attribute == index)
            .map(|key| key.value.clone())
            .collect()
    }

    pub(crate) fn delete(&mut self, user: &str, at: u64) -> Vec<Vec<u8>> {
        self.close(user, at, &BTreeSet::new());
        for one in self.holdings.iter_mut().filter(|one| one.document == user) {
            one.alive = false;
        }
        self.documents.remove(user);
        self.ever_held(user)
    }

    fn close(&mut self, user: &str, at: u64, keep: &BTreeSet<(String, Vec<u8>)>) {
        for one in &mut self.holdings {
            let key = (one.attribute.clone(), one.value.clone());
            if one.document == user && one.until.is_none() && !keep.contains(&key) {
                one.until = Some(at);
            }
        }
    }

    /// All groups above a member, by its edges.
    fn above(&self, member: &str) -> Memberships {
        let mut found = BTreeSet::new();
        let mut left = vec![member.to_owned()];
        while let Some(member) = left.pop() {
            for (group, _) in self.edges.iter().filter(|(_, one)| *one == member) {
                if found.insert(group.clone()) {
                    left.push(group.clone());
                }
            }
        }
        let groups = found.into_iter().map(|group| Membership {
            direct: self.edges.contains(&(group.clone(), member.to_owned())),
            label: group.clone(),
            group,
            since: 0,
        });
        Memberships {
            groups: groups.collect(),
            last_removed: None,
        }
    }

    fn ever_held(&self, user: &str) -> Vec<Vec<u8>> {
        let held: BTreeSet<_> = self
            .holdings
            .iter()
            .filter(|one| one.document == user)
            .map(|one| one.value.clone())
            .collect();
        held.into_iter().collect()
    }
}

/// A user as tests write one.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) connection: String,
    pub(crate) name: String,
    pub(crate) emails: Vec<String>,
    pub(crate) given: String,
    pub(crate) active: bool,
    /// Further attributes, an object.
    pub(crate) more: Value,
}

pub(crate) fn user(id: &str, name: &str, emails: &[&str]) -> User {
    User {
        id: id.to_owned(),
        connection: "okta".to_owned(),
        name: name.to_owned(),
        emails: emails.iter().map(|&mail| mail.to_owned()).collect(),
        given: "Ana".to_owned(),
        active: true,
        more: Value::Null,
    }
}

fn unused<T>() -> Result<T, DirectoryError> {
    Err(DirectoryError::Refused(
        "not in scope of mapping".to_owned(),
    ))
}

impl Directory for People {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        self.reads += 1;
        let found = self.documents.get(id).cloned();
        Ok(found.filter(|found| found.kind == kind))
    }
    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        self.reads += 1;
        Ok(ids
            .iter()
            .rev()
            .filter_map(|id| self.documents.get(id))
            .cloned()
            .collect())
    }
    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        if values.len() > 16 {
            return Err(DirectoryError::Refused("too many values".to_owned()));
        }
        let mut held: Vec<Holding> = self
            .holdings
            .iter()
            .filter(|one| values.contains(&one.value))
            .cloned()
            .collect();
        held.sort_by_key(|one| one.from);
        held.truncate(1000);
        if let Some(commit) = self.lands_next.take() {
            commit(self);
        }
        Ok(held)
    }
    fn groups_of(&mut self, member: &str, _: bool) -> Result<Memberships, DirectoryError> {
        Ok(match self.groups.get(member) {
            Some(memberships) => memberships.clone(),
            None => self.above(member),
        })
    }
    fn find(&mut self, _: &Find) -> Result<Page, DirectoryError> {
        unused()
    }
    fn index_ready(&mut self, _: &str) -> Result<bool, DirectoryError> {
        unused()
    }
    fn has_edges(&mut self, _: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        unused()
    }
    fn members(&mut self, _: &str, _: Option<&str>, _: u32) -> Result<MemberPage, DirectoryError> {
        unused()
    }
    fn held_members(
        &mut self,
        _: &str,
        _: Option<&str>,
        _: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        unused()
    }
    fn commit(
        &mut self,
        _: [u8; 16],
        _: Vec<Unit>,
        _: Option<u32>,
    ) -> Result<Vec<CommitOutcome>, DirectoryError> {
        unused()
    }
}

impl TenantDirectory for People {
    fn find_in(&mut self, connection: &str, find: &Find) -> Result<Page, DirectoryError> {
        self.walks += 1;
        assert!(find.limit <= 1000, "a larger page than the contract allows");
        let wanted = |value: &[u8]| match &find.range {
            KeyRange::All => true,
            KeyRange::Equal(key) => value == key,
            KeyRange::Prefix(key) => value.starts_with(key),
            KeyRange::Between(from, to) => {
                from.as_deref().is_none_or(|from| value >= from)
                    && to.as_deref().is_none_or(|to| value <= to)
            }
            KeyRange::Contains(_) => false,
        };
        let mut hits: Vec<(Vec<u8>, &Document)> = self
            .documents
            .values()
            .filter(|found| found.connection == connection && found.kind == find.kind)
            .flat_map(|found| {
                let values = match find.range {
                    KeyRange::All => vec![Vec::new()],
                    _ => self.values(found, &find.index),
                };
                values.into_iter().map(move |value| (value, found))
            })
            .filter(|(value, _)| wanted(value))
            .collect();
        hits.sort_by(|(a, one), (b, two)| (a, &one.id).cmp(&(b, &two.id)));
        let total = find.after.is_none().then_some(hits.len() as u64);
        let place = |value: &[u8], id: &str| [value, b"\0", id.as_bytes()].concat();
        if let Some(after) = &find.after {
            if !hits
                .iter()
                .any(|(value, found)| place(value, &found.id) == *after)
            {
                return Err(DirectoryError::Refused("no page ended there".to_owned()));
            }
            hits.retain(|(value, found)| place(value, &found.id) > *after);
        }
        let limit = usize::try_from(find.limit).unwrap_or(usize::MAX);
        let next = (hits.len() > limit).then(|| hits.get(limit.saturating_sub(1)));
        let next = next.flatten().map(|(value, found)| place(value, &found.id));
        let hits = hits.into_iter().take(limit).map(|(value, found)| Hit {
            id: found.id.clone(),
            key: (find.want == Detail::Keys).then_some(value),
            document: (find.want == Detail::Documents).then(|| found.clone()),
        });
        Ok(Page {
            hits: hits.collect(),
            next,
            total,
        })
    }
    fn users_of(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, DirectoryError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self
            .groups
            .iter()
            .filter(|(_, memberships)| memberships.groups.iter().any(|one| one.group == group))
            .map(|(user, _)| user.clone())
            .filter(|user| after.is_none_or(|after| user.as_str() > after))
            .take(limit)
            .collect())
    }
}

/// What another process does while a host is being settled.
pub(crate) type Interference = Box<dyn FnMut(&mut BTreeMap<String, Host>, &Assignment)>;

#[derive(Default)]
pub(crate) struct Fleet {
    pub(crate) hosts: BTreeMap<String, Host>,
    /// Called before each `put_assignment`.
    pub(crate) meanwhile: Option<Interference>,
}

impl Fleet {
    pub(crate) fn add(&mut self, id: &str) {
        let host = Host {
            id: id.to_owned(),
            version: 1,
            ..Host::default()
        };
        self.hosts.insert(id.to_owned(), host);
    }

    fn page(&self, after: Option<&str>, limit: u32, wanted: impl Fn(&Host) -> bool) -> HostPage {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut ids: Vec<String> = self
            .hosts
            .values()
            .filter(|host| after.is_none_or(|after| host.id.as_str() > after) && wanted(host))
            .map(|host| host.id.clone())
            .take(limit.saturating_add(1))
            .collect();
        let more = ids.len() > limit;
        ids.truncate(limit);
        HostPage {
            next: ids.last().filter(|_| more).cloned(),
            hosts: ids,
        }
    }
}

impl Hosts for Fleet {
    fn get(&mut self, host: &str) -> Result<Option<Host>, HostsError> {
        Ok(self.hosts.get(host).cloned())
    }
    fn claimed_by(
        &mut self,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        if logins.len() > 64 {
            return Err(HostsError::Refused("too many logins".to_owned()));
        }
        Ok(self.page(after, limit, |host| {
            host.claims.iter().any(|claim| {
                claim.withdrawn.is_none() && claim.logins.iter().any(|key| logins.contains(key))
            })
        }))
    }
    fn assigned_to(
        &mut self,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        Ok(self.page(after, limit, |host| {
            host.assignment.user.as_deref() == Some(user)
        }))
    }
    fn all(&mut self, after: Option<&str>, limit: u32) -> Result<HostPage, HostsError> {
        Ok(self.page(after, limit, |_| true))
    }
    fn put_claim(&mut self, host: &str, claim: &Claim) -> Result<WriteOutcome, HostsError> {
        let Some(host) = self.hosts.get_mut(host) else {
            return Ok(WriteOutcome::NoHost);
        };
        if host.claims.iter().any(|other| other.id == claim.id) {
            return Ok(WriteOutcome::Unchanged(host.version));
        }
        host.claims.push(claim.clone());
        host.version += 1;
        Ok(WriteOutcome::Written(host.version))
    }
    fn withdraw(
        &mut self,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<WriteOutcome, HostsError> {
        let Some(host) = self.hosts.get_mut(host) else {
            return Ok(WriteOutcome::NoHost);
        };
        let mut any = false;
        for claim in &mut host.claims {
            if claim.source == *source && claim.withdrawn.is_none() && claim.since <= at {
                claim.withdrawn = Some(at);
                any = true;
            }
        }
        if !any {
            return Ok(WriteOutcome::Unchanged(host.version));
        }
        host.version += 1;
        Ok(WriteOutcome::Written(host.version))
    }
    fn put_assignment(
        &mut self,
        host: &str,
        expected: u64,
        assignment: &Assignment,
    ) -> Result<WriteOutcome, HostsError> {
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile(&mut self.hosts, assignment);
        }
        let Some(host) = self.hosts.get_mut(host) else {
            return Ok(WriteOutcome::NoHost);
        };
        if host.version != expected {
            return Ok(WriteOutcome::Stale(host.version));
        }
        host.assignment = assignment.clone();
        host.version += 1;
        Ok(WriteOutcome::Written(host.version))
    }
}

#[derive(Default)]
pub(crate) struct Clock {
    pub(crate) now: u64,
    pub(crate) notes: Vec<String>,
}

impl Env for Clock {
    fn now(&mut self) -> Timestamp {
        self.now
    }
    fn random(&mut self) -> [u8; 16] {
        [0; 16]
    }
    fn note(&mut self, _: Level, code: &str, _: &str) {
        self.notes.push(code.to_owned());
    }
}

/// One tenant.
#[derive(Default)]
pub(crate) struct Tenant {
    pub(crate) people: People,
    pub(crate) fleet: Fleet,
    pub(crate) clock: Clock,
    pub(crate) rules: Rules,
}

impl Tenant {
    pub(crate) fn with_hosts(ids: &[&str]) -> Self {
        let mut tenant = Self::default();
        for id in ids {
            tenant.fleet.add(id);
        }
        tenant
    }

    pub(crate) fn mapping(&mut self) -> Mapping<'_> {
        Mapping {
            directory: &mut self.people,
            hosts: &mut self.fleet,
            env: &mut self.clock,
            rules: self.rules.clone(),
        }
    }

    /// Commits a user; the event is what the runner would get.
    pub(crate) fn commit(&mut self, user: &User) -> Event {
        self.clock.now += 10;
        let logins = self.people.put(user, self.clock.now);
        changed(&user.id, logins)
    }

    pub(crate) fn commit_delete(&mut self, id: &str) -> Event {
        self.clock.now += 10;
        let logins = self.people.delete(id, self.clock.now);
        changed(id, logins)
    }

    pub(crate) fn assignment(&self, host: &str) -> Assignment {
        self.fleet
            .hosts
            .get(host)
            .map(|host| host.assignment.clone())
            .unwrap_or_default()
    }
}

pub(crate) fn changed(subject: &str, logins: Vec<Vec<u8>>) -> Event {
    Event::Directory(DirectoryChange {
        seq: 1,
        name: "user.changed".to_owned(),
        subject_kind: Kind::User,
        subject: subject.to_owned(),
        logins,
    })
}
