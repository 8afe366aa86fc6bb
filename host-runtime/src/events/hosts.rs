//! Which hosts an event concerns, found when somebody asks and from the present state.

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nameplate_store::{Event, Kind, Scope, StoreError, Subject, TenantId, limits};
use serde::{Deserialize, Serialize};

use super::EventsError;
use crate::Runtime;

/// Members looked at together: their documents are read.
const TOGETHER: usize = 100;
/// People looked at for one page, about: most may have no host.
const PEOPLE: usize = 5_000;

/// Hosts by id, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPage {
    /// In no order that means anything; a host may come twice in a walk.
    pub hosts: Vec<String>,
    /// Pass it as `after` for the next page, which may be empty; none: that was all.
    pub next: Option<String>,
}

/// Where a walk over the hosts of an event stands: behind this host of this person, on
/// the way through this member. Empty texts come before all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Through with the members that came or went: on the way through everybody below
    /// the group.
    below: bool,
    member: String,
    person: String,
    host: String,
}

impl Place {
    fn parse(text: &str) -> Result<Self, EventsError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        place.ok_or(EventsError::Place)
    }

    fn text(&self) -> String {
        // Texts and a flag: this is always JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl Runtime {
    /// The hosts that an event concerns now: of a user those they have, of a group those
    /// of the people who came and went, and of everybody below it if the group itself
    /// changed. Convergent, not historical: who has moved on is in a later event.
    ///
    /// # Errors
    /// [`EventsError::Unknown`], [`EventsError::Forgotten`], [`EventsError::Place`], or
    /// trouble with the store.
    pub async fn hosts_of_event(
        &self,
        tenant: TenantId,
        seq: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, EventsError> {
        let place = after.map(Place::parse).transpose()?.unwrap_or_default();
        let event = self.event(tenant, seq).await?;
        let walk = Walk {
            runtime: self,
            tenant,
            limit: limit as usize,
            people: 0,
            place,
            hosts: Vec::new(),
        };
        walk.run(&event).await
    }

    /// One event.
    pub(crate) async fn event(&self, tenant: TenantId, seq: u64) -> Result<Event, EventsError> {
        let users = &self.stores().users;
        let before = seq.checked_sub(1).ok_or(EventsError::Unknown(seq))?;
        let found = users.events(tenant, before, 1).await?;
        match found.into_iter().find(|event| event.seq == seq) {
            Some(event) => Ok(event),
            None => {
                let (oldest, newest) = users.event_range(tenant).await?;
                Err(if seq < oldest {
                    EventsError::Forgotten { oldest, newest }
                } else {
                    EventsError::Unknown(seq)
                })
            }
        }
    }
}

/// One page of the walk.
struct Walk<'a> {
    runtime: &'a Runtime,
    tenant: TenantId,
    limit: usize,
    people: usize,
    place: Place,
    hosts: Vec<String>,
}

/// Is the page full, or the work for one page done.
#[derive(PartialEq, Eq)]
enum Step {
    Full,
    Through,
}

