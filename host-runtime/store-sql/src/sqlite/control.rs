//! Tenants, connections, tokens, the request log and the audit log.

pub mod audit;
pub mod requests;
pub mod tenants;
pub mod tokens;

use async_trait::async_trait;
use nameplate_store::erasure::Needles;
use nameplate_store::{
    AuditEntry, Connection as Idp, ConnectionEdit, ConnectionId, ControlStore, RequestEntry,
    RequestQuery, Retention, StoreError, Tenant, TenantChange, TenantChanged, TenantId, Timestamp,
    Token, TokenAdded, TokenRotated, check,
};
use rusqlite::{Row, params};

use super::SqliteStore;
use super::codec::U;
use super::errors::Fault;

#[async_trait]
impl ControlStore for SqliteStore {
    async fn add_tenant(&self, now: Timestamp, name: &str) -> Result<Option<Tenant>, StoreError> {
        check::name(name)?;
        let name = name.to_owned();
        self.write(move |connection| tenants::add(connection, now, &name))
            .await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.read(tenants::all)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.read(|connection| tenants::one(connection, "id = ?1", id.0))
    }

    async fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        self.read(|connection| tenants::one(connection, "name = ?1", name))
    }

    async fn tenant_of_host(&self, host: &str) -> Result<Option<Tenant>, StoreError> {
        let of = "id = (SELECT tenant FROM host_names WHERE name = ?1)";
        self.read(|connection| tenants::one(connection, of, host))
    }

    async fn change_tenant(
        &self,
        tenant: TenantId,
        change: TenantChange,
    ) -> Result<TenantChanged, StoreError> {
        check::tenant_change(&change)?;
        self.write(move |connection| tenants::change(connection, tenant, &change))
            .await
    }

    async fn add_connection(
        &self,
        now: Timestamp,
        tenant: TenantId,
        name: &str,
        dialect: &str,
    ) -> Result<Option<Idp>, StoreError> {
        check::name(name)?;
        check::connection(dialect, "{}")?;
        let (name, dialect) = (name.to_owned(), dialect.to_owned());
        self.write(move |connection| {
            tenants::add_connection(connection, now, tenant, &name, &dialect)
        })
        .await
    }

    async fn connections(&self, tenant: TenantId) -> Result<Vec<Idp>, StoreError> {
        self.read(|connection| tenants::connections(connection, "tenant = ?1", tenant.0))
    }

    async fn connections_of_issuer(&self, issuer: &str) -> Result<Vec<Idp>, StoreError> {
        let of = "issuer = ?1 AND issuer <> ''";
        self.read(|connection| tenants::connections(connection, of, issuer))
    }

    async fn change_connection(
        &self,
        connection: ConnectionId,
        edit: ConnectionEdit,
    ) -> Result<bool, StoreError> {
        check::connection_edit(&edit)?;
        let id = connection;
        self.write(move |connection| tenants::change_connection(connection, id, &edit))
            .await
    }

    async fn add_token(&self, token: Token, most_live: u32) -> Result<TokenAdded, StoreError> {
        check::token(&token)?;
        self.write(move |connection| tokens::add(connection, &token, most_live))
            .await
    }

    async fn rotate_token(
        &self,
        tenant: TenantId,
        old: &str,
        new: Token,
        old_expires: Timestamp,
        most_live: u32,
    ) -> Result<TokenRotated, StoreError> {
        check::token(&new)?;
        let old = old.to_owned();
        self.write(move |connection| {
            tokens::rotate(connection, tenant, &old, &new, old_expires, most_live)
        })
        .await
    }

    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        self.read(|connection| tokens::token(connection, id))
    }

    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError> {
        self.read(|connection| tokens::tokens(connection, tenant))
    }

    async fn expiring_tokens(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Token>, StoreError> {
        self.read(|connection| tokens::expiring(connection, tenant, now, until))
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let revoked = connection
                .prepare_cached("UPDATE tokens SET revoked = ?3 WHERE id = ?1 AND tenant = ?2 AND revoked IS NULL")?
                .execute(params![id, tenant.0, U(at)])?;
            Ok(revoked > 0)
        })
        .await
    }

    async fn touch_tokens(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE tokens SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1",
            )?;
            for (id, at) in &uses {
                statement.execute(params![id, U(*at)])?;
            }
            Ok(())
        })
        .await
    }

    async fn log_requests(
        &self,
        entries: Vec<RequestEntry>,
        retention: &Retention,
    ) -> Result<(), StoreError> {
        entries.iter().try_for_each(check::request)?;
        let retention = *retention;
        self.write(move |connection| requests::log(connection, &entries, &retention))
            .await
    }

    async fn trim_requests(
        &self,
        tenant: TenantId,
        retention: &Retention,
    ) -> Result<u64, StoreError> {
        let retention = *retention;
        self.write(move |connection| requests::trim(connection, tenant, &retention))
            .await
    }

    async fn requests(
        &self,
        tenant: TenantId,
        query: &RequestQuery,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        self.read(|connection| requests::requests(connection, tenant, query))
    }

    async fn request(
        &self,
        tenant: Option<TenantId>,
        request_id: &str,
    ) -> Result<Option<RequestEntry>, StoreError> {
        self.read(|connection| requests::request(connection, tenant, request_id))
    }

    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError> {
        self.read(|connection| requests::last_idp(connection, tenant))
    }

    async fn erase_requests(
        &self,
        tenant: TenantId,
        needles: &[String],
    ) -> Result<u64, StoreError> {
        self.erase_among_requests(tenant, &Needles::new(needles))
            .await
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        check::audit(&entry)?;
        self.write(move |connection| audit::append(connection, &entry))
            .await
    }

    async fn audit(
        &self,
        tenant: Option<TenantId>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|connection| audit::audit(connection, tenant, before, limit))
    }
}

fn collect<T>(
    mut rows: rusqlite::Rows<'_>,
    read: fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
