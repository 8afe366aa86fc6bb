//! One person: all that is kept of them, and forgetting it.
//!
//! What is kept where, the stores know; here it is put together, in an order in which
//! nothing comes back. What a user is, the plugin knows.

mod collect;

use std::collections::BTreeSet;

use nameplate_store::{
    ConnectionId, Erased, Event, HostsErased, Scope, StoreError, TenantId, Traces,
};
use serde_json::Value;
use thiserror::Error;

use crate::Runtime;
use crate::plugin::{MappingError, MappingEvent};
use crate::request_log::advice::Idp;
use crate::request_log::cut_chars;

/// Why nothing can be said or done about a person.
#[derive(Debug, Error)]
pub enum PersonError {
    /// Nothing is kept of anybody of this id or login.
    #[error("nothing is kept of `{0}`; `GET /api/v1/users` and `?status=deactivated` list people")]
    Nobody(String),
    /// Several people have or had this login.
    #[error("`{login}` is or was the login of several people; give one of their ids: {}", ids.join(", "))]
    Several {
        /// What was given.
        login: String,
        /// Whose login it is or was.
        ids: Vec<String>,
    },
    /// Trouble with the store or the plugin.
    #[error(transparent)]
    Trouble(#[from] MappingError),
}

impl From<StoreError> for PersonError {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error.into())
    }
}

/// What was forgotten.
#[derive(Debug)]
pub struct Forgotten {
    /// The person's id.
    pub id: String,
    /// In the directory.
    pub directory: Erased,
    /// Among hosts.
    pub hosts: HostsErased,
    /// Lines of the request log, and of what was recorded with them.
    pub requests: u64,
    /// The identity provider had not let go of this person: they will come back unless
    /// it is told, in this place of its menus.
    pub comes_back: Option<&'static str>,
}

/// Does the directory still say anything of a person.
fn tells(traces: &Traces) -> bool {
    let Traces {
        document,
        connection: _,
        groups,
        logins,
        departure,
        events,
    } = traces;
    let told = |event: &Event| event.before.is_some() || event.after.is_some();
    document.is_some()
        || departure.is_some()
        || !groups.is_empty()
        || !logins.is_empty()
        || events.iter().any(told)
}

/// Who is meant, and by which words they are known.
struct Found {
    id: String,
    traces: Traces,
    /// Logins nobody else holds or held.
    logins: Vec<String>,
}

impl Runtime {
    /// All that is kept of one person, by id or login, as one JSON object.
    ///
    /// # Errors
    /// See [`PersonError`].
    pub async fn personal_data(&self, tenant: TenantId, who: &str) -> Result<Value, PersonError> {
        let found = self.person(tenant, who).await?;
        let data = self.collected(tenant, &found).await?;
        // Of somebody who was erased there stay numbers of events and a line of the audit
        // log: neither says anything about a person.
        let kept = ["hosts", "promises", "requests"].iter().any(|part| {
            let part = data.get(*part).and_then(Value::as_array);
            part.is_some_and(|items| !items.is_empty())
        });
        if kept || tells(&found.traces) {
            Ok(data)
        } else {
            Err(PersonError::Nobody(cut_chars(who, 100)))
        }
    }

    /// Forgets one person, by id or login, whether they are there or were deleted long
    /// ago. Hosts they used are mapped again. Harmless to repeat after a failure.
    ///
    /// # Errors
    /// See [`PersonError`].
    pub async fn forget_person(
        &self,
        tenant: TenantId,
        who: &str,
    ) -> Result<Forgotten, PersonError> {
        let Found { id, traces, logins } = self.person(tenant, who).await?;
        let comes_back = self.comes_back(tenant, &traces).await?;
        let (stores, now) = (self.stores(), self.now());
        // Hosts first: once the directory has forgotten, no event is left that tells which
        // hosts are to be looked at.
        let mut hosts = stores.hosts.erase(tenant, now, &id, &logins).await?;
        let directory = stores.users.erase(tenant, now, &id).await?;
        self.tails().wake(tenant);
        for host in &hosts.hosts {
            let event = MappingEvent::Host(host.clone());
            match self.apply(tenant, event, None, 1).await {
                Ok(_) | Err(MappingError::NoHost) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Whoever looked at a host meanwhile may have written down what it was.
        let again = stores.hosts.erase(tenant, now, &id, &logins).await?;
        hosts.history += again.history;
        hosts.events += again.events;
        self.desk().log.flush().await;
        let mut needles = logins;
        needles.push(id.clone());
        let requests = stores.control.erase_requests(tenant, &needles).await?;
        Ok(Forgotten {
            id,
            directory,
            hosts,
            requests,
            comes_back,
        })
    }

    /// Where to tell the identity provider, if it has not let go of somebody.
    async fn comes_back(
        &self,
        tenant: TenantId,
        traces: &Traces,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(document) = &traces.document else {
            return Ok(None);
        };
        let connections = self.connections(tenant).await?;
        let known = connections
            .iter()
            .find(|known| known.id == document.connection);
        let (dialect, name) = known.map_or(("", ""), |known| (&known.dialect, &known.name));
        Ok(Some(Idp::of(dialect, "", name).menu().people))
    }

    /// The person of this id, else the only one who has or had this login.
    async fn person(&self, tenant: TenantId, who: &str) -> Result<Found, PersonError> {
        let users = &self.stores().users;
        let traces = users.traces(tenant, who).await?;
        if !traces.is_empty() {
            return Ok(self.found(tenant, who.to_owned(), traces).await?);
        }
        let value = who.trim().to_lowercase().into_bytes();
        let holders = users.holders(Scope::whole(tenant), &[value]).await?;
        let ids: BTreeSet<String> = holders.into_iter().map(|holder| holder.document).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        match ids.as_slice() {
            [] => Err(PersonError::Nobody(cut_chars(who, 100))),
            [id] => {
                let traces = users.traces(tenant, id).await?;
                Ok(self.found(tenant, id.clone(), traces).await?)
            }
            _ => Err(PersonError::Several {
                login: who.to_owned(),
                ids,
            }),
        }
    }

    /// The logins by which hosts and the log may know somebody: those they alone held.
    async fn found(
        &self,
        tenant: TenantId,
        id: String,
        traces: Traces,
    ) -> Result<Found, StoreError> {
        let users = &self.stores().users;
        let held = traces.logins.iter().map(|login| login.value.clone());
        let told = traces
            .events
            .iter()
            .flat_map(|event: &Event| event.logins.clone());
        let values: BTreeSet<Vec<u8>> = held.chain(told).collect();
        let mut logins = Vec::new();
        for value in values {
            let one = std::slice::from_ref(&value);
            let holders = users.holders(Scope::whole(tenant), one).await?;
            if holders.iter().any(|holder| holder.document != id) {
                continue;
            }
            logins.extend(String::from_utf8(value));
        }
        let labels = traces.document.iter().map(|document| &document.label);
        let labels = labels.chain(traces.departure.iter().map(|left| &left.label));
        for label in labels {
            let value = label.to_lowercase().into_bytes();
            let holders = users.holders(Scope::whole(tenant), &[value]).await?;
            if holders.iter().all(|holder| holder.document == id) {
                logins.push(label.clone());
            }
        }
        Ok(Found { id, traces, logins })
    }

    /// A connection's name.
    async fn connection_name(
        &self,
        tenant: TenantId,
        id: Option<ConnectionId>,
    ) -> Result<Option<String>, StoreError> {
        let connections = self.connections(tenant).await?;
        let known = connections.iter().find(|known| Some(known.id) == id);
        Ok(known.map(|known| known.name.clone()))
    }
}
