//! The interface over a plugin that only records and repeats: what can be seen of
//! the order of things, of limits and of refusals without a real one. The product
//! as a whole is tested through its socket elsewhere.

mod admin;
mod events;
mod scim;
mod served;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use nameplate_store::memory::MemoryStore;
use nameplate_store::{
    AssignmentOutcome, Claim, ControlStore, HostWrite, Source, TenantId, Timestamp,
};
use serde_json::{Value, json};

use super::*;
use crate::clock::Sources;
use crate::limits::Limits;
use crate::plugin::{
    Call, ClaimDraft, Effect, EndUser, Label, LabelPage, Labelled, MappingError, MappingEvent,
    Missing, Note, NoteLevel, ObjectChange, Plugin, PluginError, PluginRequest, PluginResponse,
    Progress, ReindexProgress, Rendered, Report,
};
use crate::{Stores, setup};

/// Repeats requests, and takes the newest claim for an answer.
#[derive(Default)]
struct Echo {
    seen: Mutex<Vec<PluginRequest>>,
}

#[async_trait]
impl Plugin for Echo {
    async fn handle(
        &self,
        _: Call,
        request: PluginRequest,
    ) -> (Result<PluginResponse, PluginError>, Report) {
        let trap = request.path == "/Trap";
        let status = if request.path == "/Missing" { 404 } else { 200 };
        let body = json!({
            "detail": "no such thing",
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "base_url": request.base_url,
            "bytes": request.body.len(),
        });
        self.seen.lock().unwrap().push(request);
        let report = Report {
            notes: vec![Note {
                level: NoteLevel::Action,
                code: "repeated".into(),
                text: "repeated the request".into(),
            }],
            ..Report::default()
        };
        if trap {
            return (Err(PluginError::Trapped("secret cause".into())), report);
        }
        let response = PluginResponse {
            status,
            headers: vec![("content-type".into(), b"application/scim+json".to_vec())],
            body: body.to_string().into_bytes(),
        };
        (Ok(response), report)
    }

    async fn apply(
        &self,
        call: Call,
        event: MappingEvent,
        _: Option<String>,
        _: u32,
    ) -> Result<Progress, MappingError> {
        let tenant = call.scope.tenant;
        let now = call.sources.clock.now();
        let write = match event {
            MappingEvent::Claimed(host, draft) => {
                let claim = claim(draft, now);
                call.hosts.put_claim(tenant, now, &host, claim).await?
            }
            MappingEvent::Withdrawn(host, source) => {
                call.hosts.withdraw(tenant, &host, &source, now).await?
            }
            MappingEvent::Directory(_) | MappingEvent::Host(_) => HostWrite::Unchanged(0),
        };
        match write {
            HostWrite::NoHost => Err(MappingError::NoHost),
            HostWrite::Written(_) => Ok(Progress {
                recorded: true,
                ..Progress::default()
            }),
            HostWrite::Unchanged(_) | HostWrite::Stale(_) => Ok(Progress::default()),
        }
    }

    async fn end_user(&self, call: Call, host: String) -> Result<EndUser, MappingError> {
        let host = call.hosts.host(call.scope.tenant, &host).await?;
        let host = host.ok_or(MappingError::NoHost)?;
        let newest = host
            .claims
            .iter()
            .find(|claim| claim.withdrawn.is_none() && claim.source != Source::Custom);
        Ok(EndUser {
            outcome: match newest {
                Some(_) => AssignmentOutcome::Pending,
                None => AssignmentOutcome::Unassigned,
            },
            login: newest
                .map(|claim| claim.username.clone())
                .unwrap_or_default(),
            reason: "the newest claim".into(),
            person: None,
            candidates: Vec::new(),
            near: Vec::new(),
        })
    }

    async fn explain(&self, _: Call, host: String) -> Result<Vec<String>, MappingError> {
        Ok(vec![format!("host {host}")])
    }

    async fn reconcile(
        &self,
        _: Call,
        _: Option<String>,
        _: u32,
    ) -> Result<Progress, MappingError> {
        Ok(Progress::default())
    }

