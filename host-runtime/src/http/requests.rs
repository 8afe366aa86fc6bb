//! `GET /api/v1/requests`, one request with its explanation, and its replay.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use nameplate_store::{
    Caller, Connection, ConnectionEdit, LogNote, Recorded, RequestEntry, RequestQuery, TenantId,
};
use serde_json::{Map, Value, json};

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields, Query, number, shown};
use super::mount::Mounted;
use super::route::decode;
use super::time::rfc3339;
use super::{Front, exchange, preview};
use crate::paged::cut;
use crate::plugin::PluginRequest;
use crate::request_log::advice::{self, Advice};
use crate::request_log::{Crowd, words};

/// Seconds a client may wait for a line: proxies between cut longer silences off.
const WAIT: u64 = 60;
/// The longest that what clients send is kept at a time: a day is enough to catch a
/// nightly synchronisation, and nobody forgets it for longer.
pub const MOST_MINUTES: u64 = 24 * 60;
const MINUTE_MS: u64 = 60_000;

/// Routes below `/api/v1/requests`.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestRoute {
    /// `GET /api/v1/requests`
    List,
    /// `GET /api/v1/requests/{request-id}`
    One(String),
    /// `POST /api/v1/requests/{request-id}/replay`
    Replay(String),
    /// `PUT /api/v1/requests/recording`
    Record,
}

impl RequestRoute {
    /// The route of what follows `requests`; the methods that the path answers where it is
    /// another; none if there is no such path.
    pub fn of(method: &Method, rest: &[&str]) -> Option<Result<Self, &'static str>> {
        let (route, of, allowed) = match rest {
            [] => (Self::List, Method::GET, "GET"),
            ["recording"] if *method != Method::GET => (Self::Record, Method::PUT, "PUT"),
            [id] => (Self::One(decode(id)?), Method::GET, "GET"),
            [id, "replay"] => (Self::Replay(decode(id)?), Method::POST, "POST"),
            _ => return None,
        };
        Some(if *method == of {
            Ok(route)
        } else {
            Err(allowed)
        })
    }

    /// Does it change something: a replay does not.
    pub fn writes(&self) -> bool {
        match self {
            Self::Record => true,
            Self::List | Self::One(_) | Self::Replay(_) => false,
        }
    }
}

impl Front {
    /// Answers below `/api/v1/requests`.
    pub(super) async fn requests(
        &self,
        tenant: TenantId,
        route: &RequestRoute,
        query: &Query,
        body: &[u8],
    ) -> Answer {
        match route {
            RequestRoute::List => self.list_requests(tenant, query).await,
            RequestRoute::One(id) => {
                let entry = self.request_named(tenant, id).await?;
                let connections = self.runtime.connections(tenant).await?;
                let shape = one(&entry, of_entry(&entry, &connections));
                Ok((StatusCode::OK, json!({ "request": shape })))
            }
            RequestRoute::Replay(id) => self.replay(tenant, id).await,
            RequestRoute::Record => self.record_for(tenant, &Fields::parse(body)?).await,
        }
    }

