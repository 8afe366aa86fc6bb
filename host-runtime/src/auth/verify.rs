//! From a token's text to the tenant and connection it acts for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nameplate_store::{
    Access, Caller, ConnectionId, ControlStore, StoreError, TenantId, Timestamp, Token, TokenScope,
};
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::time::Instant;

use super::oauth::OAuthFault;
use super::token::{Malformed, TokenText};
use crate::clock::Clock;

/// How long a row is believed. A revocation by another process counts after this
/// at the latest; the promise is five seconds.
const TTL: Duration = Duration::from_secs(3);
/// Rows kept. One is about 200 bytes, so this is under a megabyte, and enough for
/// every connection of a large installation to stay in memory.
const CAPACITY: usize = 4096;
/// `last_used` is written this often for each token: it answers "is this token
/// still in use", for which a minute is fine.
const TOUCH_MS: u64 = 60_000;
/// A token that ends is announced this long before: a month is time enough to find
/// out who owns the identity provider.
pub const ENDS_SOON_MS: u64 = 30 * DAY_MS;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is, as far as a log may say.
    pub caller: Caller,
    /// The tenant it is bound to.
    pub tenant: TenantId,
    /// The connection, for [`TokenScope::Scim`].
    pub connection: Option<ConnectionId>,
    /// What it may speak.
    pub scope: TokenScope,
    /// How far it reaches there.
    pub access: Access,
    /// When a token of ours ends.
    pub expires: Option<Timestamp>,
}

/// Why nobody is calling.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No token was sent.
    #[error("no bearer token: send the header `Authorization: Bearer <token>`")]
    Missing,
    /// What was sent is no token.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Not in the database, or the secret is another one.
    #[error("the token is not known here; make one with `nameplate token create`")]
    Unknown,
    /// It was revoked.
    #[error("the token was revoked; make another with `nameplate token create`")]
    Revoked,
    /// Its time is over.
    #[error("the token has expired; make another with `nameplate token create`")]
    Expired,
    /// It is an OAuth token.
    #[error("{}", .0.shown())]
    OAuth(OAuthFault),
    /// The database does not answer: says nothing about the token.
    #[error("cannot look the token up: {0}")]
    Store(#[from] StoreError),
}

struct Known {
    token: Arc<Token>,
    read: Instant,
}

#[derive(Default)]
struct Uses {
    /// When each token's use was last handed out for writing.
    written: HashMap<String, Timestamp>,
    /// What is to be written.
    pending: HashMap<String, Timestamp>,
    /// When it was last said of each token that it ends soon.
    warned: HashMap<String, Timestamp>,
}

/// Verifies tokens against the store, with a short memory.
pub struct Authenticator {
    control: Arc<dyn ControlStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
    uses: Mutex<Uses>,
}

impl Authenticator {
    /// Over the table of tokens.
    pub fn new(control: Arc<dyn ControlStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            control,
            clock,
            known: Mutex::default(),
            uses: Mutex::default(),
        }
    }

    /// Says whose token this is.
    ///
    /// # Errors
    /// [`Refusal`]; only [`Refusal::Store`] is our fault.
    pub async fn verify(&self, text: &str) -> Result<Identity, Refusal> {
        let sent = TokenText::parse(text)?;
        let token = match self.remembered(&sent.id) {
            Some(token) => token,
            None => self
                .control
                .token(&sent.id)
                .await?
                .map(Arc::new)
                .ok_or(Refusal::Unknown)?,
        };
        // The secret first: revoked and expired are told only to its owner.
        let same = token.secret_sha256.ct_eq(&sent.secret_sha256);
        if !bool::from(same) || token.scope != sent.scope {
            return Err(Refusal::Unknown);
        }
        self.remember(&token);
        if token.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        let now = self.clock.now();
        if token.expires.is_some_and(|expires| expires <= now) {
            return Err(Refusal::Expired);
        }
        self.note_use(&token.id, now);
        Ok(Identity {
            caller: Caller::Token(token.id.clone()),
            tenant: token.tenant,
            connection: token.connection,
            scope: token.scope,
            access: token.access,
            expires: token.expires,
        })
    }

    /// Forgets a token, so that a change made here counts at once.
    pub fn forget(&self, id: &str) {
        lock(&self.known).remove(id);
    }

    /// When the caller's token ends, if that is soon and was not said today.
    pub fn ends_soon(&self, identity: &Identity) -> Option<Timestamp> {
        let now = self.clock.now();
        let ends = identity.expires?;
        let Caller::Token(id) = &identity.caller else {
            return None;
        };
        if ends > now.saturating_add(ENDS_SOON_MS) {
            return None;
        }
        let warned = &mut lock(&self.uses).warned;
        if let Some(at) = warned.get(id)
            && now.saturating_sub(*at) < DAY_MS
        {
            return None;
        }
        if warned.len() >= CAPACITY {
            warned.clear();
        }
        warned.insert(id.clone(), now);
        Some(ends)
    }

    /// Is there anything for [`Self::take_uses`].
    pub fn has_uses(&self) -> bool {
        !lock(&self.uses).pending.is_empty()
    }

    /// Uses not yet written to the store. The caller writes them.
    pub fn take_uses(&self) -> Vec<(String, Timestamp)> {
        let mut uses = lock(&self.uses);
        let pending: Vec<_> = uses.pending.drain().collect();
        if uses.written.len() + pending.len() > CAPACITY {
            uses.written.clear();
        }
        uses.written.extend(pending.iter().cloned());
        pending
    }

    fn note_use(&self, id: &str, now: Timestamp) {
        let mut uses = lock(&self.uses);
        let recent = uses
            .written
            .get(id)
            .is_some_and(|written| now.saturating_sub(*written) < TOUCH_MS);
        if !recent && uses.pending.len() < CAPACITY {
            uses.pending.insert(id.to_owned(), now);
        }
    }

    fn remembered(&self, id: &str) -> Option<Arc<Token>> {
        let known = lock(&self.known);
        let found = known.get(id)?;
        (found.read.elapsed() < TTL).then(|| found.token.clone())
    }

    /// Keeps a row whose secret was shown, so that guessing ids fills nothing.
    fn remember(&self, token: &Arc<Token>) {
        let mut known = lock(&self.known);
        if known
            .get(&token.id)
            .is_some_and(|found| found.read.elapsed() < TTL)
        {
            return;
        }
        if known.len() >= CAPACITY {
            known.retain(|_, found| found.read.elapsed() < TTL);
        }
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(
            token.id.clone(),
            Known {
                token: token.clone(),
                read: Instant::now(),
            },
        );
    }
}

/// The maps hold whole values at every moment, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
