//! A directory of users and a store of hosts in memory, with a clock that is set by
//! hand, for this crate's tests.

mod fleet;
mod people;

use nameplate_scim::directory::{Kind, Timestamp};
use nameplate_scim::env::{Env, Level};

use crate::claim::{ClaimDraft, logins};
use crate::hosts::{Assignment, Claim, Source};
use crate::rules::Rules;
use crate::service::{DirectoryChange, Event, Mapping};

pub(crate) use fleet::Fleet;
pub(crate) use people::{People, User, holding, user};

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
