//! The tenant and its connections as administrators see and change them.
//!
//! What a setting means is the plugin's business; here it is JSON that is passed on.

use http::StatusCode;
use nameplate_store::{Connection, Tenant, TenantId};
use serde_json::{Value, json};

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields};
use super::time::rfc3339;
use crate::connections::{ChangeError, ConnectionChange};

/// Lines of the request log that are looked through for remarks.
const LINES: u32 = 1000;

impl From<ChangeError> for AdminError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(_) => Self::Failure(Failure {
                status: StatusCode::NOT_FOUND,
                name: "connection",
                message: "there is no such connection; `GET /api/v1/connections` lists them"
                    .to_owned(),
            }),
            ChangeError::UnknownTenant => Self::Trouble(error.to_string()),
            ChangeError::Unusable(_) => Self::Failure(Failure {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                name: "settings",
                message: error.to_string(),
            }),
            ChangeError::Trouble(error) => error.into(),
        }
    }
}

impl Front {
    /// `GET /api/v1/tenant`
    pub(super) async fn tenant(&self, tenant: TenantId) -> Answer {
        let found = self.runtime.stores().control.tenant(tenant).await?;
        let found = found.ok_or(ChangeError::UnknownTenant)?;
        Ok((StatusCode::OK, tenant_shape(&found)))
    }

    /// `PATCH /api/v1/tenant`: `settings` are replaced as a whole.
    pub(super) async fn change_tenant(&self, tenant: TenantId, fields: &Fields) -> Answer {
        let Some(settings) = fields.object("settings")? else {
            return Err(Failure::bad("settings", "`settings` is missing: `{…}`").into());
        };
        let changed = self.runtime.change_tenant(tenant, settings).await?;
        Ok((StatusCode::OK, tenant_shape(&changed)))
    }

    /// `GET /api/v1/connections`
    pub(super) async fn list_connections(&self, tenant: TenantId) -> Answer {
        let connections = self.runtime.connections(tenant).await?;
        let shapes: Vec<Value> = connections.iter().map(shape).collect();
        Ok((StatusCode::OK, json!({ "connections": shapes })))
    }

    /// `GET /api/v1/connections/{name}`: with what the newest requests gave reason to
    /// remark, such as attributes that were received but are not used.
    pub(super) async fn connection(&self, tenant: TenantId, name: &str) -> Answer {
        let connection = self.runtime.connection_named(tenant, name).await?;
        let remarks = self.runtime.desk().log.remarks(tenant, LINES).await?;
        let remarks: Vec<Value> = remarks
            .iter()
            .filter(|remark| remark.connection == Some(connection.id))
            .map(|remark| {
                json!({
                    "text": remark.text,
                    "requests": remark.requests,
                    "last": rfc3339(remark.last),
                })
            })
            .collect();
        let mut answer = shape(&connection);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("remarks".to_owned(), remarks.into());
        }
        Ok((StatusCode::OK, answer))
    }

    /// `PATCH /api/v1/connections/{name}`: `dialect`, `reactivate_inactive` and
    /// `settings`; what is absent stays, `settings` are replaced as a whole.
    pub(super) async fn change_connection(
        &self,
        tenant: TenantId,
        name: &str,
        fields: &Fields,
    ) -> Answer {
        let dialect = fields.text("dialect")?;
        let change = ConnectionChange {
            dialect: Some(dialect).filter(|dialect| !dialect.is_empty()),
            reactivate_inactive: fields.flag("reactivate_inactive")?,
            settings: fields.object("settings")?,
        };
        let connection = self.runtime.change_connection(tenant, name, change).await?;
        Ok((StatusCode::OK, shape(&connection)))
    }
}

fn parsed(settings: &str) -> Value {
    serde_json::from_str(settings).unwrap_or_default()
}

fn tenant_shape(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "settings": parsed(&tenant.settings),
        "created": rfc3339(tenant.created),
    })
}

fn shape(connection: &Connection) -> Value {
    json!({
        "name": connection.name,
        "dialect": connection.dialect,
        "reactivate_inactive": connection.reactivate_inactive,
        "settings": parsed(&connection.settings),
        "created": rfc3339(connection.created),
    })
}
