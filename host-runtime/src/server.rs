//! Listening: TCP, TLS, bounds on connections, and an orderly end.
//!
//! This knows connections and how they are closed; what a request means is
//! [`Front`]'s business.

mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::http::{Front, Peer};

/// A client has to send a request's headers within this, and to say something at
/// all after connecting: a connection costs memory.
const HEADERS: Duration = Duration::from_secs(30);
/// A TLS handshake takes two round trips.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests in flight may take once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Streams of one HTTP/2 connection: an identity provider runs a few tens at once.
const STREAMS: u32 = 64;
/// A broken HTTP/2 connection is noticed after these two together.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WAIT: Duration = Duration::from_secs(20);
/// A connection without a request in flight is closed after this: it holds a slot.
/// Longer than clients keep theirs for the next request.
const IDLE: Duration = Duration::from_secs(90);
/// Out of file descriptors: some will be free again after a moment.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Host and port; port 0 takes any free one.
    pub address: String,
    /// Certificate chain and key as PEM files; none: plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Connections open at once; more wait in the operating system's queue. Each
    /// takes about 50 KiB when busy.
    pub max_connections: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8080".to_owned(),
            tls: None,
            max_connections: 1024,
        }
    }
}

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {cause}")]
    Listen {
        /// As configured.
        address: String,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A file of the certificate is not usable.
    #[error("cannot use `{}` for tls: {cause}", .file.display())]
    Tls {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// A socket that is bound and not yet served.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    tls: Option<TlsAcceptor>,
    max_connections: usize,
}

/// A server running in the background.
pub struct Running {
    local: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds the address and reads the certificate.
    ///
    /// # Errors
    /// [`ServerError`] names the address or the file.
    pub async fn bind(options: &ServerOptions) -> Result<Self, ServerError> {
        let tls = match &options.tls {
            Some((cert, key)) => Some(tls::acceptor(cert, key)?),
            None => None,
        };
        let listen = |cause| ServerError::Listen {
            address: options.address.clone(),
            cause,
        };
        let listener = TcpListener::bind(&options.address).await.map_err(listen)?;
        Ok(Self {
            local: listener.local_addr().map_err(listen)?,
            listener,
            tls,
            max_connections: options.max_connections,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The URL it answers on from this machine.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if self.local.ip().is_unspecified() {
            format!("{scheme}://localhost:{}", self.local.port())
        } else {
            format!("{scheme}://{}", self.local)
        }
    }

    /// Serves until `stop` is done, then finishes what is in flight and writes the
    /// request log.
    pub async fn run(self, front: Front, stop: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.listener, &slots) => accepted,
            };
            let (stream, ip, slot) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let watcher = graceful.watcher();
            let (front, tls) = (front.clone(), self.tls.clone());
            tokio::spawn(async move {
                let peer = Peer {
                    ip: Some(ip.ip()),
                    tls: tls.is_some(),
                };
                match tls {
                    None => connection(stream, peer, front, watcher).await,
                    Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => connection(stream, peer, front, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a tls handshake failed"),
                        Err(_) => tracing::debug!("a tls handshake took too long"),
                    },
                }
                drop(slot);
            });
        }
        drop(self.listener);
        // Nobody keeps the server from its end by waiting for what comes.
        front.runtime().release_waiting();
        if timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running when the server had to stop");
        }
        front.runtime().desk().log.flush().await;
    }

    /// Serves in the background.
    pub fn spawn(self, front: Front) -> Running {
        let (stop, stopped) = oneshot::channel();
        let local = self.local;
        let task = tokio::spawn(self.run(front, async {
            // A dropped handle stops the server too.
            let _ = stopped.await;
        }));
        Running { local, stop, task }
    }
}

impl Running {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Stops it; done when everything in flight is answered and logged.
    pub async fn shutdown(self) {
        // Both fail only if the server has ended already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// The next connection, once there is a slot for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, ip) = listener.accept().await?;
    // Answers are whole; waiting to fill a packet only delays them.
    stream.set_nodelay(true)?;
    Ok((stream, ip, slot))
}

/// Serves one connection to its end.
async fn connection<S>(
    stream: S,
    peer: Peer,
    front: Front,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let service = {
        let activity = activity.clone();
        service_fn(move |mut request: Request<Incoming>| {
            let busy = Busy::new(activity.clone());
            request.extensions_mut().insert(peer);
            let front = front.clone();
            async move {
                let answer = front.answer(request, None).await;
                drop(busy);
                Ok::<_, std::convert::Infallible>(answer.map(http_body_util::Full::new))
            }
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WAIT);
    let serving = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let serving = watcher.watch(serving);
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::debug!(%error, "a connection broke");
        },
        // A client that sends nothing, the beginning of a preface, or only pings.
        () = activity.idle() => tracing::debug!("an idle connection was closed"),
    }
}

/// Requests of one connection: how many have begun, how many are in flight.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    in_flight: AtomicU64,
}

impl Activity {
    /// Done when no request has begun or been in flight for a while.
    async fn idle(&self) {
        let mut seen = 0;
        sleep(HEADERS).await;
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            if begun == seen && self.in_flight.load(Ordering::Relaxed) == 0 {
                return;
            }
            seen = begun;
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
