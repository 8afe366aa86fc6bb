//! Labels and what profiles are filled with, for administrators.

use http::StatusCode;
use nameplate_store::TenantId;
use serde_json::{Value, json};

use super::Front;
use super::admin::Answer;
use super::fields::{Failure, Fields, Query, shown};
use crate::plugin::{Label, Missing};

impl Front {
    /// `POST /api/v1/hosts/{id}/render`
    pub(super) async fn render(&self, tenant: TenantId, id: &str, fields: &Fields) -> Answer {
        let missing = match fields.text("missing")?.as_str() {
            "" => None,
            "empty" => Some(Missing::Empty),
            "fail" => Some(Missing::Fail),
            other => {
                let wrong = shown(other);
                let message = format!("`missing` is `{wrong}`; it can be `empty` or `fail`");
                return Err(Failure::bad("missing", message).into());
            }
        };
        let text = fields.whole_text("text")?;
        let rendered = self.runtime.render(tenant, id, text, missing).await?;
        // Where something is missing there may be no text, and then there is a reason.
        let filled = !rendered.text.is_empty() || rendered.missing.is_empty();
        let missing: Vec<Value> = rendered
            .missing
            .iter()
            .map(|(variable, reason)| json!({ "variable": variable, "reason": reason }))
            .collect();
        Ok((
            StatusCode::OK,
            json!({
                "host_id": id,
                "text": filled.then_some(rendered.text),
                "variables": rendered.used,
                "missing": missing,
            }),
        ))
    }

    /// `GET /api/v1/labels`
    pub(super) async fn list_labels(&self, tenant: TenantId, query: &Query) -> Answer {
        let after = query.get("after").map(str::to_owned);
        let page = self.runtime.labels(tenant, after, query.limit()?).await?;
        let labels: Vec<Value> = page.labels.iter().map(shape).collect();
        Ok((
            StatusCode::OK,
            json!({ "labels": labels, "next": page.next }),
        ))
    }

    /// `GET /api/v1/labels/{id}/hosts`
    pub(super) async fn list_labelled(&self, tenant: TenantId, id: &str, query: &Query) -> Answer {
        let (after, limit) = (query.get("after").map(str::to_owned), query.limit()?);
        let page = self.runtime.labelled(tenant, id, after, limit).await?;
        Ok((
            StatusCode::OK,
            json!({ "label": id, "hosts": page.hosts, "next": page.next }),
        ))
    }
}

/// A label as lists and hosts show it.
pub(super) fn shape(label: &Label) -> Value {
    let Label {
        id,
        name,
        automatic,
    } = label;
    json!({ "id": id, "name": name, "automatic": automatic })
}
