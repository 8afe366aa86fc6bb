//! What is kept of one person, as JSON.

use std::collections::BTreeSet;

use nameplate_store::erasure::{Needles, Person};
use nameplate_store::{
    AuditEntry, Claim, Departure, Document, Event, Holding, PastAssignment, Promise, RequestEntry,
    RequestQuery, Source, StoreError, TenantId, limits,
};
use serde_json::{Value, json};

use super::Found;
use crate::Runtime;
use crate::http::rfc3339;

impl Runtime {
    /// Everything about somebody.
    pub(super) async fn collected(
        &self,
        tenant: TenantId,
        found: &Found,
    ) -> Result<Value, StoreError> {
        let Found { id, traces, logins } = found;
        let person = Person::new(id, logins);
        let groups: Vec<Value> = traces
            .groups
            .iter()
            .map(|(id, name)| json!({ "id": id, "name": name }))
            .collect();
        let logins_held: Vec<Value> = traces.logins.iter().map(holding).collect();
        let events: Vec<Value> = traces.events.iter().map(event).collect();
        Ok(json!({
            "id": id,
            "connection": self.connection_name(tenant, traces.connection).await?,
            "document": traces.document.as_ref().map(document),
            "groups": groups,
            "logins": logins_held,
            "departure": traces.departure.as_ref().map(departure),
            "events": events,
            "hosts": self.hosts_of(tenant, found, &person).await?,
            "promises": self.promises_of(tenant, &person).await?,
            "requests": self.requests_of(tenant, found).await?,
            "audit": self.audit_of(tenant, id).await?,
        }))
    }

    /// Hosts that are or were theirs, with what names them alone.
    async fn hosts_of(
        &self,
        tenant: TenantId,
        found: &Found,
        person: &Person,
    ) -> Result<Vec<Value>, StoreError> {
        let hosts = &self.stores().hosts;
        let logins: Vec<Vec<u8>> = found
            .logins
            .iter()
            .map(|login| login.to_lowercase().into_bytes())
            .collect();
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = hosts
                .assigned_to(tenant, &found.id, after.as_deref(), limits::PAGE)
                .await?;
            after = page.last().cloned();
            let last = page.len() < limits::PAGE as usize;
            ids.extend(page);
            if last {
                break;
            }
        }
        for chunk in logins.chunks(limits::PAGE as usize) {
            let mut after: Option<String> = None;
            loop {
                let page = hosts
                    .claimed_by(tenant, chunk, after.as_deref(), limits::PAGE)
                    .await?;
                after = page.last().cloned();
                let last = page.len() < limits::PAGE as usize;
                ids.extend(page);
                if last {
                    break;
                }
            }
        }
        let mut told = Vec::new();
        for id in ids {
            let Some(host) = hosts.host(tenant, &id).await? else {
                continue;
            };
            let claims = host.claims.iter().filter(|one| person.claims(one));
            let claims: Vec<Value> = claims.map(claim).collect();
            let history = hosts.history(tenant, &id, limits::PAGE).await?;
            let history: Vec<Value> = history
                .iter()
                .filter(|past| person.assigned(&past.assignment))
                .map(past)
                .collect();
            let current = person.assigned(&host.assignment);
            told.push(json!({
                "id": id,
                "display_name": host.record.display_name,
                "serial": host.record.serial,
                "assigned_since": current.then(|| rfc3339(host.assigned)),
                "reason": current.then_some(host.assignment.reason),
                "claims": claims,
                "history": history,
            }));
        }
        Ok(told)
    }

    async fn promises_of(
        &self,
        tenant: TenantId,
        person: &Person,
    ) -> Result<Vec<Value>, StoreError> {
        let hosts = &self.stores().hosts;
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = hosts.promises(tenant, after.as_ref(), limits::PAGE).await?;
            told.extend(page.iter().filter(|one| person.promised(one)).map(promise));
            let last = page.len() < limits::PAGE as usize;
            after = page.into_iter().last().map(|promise| promise.name);
            if last || after.is_none() {
                return Ok(told);
            }
        }
    }

    /// Lines of the request log that name them, and what was recorded of them.
    async fn requests_of(&self, tenant: TenantId, found: &Found) -> Result<Vec<Value>, StoreError> {
        let log = &self.desk().log;
        let mut needles = found.logins.clone();
        needles.push(found.id.clone());
        let needles = Needles::new(&needles);
        let (mut told, mut before) = (Vec::new(), None);
        loop {
            let query = RequestQuery {
                before,
                ..RequestQuery::newest(limits::PAGE)
            };
            let page = log.read(tenant, &query).await?;
            for entry in &page {
                let named = needles.found_in_line(entry);
                // Lists leave out what was recorded: asked for where there can be any.
                let sent = matches!(entry.method.as_str(), "POST" | "PUT" | "PATCH" | "GET")
                    && entry.connection.is_some();
                let whole = if sent {
                    log.find(tenant, &entry.request_id).await?
                } else {
                    None
                };
                let recorded = whole.and_then(|whole| whole.recorded);
                let recorded = recorded.filter(|recorded| needles.found_in_record(recorded));
                if named || recorded.is_some() {
                    let body = recorded.map(|recorded| parsed(&recorded.body));
                    told.push(request(entry, body));
                }
            }
            before = page.last().map(|entry| entry.id);
            if page.len() < limits::PAGE as usize {
                return Ok(told);
            }
        }
    }

    /// Administrative actions upon this person.
    async fn audit_of(&self, tenant: TenantId, id: &str) -> Result<Vec<Value>, StoreError> {
        let control = &self.stores().control;
        let (mut told, mut before) = (Vec::new(), None);
        loop {
            let page = control.audit(Some(tenant), before, limits::PAGE).await?;
            told.extend(page.iter().filter(|entry| entry.subject == id).map(audit));
            before = page.last().map(|entry| entry.id);
            if page.len() < limits::PAGE as usize {
                return Ok(told);
            }
        }
    }
}

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

