//! The event log of a tenant as others read it: page by page, waiting for what comes,
//! and which hosts each event concerns.
//!
//! An event says what happened to one user, group or host. Which hosts that concerns is
//! found when somebody asks, from the present state: a rename of a group with 100,000
//! members is one event.

mod effects;
mod filter;
mod hosts;
mod shape;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use nameplate_store::{Connection, ConnectionId, Event, StoreError, TenantId};
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

pub use filter::Types;
pub use hosts::HostPage;
pub(crate) use shape::cut;
pub(crate) use tail::{Tail, Tails};

use crate::Runtime;
use crate::plugin::MappingError;

/// Events looked at for one page, at most: with a filter most may be of no interest.
const LOOKED_AT: u64 = 10_000;
/// Events read from the store at a time.
const STEP: u32 = 200;
/// A page ends early beyond so many bytes of objects and members.
const PAGE_BYTES: usize = 4 << 20;
/// Who may wait for one tenant's events at a time: each holds a connection.
pub(crate) const FOLLOWERS: usize = 128;

/// Why events are not read.
#[derive(Debug, Error)]
pub enum EventsError {
    /// Events after the given number are no longer kept.
    #[error(
        "events up to {} are no longer kept; read the hosts anew, then go on with `after={newest}`",
        oldest.saturating_sub(1)
    )]
    Forgotten {
        /// The first that is kept.
        oldest: u64,
        /// The last.
        newest: u64,
    },
    /// The given number was never given to an event.
    #[error(
        "there is no event {after} yet, so the database is another or an older one; read the \
         hosts anew, then go on with `after={newest}`"
    )]
    Ahead {
        /// What was asked for.
        after: u64,
        /// The last event.
        newest: u64,
    },
    /// There is no such event.
    #[error("there is no event {0}")]
    Unknown(u64),
    /// A place in a list of hosts that is none.
    #[error("`after` is not from a list of hosts; pass the `next` of the page before")]
    Place,
    /// Too many wait already.
    #[error("{FOLLOWERS} clients wait for events of this tenant already; ask without `wait`")]
    Crowd,
    /// Trouble with the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Trouble with the plugin.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Events, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// In order.
    pub events: Vec<Event>,
    /// The number up to which the log was looked at.
    pub next: u64,
    /// The newest event's number.
    pub newest: u64,
}

impl Runtime {
    /// Reads the events after `after`, or from the oldest kept on. An empty page with
    /// `next` below `newest` means that none of those looked at was wanted.
    ///
    /// # Errors
    /// [`EventsError::Forgotten`], [`EventsError::Ahead`], or trouble with the store.
    pub async fn events(
        &self,
        tenant: TenantId,
        after: Option<u64>,
        limit: u32,
        types: &Types,
    ) -> Result<EventPage, EventsError> {
        let users = &self.stores().users;
        let (oldest, newest) = users.event_range(tenant).await?;
        let start = after.unwrap_or_else(|| oldest.saturating_sub(1));
        if start > newest {
            let after = start;
            return Err(EventsError::Ahead { after, newest });
        }
        let (mut events, mut next, mut bytes) = (Vec::new(), start, 0);
        while events.len() < limit as usize && next - start < LOOKED_AT && bytes < PAGE_BYTES {
            let step = if types.all() { limit } else { STEP };
            let found = users.events(tenant, next, step.min(STEP)).await?;
            if found.is_empty() && next == start && next < newest {
                return Err(EventsError::Forgotten { oldest, newest });
            }
            if found.is_empty() {
                break;
            }
            for event in found {
                // Numbers have no gaps but where events were forgotten.
                if event.seq != next + 1 {
                    if next == start {
                        return Err(EventsError::Forgotten { oldest, newest });
                    }
                    return Ok(EventPage {
                        events,
                        next,
                        newest,
                    });
                }
                next = event.seq;
                if types.wants(&event.name) {
                    bytes += weight(&event);
                    events.push(event);
                }
                if events.len() == limit as usize || bytes >= PAGE_BYTES {
                    break;
                }
            }
        }
        Ok(EventPage {
            events,
            next,
            newest: newest.max(next),
        })
    }

    /// The same, waiting up to `wait` for the first event that is wanted.
    ///
    /// # Errors
    /// As [`Self::events`], and [`EventsError::Crowd`].
    pub async fn events_within(
        &self,
        tenant: TenantId,
        after: Option<u64>,
        limit: u32,
        types: &Types,
        wait: Duration,
    ) -> Result<EventPage, EventsError> {
        let end = Instant::now() + wait;
        let mut page = self.events(tenant, after, limit, types).await?;
        let mut tail: Option<Tail> = None;
        while page.events.is_empty() && Instant::now() < end {
            if page.next >= page.newest {
                let tail = match &mut tail {
                    Some(tail) => tail,
                    none => none.insert(self.follow(tenant).ok_or(EventsError::Crowd)?),
                };
                match timeout_at(end, tail.beyond(page.next)).await {
                    Ok(true) => {}
                    // Time is up, or the server stops.
                    Ok(false) | Err(_) => break,
                }
            }
            page = self.events(tenant, Some(page.next), limit, types).await?;
        }
        Ok(page)
    }

    /// Events as answers and messages show them, with what each means for profiles.
    ///
    /// # Errors
    /// Trouble with the store, or a plugin that is too busy.
    pub(crate) async fn told(
        &self,
        tenant: TenantId,
        events: &[Event],
    ) -> Result<Vec<Map<String, Value>>, EventsError> {
        let connections = self.connections(tenant).await?;
        let effects = self.effects(tenant, events).await?;
        let shapes = events.iter().zip(&effects).map(|(event, effect)| {
            let connection = event.connection.and_then(|id| name_of(&connections, id));
            shape::shape(event, connection, effect.as_ref())
        });
        Ok(shapes.collect())
    }

    /// Follows a tenant's log; none if too many do.
    pub(crate) fn follow(&self, tenant: TenantId) -> Option<Tail> {
        self.tails().follow(&self.stores().users, tenant, FOLLOWERS)
    }

    /// How many wait for events at the moment, webhooks included.
    pub fn waiting_for_events(&self) -> usize {
        self.tails().followers()
    }

    /// Ends every waiting for events, because the server stops.
    pub(crate) fn release_waiting(&self) {
        self.tails().release();
    }
}

fn weight(event: &Event) -> usize {
    let members = event.added.iter().chain(&event.removed);
    let documents = [&event.before, &event.after];
    let documents = documents.into_iter().flatten().map(Vec::len).sum::<usize>();
    documents + members.map(String::len).sum::<usize>()
}

fn name_of(connections: &Arc<[Connection]>, id: ConnectionId) -> Option<&str> {
    let found = connections.iter().find(|connection| connection.id == id);
    found.map(|connection| connection.name.as_str())
}
