//! What the HTTP interface keeps between requests: the tokens it has seen, the log
//! that is to be written, tenants by name and by host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nameplate_store::{ControlStore, StoreError, TenantId, Timestamp, Token};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::auth::{Authenticator, Identity, Jwt, OAuth, Refusal};
use crate::clock::Clock;
use crate::request_log::{Keep, RequestLog};

/// Names remembered; they are never changed, so this only bounds the memory.
const NAMES: usize = 4096;
/// Host names remembered, those of nobody among them, and for how long: an operator
/// gives and takes them.
const HOSTS: usize = 4096;
const HOST_TTL: Duration = Duration::from_secs(3);

/// Part of a [`crate::Runtime`]; all its HTTP interfaces share it.
pub struct Desk {
    auth: Arc<Authenticator>,
    oauth: OAuth,
    /// The request log.
    pub log: Arc<RequestLog>,
    control: Arc<dyn ControlStore>,
    names: Mutex<HashMap<String, TenantId>>,
    hosts: Mutex<HashMap<String, (Option<String>, Instant)>>,
}

impl Desk {
    /// Over the control tables; lines of the log that are lost are counted in `lost`.
    pub fn new(control: Arc<dyn ControlStore>, clock: Arc<dyn Clock>, lost: Counter) -> Self {
        let auth = Arc::new(Authenticator::new(control.clone(), clock.clone()));
        Self {
            log: RequestLog::new(
                control.clone(),
                auth.clone(),
                clock.clone(),
                Keep::default(),
                lost,
            ),
            auth,
            oauth: OAuth::new(control.clone(), clock),
            control,
            names: Mutex::default(),
            hosts: Mutex::default(),
        }
    }

    /// Whose token this is. With `tenants` it has to belong to each of them; another
    /// one's is as good as unknown.
    pub(crate) async fn identify(
        &self,
        token: &str,
        tenants: &[String],
    ) -> Result<Identity, Refusal> {
        // A tenant that does not exist has no token, and is told apart by nothing else.
        let mut bound = Vec::new();
        for name in tenants {
            bound.push(self.tenant(name).await?);
        }
        if Jwt::looks_like(token) {
            let verified = self.oauth.verify(token, &bound).await?;
            return verified.map_err(|fault| {
                tracing::info!(reason = %fault, "an oauth token is not accepted");
                Refusal::OAuth(fault)
            });
        }
        let identity = self.auth.verify(token).await?;
        self.log.nudge();
        if bound.iter().any(|tenant| *tenant != Some(identity.tenant)) {
            return Err(Refusal::Unknown);
        }
        Ok(identity)
    }

    /// A token by its public part, whoever presents it; none too if the database does not
    /// answer.
    pub(crate) async fn row(&self, id: &str) -> Option<Token> {
        self.control.token(id).await.ok().flatten()
    }

    /// When the caller's token ends, if that is soon and was not said today.
    pub(crate) fn ends_soon(&self, identity: &Identity) -> Option<Timestamp> {
        self.auth.ends_soon(identity)
    }

    /// Forgets a token that was changed here.
    pub(crate) fn forget_token(&self, id: &str) {
        self.auth.forget(id);
    }

    /// Forgets whose OAuth tokens are taken.
    pub(crate) fn forget_issuers(&self) {
        self.oauth.forget();
    }

    /// Forgets which host names are whose.
    pub(crate) fn forget_hosts(&self) {
        lock(&self.hosts).clear();
    }

    /// The name of the tenant whose host name this is.
    pub(crate) async fn tenant_of_host(&self, host: &str) -> Result<Option<String>, StoreError> {
        if let Some((name, read)) = lock(&self.hosts).get(host)
            && read.elapsed() < HOST_TTL
        {
            return Ok(name.clone());
        }
        let found = self.control.tenant_of_host(host).await?;
        let name = found.map(|tenant| tenant.name);
        let mut hosts = lock(&self.hosts);
        if hosts.len() >= HOSTS {
            hosts.clear();
        }
        hosts.insert(host.to_owned(), (name.clone(), Instant::now()));
        Ok(name)
    }

    /// The tenant of that name.
    pub(crate) async fn tenant(&self, name: &str) -> Result<Option<TenantId>, StoreError> {
        if let Some(id) = lock(&self.names).get(name) {
            return Ok(Some(*id));
        }
        let Some(found) = self.control.tenant_named(name).await? else {
            return Ok(None);
        };
        let mut names = lock(&self.names);
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(found.name, found.id);
        Ok(Some(found.id))
    }
}

/// Only whole values are put into what is guarded, so a panic elsewhere leaves it
/// usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
