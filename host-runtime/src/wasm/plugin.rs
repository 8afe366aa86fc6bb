//! [`WasmPlugin`]: each call gets an instance, a deadline and a report.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::bindings::Plugin as Exports;
use super::instances::{Instance, Instances, Loaded};
use super::state::GuestState;
use crate::hex::hex;
use crate::limits::Limits;
use crate::metrics::{InstanceEnd, Raised};
use crate::plugin::{
    Call, Effect, EndUser, Label, LabelPage, Labelled, MappingError, MappingEvent, Missing,
    ObjectChange, Plugin, PluginError, PluginRequest, PluginResponse, Progress, ReindexProgress,
    Rendered, Report,
};

/// Headers of one answer, in bytes; what clients and proxies accept ends far below.
const MAX_HEADERS: usize = 64 << 10;

/// What a header costs besides its text: `: `, the end of its line and its place in a
/// table; so that empty ones are bounded too.
const HEADER_FRAME: usize = 32;

/// A component in its sandbox.
pub struct WasmPlugin {
    instances: Arc<Instances>,
    loaded: Loaded,
    sha256: [u8; 32],
}

impl WasmPlugin {
    pub(super) fn new(instances: Arc<Instances>, loaded: Loaded, sha256: [u8; 32]) -> Self {
        Self {
            instances,
            loaded,
            sha256,
        }
    }

    /// Runs one call in an instance of the call's tenant.
    async fn run<T>(
        &self,
        call: Call,
        work: impl AsyncFnOnce(&Exports, &mut wasmtime::Store<GuestState>) -> wasmtime::Result<T>,
    ) -> (Result<T, PluginError>, Report) {
        if let Some(pin) = call.plugin.filter(|pin| *pin != self.sha256) {
            let why = format!("component {} was asked for", hex(&pin));
            return (Err(PluginError::Load(why)), Report::default());
        }
        let tenant = call.scope.tenant;
        let limits = call.limits.clone();
        let limit_ms = limits.call_time_ms;
        let mut report = Report::default();
        let running = async {
            let _turn = self.instances.turn(tenant, &limits).await?;
            let mut instance = self.instances.take(&self.loaded, tenant, &limits).await?;
            let _in_use = Raised::new(&self.instances.pool().in_use);
            let outcome = in_instance(&mut instance, call, work, &mut report).await;
            if outcome.is_ok() {
                self.instances.give_back(&self.loaded, tenant, instance);
            }
            outcome
        };
        let pool = self.instances.pool();
        // What is dropped by the time-out is the whole instance: its stack may be
        // parked inside the guest and cannot be entered again.
        let outcome = tokio::time::timeout(Duration::from_millis(limit_ms), running)
            .await
            .unwrap_or(Err(PluginError::Timeout(limit_ms)));
        match &outcome {
            Ok(_) => {}
            Err(PluginError::Busy) => drop(pool.refused.inc()),
            Err(_) => pool.ended(InstanceEnd::Failed),
        }
        (outcome, report)
    }
}

async fn in_instance<T>(
    instance: &mut Instance,
    call: Call,
    work: impl AsyncFnOnce(&Exports, &mut wasmtime::Store<GuestState>) -> wasmtime::Result<T>,
    report: &mut Report,
) -> Result<T, PluginError> {
    let Instance { store, exports, .. } = instance;
    let most = transfer(&call.limits);
    store.data_mut().begin(call);
    store.set_hostcall_fuel(most);
    // Counted from now: the last call's deadline has long passed.
    store.set_epoch_deadline(1);
    let outcome = work(exports, store).await;
    let exceeded = store.data().exceeded();
    *report = store.data_mut().end();
    outcome.map_err(|error| exceeded.unwrap_or_else(|| trouble(&error, most)))
}

/// What a guest may hand to the host in one call or one answer, in bytes of the host's
/// memory. Lists may overlap in the guest's: a million of them over the same megabyte
/// would otherwise be a terabyte here. A commit holds what came in as body, taken apart,
/// which is up to four times as large.
fn transfer(limits: &Limits) -> usize {
    let body = limits.body.max(limits.large_body);
    limits.response.max(body.saturating_mul(4))
}

