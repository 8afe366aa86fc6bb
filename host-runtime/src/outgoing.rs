//! Requests to other servers: TLS, connections kept open, and failures in words.
//!
//! This must not know what is sent to whom, nor which addresses may be reached: the
//! [`Connector`] given to it does.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use crate::webhooks::Connector;

/// A connection that waits for the next request is closed after this.
const IDLE: Duration = Duration::from_secs(30);
/// How we call ourselves.
pub const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("nameplate/", env!("CARGO_PKG_VERSION")));

/// Speaks HTTP/1.1, with TLS where the URL says `https`. Redirects are not followed.
/// Cheap to clone; clones share connections.
pub type HttpsClient = Client<HttpsConnector<Connector>, Full<Bytes>>;

/// The certificates that browsers trust.
pub fn public_roots() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// A client that trusts these certificates.
///
/// # Errors
/// If TLS cannot be set up.
pub fn client(roots: RootCertStore, connector: Connector) -> Result<HttpsClient, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .pool_timer(TokioTimer::new())
        .build(connector))
}

/// Why there was no answer, for people: the first cause we have words for.
pub fn words(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(words) = words_of(error) {
            return words;
        }
        cause = error.source();
    }
    "the request could not be sent".to_owned()
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
