//! Reading and forgetting all that is kept of one person.

use super::directory::{Awaited, Directory};
use super::{MemoryStore, State, count, unit};
use crate::erasure::{Needles, Person};
use crate::{
    Assignment, Change, Delete, Erased, Event, EventDraft, HostsErased, Kind, Outcome,
    Precondition, Quota, RequestEntry, StoreError, Subject, TenantId, Timestamp, Trace, Traces,
    Unit, check, event_names,
};

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Directory {
    fn about(&self, id: &str) -> Vec<Event> {
        let events = self.events.values();
        let about = |event: &&Event| event.subject_kind == Subject::User && event.subject == id;
        events.filter(about).cloned().collect()
    }

    fn values(&self, id: &str) -> Vec<Vec<u8>> {
        let held = self.held_by.range((id.to_owned(), Vec::new())..);
        let own = held.take_while(|((document, _), ())| document == id);
        own.map(|((_, value), ())| value.clone()).collect()
    }

    pub(super) fn traces(&self, id: &str) -> Traces {
        let row = self.documents.get(id);
        let document = row.map(|row| row.document.clone());
        let document = document.filter(|document| document.kind == Kind::User);
        let mut events = self.about(id);
        let cut = events.len().saturating_sub(count(check::TRACED));
        events.drain(..cut);
        let departure = self.departures.get(id).cloned();
        let label = |group: String| {
            let row = self.documents.get(&group);
            let label = row.map(|row| row.document.label.clone());
            (group, label.unwrap_or_default())
        };
        let mut logins = Vec::new();
        for value in self.values(id) {
            let spans = self
                .holdings
                .range((value.clone(), 0)..=(value, usize::MAX));
            let own = spans.filter(|(_, holding)| holding.document == id);
            logins.extend(own.map(|(_, holding)| crate::Holding {
                alive: document.is_some(),
                ..holding.clone()
            }));
        }
        let connection = (document.as_ref().map(|document| document.connection))
            .or(departure.as_ref().map(|departure| departure.connection))
            .or(events.last().and_then(|event| event.connection));
        Traces {
            groups: match &document {
                Some(_) => self.groups_over(id).into_iter().map(label).collect(),
                None => Vec::new(),
            },
            document,
            connection,
            logins,
            departure,
            events,
        }
    }

    pub(super) fn erase(&mut self, now: Timestamp, id: &str) -> Result<Erased, StoreError> {
        let mut erased = Erased {
            departures: u64::from(self.departures.get(id).is_some()),
            ..Erased::default()
        };
        let row = self.documents.get(id).cloned();
        if let Some(row) = row.filter(|row| row.document.kind == Kind::User) {
            erased.document = true;
            erased.keys = number(row.keys.len());
            erased.edges = number(self.groups_over(id).len());
            let gone = unit::run(
                self,
                row.document.connection,
                now,
                &deletion(id),
                &mut Trace::default(),
            );
            if !matches!(gone, Outcome::Committed { .. }) {
                self.revert();
                return Err(StoreError::Other("the document was not deleted".to_owned()));
            }
        }
        self.departures.take(&id.to_owned());
        self.removals.take(&id.to_owned());
        let values = self.values(id);
        erased.edges += self.drop_held(id, &values);
        for value in values {
            let spans = self
                .holdings
                .range((value.clone(), 0)..=(value.clone(), usize::MAX));
            let own = spans.filter(|(_, holding)| holding.document == id);
            let own: Vec<_> = own.map(|(span, _)| span.clone()).collect();
            erased.logins += number(own.len());
            own.iter().for_each(|span| _ = self.holdings.take(span));
            self.held_by.take(&(id.to_owned(), value));
        }
        for event in self.about(id) {
            let bare = Event {
                before: None,
                after: None,
                logins: Vec::new(),
                settled: true,
                ..event.clone()
            };
            erased.events += u64::from(bare != event);
            self.events.put(bare.seq, bare);
        }
        let names = |outcomes: &Vec<Outcome>| format!("{outcomes:?}").contains(id);
        self.commits.outcomes.retain(|_, outcomes| !names(outcomes));
        self.settle();
        Ok(erased)
    }

    /// Drops held edges that were sent with this id or one of these logins.
    fn drop_held(&mut self, id: &str, logins: &[Vec<u8>]) -> u64 {
        let held = self.held.iter();
        let theirs = held.filter(|((_, sent), held)| {
            sent == id
                || held
                    .login
                    .as_ref()
                    .is_some_and(|login| logins.contains(login))
        });
        let theirs: Vec<_> = theirs
            .map(|(edge, held)| (edge.clone(), held.clone()))
            .collect();
        for ((group, sent), held) in &theirs {
            self.held.take(&(group.clone(), sent.clone()));
            let login = held.login.clone().map(Awaited::Login);
            for awaited in [Some(Awaited::Id(sent.clone())), login]
                .into_iter()
                .flatten()
            {
                let place = (held.connection, awaited, group.clone(), sent.clone());
                self.awaited.take(&place);
            }
        }
        number(theirs.len())
    }
}

