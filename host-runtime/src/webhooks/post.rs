//! One delivery: a POST, and what became of it in words for people.
//!
//! This must not know events or stores. Redirects are not followed: a receiver that
//! moved has to be told to us, and a redirect may lead anywhere.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::address::Reach;
use super::connect::Connector;

/// An answer's body is thrown away; up to so many bytes are read, so that the
/// connection can be used again.
const ANSWER: usize = 64 << 10;
/// How long the body may take after the status.
const REST: Duration = Duration::from_secs(2);
/// A connection that waits for the next message is closed after this.
const IDLE: Duration = Duration::from_secs(30);
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("nameplate/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Message {
    /// `webhook-id`: the same for every try of one event.
    pub id: String,
    /// `webhook-timestamp`: seconds since the epoch, of this try.
    pub seconds: u64,
    /// `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: Bytes,
}

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx: the receiver has it.
    Taken,
    /// 410: the receiver wants no more.
    Gone,
    /// Anything else; it is tried again.
    Failed {
        /// In words.
        why: String,
        /// For `Retry-After`.
        headers: HeaderMap,
    },
}

impl Answer {
    fn failed(why: impl Into<String>) -> Self {
        Self::Failed {
            why: why.into(),
            headers: HeaderMap::new(),
        }
    }
}

/// Sends messages to receivers. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Postman {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    timeout: Duration,
}

impl Postman {
    /// Who trusts the certificates that browsers trust, and reaches what `reach` says.
    pub fn new(reach: Reach, timeout: Duration) -> Result<Self, rustls::Error> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        Self::trusting(roots, reach, timeout)
    }

    /// Who trusts these certificates.
    fn trusting(
        roots: RootCertStore,
        reach: Reach,
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(reach));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, timeout })
    }

    /// Sends a message once and waits for the answer, for no longer than the time-out.
    pub async fn send(&self, to: &Uri, message: &Message) -> Answer {
        let Some(request) = request(to, message) else {
            return Answer::failed("the message cannot be written as http");
        };
        let answer = match timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Answer::failed(words(&error)),
            Err(_) => {
                let seconds = self.timeout.as_secs_f32();
                return Answer::failed(format!("no answer within {seconds} s"));
            }
        };
        let (parts, body) = answer.into_parts();
        // The status is the answer; whether its body can be read changes nothing.
        let _ = timeout(REST.min(self.timeout), Limited::new(body, ANSWER).collect()).await;
        match parts.status {
            StatusCode::GONE => Answer::Gone,
            status if status.is_success() => Answer::Taken,
            status => Answer::Failed {
                why: if status.is_redirection() {
                    format!("answered {}; redirects are not followed", status.as_u16())
                } else {
                    format!("answered {}", status.as_u16())
                },
                headers: parts.headers,
            },
        }
    }
}

fn request(to: &Uri, message: &Message) -> Option<Request<Full<Bytes>>> {
    let Message {
        id,
        seconds,
        signature,
        body,
    } = message;
    Request::builder()
        .method(Method::POST)
        .uri(to)
        .header(header::USER_AGENT, AGENT)
        .header(header::CONTENT_TYPE, JSON)
        .header("webhook-id", id)
        .header("webhook-timestamp", *seconds)
        .header("webhook-signature", signature)
        .body(Full::new(body.clone()))
        .ok()
}

/// Why there was no answer, for people: the first cause we have words for.
fn words(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(words) = words_of(error) {
            return words;
        }
        cause = error.source();
    }
    "the message could not be sent".to_owned()
}

fn words_of(cause: &(dyn Error + 'static)) -> Option<String> {
    let tls = |error: &rustls::Error| format!("the tls connection failed: {}", one_line(error));
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls(error));
    }
    if let Some(mut error) = cause.downcast_ref::<io::Error>() {
        // The cause is wrapped in another one, and TLS trouble in that; `source` skips it.
        while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            error = inner;
        }
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        return Some(inner.map_or_else(|| words_of_io(error), tls));
    }
    let error = cause.downcast_ref::<hyper::Error>()?;
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Some("the connection broke off before the answer".to_owned())
    } else if error.is_parse() {
        Some("the answer is no http".to_owned())
    } else {
        None
    }
}

fn words_of_io(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => "connection refused".to_owned(),
        Kind::ConnectionReset
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::ConnectionAborted => "the connection broke off".to_owned(),
        Kind::TimedOut => "connecting took too long".to_owned(),
        Kind::HostUnreachable | Kind::NetworkUnreachable => {
            "there is no way to the host".to_owned()
        }
        // Ours, from the connector.
        Kind::NotFound | Kind::PermissionDenied => error.to_string(),
        _ => one_line(error),
    }
}

/// Certificates hold what others wrote; an error is one short line.
fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let cut = text.chars().take(100);
    cut.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
