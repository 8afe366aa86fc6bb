//! `/api/v1/webhooks`: who is told of events, and what could not be delivered.
//!
//! A secret is part of the answer that makes it and of no other.

use http::{Method, StatusCode};
use nameplate_store::{DeadLetter, TenantId, Webhook};
use serde_json::{Value, json};

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields, Query, number};
use super::route::decode;
use super::time::rfc3339;
use crate::events::Types;
use crate::webhooks::{Redelivery, WebhookChange, WebhookError};

/// Routes below `/api/v1/webhooks`.
#[derive(Debug, PartialEq, Eq)]
pub enum WebhookRoute {
    /// `GET /api/v1/webhooks`
    List,
    /// `POST /api/v1/webhooks`
    Add,
    /// `GET /api/v1/webhooks/{id}`
    Show(String),
    /// `PATCH /api/v1/webhooks/{id}`
    Change(String),
    /// `DELETE /api/v1/webhooks/{id}`
    Remove(String),
    /// `POST /api/v1/webhooks/{id}/redeliver`
    Redeliver(String),
    /// `POST /api/v1/webhooks/{id}/rotate`
    Rotate(String),
    /// `GET /api/v1/webhooks/{id}/dead_letters`
    DeadLetters(String),
}

impl WebhookRoute {
    /// The route of what follows `webhooks`; the methods that the path answers where it
    /// is another; none if there is no such path.
    pub fn of(method: &Method, rest: &[&str]) -> Option<Result<Self, &'static str>> {
        let (get, post) = (*method == Method::GET, *method == Method::POST);
        Some(match rest {
            [] if get => Ok(Self::List),
            [] if post => Ok(Self::Add),
            [] => Err("GET, POST"),
            [id] if get => Ok(Self::Show(decode(id)?)),
            [id] if *method == Method::PATCH => Ok(Self::Change(decode(id)?)),
            [id] if *method == Method::DELETE => Ok(Self::Remove(decode(id)?)),
            [_] => Err("GET, PATCH, DELETE"),
            [id, "redeliver"] if post => Ok(Self::Redeliver(decode(id)?)),
            [id, "rotate"] if post => Ok(Self::Rotate(decode(id)?)),
            [_, "redeliver" | "rotate"] => Err("POST"),
            [id, "dead_letters"] if get => Ok(Self::DeadLetters(decode(id)?)),
            [_, "dead_letters"] => Err("GET"),
            _ => return None,
        })
    }

    /// Does it change something.
    pub fn writes(&self) -> bool {
        match self {
            Self::Add
            | Self::Change(_)
            | Self::Remove(_)
            | Self::Redeliver(_)
            | Self::Rotate(_) => true,
            Self::List | Self::Show(_) | Self::DeadLetters(_) => false,
        }
    }
}

