//! The certificate, which is renewed while the server runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::{ServerError, x509};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A certificate chain with its key, as the files last were when they were usable.
/// Connections that exist keep what they began with.
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// How the files were when they were read first.
    first: Stamp,
}

/// Changes whenever one of the files does.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// Looks at the files until dropped.
pub struct Watching(tokio::task::JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// [`ServerError::Tls`] names the file that is not usable.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, ServerError> {
        // Before they are read: what changes meanwhile is read again.
        let first = stamp(cert, key);
        Ok(Self {
            first,
            current: RwLock::new(Arc::new(certified(cert, key)?)),
            cert: cert.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads the files again; new connections see what they hold now. Returns whether
    /// that is another certificate.
    ///
    /// # Errors
    /// As [`Self::read`]; the old one stays.
    pub fn reload(&self) -> Result<bool, ServerError> {
        let read = Arc::new(certified(&self.cert, &self.key)?);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.cert != read.cert;
        *current = read;
        Ok(changed)
    }

    /// Speaks TLS with whatever the certificate is at that moment.
    ///
    /// # Errors
    /// None in practice: the versions of TLS are the library's own.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, ServerError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&self.cert, error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// What the certificate says: its names and until when it counts. None if that
    /// cannot be read from it.
    pub fn facts(&self) -> Option<x509::Facts> {
        let current = self.current();
        x509::Facts::of(current.cert.first()?)
    }

    /// Reads the files again whenever they change, until the result is dropped.
    pub fn watch(self: &Arc<Self>) -> Watching {
        let certificate = self.clone();
        Watching(tokio::spawn(async move {
            let mut used = certificate.first;
            let mut seen = used;
            loop {
                tokio::time::sleep(LOOK).await;
                let now = stamp(&certificate.cert, &certificate.key);
                // Certificate and key are replaced one after the other, and between the
                // two they do not fit: they are read once they have come to rest.
                if now != used && now == seen {
                    certificate.tell(certificate.reload());
                    used = now;
                }
                seen = now;
            }
        }))
    }

    /// Writes to the log what became of [`Self::reload`].
    pub fn tell(&self, outcome: Result<bool, ServerError>) {
        match outcome {
            Ok(true) => {
                let until = self.facts().map(|facts| facts.not_after);
                tracing::info!(cert = %self.cert.display(), until, "took over a new certificate");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the certificate was not taken over; the old one stays");
            }
        }
    }

    fn current(&self) -> Arc<CertifiedKey> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn stamp(cert: &Path, key: &Path) -> Stamp {
    [cert, key].map(|file| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn certified(cert: &Path, key: &Path) -> Result<CertifiedKey, ServerError> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(
            cert,
            "it holds no certificate in pem form".to_owned(),
        ));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(|error| match error {
        Error::InvalidCertificate(_) => wrong(cert, error.to_string()),
        _ => wrong(key, format!("it does not fit the certificate: {error}")),
    })
}

fn wrong(file: &Path, cause: String) -> ServerError {
    ServerError::Tls {
        file: file.to_owned(),
        cause,
    }
}
