//! `POST /api/v1/mapping/preview`: what a SCIM request or other settings would do to
//! hosts.

use bytes::Bytes;
use http::StatusCode;
use nameplate_store::{ConnectionId, TenantId};
use serde_json::{Map, Value, json};

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields, Query, shown};
use super::{Front, shapes};
use crate::connections::ChangeError;
use crate::plugin::{EndUser, PluginRequest};
use crate::preview::{HOSTS, Preview, PreviewedHost};

/// Requests that can change something.
const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];
/// Where absolute URLs of the answer start if no public URL is configured.
const MOUNT: &str = "/scim/v2";

impl Front {
    /// Takes `{"connection", "method", "path", "body"}` or `{"settings"}`. It stands in no
    /// log of requests, for nothing was asked of the directory.
    pub(super) async fn preview(&self, tenant: TenantId, query: &Query, fields: &Fields) -> Answer {
        let preview = match fields.object("settings")? {
            Some(settings) => {
                let limit = query.limit()?;
                let previewed = self
                    .runtime
                    .preview_settings(tenant, settings, query.get("after"), limit)
                    .await;
                previewed.map_err(|error| match error {
                    ChangeError::Unusable(_) => {
                        AdminError::Failure(Failure::bad("settings", error.to_string()))
                    }
                    error => error.into(),
                })?
            }
            None => {
                let connection = fields.text("connection")?;
                let connection = self.connection_given(tenant, &connection).await?;
                let request = self.previewed(fields)?;
                let previewed = self.runtime.preview_request(tenant, connection, request);
                previewed.await?
            }
        };
        Ok((StatusCode::OK, shape(&preview)))
    }

    /// The connection of this name; of a tenant with one alone none need be given.
    async fn connection_given(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<ConnectionId, AdminError> {
        let connections = self.runtime.connections(tenant).await?;
        if let ([only], "") = (&*connections, name) {
            return Ok(only.id);
        }
        Ok(self.runtime.connection_named(tenant, name).await?.id)
    }

    fn previewed(&self, fields: &Fields) -> Result<PluginRequest, Failure> {
        let method = fields.text("method")?.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            return Err(Failure::bad(
                "method",
                format!(
                    "`method` is `{}`; give one of {}, for nothing else changes anything",
                    shown(&method),
                    METHODS.join(", ")
                ),
            ));
        }
        let path = fields.text("path")?;
        if !path.starts_with('/') {
            return Err(Failure::bad(
                "path",
                format!(
                    "`path` is `{}`; give what follows the scim base url, like `/Users`",
                    shown(&path)
                ),
            ));
        }
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (path, None),
        };
        let body = fields.object("body")?;
        let body = body.map(|body| Bytes::from(Value::Object(body).to_string()));
        let settings = self.settings();
        let origin = settings.public_url.as_ref();
        let origin = origin.map_or_else(String::new, ToString::to_string);
        Ok(PluginRequest {
            method,
            path,
            query,
            headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
            body: body.unwrap_or_default(),
            base_url: format!("{origin}{MOUNT}"),
        })
    }
}

/// A preview as it is answered.
pub(crate) fn shape(preview: &Preview) -> Value {
    let Preview {
        response,
        notes,
        hosts,
        more,
        next,
    } = preview;
    let notes: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    let hosts: Vec<Value> = hosts.iter().map(host).collect();
    let mut shape = Map::new();
    match response {
        Some(response) => {
            shape.insert("status".to_owned(), json!(response.status));
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            shape.insert("scim".to_owned(), body);
            shape.insert("more_hosts".to_owned(), json!(more));
            if *more {
                let text = format!("more than {HOSTS} hosts may change; these are the first");
                shape.insert("remark".to_owned(), json!(text));
            }
        }
        None => _ = shape.insert("next".to_owned(), json!(next)),
    }
    shape.insert("hosts".to_owned(), json!(hosts));
    shape.insert("notes".to_owned(), json!(notes));
    Value::Object(shape)
}

fn host(host: &PreviewedHost) -> Value {
    let PreviewedHost {
        record,
        before,
        after,
    } = host;
    json!({
        "id": record.id,
        "display_name": record.display_name,
        "before": end_user(before),
        "after": end_user(after),
    })
}

/// The assignment, and the person as we show them.
fn end_user(user: &EndUser) -> Value {
    let mut shape = shapes::current(user);
    let person = user.person.as_ref();
    let person = person.map(|person| shapes::person(person, None));
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("end_user".to_owned(), json!(person));
    }
    shape
}
