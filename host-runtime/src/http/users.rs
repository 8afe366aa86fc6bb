//! One person with their hosts, and people who left.

use std::collections::BTreeMap;

use http::StatusCode;
use nameplate_store::{Connection, Departure, Document, Kind, Scope, TenantId};
use serde_json::{Value, json};

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Query, shown};
use super::time::rfc3339;
use super::{Front, shapes};
use crate::plugin::MappingError;

/// Hosts of one person that are named; somebody with more has a story of their own.
const HOSTS: u32 = 1000;
/// And of each person in a list.
const HOSTS_IN_LIST: u32 = 20;

impl Front {
    /// `GET /api/v1/users/{id}`: also of somebody who left. `end_user` is what their hosts
    /// show of them; null for somebody without one, for what a person looks like is only
    /// ever asked of a host.
    pub(super) async fn user(&self, tenant: TenantId, id: &str) -> Answer {
        let stores = self.runtime.stores();
        let whole = Scope::whole(tenant);
        let document = stores.users.get(whole, Kind::User, id).await?;
        let ids = [id.to_owned()];
        let departure = stores.users.departures_of(tenant, &ids).await?.pop();
        if document.is_none() && departure.is_none() {
            return Err(AdminError::Failure(Failure {
                status: StatusCode::NOT_FOUND,
                name: "id",
                message: format!(
                    "there is no user `{}`; `GET /api/v1/users` lists them",
                    shown(id)
                ),
            }));
        }
        let hosts = stores.hosts.assigned_to(tenant, id, None, HOSTS).await?;
        let memberships = stores.users.groups_of(whole, id, true).await?;
        let groups: Vec<Value> = memberships
            .groups
            .iter()
            .map(|group| json!({ "id": group.group, "name": group.label, "direct": group.direct }))
            .collect();
        let connections = self.runtime.connections(tenant).await?;
        let mut user = person(id, document.as_ref(), departure.as_ref(), &connections);
        let shown = match hosts.first() {
            Some(host) => self.shown_on(tenant, id, host, departure.as_ref()).await?,
            None => Value::Null,
        };
        if let Some(fields) = user.as_object_mut() {
            fields.insert("end_user".to_owned(), shown);
            fields.insert("groups".to_owned(), json!(groups));
            fields.insert("hosts".to_owned(), json!(hosts));
        }
        Ok((StatusCode::OK, json!({ "user": user })))
    }

    /// The person as their hosts show them; null if that host is somebody else's by now.
    async fn shown_on(
        &self,
        tenant: TenantId,
        id: &str,
        host: &str,
        departure: Option<&Departure>,
    ) -> Result<Value, AdminError> {
        let user = match self.runtime.end_user(tenant, host).await {
            Ok(user) => user,
            Err(MappingError::NoHost) => return Ok(Value::Null),
            Err(error) => return Err(error.into()),
        };
        let person = user.person.filter(|person| person.id == id);
        let deactivated = departure.and_then(|departure| departure.deactivated);
        Ok(json!(
            person.map(|person| shapes::person(&person, deactivated))
        ))
    }

    /// `GET /api/v1/users?status=deactivated`: people who may not sign in any more, and
    /// those who are gone, by id.
    pub(super) async fn list_departed(&self, tenant: TenantId, query: &Query) -> Answer {
        match query.get("status") {
            Some("deactivated") => {}
            other => {
                let other = shown(other.unwrap_or_default());
                let text = format!("`status` is `{other}`; it can be `deactivated` alone");
                return Err(Failure::bad("status", text).into());
            }
        }
        let stores = self.runtime.stores();
        let limit = query.limit()?;
        let departures = stores
            .users
            .departures(tenant, query.get("after"), limit)
            .await?;
        let full = departures.len() >= limit as usize;
        let next = departures.last().filter(|_| full);
        let next = next.map(|last| last.id.clone());
        let ids: Vec<String> = departures.iter().map(|gone| gone.id.clone()).collect();
        let whole = Scope::whole(tenant);
        let documents: BTreeMap<String, Document> = stores
            .users
            .get_many(whole, &ids)
            .await?
            .into_iter()
            .map(|document| (document.id.clone(), document))
            .collect();
        let with_host = stores.hosts.with_host(tenant, &ids).await?;
        let connections = self.runtime.connections(tenant).await?;
        let mut users = Vec::new();
        for departure in &departures {
            let mut hosts = Vec::new();
            if with_host.contains(&departure.id) {
                let of = &departure.id;
                hosts = stores
                    .hosts
                    .assigned_to(tenant, of, None, HOSTS_IN_LIST)
                    .await?;
            }
            let document = documents.get(&departure.id);
            let mut user = person(&departure.id, document, Some(departure), &connections);
            if let Some(fields) = user.as_object_mut() {
                fields.insert("hosts".to_owned(), json!(hosts));
            }
            users.push(user);
        }
        Ok((StatusCode::OK, json!({ "users": users, "next": next })))
    }
}

/// What the store tells of a person: the document if it is there, and when they left.
fn person(
    id: &str,
    document: Option<&Document>,
    departure: Option<&Departure>,
    connections: &[Connection],
) -> Value {
    let at = document.map(|document| document.connection);
    let at = at.or(departure.map(|departure| departure.connection));
    let connection = connections.iter().find(|known| Some(known.id) == at);
    let label = document.map(|document| &document.label);
    let label = label.or(departure.map(|departure| &departure.label));
    let status = match (document, departure) {
        (None, _) => "deleted",
        (Some(_), Some(_)) => "deactivated",
        (Some(_), None) => "active",
    };
    let deactivated = departure.and_then(|departure| departure.deactivated);
    let deleted = departure.and_then(|departure| departure.deleted);
    json!({
        "id": id,
        "connection": connection.map(|connection| &connection.name),
        "username": label,
        "status": status,
        "created": document.map(|document| rfc3339(document.created)),
        "updated": document.map(|document| rfc3339(document.modified)),
        "deactivated_at": deactivated.map(rfc3339),
        "deleted_at": deleted.map(rfc3339),
    })
}
