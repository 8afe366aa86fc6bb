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
use crate::auth::{Files, stored};
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
            ChangeError::Unusable(_) => unusable("settings", &error),
            ChangeError::Auth(_) => unusable("auth", &error),
            ChangeError::Limits(_) => unusable("limits", &error),
            ChangeError::Name(_) => unusable("name", &error),
            ChangeError::HostName(_) => unusable("host_names", &error),
            ChangeError::Taken(_) | ChangeError::TooMany | ChangeError::HostTaken(_) => {
                Self::Failure(Failure {
                    status: StatusCode::CONFLICT,
                    name: "name",
                    message: error.to_string(),
                })
            }
            ChangeError::Trouble(error) => error.into(),
        }
    }
}

fn unusable(name: &'static str, error: &ChangeError) -> AdminError {
    AdminError::Failure(Failure {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        name,
        message: error.to_string(),
    })
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

    /// `POST /api/v1/connections`: `name`, and what [`Self::change_connection`] takes.
    pub(super) async fn add_connection(&self, tenant: TenantId, fields: &Fields) -> Answer {
        let name = fields.text("name")?;
        let change = change(fields)?;
        let added = self
            .runtime
            .add_connection(tenant, &name, change, Files::Refused)
            .await?;
        Ok((StatusCode::CREATED, shape(&added)))
    }

    /// `PATCH /api/v1/connections/{name}`: `dialect`, `reactivate_inactive`, `settings`
    /// and `auth`; what is absent stays, `settings` and `auth` are replaced as a whole.
    pub(super) async fn change_connection(
        &self,
        tenant: TenantId,
        name: &str,
        fields: &Fields,
    ) -> Answer {
        let change = change(fields)?;
        let connection = self
            .runtime
            .change_connection(tenant, name, change, Files::Refused)
            .await?;
        Ok((StatusCode::OK, shape(&connection)))
    }
}

fn change(fields: &Fields) -> Result<ConnectionChange, Failure> {
    let dialect = fields.text("dialect")?;
    Ok(ConnectionChange {
        dialect: Some(dialect).filter(|dialect| !dialect.is_empty()),
        reactivate_inactive: fields.flag("reactivate_inactive")?,
        settings: fields.object("settings")?,
        auth: fields.object("auth")?,
    })
}

fn parsed(settings: &str) -> Value {
    serde_json::from_str(settings).unwrap_or_default()
}

fn tenant_shape(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "settings": parsed(&tenant.settings),
        "host_names": tenant.host_names,
        "limits": parsed(&tenant.limits),
        "created": rfc3339(tenant.created),
    })
}

/// Whose OAuth tokens a connection takes; null: nobody's.
fn auth(connection: &Connection) -> Option<Value> {
    stored(connection).ok().flatten().map(|auth| auth.shape())
}

fn shape(connection: &Connection) -> Value {
    json!({
        "name": connection.name,
        "dialect": connection.dialect,
        "reactivate_inactive": connection.reactivate_inactive,
        "settings": parsed(&connection.settings),
        "auth": auth(connection),
        "created": rfc3339(connection.created),
    })
}
