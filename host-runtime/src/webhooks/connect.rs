//! Connections to receivers: the name is looked up here and every address held against
//! what may be reached before anything is sent to it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use super::address::{Reach, host, refused};

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// Connects to receivers over TCP.
#[derive(Clone, Debug)]
pub struct Connector {
    reach: Reach,
}

impl Connector {
    /// To addresses within this reach.
    pub fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let stream = connect(&addresses(&uri, reach).await?).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// The addresses of a URL's host that may be reached.
async fn addresses(uri: &Uri, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let name = host(uri).unwrap_or_default();
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("https")) => 443,
        (None, _) => 80,
    };
    let found: Vec<SocketAddr> = match name.parse::<IpAddr>() {
        Ok(address) => vec![(address, port).into()],
        Err(_) => lookup_host((name, port))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::NotFound, "the host's name is not known"))?
            .collect(),
    };
    if found.is_empty() {
        let unknown = "the host's name has no address";
        return Err(io::Error::new(io::ErrorKind::NotFound, unknown));
    }
    let allowed = found.into_iter().filter(|found| reach.allows(found.ip()));
    let allowed: Vec<SocketAddr> = allowed.take(ADDRESSES).collect();
    if allowed.is_empty() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused()));
    }
    Ok(allowed)
}

/// The first that answers; the error of the last if none does.
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