impl Walk<'_> {
    async fn run(mut self, event: &Event) -> Result<HostPage, EventsError> {
        let step = match event.subject_kind {
            Subject::Host => {
                self.hosts.push(event.subject.clone());
                Step::Through
            }
            Subject::User => self.person(&event.subject).await?,
            Subject::Group => self.group(event).await?,
        };
        let next = (step == Step::Full).then(|| self.place.text());
        Ok(HostPage {
            hosts: self.hosts,
            next,
        })
    }

    async fn group(&mut self, event: &Event) -> Result<Step, StoreError> {
        if !self.place.below {
            let members: BTreeSet<&String> = event.added.iter().chain(&event.removed).collect();
            let left: Vec<String> = members
                .range::<String, _>(self.place.member.clone()..)
                .map(|member| (*member).clone())
                .collect();
            for members in left.chunks(TOGETHER) {
                if self.members(members).await? == Step::Full {
                    return Ok(Step::Full);
                }
            }
            self.place = Place {
                below: true,
                ..Place::default()
            };
        }
        // Members are edges and no part of the document: if it differs, what everybody
        // below is shown may. Of a group that came or went all members did too.
        match (&event.before, &event.after) {
            (Some(before), Some(after)) if before != after => self.below(&event.subject).await,
            _ => Ok(Step::Through),
        }
    }

    /// Members of a group: users, or groups with their own.
    async fn members(&mut self, members: &[String]) -> Result<Step, StoreError> {
        let stores = self.runtime.stores();
        let scope = Scope::whole(self.tenant);
        let found = stores.users.get_many(scope, members).await?;
        let groups = found.into_iter().filter(|found| found.kind == Kind::Group);
        let groups: HashSet<String> = groups.map(|group| group.id).collect();
        let with_host = stores.hosts.with_host(self.tenant, members).await?;
        let with_host: HashSet<String> = with_host.into_iter().collect();
        for member in members {
            if *member != self.place.member {
                self.place = Place {
                    member: member.clone(),
                    ..Place::default()
                };
            }
            let step = if groups.contains(member) {
                self.below(member).await?
            } else if with_host.contains(member) {
                self.person(member).await?
            } else {
                self.seen(1)
            };
            if step == Step::Full {
                return Ok(Step::Full);
            }
        }
        Ok(Step::Through)
    }

    /// Everybody below a group.
    async fn below(&mut self, group: &str) -> Result<Step, StoreError> {
        let scope = Scope::whole(self.tenant);
        // The person the last page ended at has hosts left.
        if !self.place.host.is_empty() {
            let person = self.place.person.clone();
            if self.person(&person).await? == Step::Full {
                return Ok(Step::Full);
            }
        }
        loop {
            let stores = self.runtime.stores();
            let after = Some(self.place.person.clone()).filter(|after| !after.is_empty());
            let people = stores
                .users
                .users_of(scope, group, after.as_deref(), limits::PAGE)
                .await?;
            let with_host = stores.hosts.with_host(self.tenant, &people).await?;
            let with_host: HashSet<String> = with_host.into_iter().collect();
            for person in people.iter().filter(|person| with_host.contains(*person)) {
                self.place.person.clone_from(person);
                if self.person(person).await? == Step::Full {
                    return Ok(Step::Full);
                }
            }
            match people.last() {
                Some(last) if people.len() == limits::PAGE as usize => {
                    self.place.person.clone_from(last);
                    if self.seen(people.len()) == Step::Full {
                        return Ok(Step::Full);
                    }
                }
                _ => {
                    self.place.person.clear();
                    return Ok(Step::Through);
                }
            }
        }
    }

    /// The hosts of a person, from the place on.
    async fn person(&mut self, person: &str) -> Result<Step, StoreError> {
        let hosts = &self.runtime.stores().hosts;
        let wanted = self.limit.saturating_sub(self.hosts.len());
        let after = Some(self.place.host.as_str()).filter(|after| !after.is_empty());
        let limit = u32::try_from(wanted).unwrap_or(u32::MAX);
        let found = hosts.assigned_to(self.tenant, person, after, limit).await?;
        let full = found.len() >= wanted;
        if let Some(last) = found.last() {
            self.place.host.clone_from(last);
        }
        self.hosts.extend(found);
        if full {
            return Ok(Step::Full);
        }
        self.place.host.clear();
        Ok(self.seen(1))
    }

    fn seen(&mut self, people: usize) -> Step {
        self.people += people;
        if self.people >= PEOPLE {
            Step::Full
        } else {
            Step::Through
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read_and_needs_no_escapes() {
        let place = Place {
            below: true,
            member: "a/é".to_owned(),
            person: String::new(),
            host: "C02 \"x\"".to_owned(),
        };
        let text = place.text();
        assert_eq!(Place::parse(&text).unwrap(), place);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(text.bytes().all(plain), "{text}");
        for text in ["", "x", "e30", "!"] {
            assert!(
                matches!(Place::parse(text), Err(EventsError::Place)),
                "{text}"
            );
        }
    }
}
