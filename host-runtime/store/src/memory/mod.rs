//! The reference: everything in ordered maps under one mutex.
//!
//! It is the shortest code that keeps the contract, for tests and for reading.
//! It is not durable and knows nothing of a database.

mod control;
mod directory;
mod erasure;
mod find;
mod groups;
mod hosts;
mod promises;
mod requests;
mod table;
mod tokens;
mod unit;
mod users;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{AuditEntry, Connection, ConnectionId, StoreError, Tenant, TenantId, Token};

/// A store that lives as long as its last clone.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No caller's code runs under the lock, so a poisoned state is a whole one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All tenants.
#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<TenantId, Tenant>,
    connections: BTreeMap<ConnectionId, Connection>,
    tokens: BTreeMap<String, Token>,
    directories: BTreeMap<TenantId, directory::Directory>,
    hosts: BTreeMap<TenantId, hosts::Hosts>,
    promises: BTreeMap<TenantId, promises::Promises>,
    webhooks: BTreeMap<TenantId, webhooks::Webhooks>,
    requests: BTreeMap<TenantId, requests::Requests>,
    audit: BTreeMap<u64, AuditEntry>,
}

impl State {
    fn owns(&self, tenant: TenantId, connection: ConnectionId) -> Result<(), StoreError> {
        match self.connections.get(&connection) {
            Some(row) if row.tenant == tenant => Ok(()),
            _ => Err(StoreError::Denied(
                "the connection is not the tenant's".to_owned(),
            )),
        }
    }

    fn known(&self, tenant: TenantId) -> Result<(), StoreError> {
        match self.tenants.contains_key(&tenant) {
            true => Ok(()),
            false => Err(StoreError::Invalid("no such tenant".to_owned())),
        }
    }
}

/// How many rows a page may have.
fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
