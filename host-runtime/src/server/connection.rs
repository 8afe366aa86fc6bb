//! One connection, from its first byte to its end.
//!
//! What a slow or hostile client can hold is bounded here: time for a request's head,
//! time without a request, time without reading an answer, heads, streams and resets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::Service;
use super::paced::Paced;
use crate::http::Peer;
use crate::metrics::{Connections, Refusal};

/// A client has to send a request's headers within this, and to say something at
/// all after connecting: a connection costs memory.
const HEADERS: Duration = Duration::from_secs(30);
/// The head of an HTTP/1 request, in bytes; a path is at most some hundred, a token of an
/// authorization server some thousand.
const HEAD: usize = 64 << 10;
/// Header lines of a request, and their bytes in HTTP/2.
const LINES: usize = 100;
const LINE_BYTES: u32 = 32 << 10;
/// Streams of one HTTP/2 connection: an identity provider runs a few tens at once.
const STREAMS: u32 = 64;
/// Streams a client has reset and we have not yet seen the end of; then it is sent away
/// (CVE-2023-44487).
const RESETS: usize = 20;
/// Streams reset for the client's mistakes; then it is sent away too.
const MISTAKES: usize = 64;
/// A broken HTTP/2 connection is noticed after these two together.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WAIT: Duration = Duration::from_secs(20);
/// A connection without a request in flight is closed after this: it holds a slot.
/// Longer than clients keep theirs for the next request.
const IDLE: Duration = Duration::from_secs(90);

/// Serves one connection to its end.
pub async fn connection<S>(
    stream: S,
    peer: Peer,
    service: impl Service,
    watcher: Watcher,
    connections: Connections,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let stream = Paced::new(stream, connections.clone(), activity.flowed.clone());
    let service = {
        let activity = activity.clone();
        service_fn(move |mut request: Request<Incoming>| {
            let busy = Busy::new(activity.clone());
            request.extensions_mut().insert(peer);
            let mut service = service.clone();
            async move {
                let answer = service.call(request).await;
                drop(busy);
                answer
            }
        })
    };
    let serving = protocols()
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let serving = watcher.watch(serving);
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::debug!(%error, "a connection broke");
        },
        // A client that sends nothing, the beginning of a preface, or only pings.
        () = activity.idle() => {
            connections.refused(Refusal::Idle);
            tracing::debug!("an idle connection was closed");
        }
    }
}

fn protocols() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEAD)
        .max_headers(LINES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(LINE_BYTES)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(MISTAKES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WAIT);
    builder
}

/// Requests of one connection: how many have begun, how many are in flight, and whether
/// an answer that does not fit the wire still moves.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    in_flight: AtomicU64,
    flowed: Arc<AtomicU64>,
}

impl Activity {
    /// Done when for a while no request has begun or been in flight, and no answer has
    /// moved.
    async fn idle(&self) {
        let mut seen = (0, 0);
        sleep(HEADERS).await;
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            let now = (begun, self.flowed.load(Ordering::Relaxed));
            if now == seen && self.in_flight.load(Ordering::Relaxed) == 0 {
                return;
            }
            seen = now;
            sleep(IDLE).await;
        }
    }
}

/// A request in flight, until dropped.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
