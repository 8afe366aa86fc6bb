//! `GET /api/v1/audit`, and how an administrative request is named there.

use http::{Method, StatusCode};
use nameplate_store::{AuditEntry, HostName, TenantId};
use serde_json::{Value, json};

use super::admin::Answer;
use super::fields::{Query, number};
use super::requests::RequestRoute;
use super::route::AdminRoute;
use super::time::rfc3339;
use super::{Front, Reply};
use crate::paged::cut;
use crate::request_log::text::LogText;

/// Bytes of what a line is about, as the store bounds them.
const SUBJECT: usize = 255;

impl Front {
    /// `GET /api/v1/audit`: the newest first, below id `before`.
    pub(super) async fn audit(&self, tenant: TenantId, query: &Query) -> Answer {
        let before = query.get("before").map(|text| number("before", text));
        let limit = query.limit()?;
        let control = &self.runtime.stores().control;
        let mut found = control
            .audit(Some(tenant), before.transpose()?, limit + 1)
            .await?;
        let next = cut(&mut found, limit, |entry| entry.id.to_string());
        let shapes: Vec<Value> = found.iter().map(shape).collect();
        Ok((StatusCode::OK, json!({ "audit": shapes, "next": next })))
    }
}

/// A line of the audit log.
fn shape(entry: &AuditEntry) -> Value {
    let AuditEntry {
        id,
        tenant: _,
        at,
        actor,
        action,
        subject,
        detail,
    } = entry;
    let detail: Value = serde_json::from_str(detail).unwrap_or_default();
    json!({
        "id": id,
        "at": rfc3339(*at),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
    })
}

/// What an administrative request is called in the audit log, what it was about and what
/// else is told: the names of the fields that were sent, never what they hold.
///
/// A route without a name of its own goes by method and path, so that none is left out.
pub(super) fn told(
    route: &AdminRoute,
    method: &Method,
    path: &str,
    body: &[u8],
    answer: &Reply,
) -> (String, String, Value) {
    let named = |action: &str, subject: &str| (action.to_owned(), subject.to_owned());
    let (action, subject) = match route {
        AdminRoute::PutHost => named("host.add", &made(answer, "host")),
        AdminRoute::DropHost(id) => named("host.delete", id),
        AdminRoute::Enroll(id) => named("host.enroll", id),
        AdminRoute::SetMapping(id) => named("host.assign", id),
        AdminRoute::DropMapping(id) => named("host.unassign", id),
        AdminRoute::Share(id) => named("host.share", id),
        AdminRoute::Unshare(id) => named("host.unshare", id),
        AdminRoute::Promise(name) => named("promise.set", host_name(name)),
        AdminRoute::DropPromise(name) => named("promise.delete", host_name(name)),
        AdminRoute::Import => named("import", ""),
        AdminRoute::ChangeTenant => named("tenant.change", ""),
        AdminRoute::ChangeConnection(name) => named("connection.change", name),
        AdminRoute::Requests(RequestRoute::Record) => {
            let fields: Value = serde_json::from_slice(body).unwrap_or_default();
            let name = fields.get("connection").and_then(Value::as_str);
            named("requests.record", name.unwrap_or_default())
        }
        AdminRoute::Personal(_) => named("person.erase", &made(answer, "erased")),
        _ => (
            method.as_str().to_ascii_lowercase(),
            path.trim_start_matches("/api/v1/").to_owned(),
        ),
    };
    let subject = LogText::new(&subject, SUBJECT).to_string();
    let detail = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => {
            let names: Vec<&String> = fields.keys().take(50).collect();
            json!({ "fields": names })
        }
        _ => json!({}),
    };
    (action, subject, detail)
}

fn host_name(name: &HostName) -> &str {
    match name {
        HostName::Serial(name) | HostName::Name(name) => name,
    }
}

/// The id of what was made.
fn made(answer: &Reply, kind: &str) -> String {
    let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let id = answer.get(kind).and_then(|made| made.get("id"));
    id.and_then(Value::as_str).unwrap_or_default().to_owned()
}