    /// The newest lines first, or with `after` those that follow it, the oldest first; at
    /// once, or with `wait` when there is one.
    async fn list_requests(&self, tenant: TenantId, query: &Query) -> Answer {
        let place = |name| query.get(name).map(|text| number(name, text)).transpose();
        let connections = self.runtime.connections(tenant).await?;
        let connection = match query.get("connection") {
            None => None,
            Some(name) => Some(self.runtime.connection_named(tenant, name).await?.id),
        };
        let errors_only = match query.get("errors") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let text = format!("`errors` is `{}`; give `true` or `false`", shown(other));
                return Err(Failure::bad("errors", text).into());
            }
        };
        let limit = query.limit()?;
        let wanted = RequestQuery {
            before: place("before")?,
            after: place("after")?,
            connection,
            errors_only,
            // One more than wanted tells whether there is a next page.
            limit: limit + 1,
        };
        let log = &self.runtime.desk().log;
        let mut found = match query.get("wait") {
            None => log.read(tenant, &wanted).await?,
            Some(_) if wanted.after.is_none() => {
                let text = "`wait` needs `after`: the id of the newest line you have, or 0";
                return Err(Failure::bad("wait", text).into());
            }
            Some(text) => {
                let wait = Duration::from_secs(number::<u64>("wait", text)?.min(WAIT));
                log.wait(tenant, &wanted, wait).await?.map_err(crowd)?
            }
        };
        let next = cut(&mut found, limit, |entry| entry.id.to_string());
        let shapes: Vec<Value> = found
            .iter()
            .map(|entry| Value::Object(line(entry, of_entry(entry, &connections))))
            .collect();
        Ok((StatusCode::OK, json!({ "requests": shapes, "next": next })))
    }

    async fn request_named(&self, tenant: TenantId, id: &str) -> Result<RequestEntry, AdminError> {
        let found = self.runtime.desk().log.find(tenant, id).await?;
        found.ok_or_else(|| {
            AdminError::Failure(Failure {
                status: StatusCode::NOT_FOUND,
                name: "request_id",
                message: format!(
                    "there is no request `{}` in the log any more; its id is in the header \
                     `X-Request-Id` of its answer",
                    shown(id)
                ),
            })
        })
    }

    /// What a request would come to now. Nothing is written.
    async fn replay(&self, tenant: TenantId, id: &str) -> Answer {
        let entry = self.request_named(tenant, id).await?;
        let (Some(connection), Some(request)) = (entry.connection, replayed(&entry)) else {
            return Err(Failure {
                status: StatusCode::CONFLICT,
                name: "request_id",
                message: not_kept(&entry),
            }
            .into());
        };
        let preview = self.runtime.preview_request(tenant, connection, request);
        let mut shape = preview::shape(&preview.await?);
        if let Some(shape) = shape.as_object_mut() {
            shape.insert("answered_then".to_owned(), json!(entry.status));
        }
        Ok((StatusCode::OK, shape))
    }

    /// `{"connection", "minutes"}`: keeps what its clients send for so long; 0 ends it.
    async fn record_for(&self, tenant: TenantId, fields: &Fields) -> Answer {
        let name = fields.text("connection")?;
        let minutes = fields.number("minutes")?;
        let Some(minutes) = minutes.filter(|minutes| *minutes <= MOST_MINUTES) else {
            let text = format!("`minutes` has to be a whole number from 0 to {MOST_MINUTES}");
            return Err(Failure::bad("minutes", text).into());
        };
        let connection = self.runtime.connection_named(tenant, &name).await?;
        let until = record_until(self.runtime.now(), minutes);
        let control = &self.runtime.stores().control;
        control
            .change_connection(connection.id, recording(until))
            .await?;
        self.runtime.forget(tenant);
        let answer = json!({ "connection": name, "record_until": until.map(rfc3339) });
        Ok((StatusCode::OK, answer))
    }
}

/// When keeping ends that begins now; none for no minutes.
pub(crate) fn record_until(now: u64, minutes: u64) -> Option<u64> {
    (minutes > 0).then(|| now.saturating_add(minutes.saturating_mul(MINUTE_MS)))
}

/// The change of a connection that keeps what its clients send.
pub(crate) fn recording(until: Option<u64>) -> ConnectionEdit {
    ConnectionEdit {
        record_until: Some(until),
        ..ConnectionEdit::default()
    }
}

fn crowd(_: Crowd) -> AdminError {
    AdminError::Failure(Failure {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "wait",
        message: "too many wait for this tenant's requests already; ask without `wait`".to_owned(),
    })
}

/// Why a request cannot be sent again.
pub(crate) fn not_kept(entry: &RequestEntry) -> String {
    if entry.connection.is_none() {
        return "this request was no identity provider's, so there is nothing to replay".to_owned();
    }
    "what was sent was not kept; have it kept with `nameplate requests record` or `PUT \
     /api/v1/requests/recording`, and let the identity provider send it again"
        .to_owned()
}

/// A request as the plugin takes it; none if what was sent is not known. Without a body
/// nothing needs to have been kept.
pub(crate) fn replayed(entry: &RequestEntry) -> Option<PluginRequest> {
    let path = entry.path.as_str();
    let path = path.strip_prefix(exchange::prefix_of(path)).unwrap_or(path);
    let mounted = Mounted::of(path)?;
    let kept = match &entry.recorded {
        Some(kept) => kept.clone(),
        None if matches!(entry.method.as_str(), "GET" | "DELETE") => Recorded::default(),
        None => return None,
    };
    let Recorded {
        query,
        content_type,
        body,
    } = kept;
    Some(PluginRequest {
        method: entry.method.to_ascii_uppercase(),
        path: mounted.rest,
        query: Some(query).filter(|query| !query.is_empty()),
        headers: vec![("content-type".to_owned(), content_type.into_bytes())],
        body: Bytes::from(body),
        base_url: mounted.mount,
    })
}

/// The connection of a line.
pub(crate) fn of_entry<'a>(
    entry: &RequestEntry,
    connections: &'a [Connection],
) -> Option<&'a Connection> {
    let of = |connection: &&Connection| Some(connection.id) == entry.connection;
    connections.iter().find(of)
}

