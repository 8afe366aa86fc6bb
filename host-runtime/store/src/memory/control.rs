//! Tenants, connections, tokens and the request log.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{MemoryStore, count};
use crate::{
    Connection, ConnectionId, ControlStore, RequestEntry, StoreError, Tenant, TenantId, Timestamp,
    Token, check,
};

/// The request log of one tenant.
#[derive(Debug, Default)]
pub struct Requests {
    last: u64,
    lines: BTreeMap<u64, RequestEntry>,
}

impl Requests {
    fn last_idp(&self) -> Option<&RequestEntry> {
        let lines = self.lines.values().filter(|line| line.from_idp);
        lines.max_by_key(|line| (line.at, line.id))
    }
}

#[async_trait]
impl ControlStore for MemoryStore {
    async fn add_tenant(&self, now: Timestamp, name: &str) -> Result<Option<Tenant>, StoreError> {
        check::name(name)?;
        let mut state = self.lock();
        if state.tenants.values().any(|tenant| tenant.name == name) {
            return Ok(None);
        }
        let id = TenantId(
            state
                .tenants
                .last_key_value()
                .map_or(1, |(last, _)| last.0 + 1),
        );
        let tenant = Tenant {
            id,
            name: name.to_owned(),
            created: now,
            settings: "{}".to_owned(),
        };
        state.tenants.insert(id, tenant.clone());
        Ok(Some(tenant))
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants: Vec<Tenant> = self.lock().tenants.values().cloned().collect();
        tenants.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tenants)
    }

    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(self.lock().tenants.get(&tenant).cloned())
    }

    async fn set_tenant(&self, tenant: TenantId, settings: &str) -> Result<bool, StoreError> {
        check::settings(settings)?;
        let mut state = self.lock();
        let Some(row) = state.tenants.get_mut(&tenant) else {
            return Ok(false);
        };
        row.settings = settings.to_owned();
        Ok(true)
    }

    async fn add_connection(
        &self,
        now: Timestamp,
        tenant: TenantId,
        name: &str,
        dialect: &str,
    ) -> Result<Option<Connection>, StoreError> {
        check::name(name)?;
        check::connection(dialect, "{}")?;
        let mut state = self.lock();
        state.known(tenant)?;
        if state
            .connections
            .values()
            .any(|other| other.tenant == tenant && other.name == name)
        {
            return Ok(None);
        }
        let id = ConnectionId(
            state
                .connections
                .last_key_value()
                .map_or(1, |(last, _)| last.0 + 1),
        );
        let connection = Connection {
            id,
            tenant,
            name: name.to_owned(),
            dialect: dialect.to_owned(),
            reactivate_inactive: true,
            settings: "{}".to_owned(),
            revision: 1,
            created: now,
        };
        state.connections.insert(id, connection.clone());
        Ok(Some(connection))
    }

    async fn connections(&self, tenant: TenantId) -> Result<Vec<Connection>, StoreError> {
        let state = self.lock();
        let mut found: Vec<Connection> = state
            .connections
            .values()
            .filter(|connection| connection.tenant == tenant)
            .cloned()
            .collect();
        found.sort_by_key(|connection| (connection.created, connection.id));
        Ok(found)
    }

    async fn set_connection(
        &self,
        connection: ConnectionId,
        dialect: &str,
        reactivate_inactive: bool,
        settings: &str,
    ) -> Result<bool, StoreError> {
        check::connection(dialect, settings)?;
        let mut state = self.lock();
        let Some(row) = state.connections.get_mut(&connection) else {
            return Ok(false);
        };
        let set = Connection {
            dialect: dialect.to_owned(),
            reactivate_inactive,
            settings: settings.to_owned(),
            ..row.clone()
        };
        if set != *row {
            *row = Connection {
                revision: row.revision + 1,
                ..set
            };
        }
        Ok(true)
    }

    async fn add_token(&self, token: Token) -> Result<bool, StoreError> {
        check::token(&token)?;
        let mut state = self.lock();
        state.known(token.tenant)?;
        let foreign = token.connection.is_some_and(|connection| {
            state
                .connections
                .get(&connection)
                .is_none_or(|row| row.tenant != token.tenant)
        });
        if foreign {
            return Err(StoreError::Invalid(
                "no such connection in the tenant".to_owned(),
            ));
        }
        if state.tokens.contains_key(&token.id) {
            return Ok(false);
        }
        state.tokens.insert(token.id.clone(), token);
        Ok(true)
    }

    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        Ok(self.lock().tokens.get(id).cloned())
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        let state = self.lock();
        let mut tokens: Vec<Token> = state
            .tokens
            .values()
            .filter(|token| token.tenant == tenant)
            .cloned()
            .collect();
        tokens.sort_by(|one, other| {
            one.created
                .cmp(&other.created)
                .then_with(|| one.id.cmp(&other.id))
        });
        Ok(tokens)
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let token = state
            .tokens
            .get_mut(id)
            .filter(|token| token.tenant == tenant && token.revoked.is_none());
        Ok(token.map(|token| token.revoked = Some(at)).is_some())
    }

    async fn touch_tokens(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for (id, at) in uses {
            if let Some(token) = state.tokens.get_mut(id) {
                token.last_used = token.last_used.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn log_requests(&self, entries: Vec<RequestEntry>, keep: u64) -> Result<(), StoreError> {
        entries.iter().try_for_each(check::request)?;
        let mut state = self.lock();
        entries
            .iter()
            .try_for_each(|entry| state.known(entry.tenant))?;
        for entry in entries {
            let log = state.requests.entry(entry.tenant).or_default();
            log.last += 1;
            log.lines.insert(
                log.last,
                RequestEntry {
                    id: log.last,
                    ..entry
                },
            );
            let (last, idp) = (log.last, log.last_idp().map(|line| line.id));
            log.lines
                .retain(|id, _| last - id < keep || Some(*id) == idp);
        }
        Ok(())
    }

    async fn requests(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        let state = self.lock();
        let Some(log) = state.requests.get(&tenant) else {
            return Ok(Vec::new());
        };
        let lines = log.lines.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(lines
            .take(count(limit))
            .map(|(_, line)| line.clone())
            .collect())
    }

    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError> {
        let state = self.lock();
        let log = state.requests.get(&tenant);
        Ok(log.and_then(Requests::last_idp).cloned())
    }
}
