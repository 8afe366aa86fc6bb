//! Listening: TCP, TLS, bounds on connections, and an orderly end.
//!
//! This knows connections and how they are closed; what a request means is the
//! business of the service it serves, nearly always a [`Front`].

mod connection;
mod paced;
mod slots;
mod tls;
pub mod x509;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::http::{Front, Network, Peer};
use crate::metrics::{Connections, Raised, Refusal};
use connection::connection;
use slots::{Slot, Slots};
pub use tls::Certificate;

/// A TLS handshake takes two round trips.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Out of file descriptors: some will be free again after a moment.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What answers requests: a [`Front`], or a router that falls back to one.
pub trait Service:
    tower::Service<
        Request<Incoming>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Service for S where
    S: tower::Service<
            Request<Incoming>,
            Response = Response<Full<Bytes>>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

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
    /// Connections of one address (IPv6: of one /64) open at once; more are closed at
    /// once.
    pub max_per_address: usize,
    /// Addresses that may have all connections: proxies, behind which everybody is.
    pub unbounded: Vec<Network>,
    /// How long requests in flight may take once the server is told to stop.
    pub drain: Duration,
    /// How long new connections are still taken then, while [`Front`] says already that
    /// it is not ready.
    pub drain_delay: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:8080".to_owned(),
            tls: None,
            max_connections: 1024,
            max_per_address: 512,
            unbounded: Vec::new(),
            drain: Duration::from_secs(20),
            drain_delay: Duration::ZERO,
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
    tls: Option<(Arc<Certificate>, TlsAcceptor)>,
    slots: Arc<Slots>,
    drain: Duration,
    drain_delay: Duration,
}

/// What can be changed of a server while it runs. Cheap to clone.
#[derive(Clone)]
pub struct Controls {
    certificate: Option<Arc<Certificate>>,
    slots: Arc<Slots>,
}

/// A server running in the background.
pub struct Running {
    local: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Controls {
    /// The certificate, if it speaks TLS.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }

    /// From now on these addresses may have all connections.
    pub fn set_unbounded(&self, networks: Vec<Network>) {
        self.slots.set_unbounded(networks);
    }
}

impl Server {
    /// Binds the address and reads the certificate.
    ///
    /// # Errors
    /// [`ServerError`] names the address or the file.
    pub async fn bind(options: &ServerOptions) -> Result<Self, ServerError> {
        let tls = match &options.tls {
            Some((cert, key)) => {
                let certificate = Arc::new(Certificate::read(cert, key)?);
                let acceptor = certificate.acceptor()?;
                Some((certificate, acceptor))
            }
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
            slots: Arc::new(Slots::new(
                options.max_connections,
                options.max_per_address,
                options.unbounded.clone(),
            )),
            drain: options.drain,
            drain_delay: options.drain_delay,
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

    /// What can be changed while it runs.
    pub fn controls(&self) -> Controls {
        Controls {
            certificate: self
                .tls
                .as_ref()
                .map(|(certificate, _)| certificate.clone()),
            slots: self.slots.clone(),
        }
    }

    /// Serves until `stop` is done, then finishes what is in flight and writes the
    /// request log. From `stop` on the runtime says that it is not ready.
    pub async fn run(self, front: Front, stop: impl Future<Output = ()>) {
        let runtime = front.runtime().clone();
        let connections = runtime.metrics().connections.clone();
        let delay = self.drain_delay;
        let stop = async {
            stop.await;
            runtime.drain();
            sleep(delay).await;
        };
        // Nobody keeps the server from its end by waiting for what comes.
        let closed = || runtime.release_waiting();
        self.serve(front, connections, stop, closed).await;
        runtime.desk().log.flush().await;
    }

    /// Serves any service until `stop` is done; then takes no more connections, calls
    /// `closed`, and finishes what is in flight.
    pub async fn serve(
        self,
        service: impl Service,
        connections: Connections,
        stop: impl Future<Output = ()>,
        closed: impl FnOnce(),
    ) {
        let (_watching, acceptor) = match &self.tls {
            Some((certificate, acceptor)) => (Some(certificate.watch()), Some(acceptor.clone())),
            None => (None, None),
        };
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.accept() => accepted,
            };
            let (stream, ip, slot) = match accepted {
                Ok(Some(accepted)) => accepted,
                Ok(None) => {
                    connections.refused(Refusal::Address);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let peer = Peer {
                ip: Some(ip.ip()),
                tls: acceptor.is_some(),
            };
            let serving = greet(
                stream,
                acceptor.clone(),
                peer,
                service.clone(),
                graceful.watcher(),
                connections.clone(),
            );
            tokio::spawn(async move {
                serving.await;
                drop(slot);
            });
        }
        drop(self.listener);
        closed();
        if timeout(self.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running when the server had to stop");
        }
    }

    /// The next connection, once there is a slot for it; none if its address has too
    /// many already.
    async fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr, Slot)>> {
        let free = self.slots.free().await.map_err(io::Error::other)?;
        let (stream, ip) = self.listener.accept().await?;
        let Some(slot) = self.slots.take(free, ip.ip()) else {
            tracing::debug!("an address has too many connections");
            return Ok(None);
        };
        // Answers are whole; waiting to fill a packet only delays them.
        stream.set_nodelay(true)?;
        Ok(Some((stream, ip, slot)))
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

/// Shakes hands, if TLS is spoken, and serves one connection to its end.
async fn greet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    peer: Peer,
    service: impl Service,
    watcher: Watcher,
    connections: Connections,
) {
    let _open = Raised::new(&connections.open);
    let Some(tls) = tls else {
        return connection(stream, peer, service, watcher, connections).await;
    };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection(stream, peer, service, watcher, connections).await,
        Ok(Err(error)) => {
            connections.refused(Refusal::Handshake);
            tracing::debug!(%error, "a tls handshake failed");
        }
        Err(_) => {
            connections.refused(Refusal::Handshake);
            tracing::debug!("a tls handshake took too long");
        }
    }
}