/// What to say of an error.
pub(crate) fn explained(entry: &RequestEntry, connection: Option<&Connection>) -> Option<Advice> {
    let (dialect, name) = connection.map_or(("", ""), |known| (&known.dialect, &known.name));
    advice::of_entry(entry, dialect, name)
}

/// A line of the request log.
fn line(entry: &RequestEntry, connection: Option<&Connection>) -> Map<String, Value> {
    let RequestEntry {
        id,
        request_id,
        tenant: _,
        connection: _,
        at,
        method,
        path,
        status,
        micros,
        guest_micros,
        detail,
        notes,
        caller,
        user_agent,
        from_idp,
        recorded: _,
    } = entry;
    let notes: Vec<String> = notes.iter().map(words).collect();
    let mut shape = Map::new();
    for (name, value) in [
        ("id", json!(id)),
        ("request_id", json!(request_id)),
        ("at", json!(rfc3339(*at))),
        ("connection", json!(connection.map(|known| &known.name))),
        ("caller", who(caller)),
        ("user_agent", json!(user_agent)),
        ("method", json!(method)),
        ("path", json!(path)),
        ("status", json!(status)),
        ("micros", json!(micros)),
        ("guest_micros", json!(guest_micros)),
        ("detail", json!(detail)),
        ("notes", json!(notes)),
        ("from_idp", json!(from_idp)),
    ] {
        shape.insert(name.to_owned(), value);
    }
    if let Some(Advice { kind, fix, .. }) = explained(entry, connection) {
        shape.insert("kind".to_owned(), json!(kind));
        shape.insert("fix".to_owned(), json!(fix));
    }
    shape
}

/// One line with everything that is known of it.
fn one(entry: &RequestEntry, connection: Option<&Connection>) -> Value {
    let mut shape = line(entry, connection);
    let remarks: Vec<Value> = entry
        .notes
        .iter()
        .map(|note| {
            let LogNote { level, code, text } = note;
            json!({ "level": level.as_str(), "code": code, "text": text })
        })
        .collect();
    shape.insert("remarks".to_owned(), json!(remarks));
    let explanation = explained(entry, connection).map(|advice| {
        let Advice { kind, meaning, fix } = advice;
        json!({ "kind": kind, "meaning": meaning, "fix": fix })
    });
    shape.insert("explanation".to_owned(), json!(explanation));
    let recorded = entry.recorded.as_ref().map(|recorded| {
        let Recorded {
            query,
            content_type,
            body,
        } = recorded;
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        json!({ "query": query, "content_type": content_type, "body": body })
    });
    shape.insert("recorded".to_owned(), json!(recorded));
    Value::Object(shape)
}

/// Who sent it, by what is no secret.
fn who(caller: &Caller) -> Value {
    match caller {
        Caller::Token(id) => json!({ "token": id }),
        Caller::Subject(subject) => json!({ "subject": subject }),
        Caller::Stranger(id) => json!({ "stranger": id }),
        Caller::Nobody => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_found_by_its_method_alone() {
        let of = |method: Method, rest: &[&str]| RequestRoute::of(&method, rest);
        let id = || "7".to_owned();
        assert_eq!(of(Method::GET, &[]), Some(Ok(RequestRoute::List)));
        assert_eq!(of(Method::GET, &["7"]), Some(Ok(RequestRoute::One(id()))));
        assert_eq!(of(Method::POST, &["7"]), Some(Err("GET")));
        let replay = RequestRoute::Replay(id());
        assert_eq!(of(Method::POST, &["7", "replay"]), Some(Ok(replay)));
        assert_eq!(of(Method::GET, &["7", "replay"]), Some(Err("POST")));
        assert_eq!(
            of(Method::PUT, &["recording"]),
            Some(Ok(RequestRoute::Record))
        );
        assert_eq!(of(Method::GET, &["7", "x"]), None);
    }

    #[test]
    fn a_replay_needs_what_was_sent_unless_nothing_was() {
        let mut entry = RequestEntry::of(TenantId(1), 1);
        entry.method = "DELETE".to_owned();
        entry.path = "/t/acme/scim/v2/Users/7".to_owned();
        let again = replayed(&entry).map(|request| (request.method, request.path));
        assert_eq!(again, Some(("DELETE".to_owned(), "/Users/7".to_owned())));
        entry.method = "POST".to_owned();
        assert!(replayed(&entry).is_none());
        entry.recorded = Some(Recorded::default());
        assert!(replayed(&entry).is_some());
    }
}
