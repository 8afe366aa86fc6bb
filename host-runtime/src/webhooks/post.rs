//! One delivery: a POST, and what became of it in words for people.
//!
//! This must not know events or stores. Redirects are not followed: a receiver that
//! moved has to be told to us, and a redirect may lead anywhere.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use rustls::RootCertStore;
use tokio::time::timeout;

use super::address::Reach;
use super::connect::Connector;
use crate::outgoing::{self, HttpsClient};

/// An answer's body is thrown away; up to so many bytes are read, so that the
/// connection can be used again.
const ANSWER: usize = 64 << 10;
/// How long the body may take after the status.
const REST: Duration = Duration::from_secs(2);
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
    client: HttpsClient,
    timeout: Duration,
}

impl Postman {
    /// Who trusts the certificates that browsers trust, and reaches what `reach` says.
    pub fn new(reach: Reach, timeout: Duration) -> Result<Self, rustls::Error> {
        Self::trusting(outgoing::public_roots(), reach, timeout)
    }

    /// Who trusts these certificates.
    fn trusting(
        roots: RootCertStore,
        reach: Reach,
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        let client = outgoing::client(roots, Connector::new(reach))?;
        Ok(Self { client, timeout })
    }

    /// Sends a message once and waits for the answer, for no longer than the time-out.
    pub async fn send(&self, to: &Uri, message: &Message) -> Answer {
        let Some(request) = request(to, message) else {
            return Answer::failed("the message cannot be written as http");
        };
        let answer = match timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Answer::failed(outgoing::words(&error)),
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
        .header(header::USER_AGENT, outgoing::AGENT)
        .header(header::CONTENT_TYPE, JSON)
        .header("webhook-id", id)
        .header("webhook-timestamp", *seconds)
        .header("webhook-signature", signature)
        .body(Full::new(body.clone()))
        .ok()
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
