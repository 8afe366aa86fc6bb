//! One request to the server under test and its answer, within bounds of time and size.
//!
//! This must not know SCIM. It alone holds the token, which is sent and never shown.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use rustls::RootCertStore;
use tokio::time::timeout;

use crate::outgoing::{self, HttpsClient};
use crate::webhooks::{Connector, Reach};

/// Bytes of an answer that are read. What is asked for is a handful of resources; a page
/// of the real directory may come along with the first step.
const ANSWER: usize = 8 << 20;
const ACCEPT: HeaderValue = HeaderValue::from_static("application/scim+json, application/json");
/// The shortest text that is hidden as the token: a shorter one would blot out words.
const SHORTEST: usize = 4;

/// A bearer token. Nothing shows it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Surrounding white space belongs to the file and not to the token.
    ///
    /// # Errors
    /// One line, if it is none.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let fine = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err("the token is empty or holds blanks; give the token alone, without `Bearer`")
        }
    }

    /// A text of somebody else's without the token in it: a server may send back what it
    /// was sent.
    pub fn hidden_in(&self, text: &str) -> String {
        if self.0.len() < SHORTEST {
            text.to_owned()
        } else {
            text.replace(&self.0, "[token]")
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A request, ready but for the token.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Below the base URL, with the query, encoded.
    pub target: String,
    /// How the body is labelled.
    pub content_type: &'static str,
    /// The body; empty for none.
    pub body: String,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

impl Answer {
    /// The text of a header.
    pub fn header(&self, name: &header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Speaks to one server.
pub struct Client {
    http: HttpsClient,
    base: String,
    authorization: HeaderValue,
    secret: Secret,
    patience: Duration,
}

impl Client {
    /// To this base URL (without a slash at its end), waiting so long for each answer.
    /// Any address may be reached: it is the caller's own machine that asks.
    ///
    /// # Errors
    /// In words.
    pub fn new(
        base: &str,
        secret: Secret,
        roots: RootCertStore,
        patience: Duration,
    ) -> Result<Self, String> {
        let anywhere = Connector::new(Reach { private: true });
        let http = outgoing::client(roots, anywhere)
            .map_err(|error| format!("cannot set up tls: {error}"))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", secret.0))
            .map_err(|_| "the token cannot stand in a header".to_owned())?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            base: base.to_owned(),
            authorization,
            secret,
            patience,
        })
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What hides the token.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Asks and reads the answer.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, String> {
        let request = self.request(ask)?;
        let started = Instant::now();
        let exchange = async {
            let answer = self
                .http
                .request(request)
                .await
                .map_err(|error| outgoing::words(&error))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER).collect().await;
            let body = body.map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    format!("the answer is larger than {} MiB", ANSWER >> 20)
                } else {
                    "the connection broke off within the answer".to_owned()
                }
            })?;
            Ok(Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_bytes(),
                took: started.elapsed(),
            })
        };
        match timeout(self.patience, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(format!(
                "no whole answer within {} s",
                self.patience.as_secs()
            )),
        }
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, String> {
        let uri: Uri = format!("{}{}", self.base, ask.target)
            .parse()
            .map_err(|_| "the url of the request cannot be written".to_owned())?;
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(uri)
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::USER_AGENT, outgoing::AGENT)
            .header(header::ACCEPT, ACCEPT);
        if !ask.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, ask.content_type);
        }
        request
            .body(Full::new(Bytes::from(ask.body.clone())))
            .map_err(|error| format!("the request cannot be written: {error}"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_token_is_hidden_wherever_it_is_repeated() {
        let secret = Secret::new(" np_scim_abc\n").unwrap();
        assert_eq!(
            secret.hidden_in("no token `np_scim_abc` here, np_scim_abcd"),
            "no token `[token]` here, [token]d"
        );
        assert_eq!(format!("{secret:?}"), "Secret");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", " \n", "Bearer x", "a\0b", "é"] {
            assert!(Secret::new(text).is_err(), "{text:?}");
        }
    }
}