    async fn render(
        &self,
        _: Call,
        _: String,
        text: String,
        _: Option<Missing>,
    ) -> Result<Rendered, MappingError> {
        Ok(Rendered {
            text,
            ..Rendered::default()
        })
    }

    async fn affected(
        &self,
        _: Call,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, PluginError> {
        let named = |name: &str| changes.iter().any(|change| change.name == name);
        if named("test.busy") {
            return Err(PluginError::Busy);
        }
        if named("test.trap") {
            return Err(PluginError::Trapped("secret cause".into()));
        }
        Ok(changes.iter().map(|_| Effect::default()).collect())
    }

    async fn labels(&self, _: Call, _: Option<String>, _: u32) -> Result<LabelPage, MappingError> {
        Ok(LabelPage::default())
    }

    async fn labelled(
        &self,
        _: Call,
        _: String,
        _: Option<String>,
        _: u32,
    ) -> Result<Labelled, MappingError> {
        Ok(Labelled::default())
    }

    async fn labels_of(&self, _: Call, _: String) -> Result<Vec<Label>, MappingError> {
        Ok(Vec::new())
    }

    async fn reindex(
        &self,
        _: Call,
        _: Option<Vec<u8>>,
        _: u32,
    ) -> Result<ReindexProgress, MappingError> {
        Ok(ReindexProgress::default())
    }

    async fn check_settings(&self, _: Call, json: Vec<u8>) -> Result<Option<String>, PluginError> {
        let text = String::from_utf8_lossy(&json);
        Ok(text
            .contains("unusable")
            .then(|| "it is unusable".to_owned()))
    }
}

fn claim(draft: ClaimDraft, now: Timestamp) -> Claim {
    Claim {
        id: if draft.id.is_empty() {
            format!(
                "{}-{}{}",
                draft.source.as_str(),
                draft.username,
                draft.email
            )
        } else {
            draft.id
        },
        source: draft.source,
        username: draft.username,
        email: draft.email,
        full_name: draft.full_name,
        logins: Vec::new(),
        since: draft.since.unwrap_or(now),
        withdrawn: None,
    }
}

/// A runtime with two tenants.
struct World {
    echo: Arc<Echo>,
    store: MemoryStore,
    runtime: Runtime,
    front: Front,
    scim: String,
    admin: String,
    other_admin: String,
    tenant: TenantId,
}

async fn world() -> World {
    let (store, sources) = (MemoryStore::new(), Sources::default());
    let limits = Limits {
        body: 100,
        large_body: 1000,
        ..Limits::default()
    };
    let echo = Arc::new(Echo::default());
    let runtime = Runtime::new(
        echo.clone(),
        Stores::one(store.clone()),
        limits,
        sources.clone(),
    );
    let made = setup::init(&store, &sources, "acme", "okta")
        .await
        .unwrap()
        .unwrap();
    let other = setup::init(&store, &sources, "other", "okta")
        .await
        .unwrap()
        .unwrap();
    World {
        echo,
        front: Front::new(runtime.clone(), Settings::default()),
        runtime,
        tenant: setup::find_tenant(&store, "acme")
            .await
            .unwrap()
            .unwrap()
            .id,
        store,
        scim: made.scim_token,
        admin: made.admin_token,
        other_admin: other.admin_token,
    }
}

fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(header::HOST, "mdm.example.com");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

impl World {
    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.front.answer(request.map(Full::new), None).await
    }

    async fn scim(&self, method: &str, path: &str, body: &'static str) -> Response<Bytes> {
        self.send(request(method, path, Some(&self.scim), body))
            .await
    }

    async fn admin(&self, method: &str, path: &str, body: &'static str) -> Response<Bytes> {
        self.send(request(method, path, Some(&self.admin), body))
            .await
    }

    async fn details(&self) -> Value {
        json_of(&self.admin("GET", "/api/v1/fleet/scim/details", "").await)
    }
}

#[track_caller]
fn json_of(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

#[track_caller]
fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap()
}
