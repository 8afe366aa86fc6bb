//! SCIM requests on their way to the plugin and back.
//!
//! This knows the form of a SCIM error and which paths carry many members; what a
//! user or a group is, the plugin knows.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Body;
use nameplate_store::{ConnectionId, LogNote, NoteLevel, TenantId, TokenScope};

use super::admission::{Admitted, Denied};
use super::body::{self, BodyError, COMPRESSED};
use super::exchange::{Exchange, Line};
use super::mount::Mounted;
use super::{Front, Reply, base_url, reply};
use crate::ScimAnswer;
use crate::auth::Identity;
use crate::limits::Limits;
use crate::plugin::{PluginRequest, PluginResponse};
use crate::request_log::LogCaller;
use crate::request_log::record::Kept;

/// Credentials stay outside of the sandbox; the rest is about our connection alone.
const REMOVED: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];
/// Set by whoever writes the answer to the wire.
const FRAMING: [HeaderName; 4] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// An answer, and what the log says about it.
struct Outcome {
    answer: Reply,
    notes: Vec<LogNote>,
    /// How long the plugin ran.
    guest: Duration,
    /// What was sent, if it is to be kept.
    kept: Option<Kept>,
}

impl From<Reply> for Outcome {
    fn from(answer: Reply) -> Self {
        Self {
            answer,
            notes: Vec::new(),
            guest: Duration::ZERO,
            kept: None,
        }
    }
}

