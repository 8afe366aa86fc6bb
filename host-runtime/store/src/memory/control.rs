//! Tenants and connections; tokens and logs are beside it.

use async_trait::async_trait;

use super::MemoryStore;
use crate::erasure::Needles;
use crate::{
    AuditEntry, Connection, ConnectionEdit, ConnectionId, ControlStore, RequestEntry, RequestQuery,
    Retention, StoreError, Tenant, TenantChange, TenantChanged, TenantId, Timestamp, Token,
    TokenAdded, TokenRotated, check,
};

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
            host_names: Vec::new(),
            limits: "{}".to_owned(),
            plugin: None,
            previous_plugin: None,
            suspended: false,
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

    async fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        let state = self.lock();
        let mut tenants = state.tenants.values();
        Ok(tenants.find(|tenant| tenant.name == name).cloned())
    }

    async fn tenant_of_host(&self, host: &str) -> Result<Option<Tenant>, StoreError> {
        let state = self.lock();
        let mut tenants = state.tenants.values();
        let has = |tenant: &&Tenant| tenant.host_names.iter().any(|name| name == host);
        Ok(tenants.find(has).cloned())
    }

    async fn change_tenant(
        &self,
        tenant: TenantId,
        change: TenantChange,
    ) -> Result<TenantChanged, StoreError> {
        check::tenant_change(&change)?;
        let TenantChange {
            settings,
            host_names,
            limits,
            plugin,
            suspended,
        } = change;
        let mut state = self.lock();
        if !state.tenants.contains_key(&tenant) {
            return Ok(TenantChanged::Unknown);
        }
        for name in host_names.iter().flatten() {
            let mut others = state.tenants.values().filter(|other| other.id != tenant);
            if others.any(|other| other.host_names.contains(name)) {
                return Ok(TenantChanged::HostTaken(name.clone()));
            }
        }
        let Some(row) = state.tenants.get_mut(&tenant) else {
            return Ok(TenantChanged::Unknown);
        };
        row.settings = settings.unwrap_or_else(|| std::mem::take(&mut row.settings));
        row.host_names = host_names.unwrap_or_else(|| std::mem::take(&mut row.host_names));
        row.host_names.sort_unstable();
        row.limits = limits.unwrap_or_else(|| std::mem::take(&mut row.limits));
        if let Some(plugin) = plugin.filter(|plugin| *plugin != row.plugin) {
            row.previous_plugin = std::mem::replace(&mut row.plugin, plugin);
        }
        row.suspended = suspended.unwrap_or(row.suspended);
        Ok(TenantChanged::Changed)
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
            auth: "{}".to_owned(),
            issuer: String::new(),
            record_until: None,
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

    async fn connections_of_issuer(&self, issuer: &str) -> Result<Vec<Connection>, StoreError> {
        let state = self.lock();
        let rows = state.connections.values();
        let mut found: Vec<Connection> = rows
            .filter(|row| !issuer.is_empty() && row.issuer == issuer)
            .cloned()
            .collect();
        found.sort_by_key(|connection| (connection.created, connection.id));
        Ok(found)
    }

    async fn change_connection(
        &self,
        connection: ConnectionId,
        edit: ConnectionEdit,
    ) -> Result<bool, StoreError> {
        check::connection_edit(&edit)?;
        let ConnectionEdit {
            dialect,
            reactivate_inactive,
            settings,
            auth,
            issuer,
            record_until,
        } = edit;
        let mut state = self.lock();
        let Some(row) = state.connections.get_mut(&connection) else {
            return Ok(false);
        };
        let old = row.clone();
        row.dialect = dialect.unwrap_or(old.dialect.clone());
        row.reactivate_inactive = reactivate_inactive.unwrap_or(old.reactivate_inactive);
        row.settings = settings.unwrap_or(old.settings.clone());
        let of = |row: &Connection| {
            (
                row.dialect.clone(),
                row.reactivate_inactive,
                row.settings.clone(),
            )
        };
        row.revision += u64::from(of(row) != of(&old));
        row.auth = auth.unwrap_or(old.auth);
        row.issuer = issuer.unwrap_or(old.issuer);
        row.record_until = record_until.unwrap_or(old.record_until);
        Ok(true)
    }

    async fn add_token(&self, token: Token, most_live: u32) -> Result<TokenAdded, StoreError> {
        self.lock().add_token(token, most_live)
    }

    async fn rotate_token(
        &self,
        tenant: TenantId,
        old: &str,
        new: Token,
        old_expires: Timestamp,
        most_live: u32,
    ) -> Result<TokenRotated, StoreError> {
        let mut state = self.lock();
        state.rotate_token(tenant, old, new, old_expires, most_live)
    }

    async fn expiring_tokens(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Token>, StoreError> {
        Ok(self.lock().expiring_tokens(tenant, now, until))
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

    async fn log_requests(
        &self,
        entries: Vec<RequestEntry>,
        retention: &Retention,
    ) -> Result<(), StoreError> {
        self.lock().log_requests(entries, retention)
    }

    async fn trim_requests(
        &self,
        tenant: TenantId,
        retention: &Retention,
    ) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let log = state.requests.get_mut(&tenant);
        Ok(log.map_or(0, |log| log.trim(retention)))
    }

    async fn requests(
        &self,
        tenant: TenantId,
        query: &RequestQuery,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        let state = self.lock();
        let log = state.requests.get(&tenant);
        Ok(log.map(|log| log.read(query)).unwrap_or_default())
    }

    async fn request(
        &self,
        tenant: Option<TenantId>,
        request_id: &str,
    ) -> Result<Option<RequestEntry>, StoreError> {
        Ok(self.lock().request(tenant, request_id))
    }

    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError> {
        let state = self.lock();
        let last = state.requests.get(&tenant).and_then(|log| log.last_idp());
        Ok(last.map(|line| RequestEntry {
            recorded: None,
            ..line.clone()
        }))
    }

    async fn erase_requests(
        &self,
        tenant: TenantId,
        needles: &[String],
    ) -> Result<u64, StoreError> {
        Ok(self.erase_among_requests(tenant, &Needles::new(needles)))
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.lock().append_audit(entry)
    }

    async fn audit(
        &self,
        tenant: Option<TenantId>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.lock().audit(tenant, before, limit))
    }
}