/// The person is deleted as a client would have it.
fn deletion(id: &str) -> Unit {
    Unit {
        changes: vec![Change::Delete(Delete {
            kind: Kind::User,
            id: id.to_owned(),
            condition: Precondition::Exists,
        })],
        event: Some(EventDraft {
            name: event_names::USER_DELETED.to_owned(),
            subject_kind: Kind::User,
            subject: id.to_owned(),
            logins: Vec::new(),
        }),
        quota: Quota::default(),
    }
}

impl State {
    fn erase_hosts(&mut self, tenant: TenantId, now: Timestamp, person: &Person) -> HostsErased {
        let mut erased = HostsErased::default();
        let mut told = Vec::new();
        for (id, row) in self.hosts.entry(tenant).or_default() {
            let (claims, lines) = (row.host.claims.len(), row.history.len());
            row.host.claims.retain(|claim| !person.claims(claim));
            let claims = claims - row.host.claims.len();
            row.history = row
                .history
                .iter()
                .filter_map(|past| person.without(past))
                .collect();
            erased.claims += number(claims);
            erased.history += number(lines - row.history.len());
            let assigned = person.assigned(&row.host.assignment);
            if assigned {
                row.host.assignment = Assignment::default();
                row.host.assigned = now;
                told.push(id.clone());
            }
            if assigned || claims > 0 {
                row.host.version += 1;
                erased.hosts.push(id.clone());
            }
        }
        let promises = self.promises.entry(tenant).or_default();
        erased.promises = number(promises.drop_if(|promise| person.promised(promise)));
        let directory = self.directories.entry(tenant).or_default();
        let events = directory.events.values();
        let named = |event: &&Event| {
            event.subject_kind == Subject::Host
                && (person.told(event.before.as_deref()) || person.told(event.after.as_deref()))
        };
        let named: Vec<Event> = events.filter(named).cloned().collect();
        erased.events = number(named.len());
        for event in named {
            let bare = Event {
                before: None,
                after: None,
                ..event
            };
            directory.events.put(bare.seq, bare);
        }
        let nobody = Assignment::default();
        for host in told {
            directory.append(Event::of_host(now, &host, &nobody, Some(&nobody)));
        }
        directory.settle();
        erased
    }
}

impl MemoryStore {
    pub(super) fn erase_among_hosts(
        &self,
        tenant: TenantId,
        now: Timestamp,
        person: &Person,
    ) -> HostsErased {
        self.lock().erase_hosts(tenant, now, person)
    }

    pub(super) fn erase_among_requests(&self, tenant: TenantId, needles: &Needles) -> u64 {
        let mut state = self.lock();
        let Some(log) = state.requests.get_mut(&tenant) else {
            return 0;
        };
        log.erase(
            |line: &RequestEntry| needles.found_in_line(line),
            |recorded| needles.found_in_record(recorded),
        )
    }
}