impl Front {
    /// Answers a request under a SCIM mount.
    pub(super) async fn scim<B>(&self, mounted: &Mounted, exchange: &mut Exchange, body: B) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let writes = !reads(&exchange.parts.method, mounted);
        let admitted = match self.admit(exchange, TokenScope::Scim, writes).await {
            Ok(admitted) => admitted,
            Err(denied) => {
                body::linger(body);
                let answer = denied.reply(TokenScope::Scim);
                if let Denied::Stopped(identity, obstacle) = denied
                    && obstacle.noted()
                {
                    exchange.line = Some(line(&identity, &answer));
                }
                return answer;
            }
        };
        let outcome = self.with_room(mounted, exchange, body, &admitted).await;
        let Outcome {
            answer,
            notes,
            guest,
            kept,
        } = outcome;
        let Admitted {
            identity,
            notes: mut said,
            standing: _,
        } = admitted;
        said.extend(notes);
        exchange.line = Some(Line {
            notes: said,
            guest,
            kept,
            ..line(&identity, &answer)
        });
        answer
    }

    /// Reads the body once the tenant has room for it, and lets the plugin answer.
    async fn with_room<B>(
        &self,
        mounted: &Mounted,
        exchange: &Exchange,
        body: B,
        admitted: &Admitted,
    ) -> Outcome
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let (identity, limits) = (&admitted.identity, &admitted.standing.limits);
        let tenant = identity.tenant;
        let Some(connection) = identity.connection else {
            body::linger(body);
            return reply::scim_error(StatusCode::FORBIDDEN, "this token is of no connection")
                .into();
        };
        let limit = body_limit(limits, mounted);
        let bytes = body::at_most(&exchange.parts.headers, &body, limit);
        // Held until the plugin has answered.
        let Some(_room) = self.budgets.room(tenant, bytes, limits.bodies).await else {
            body::linger(body);
            return reply::scim_error(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many large requests at once; send it again",
            )
            .into();
        };
        match self.read(mounted, exchange, body, limit).await {
            Ok(request) => {
                let kept = self.kept(exchange, tenant, connection, &request).await;
                let mut outcome = self.ask(tenant, connection, request).await;
                match kept {
                    Some(Ok(kept)) => outcome.kept = Some(kept),
                    Some(Err(why)) => outcome.notes.push(LogNote {
                        level: NoteLevel::Action,
                        code: "not-recorded".to_owned(),
                        text: format!("what was sent was not kept: {why}"),
                    }),
                    None => {}
                }
                outcome
            }
            Err(answer) => answer.into(),
        }
    }

    /// The request as the plugin takes it.
    async fn read<B>(
        &self,
        mounted: &Mounted,
        exchange: &Exchange,
        body: B,
        limit: usize,
    ) -> Result<PluginRequest, Reply>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let Exchange { parts, prefix, .. } = exchange;
        let origin = base_url::origin(
            &self.settings(),
            exchange.peer,
            &parts.uri,
            &parts.headers,
            exchange.by_host,
        );
        let Some(origin) = origin else {
            body::linger(body);
            return Err(reply::scim_error(
                StatusCode::BAD_REQUEST,
                "the request names no valid host, which absolute urls in the answer need",
            ));
        };
        let body = body::read(&parts.headers, body, limit)
            .await
            .map_err(|error| body_refused(&error, limit))?;
        Ok(PluginRequest {
            method: parts.method.as_str().to_ascii_uppercase(),
            path: mounted.rest.clone(),
            query: parts.uri.query().map(str::to_owned),
            headers: passed_on(&parts.headers),
            body,
            base_url: format!("{origin}{prefix}{}", mounted.mount),
        })
    }

    /// Lets the plugin answer.
    async fn ask(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        request: PluginRequest,
    ) -> Outcome {
        let answer = self.runtime.scim(tenant, connection, request).await;
        let ScimAnswer {
            response,
            mut notes,
            usage,
        } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(tenant = tenant.0, connection = connection.0, %error, "cannot read the connection");
                let detail = "the database does not answer; try again";
                return reply::scim_error(StatusCode::SERVICE_UNAVAILABLE, detail).into();
            }
        };
        let answer = response
            .map_err(|error| error.to_string())
            .and_then(from_plugin);
        let answer = answer.unwrap_or_else(|cause| {
            tracing::error!(
                tenant = tenant.0,
                connection = connection.0,
                cause,
                "the plugin did not answer"
            );
            notes.push(LogNote {
                level: NoteLevel::Warning,
                code: "plugin".to_owned(),
                text: cause,
            });
            // RFC 7644 3.12 has no word for it; 503 makes every client try again.
            let detail = "the request could not be finished; try again, and look at the \
                          server's log if it stays like that";
            reply::scim_error(StatusCode::SERVICE_UNAVAILABLE, detail)
        });
        Outcome {
            notes,
            guest: usage.guest,
            ..answer.into()
        }
    }

    /// What of a request is to be kept for a replay, or why it cannot be; none if nobody
    /// asked for it.
    async fn kept(
        &self,
        exchange: &Exchange,
        tenant: TenantId,
        connection: ConnectionId,
        request: &PluginRequest,
    ) -> Option<Result<Kept, String>> {
        let connections = self.runtime.connections(tenant).await.ok()?;
        let known = connections.iter().find(|known| known.id == connection)?;
        known.record_until.filter(|until| exchange.at < *until)?;
        let content_type = exchange.parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let query = request.query.as_deref();
        Some(Kept::of(
            query,
            content_type.unwrap_or_default(),
            &request.body,
        ))
    }
}

/// Does a request only look? RFC 7644 3.4.3: a query may be sent by POST too.
fn reads(method: &Method, mounted: &Mounted) -> bool {
    let searches = || {
        let last = mounted.rest.rsplit('/').next();
        last.is_some_and(|last| last.eq_ignore_ascii_case(".search"))
    };
    matches!(*method, Method::GET | Method::HEAD) || (*method == Method::POST && searches())
}

/// The line of the log about a request of a known caller.
fn line(identity: &Identity, answer: &Reply) -> Line {
    Line {
        connection: identity.connection,
        // A refusal says something about the token, not about the directory.
        from_idp: !matches!(answer.status().as_u16(), 401 | 403),
        ..Line::of(identity.tenant, LogCaller::of(&identity.caller))
    }
}

/// Members come in groups and in Bulk; everything else is one person.
fn body_limit(limits: &Limits, mounted: &Mounted) -> usize {
    let resource = mounted.resource();
    let large = ["Groups", "Bulk"]
        .iter()
        .any(|name| resource.eq_ignore_ascii_case(name));
    if large {
        limits.large_body
    } else {
        limits.body
    }
}

