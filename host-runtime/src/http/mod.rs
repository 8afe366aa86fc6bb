//! Nameplate over HTTP, as a [`tower::Service`] and as the library call
//! [`Runtime::handle`].
//!
//! Routes are matched by hand (`route`): the plugin wants its path still encoded,
//! three mounts share prefixes with administrative routes, and the library call must
//! not build a router. A server that has a router of its own mounts [`Front`] as its
//! fallback service.
//!
//! The order is the point: who is calling is settled from the headers alone, before
//! a byte of the body is read; sizes are checked before and while reading; only then
//! does the plugin see the request, without its credentials.

mod admin;
mod admission;
mod audit;
mod base_url;
mod body;
mod budget;
mod connections;
mod desk;
mod devices;
mod events;
mod exchange;
mod fields;
mod hosts;
mod labels;
mod lists;
mod logged;
mod mount;
mod network;
mod personal;
mod preview;
mod probes;
mod promises;
mod reply;
mod requests;
mod route;
mod scim;
mod shapes;
mod time;
mod tokens;
mod transfer;
mod users;
mod webhooks;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Body;
use tracing::Instrument;

pub use base_url::{InvalidUrl, PublicUrl};
use budget::Budgets;
pub use desk::Desk;
pub use exchange::RequestId;
use exchange::{Exchange, REQUEST_ID};
pub use network::{InvalidNetwork, Network};
pub(crate) use personal::shape as erased_shape;
pub(crate) use preview::shape as preview_shape;
pub use probes::Watch;
pub(crate) use reply::ok as page_reply;
pub(crate) use requests::{
    MOST_MINUTES, explained, not_kept, of_entry, record_until, recording, replayed,
};
pub(crate) use shapes::failure_text;
pub(crate) use time::{ago, parse_rfc3339, rfc3339};

use crate::Runtime;
use crate::auth::Refusal;
use crate::metrics::{Answered, Raised};
use crate::page;
use route::Route;

/// The body of every answer: whole, in memory, bounded by what the routes write.
pub type Reply = Response<Bytes>;

/// How this server is seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The URL clients use; without it the `Host` header is believed.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-Proto` and `X-Forwarded-Host` count.
    pub trusted_proxies: Vec<Network>,
}

impl Settings {
    /// Is this one of our proxies, whose headers about its client count.
    pub(crate) fn trusts(&self, peer: Peer) -> bool {
        let ours = |ip| self.trusted_proxies.iter().any(|known| known.contains(ip));
        peer.ip.is_some_and(ours)
    }
}

/// Who is at the other end of the connection. The server puts it into the request's
/// extensions; without it nobody is trusted and the scheme is `http`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// The connection is encrypted by us.
    pub tls: bool,
}

/// Nameplate's HTTP interface over a runtime. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    runtime: Runtime,
    settings: Arc<RwLock<Arc<Settings>>>,
    budgets: Arc<Budgets>,
}

impl Front {
    /// The interface with these settings.
    pub fn new(runtime: Runtime, settings: Settings) -> Self {
        Self {
            budgets: Arc::default(),
            runtime,
            settings: Arc::new(RwLock::new(Arc::new(settings))),
        }
    }

    /// How the server is seen from outside, at this moment.
    pub fn settings(&self) -> Arc<Settings> {
        let settings = self.settings.read();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seen like this from now on, by every clone.
    pub fn set_settings(&self, settings: Settings) {
        let mut current = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(settings);
    }

    /// The runtime behind it.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Answers a request; never fails, for a failure is an answer too.
    ///
    /// With `tenant` the token must belong to the tenant of that name. The answer names
    /// the request in `X-Request-Id`, as its line in the request log does.
    pub async fn answer<B>(&self, request: Request<B>, tenant: Option<&str>) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let mut exchange = Exchange::new(parts, &self.settings(), tenant, self.runtime.sources());
        let route = Route::of(&exchange.parts.method, exchange.path());
        let family = route.family();
        let span = exchange.span(family);
        let _in_flight = Raised::new(&self.runtime.metrics().in_flight);
        let mut answer = if doubled(&exchange.parts.headers, &header::HOST) {
            body::linger(body);
            let text = "the request has two `Host` headers; send one";
            reply::failure(StatusCode::BAD_REQUEST, text, "host")
        } else {
            let routed = self.routed(route, &mut exchange, body);
            routed.instrument(span.clone()).await
        };
        // Nothing of ours is to be taken for something else than it says it is.
        answer.headers_mut().insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Ok(id) = HeaderValue::from_str(exchange.id.as_str()) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        let answered = Answered {
            family,
            method: &exchange.parts.method,
            status: answer.status(),
            tenant: exchange.line.as_ref().map(|line| line.tenant),
            took: exchange.started.elapsed(),
        };
        self.runtime.metrics().answered(&answered);
        answered.record(&span);
        self.record(exchange, &answer);
        answer
    }

    async fn routed<B>(&self, route: Route, exchange: &mut Exchange, body: B) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let ours = !matches!(route, Route::Health | Route::Style);
        if ours && let Err(error) = self.bind_host(exchange).await {
            body::linger(body);
            let (status, message) = reply::refusal(&Refusal::Store(error));
            return reply::failure(status, &message, "server");
        }
        match route {
            Route::Health => probes::alive(),
            Route::Ready => self.ready().await,
            Route::Style => page::style(),
            Route::Page => self.page(exchange).await,
            Route::Scim(mount) => self.scim(&mount, exchange, body).await,
            Route::Admin(route) => self.admin(route, exchange, body).await,
            Route::WrongMethod(allowed) => {
                self.astray(exchange).await;
                let mut answer = reply::failure(
                    StatusCode::METHOD_NOT_ALLOWED,
                    &format!("this path answers {allowed} alone"),
                    "method",
                );
                if let Ok(value) = HeaderValue::from_str(allowed) {
                    answer.headers_mut().insert(header::ALLOW, value);
                }
                answer
            }
            Route::Unknown => {
                self.astray(exchange).await;
                reply::failure(
                    StatusCode::NOT_FOUND,
                    "there is nothing at this path; SCIM is at `/scim/v2`, the rest under \
                     `/api/v1`",
                    "path",
                )
            }
        }
    }
}

/// RFC 9112 3.2: of two hosts neither is chosen, for a proxy may have chosen the other.
fn doubled(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
}

impl<B> tower::Service<Request<B>> for Front
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Waiting for an instance has its own bounded queue, by tenant.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request, None).await.map(Full::new)) })
    }
}

impl Runtime {
    /// Answers one HTTP request of a tenant: SCIM or administration, by its path.
    ///
    /// The token in the request must belong to this tenant, else the answer is 401.
    /// Absolute URLs in answers start with the request's own scheme and authority,
    /// or its `Host` header; [`Front`] takes a configured public URL.
    pub async fn handle(&self, tenant: &str, request: Request<Bytes>) -> Response<Bytes> {
        let front = Front::new(self.clone(), Settings::default());
        front.answer(request.map(Full::new), Some(tenant)).await
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
