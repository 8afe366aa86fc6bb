//! Can this server be given requests.

use std::fmt;
use std::time::Duration;

use nameplate_store::TenantId;
use tokio::time::timeout;

use crate::Runtime;

/// A database that takes longer for one row does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a load balancer wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The database answers; the plugin is loaded, for else there is no runtime.
    Ready,
    /// The server is about to stop: what is in flight is finished, send nothing more.
    Draining,
    /// The database does not answer.
    NoDatabase,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Readiness {
    /// In words, one line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready\n",
            Self::Draining => "not ready: the server is stopping\n",
            Self::NoDatabase => "not ready: the database does not answer\n",
        }
    }
}

impl Runtime {
    /// Can this server be given requests; asks the database for one row.
    pub async fn readiness(&self) -> Readiness {
        if *self.draining().borrow() {
            return Readiness::Draining;
        }
        // There is no such tenant, and to know that it has to look.
        let look = self.stores().control.tenant(TenantId(0));
        match timeout(PATIENCE, look).await {
            Ok(Ok(_)) => Readiness::Ready,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready: the database does not answer");
                Readiness::NoDatabase
            }
            Err(_) => Readiness::NoDatabase,
        }
    }
}
