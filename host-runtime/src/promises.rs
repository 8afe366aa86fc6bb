//! What is promised of hosts before they exist, and the claims that follow from it.
//!
//! A promise names a host by serial or display name. A host that has the name carries
//! the promise as a claim of source `serial`: from the moment both are there, whichever
//! came first. So a promise is kept wherever one of the two changes, and keeping it again
//! does nothing.

use nameplate_store::{Claim, Host, HostName, HostRecord, Promise, Source, StoreError, TenantId};
use sha2::{Digest, Sha256};

use crate::Runtime;
use crate::hex::hex;
use crate::plugin::{ClaimDraft, MappingError};

/// Hosts of one name that are read at a time.
const HOSTS: u32 = 500;
/// How often a host is tried: each further try means that somebody else wrote to it.
const TRIES: usize = 8;

/// What became of a promise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promised {
    /// It says something new.
    pub news: bool,
    /// Hosts of that name there are already.
    pub hosts: u64,
}

impl Runtime {
    /// Creates a host or changes its description, and keeps what was promised of it. True
    /// if it was created.
    ///
    /// # Errors
    /// Trouble with the store or the plugin; the call may be repeated.
    pub async fn put_host(
        &self,
        tenant: TenantId,
        record: HostRecord,
    ) -> Result<bool, MappingError> {
        let id = record.id.clone();
        let hosts = &self.stores().hosts;
        let created = hosts.put_host(tenant, self.now(), record).await?;
        match self.keep_promises(tenant, &id).await {
            // Deleted meanwhile.
            Ok(_) | Err(MappingError::NoHost) => Ok(created),
            Err(error) => Err(error),
        }
    }

    /// Promises a host to somebody, in place of what was promised of it, and keeps it.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] for nobody, or trouble; the call may be repeated.
    pub async fn promise(
        &self,
        tenant: TenantId,
        mut promise: Promise,
    ) -> Result<Promised, MappingError> {
        let name = promise.name.clone();
        // A claim counts from now at the latest, and the promise has to be found in it.
        promise.since = promise.since.min(self.now());
        let news = self.stores().hosts.put_promise(tenant, promise).await;
        let news = news.map_err(|error| match error {
            StoreError::Invalid(text) => MappingError::Invalid(text),
            error => error.into(),
        })?;
        let hosts = self.keep_promises_to(tenant, &name).await?;
        Ok(Promised { news, hosts })
    }

    /// Drops the promise to a host name; what was claimed by it is taken back. False if
    /// there is none.
    ///
    /// # Errors
    /// Trouble; the call may be repeated.
    pub async fn drop_promise(
        &self,
        tenant: TenantId,
        name: &HostName,
    ) -> Result<bool, MappingError> {
        let dropped = self.stores().hosts.drop_promise(tenant, name).await?;
        // Even if there is none: an earlier call may have been cut off here.
        self.keep_promises_to(tenant, name).await?;
        Ok(dropped)
    }

    /// Keeps promises on every host of this name; returns how many there are.
    async fn keep_promises_to(
        &self,
        tenant: TenantId,
        name: &HostName,
    ) -> Result<u64, MappingError> {
        let store = &self.stores().hosts;
        let (mut after, mut kept): (Option<String>, u64) = (None, 0);
        loop {
            let hosts = store
                .hosts_named(tenant, name, after.as_deref(), HOSTS)
                .await?;
            let Some(last) = hosts.last().cloned() else {
                return Ok(kept);
            };
            for host in hosts {
                match self.keep_promises(tenant, &host).await {
                    Ok(_) => kept += 1,
                    Err(MappingError::NoHost) => {}
                    Err(error) => return Err(error),
                }
            }
            after = Some(last);
        }
    }

    /// Makes the claims of source `serial` of a host what is promised of it. True if they
    /// were not.
    ///
    /// # Errors
    /// [`MappingError::NoHost`], [`MappingError::Busy`], or trouble; the call may be
    /// repeated.
    pub async fn keep_promises(&self, tenant: TenantId, id: &str) -> Result<bool, MappingError> {
        // Two who keep promises of one host undo each other's work for as long as neither
        // is faster: here they take turns, and nodes of one database are few.
        let _turn = self.turns().at(tenant, format!("promises of {id}")).await;
        // Done means nothing to write: somebody who read older promises may have written
        // after somebody who read newer ones, and has to find that out.
        for tries in 0..TRIES {
            if self.promises_stand(tenant, id).await? {
                return Ok(tries > 0);
            }
        }
        Err(MappingError::Busy)
    }

    /// Does a host claim what is promised of it? If not, it is made to.
    async fn promises_stand(&self, tenant: TenantId, id: &str) -> Result<bool, MappingError> {
        let store = &self.stores().hosts;
        let host = store.host(tenant, id).await?.ok_or(MappingError::NoHost)?;
        let HostRecord {
            serial,
            display_name,
            ..
        } = &host.record;
        let mut promises = store.promises_for(tenant, serial, display_name).await?;
        // To its serial and to its name alike: one claim says both.
        promises.dedup_by(|name, serial| {
            let named = Promise {
                name: serial.name.clone(),
                ..name.clone()
            };
            named == *serial
        });
        if stands(&host, &promises) {
            return Ok(true);
        }
        self.withdraw(tenant, id, Source::Serial).await?;
        let host = store.host(tenant, id).await?.ok_or(MappingError::NoHost)?;
        for promise in promises {
            self.claim(tenant, id, draft(promise, &host)).await?;
        }
        Ok(false)
    }
}

fn serial_claims(host: &Host) -> impl Iterator<Item = &Claim> {
    let claims = host.claims.iter();
    claims.filter(|claim| claim.source == Source::Serial)
}

/// Does the host claim what is promised, and nothing else?
fn stands(host: &Host, promises: &[Promise]) -> bool {
    let live: Vec<&Claim> = serial_claims(host)
        .filter(|claim| claim.withdrawn.is_none())
        .collect();
    live.len() == promises.len()
        && promises
            .iter()
            .all(|promise| live.iter().any(|claim| is_of(claim, promise)))
}

fn is_of(claim: &Claim, promise: &Promise) -> bool {
    let Promise {
        name: _,
        username,
        email,
        full_name,
        since,
    } = promise;
    claim.username == *username
        && claim.email == *email
        && claim.full_name == *full_name
        // Another node's clock may be behind: there the claim counts from its own now.
        && claim.since <= *since
}

/// The claim that keeps a promise. What was taken back before and is promised again is
/// another claim; two who keep the same promise at once make the same one.
pub(crate) fn draft(promise: Promise, host: &Host) -> ClaimDraft {
    let taken_back = serial_claims(host).filter_map(|claim| claim.withdrawn);
    let before = taken_back.fold((0_u64, 0_u64), |(count, last), at| {
        (count + 1, last.max(at))
    });
    let mut hash = Sha256::new();
    for part in [
        promise.username.as_bytes(),
        promise.email.as_bytes(),
        promise.full_name.as_bytes(),
        &promise.since.to_be_bytes(),
        &before.0.to_be_bytes(),
        &before.1.to_be_bytes(),
    ] {
        // Lengths first, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = hex(&hash.finalize());
    // 128 bits: among at most a few hundred claims of one host.
    id.truncate(32);
    ClaimDraft {
        id: format!("promise-{id}"),
        source: Source::Serial,
        username: promise.username,
        email: promise.email,
        full_name: promise.full_name,
        since: Some(promise.since),
    }
}
