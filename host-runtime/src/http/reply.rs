//! Answers that do not come from the plugin.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::Reply;
use crate::auth::Refusal;

/// Seconds after which a client may try again. An instance is free again long
/// before; identity providers wait longer on their own.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");
const SCIM: HeaderValue = HeaderValue::from_static("application/scim+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"nameplate\"");

/// An answer with a body of this type.
pub fn with_type(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    answer
}

/// 200 with a body of this type.
pub(crate) fn ok(content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    with_type(StatusCode::OK, content_type, body)
}

/// Plain text.
pub fn text(status: StatusCode, body: &'static str) -> Reply {
    with_type(status, TEXT, body)
}

/// JSON of our own routes.
pub fn json(status: StatusCode, value: &Value) -> Reply {
    let mut answer = with_type(status, JSON, value.to_string());
    // Names and addresses of people: nothing for a cache between us and the client.
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An error of our own routes, in Fleet's shape.
pub fn failure(status: StatusCode, message: &str, name: &str) -> Reply {
    let body = json!({
        "message": message,
        "errors": [{ "name": name, "reason": message }],
    });
    let mut answer = json(status, &body);
    decorate(&mut answer);
    answer
}

/// A SCIM error (RFC 7644 3.12).
pub fn scim_error(status: StatusCode, detail: &str) -> Reply {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_str(),
        "detail": detail,
    });
    let mut answer = with_type(status, SCIM, body.to_string());
    decorate(&mut answer);
    answer
}

/// Headers that go with a status.
pub(super) fn decorate(answer: &mut Reply) {
    match answer.status() {
        StatusCode::UNAUTHORIZED => {
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        _ => {}
    }
}

/// Status and words for a caller who is not let in. The cause of our own trouble
/// goes to the log, not to the caller.
pub fn refusal(refusal: &Refusal) -> (StatusCode, String) {
    match refusal {
        Refusal::Store(error) => {
            tracing::error!(%error, "cannot look a token up");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "tokens cannot be looked up at the moment; try again".to_owned(),
            )
        }
        refusal => (StatusCode::UNAUTHORIZED, refusal.to_string()),
    }
}
