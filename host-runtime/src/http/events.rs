//! `GET /api/v1/events` and the hosts of an event.

use std::time::Duration;

use http::{Method, StatusCode};
use nameplate_store::TenantId;
use serde_json::json;

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::{Failure, Query, number};
use super::route::decode;
use crate::events::{EventsError, HostPage, Types};

/// Seconds a client may wait for an event: proxies between cut longer silences off.
const WAIT: u64 = 60;

/// Routes below `/api/v1/events`.
#[derive(Debug, PartialEq, Eq)]
pub enum EventRoute {
    /// `GET /api/v1/events`
    List,
    /// `GET /api/v1/events/{seq}/hosts`
    Hosts(String),
}

impl EventRoute {
    /// The route of what follows `events`; the methods that the path answers where it is
    /// another; none if there is no such path.
    pub fn of(method: &Method, rest: &[&str]) -> Option<Result<Self, &'static str>> {
        let get = *method == Method::GET;
        let route = match rest {
            [] => Self::List,
            [seq, "hosts"] => Self::Hosts(decode(seq)?),
            _ => return None,
        };
        Some(if get { Ok(route) } else { Err("GET") })
    }
}

impl From<EventsError> for AdminError {
    fn from(error: EventsError) -> Self {
        let (status, name) = match &error {
            EventsError::Forgotten { .. } | EventsError::Ahead { .. } => {
                (StatusCode::GONE, "after")
            }
            EventsError::Unknown(_) => (StatusCode::NOT_FOUND, "seq"),
            EventsError::Place => (StatusCode::BAD_REQUEST, "after"),
            EventsError::Crowd => (StatusCode::TOO_MANY_REQUESTS, "wait"),
            EventsError::Store(_) | EventsError::Mapping(_) => {
                return Self::Trouble(error.to_string());
            }
        };
        Self::Failure(Failure {
            status,
            name,
            message: error.to_string(),
        })
    }
}

impl Front {
    /// Answers below `/api/v1/events`.
    pub(super) async fn events(
        &self,
        tenant: TenantId,
        route: &EventRoute,
        query: &Query,
    ) -> Answer {
        match route {
            EventRoute::List => self.list_events(tenant, query).await,
            EventRoute::Hosts(seq) => {
                let seq = number("seq", seq)?;
                let (after, limit) = (query.get("after"), query.limit()?);
                let page = self
                    .runtime
                    .hosts_of_event(tenant, seq, after, limit)
                    .await?;
                let HostPage { hosts, next } = page;
                Ok((StatusCode::OK, json!({ "hosts": hosts, "next": next })))
            }
        }
    }

    /// A page of events, at once or when there is one.
    async fn list_events(&self, tenant: TenantId, query: &Query) -> Answer {
        let after = query.get("after").map(|text| number("after", text));
        let wait = match query.get("wait") {
            Some(text) => number::<u64>("wait", text)?.min(WAIT),
            None => 0,
        };
        let types = query.get("types").unwrap_or_default().split(',');
        let types = Types::new(types).map_err(|why| Failure::bad("types", why))?;
        let page = self
            .runtime
            .events_within(
                tenant,
                after.transpose()?,
                query.limit()?,
                &types,
                Duration::from_secs(wait),
            )
            .await?;
        let events = self.runtime.told(tenant, &page.events).await?;
        let answer = json!({ "events": events, "next": page.next, "newest": page.newest });
        Ok((StatusCode::OK, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_by_get_alone() {
        let of = |method: Method, rest: &[&str]| EventRoute::of(&method, rest);
        assert_eq!(of(Method::GET, &[]), Some(Ok(EventRoute::List)));
        let hosts = EventRoute::Hosts("7".to_owned());
        assert_eq!(of(Method::GET, &["7", "hosts"]), Some(Ok(hosts)));
        assert_eq!(of(Method::POST, &[]), Some(Err("GET")));
        assert_eq!(of(Method::PUT, &["7", "hosts"]), Some(Err("GET")));
        assert_eq!(of(Method::GET, &["7"]), None);
        assert_eq!(of(Method::GET, &["7", "hosts", "x"]), None);
    }
}