fn document(document: &Document) -> Value {
    json!({
        "created": rfc3339(document.created),
        "modified": rfc3339(document.modified),
        "label": document.label,
        "resource": parsed(&document.json),
    })
}

fn holding(holding: &Holding) -> Value {
    let Holding {
        attribute,
        value,
        document: _,
        connection: _,
        from,
        until,
        alive,
    } = holding;
    json!({
        "attribute": attribute,
        "value": String::from_utf8_lossy(value),
        "from": rfc3339(*from),
        "until": until.map(rfc3339),
        "alive": alive,
    })
}

fn departure(left: &Departure) -> Value {
    json!({
        "label": left.label,
        "deactivated_at": left.deactivated.map(rfc3339),
        "deleted_at": left.deleted.map(rfc3339),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "seq": event.seq,
        "at": rfc3339(event.at),
        "type": event.name,
        "before": event.before.as_deref().map(parsed),
        "after": event.after.as_deref().map(parsed),
    })
}

fn claim(claim: &Claim) -> Value {
    let Claim {
        id,
        source,
        username,
        email,
        full_name,
        logins: _,
        since,
        withdrawn,
    } = claim;
    json!({
        "id": id,
        "source": Source::as_str(source),
        "username": username,
        "email": email,
        "full_name": full_name,
        "since": rfc3339(*since),
        "withdrawn": withdrawn.map(rfc3339),
    })
}

fn past(past: &PastAssignment) -> Value {
    json!({
        "from": rfc3339(past.from),
        "until": rfc3339(past.until),
        "reason": past.assignment.reason,
        "replaced_because": past.replaced_because,
    })
}

fn promise(promise: &Promise) -> Value {
    json!({ "username": promise.username, "email": promise.email })
}

fn request(entry: &RequestEntry, body: Option<Value>) -> Value {
    json!({
        "request_id": entry.request_id,
        "at": rfc3339(entry.at),
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "detail": entry.detail,
        "notes": entry.notes.iter().map(crate::request_log::words).collect::<Vec<_>>(),
        "recorded": body,
    })
}

fn audit(entry: &AuditEntry) -> Value {
    json!({ "at": rfc3339(entry.at), "actor": entry.actor, "action": entry.action })
}