fn trouble(error: &wasmtime::Error, most: usize) -> PluginError {
    let cause = format!("{:#}", error.root_cause());
    // The type of this error is wasmtime's own secret.
    if cause.contains("fuel allocated for hostcalls") {
        PluginError::Transfer(most)
    } else {
        PluginError::Trapped(cause)
    }
}

/// The answer, if it is of a size the tenant may be sent.
fn bounded(response: PluginResponse, most: usize) -> Result<PluginResponse, PluginError> {
    let headers = response.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.len() + value.len() + HEADER_FRAME)
        .sum();
    if headers > MAX_HEADERS {
        return Err(PluginError::Response(MAX_HEADERS));
    }
    if response.body.len() > most {
        return Err(PluginError::Response(most));
    }
    Ok(response)
}

impl Drop for WasmPlugin {
    fn drop(&mut self) {
        self.instances.forget(&self.loaded);
    }
}

/// A call to an export that answers `result<_, mapping-error>`.
macro_rules! mapping_call {
    ($self:ident, $call:ident, |$exports:ident, $store:ident| $body:expr) => {{
        let (outcome, _report) = $self
            .run($call, async move |$exports, $store| $body.await)
            .await;
        outcome?.map(Into::into).map_err(Into::into)
    }};
}

#[async_trait]
impl Plugin for WasmPlugin {
    async fn handle(
        &self,
        call: Call,
        request: PluginRequest,
    ) -> (Result<PluginResponse, PluginError>, Report) {
        let most = call.limits.response;
        let (outcome, report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_http_handler()
                    .call_handle(store, &request.into())
                    .await
            })
            .await;
        let outcome = outcome.and_then(|response| bounded(response.into(), most));
        (outcome, report)
    }

    async fn apply(
        &self,
        call: Call,
        event: MappingEvent,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_apply(store, &event.into(), after.as_ref(), limit))
    }

    async fn end_user(&self, call: Call, host: String) -> Result<EndUser, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_end_user_of(store, &host))
    }

    async fn explain(&self, call: Call, host: String) -> Result<Vec<String>, MappingError> {
        let (outcome, _report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_mapping()
                    .call_explain(store, &host)
                    .await
            })
            .await;
        outcome?.map_err(Into::into)
    }

    async fn reconcile(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_reconcile(store, after.as_ref(), limit))
    }

    async fn render(
        &self,
        call: Call,
        host: String,
        text: String,
        missing: Option<Missing>,
    ) -> Result<Rendered, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_render(store, &host, &text, missing.map(Into::into)))
    }

    async fn affected(
        &self,
        call: Call,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, PluginError> {
        let changes: Vec<_> = changes.into_iter().map(Into::into).collect();
        let (outcome, _report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_mapping()
                    .call_affected(store, &changes)
                    .await
            })
            .await;
        Ok(outcome?.into_iter().map(Into::into).collect())
    }

    async fn labels(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<LabelPage, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_labels(store, after.as_deref(), limit))
    }

    async fn labelled(
        &self,
        call: Call,
        label: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Labelled, MappingError> {
        mapping_call!(self, call, |exports, store| exports
            .nameplate_scim_mapping()
            .call_labelled(store, &label, after.as_deref(), limit))
    }

    async fn labels_of(&self, call: Call, host: String) -> Result<Vec<Label>, MappingError> {
        let (outcome, _report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_mapping()
                    .call_labels_of(store, &host)
                    .await
            })
            .await;
        let labels = outcome?.map_err(MappingError::from)?;
        Ok(labels.into_iter().map(Into::into).collect())
    }

    async fn reindex(
        &self,
        call: Call,
        cursor: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<ReindexProgress, MappingError> {
        let (outcome, _report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_reindex()
                    .call_step(store, cursor.as_deref(), limit)
                    .await
            })
            .await;
        outcome?
            .map(Into::into)
            .map_err(|error| MappingError::Store(error.into()))
    }

    async fn check_settings(
        &self,
        call: Call,
        json: Vec<u8>,
    ) -> Result<Option<String>, PluginError> {
        let (outcome, _report) = self
            .run(call, async move |exports, store| {
                exports
                    .nameplate_scim_settings()
                    .call_check(store, &json)
                    .await
            })
            .await;
        outcome
    }

    fn tidy(&self) {
        self.instances.sweep();
    }
}