fn body_refused(error: &BodyError, limit: usize) -> Reply {
    match error {
        BodyError::TooLarge => reply::scim_error(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!(
                "the body is larger than the {limit} bytes accepted here; send it in smaller parts"
            ),
        ),
        BodyError::Encoded => reply::scim_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, COMPRESSED),
        BodyError::TooSlow => reply::scim_error(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time; send the request again",
        ),
        BodyError::Broken(cause) => {
            tracing::debug!(cause, "a request body broke off");
            reply::scim_error(
                StatusCode::BAD_REQUEST,
                "the body broke off; send the request again",
            )
        }
    }
}

fn passed_on(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .filter(|(name, _)| !REMOVED.contains(name))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// The plugin's answer; what breaks the contract is an error, what only does no
/// harm (a header that is none) is left out.
fn from_plugin(response: PluginResponse) -> Result<Reply, String> {
    let PluginResponse {
        status,
        headers,
        body,
    } = response;
    let status = Some(status)
        .filter(|status| (200..600).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| format!("it answered with status {status}"))?;
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value),
        ) else {
            tracing::warn!("the plugin set a header that is none; it is left out");
            continue;
        };
        if !FRAMING.contains(&name) {
            answer.headers_mut().append(name, value);
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn mounted(path: &str) -> Mounted {
        Mounted::of(path).unwrap()
    }

    #[test]
    fn groups_and_bulk_may_be_large_and_nothing_else() {
        let limits = Limits::default();
        for path in [
            "/scim/v2/Groups",
            "/scim/v2/Groups/1",
            "/scim/v2/v2/groups",
            "/scim/v2/Bulk",
        ] {
            assert_eq!(
                body_limit(&limits, &mounted(path)),
                limits.large_body,
                "{path}"
            );
        }
        for path in [
            "/scim/v2",
            "/scim/v2/Users",
            "/scim/v2/GroupsX",
            "/scim/v2/Users/Groups",
        ] {
            assert_eq!(body_limit(&limits, &mounted(path)), limits.body, "{path}");
        }
    }

    #[test]
    fn only_queries_are_reading() {
        let reading = |method: &str, path: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            reads(&method, &mounted(path))
        };
        for (method, path, only) in [
            ("GET", "/scim/v2/Users", true),
            ("HEAD", "/scim/v2/Users", true),
            ("POST", "/scim/v2/Users/.search", true),
            ("POST", "/scim/v2/.search", true),
            ("POST", "/scim/v2/Users", false),
            ("POST", "/scim/v2/Bulk", false),
            ("POST", "/scim/v2/Users/.search/x", false),
            ("PUT", "/scim/v2/Users/.search", false),
            ("DELETE", "/scim/v2/Users/1", false),
            ("get", "/scim/v2/Users", false),
        ] {
            assert_eq!(reading(method, path), only, "{method} {path}");
        }
    }

    #[test]
    fn credentials_are_not_passed_on() {
        let mut headers = HeaderMap::new();
        for name in REMOVED {
            headers.append(name, HeaderValue::from_static("secret"));
        }
        headers.append("If-Match", HeaderValue::from_static("W/\"1\""));
        assert_eq!(
            passed_on(&headers),
            [("if-match".to_owned(), b"W/\"1\"".to_vec())]
        );
    }

    #[test]
    fn an_answer_that_breaks_the_contract_is_an_error() {
        for status in [0, 100, 199, 600, 1000] {
            let response = PluginResponse {
                status,
                ..PluginResponse::default()
            };
            assert!(from_plugin(response).is_err(), "{status}");
        }
    }

    #[test]
    fn headers_that_are_none_or_frame_the_message_are_left_out() {
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let response = PluginResponse {
            status: 201,
            headers: vec![
                header("location", "https://mdm.example.com/scim/v2/Users/1"),
                header("content-length", "999"),
                header("transfer-encoding", "chunked"),
                header("bad name", "x"),
                header("x-split", "a\r\nb: c"),
            ],
            body: b"{}".to_vec(),
        };
        let answer = from_plugin(response).unwrap();
        let names: Vec<_> = answer.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["location"]);
    }
}