impl From<WebhookError> for AdminError {
    fn from(error: WebhookError) -> Self {
        let (status, name) = match &error {
            WebhookError::Invalid(name, _) => (StatusCode::BAD_REQUEST, *name),
            WebhookError::Unknown(_) => (StatusCode::NOT_FOUND, "id"),
            WebhookError::Forgotten(_) => (StatusCode::GONE, "from"),
            WebhookError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "id"),
            WebhookError::Random(_) | WebhookError::Store(_) => {
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
    /// Answers below `/api/v1/webhooks`.
    pub(super) async fn webhooks(
        &self,
        tenant: TenantId,
        route: &WebhookRoute,
        query: &Query,
        body: &[u8],
    ) -> Answer {
        let webhooks = self.runtime.webhooks(tenant);
        let answer = match route {
            WebhookRoute::List => {
                let found = webhooks.store.webhooks(Some(tenant)).await?;
                let shapes: Vec<Value> = found.iter().map(shape).collect();
                (StatusCode::OK, json!({ "webhooks": shapes }))
            }
            WebhookRoute::Add => {
                let fields = Fields::parse(body)?;
                let url = fields.raw_text("url")?.unwrap_or_default();
                let events = types(&fields)?.unwrap_or_default();
                let (made, secret) = webhooks.add(url, events).await?;
                (StatusCode::CREATED, with_secret(&made, &secret))
            }
            WebhookRoute::Show(id) => (StatusCode::OK, shape(&webhooks.get(id).await?)),
            WebhookRoute::Change(id) => {
                let fields = Fields::parse(body)?;
                let change = WebhookChange {
                    url: fields.raw_text("url")?.map(str::to_owned),
                    events: types(&fields)?,
                    paused: fields.flag("paused")?,
                };
                (StatusCode::OK, shape(&webhooks.change(id, change).await?))
            }
            WebhookRoute::Remove(id) => {
                webhooks.remove(id).await?;
                (StatusCode::NO_CONTENT, Value::Null)
            }
            WebhookRoute::Redeliver(id) => {
                let which = redelivery(&Fields::parse(body)?)?;
                let events = webhooks.redeliver(id, which).await?;
                (StatusCode::ACCEPTED, json!({ "events": events }))
            }
            WebhookRoute::Rotate(id) => {
                let secret = webhooks.rotate(id).await?;
                (
                    StatusCode::OK,
                    with_secret(&webhooks.get(id).await?, &secret),
                )
            }
            WebhookRoute::DeadLetters(id) => {
                (StatusCode::OK, self.dead_letters(tenant, id, query).await?)
            }
        };
        if route.writes() {
            self.runtime.webhooks_touched().notify_one();
        }
        Ok(answer)
    }

    async fn dead_letters(
        &self,
        tenant: TenantId,
        id: &str,
        query: &Query,
    ) -> Result<Value, AdminError> {
        let webhooks = self.runtime.webhooks(tenant);
        // An unknown one is an error and no empty list.
        webhooks.get(id).await?;
        let after = query.get("after").map(|text| number("after", text));
        let after = after.transpose()?.unwrap_or(0);
        let limit = query.limit()?;
        let letters = webhooks
            .store
            .dead_letters(tenant, id, after, limit)
            .await?;
        // Fewer than wanted are the last.
        let next = letters
            .last()
            .filter(|_| letters.len() == limit as usize)
            .map(|letter| letter.seq);
        let letters: Vec<Value> = letters.iter().map(letter).collect();
        Ok(json!({ "dead_letters": letters, "next": next }))
    }
}

fn types(fields: &Fields) -> Result<Option<Types>, Failure> {
    let Some(texts) = fields.texts("events")? else {
        return Ok(None);
    };
    let types = Types::new(texts).map_err(|why| Failure::bad("events", why))?;
    Ok(Some(types))
}

fn redelivery(fields: &Fields) -> Result<Redelivery, Failure> {
    match (fields.number("from")?, fields.flag("dead_letters")?) {
        (Some(from), None | Some(false)) => Ok(Redelivery::From(from)),
        (None, Some(true)) => Ok(Redelivery::DeadLetters),
        _ => Err(Failure::bad(
            "from",
            "send `{\"from\": <seq>}` for all events from that one on, or \
             `{\"dead_letters\": true}` for those that were given up",
        )),
    }
}

fn with_secret(webhook: &Webhook, secret: &str) -> Value {
    let mut shape = shape(webhook);
    if let Some(fields) = shape.as_object_mut() {
        fields.insert("secret".to_owned(), json!(secret));
    }
    shape
}

fn shape(webhook: &Webhook) -> Value {
    let Webhook {
        id,
        tenant: _,
        url,
        secret: _,
        events,
        created,
        position,
        failures,
        next_try,
        last_error,
        last_delivered,
        paused,
    } = webhook;
    json!({
        "id": id,
        "url": url,
        "events": events,
        "paused": paused,
        "created": rfc3339(*created),
        "position": position,
        "failures": failures,
        // Without a failure it is when the server looks again, which says nothing.
        "next_try": (*failures > 0).then(|| rfc3339(*next_try)),
        "last_error": last_error,
        "last_delivered": last_delivered.map(rfc3339),
    })
}

fn letter(letter: &DeadLetter) -> Value {
    let DeadLetter {
        seq,
        at,
        attempts,
        error,
    } = letter;
    json!({ "seq": seq, "at": rfc3339(*at), "attempts": attempts, "error": error })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(method: Method, rest: &[&str]) -> Option<Result<WebhookRoute, &'static str>> {
        WebhookRoute::of(&method, rest)
    }

    #[test]
    fn webhooks_are_found_by_path_and_method() {
        use WebhookRoute as Route;
        let id = || "w1".to_owned();
        for (method, rest, route) in [
            (Method::GET, [].as_slice(), Route::List),
            (Method::POST, &[], Route::Add),
            (Method::GET, &["w1"], Route::Show(id())),
            (Method::PATCH, &["w1"], Route::Change(id())),
            (Method::DELETE, &["w1"], Route::Remove(id())),
            (Method::POST, &["w1", "redeliver"], Route::Redeliver(id())),
            (Method::POST, &["w1", "rotate"], Route::Rotate(id())),
            (
                Method::GET,
                &["w1", "dead_letters"],
                Route::DeadLetters(id()),
            ),
        ] {
            let reads = method == Method::GET;
            assert_eq!(route.writes(), !reads, "{rest:?}");
            assert_eq!(of(method, rest), Some(Ok(route)));
            assert!(matches!(of(Method::PUT, rest), Some(Err(_))), "{rest:?}");
        }
        assert_eq!(of(Method::GET, &["w1", "secret"]), None);
        assert_eq!(of(Method::GET, &["w1", "redeliver"]), Some(Err("POST")));
    }

    #[test]
    fn a_redelivery_names_one_of_two_things() {
        let read = |json: &str| redelivery(&Fields::parse(json.as_bytes()).unwrap());
        assert_eq!(read(r#"{"from": 7}"#), Ok(Redelivery::From(7)));
        assert_eq!(
            read(r#"{"dead_letters": true}"#),
            Ok(Redelivery::DeadLetters)
        );
        for json in [
            "{}",
            r#"{"from": -1}"#,
            r#"{"from": "7"}"#,
            r#"{"dead_letters": false}"#,
            r#"{"from": 7, "dead_letters": true}"#,
        ] {
            assert_eq!(read(json).unwrap_err().name, "from", "{json}");
        }
    }
}
