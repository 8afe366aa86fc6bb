//! What the HTTP interface keeps between requests: the tokens it has seen, the log
//! that is to be written, tenants by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nameplate_store::{ControlStore, LogNote, NoteLevel, StoreError, TenantId, Token};

use crate::auth::{Authenticator, Identity, Refusal};
use crate::clock::Clock;
use crate::request_log::{Keep, RequestLog};

/// Names remembered; they are never changed, so this only bounds the memory.
const NAMES: usize = 4096;

/// Part of a [`crate::Runtime`]; all its HTTP interfaces share it.
pub struct Desk {
    auth: Arc<Authenticator>,
    /// The request log.
    pub log: Arc<RequestLog>,
    control: Arc<dyn ControlStore>,
    names: Mutex<HashMap<String, TenantId>>,
}

/// A caller and how they presented themselves.
pub(crate) struct Caller {
    pub identity: Identity,
    pub quirk: Option<&'static str>,
}

impl Caller {
    /// What the log is to say of how they presented themselves.
    pub(crate) fn quirk_note(&self) -> Option<LogNote> {
        self.quirk.map(|text| LogNote {
            level: NoteLevel::Quirk,
            code: "authorization-header".to_owned(),
            text: text.to_owned(),
        })
    }
}

impl Desk {
    /// Over the control tables.
    pub fn new(control: Arc<dyn ControlStore>, clock: Arc<dyn Clock>) -> Self {
        let auth = Arc::new(Authenticator::new(control.clone(), clock.clone()));
        Self {
            log: RequestLog::new(control.clone(), auth.clone(), clock, Keep::default()),
            auth,
            control,
            names: Mutex::default(),
        }
    }

    /// Whose token this is. With `tenants` it has to belong to each of them; another
    /// one's is as good as unknown.
    pub(crate) async fn identify(
        &self,
        token: &str,
        tenants: &[String],
    ) -> Result<Identity, Refusal> {
        let identity = self.auth.verify(token).await?;
        self.log.nudge();
        for name in tenants {
            if self.tenant(name).await? != Some(identity.tenant) {
                return Err(Refusal::Unknown);
            }
        }
        Ok(identity)
    }

    /// A token by its public part, whoever presents it; none too if the database does not
    /// answer.
    pub(crate) async fn row(&self, id: &str) -> Option<Token> {
        self.control.token(id).await.ok().flatten()
    }

    /// The tenant of this name.
    pub(crate) async fn tenant(&self, name: &str) -> Result<Option<TenantId>, StoreError> {
        let known = |names: &HashMap<String, TenantId>| names.get(name).copied();
        let lock = || self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known(&lock()) {
            return Ok(Some(id));
        }
        let tenants = self.control.tenants().await?;
        let mut names = lock();
        names.clear();
        names.extend(
            tenants
                .into_iter()
                .take(NAMES)
                .map(|tenant| (tenant.name, tenant.id)),
        );
        Ok(known(&names))
    }
}
