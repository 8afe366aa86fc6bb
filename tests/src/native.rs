//! The plugin without its sandbox: [`Plugin`] over the protocol and mapping crates
//! in this process.
//!
//! A conformance case that fails here fails by the protocol's fault; one that fails
//! only in the component, by the sandbox's. The benchmark measures the sandbox
//! against this, so nothing is copied here that need not be.
//!
//! This must not decide anything: it binds stores, converts, and reports.

mod convert;
mod convert_labels;
mod convert_mapping;
mod stores;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use nameplate_mapping::affected::affected;
use nameplate_mapping::rules::Rules;
use nameplate_mapping::service::Mapping;
use nameplate_runtime::plugin::{
    Call, Effect, EndUser, GuestConfig, Label, LabelPage, Labelled, MappingError, MappingEvent,
    Missing, ObjectChange, Plugin, PluginError, PluginRequest, PluginResponse, Progress,
    ReindexProgress, Rendered, Report,
};
use nameplate_scim::config::Config;

use stores::{NativeDirectory, NativeEnv, NativeHosts};

/// The protocol and mapping crates as a plugin.
///
/// Needs a multi-threaded tokio runtime where the stores' futures are not ready at
/// once (SQLite's writes are not; the in-memory store's all are).
#[derive(Default)]
pub struct NativePlugin {
    /// Parsed configurations by revision: the component keeps its own too.
    known: Mutex<HashMap<u64, Arc<Settings>>>,
}

/// What one configuration document says to either crate.
struct Settings {
    scim: Config,
    rules: Rules,
}

impl NativePlugin {
    /// A plugin that knows no configuration yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn settings(&self, config: &GuestConfig) -> Arc<Settings> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = known
            .entry(config.revision)
            .or_insert_with(|| Arc::new(parse(&config.json)));
        Arc::clone(settings)
    }

    /// Runs `work` over the tenant's stores and rules.
    fn mapping<T>(
        &self,
        call: &Call,
        work: impl FnOnce(&mut Mapping<'_>) -> Result<T, nameplate_mapping::service::MappingError>,
    ) -> Result<T, MappingError> {
        let settings = self.settings(&call.config);
        let mut env = NativeEnv::new(&call.sources);
        let outcome = work(&mut Mapping {
            directory: &mut NativeDirectory::new(call),
            hosts: &mut NativeHosts::new(call),
            env: &mut env,
            rules: settings.rules.clone(),
        });
        env.finish()?;
        outcome.map_err(convert_mapping::mapping_error)
    }
}

/// As the component reads it: what is absent or unusable has its default.
fn parse(json: &[u8]) -> Settings {
    let rules = Rules::usable(json).0;
    let mut scim = Config::usable(json).0;
    scim.derived = Some(rules.derived());
    Settings { scim, rules }
}

#[async_trait]
impl Plugin for NativePlugin {
    async fn handle(
        &self,
        call: Call,
        request: PluginRequest,
    ) -> (Result<PluginResponse, PluginError>, Report) {
        let settings = self.settings(&call.config);
        let mut directory = NativeDirectory::new(&call);
        let mut env = NativeEnv::new(&call.sources);
        let response = nameplate_scim::handle(
            &settings.scim,
            &mut directory,
            &mut env,
            &convert::request(request),
        );
        let changes = directory.changes();
        match env.finish() {
            Ok(notes) => (
                Ok(convert::response(response)),
                Report {
                    notes,
                    changes,
                    ..Report::default()
                },
            ),
            Err(error) => (
                Err(error),
                Report {
                    changes,
                    ..Report::default()
                },
            ),
        }
    }

    async fn apply(
        &self,
        call: Call,
        event: MappingEvent,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        let event = convert_mapping::event(event);
        self.mapping(&call, |mapping| {
            mapping.apply(&event, after.as_deref(), limit)
        })
        .map(convert_mapping::progress)
    }

    async fn end_user(&self, call: Call, host: String) -> Result<EndUser, MappingError> {
        self.mapping(&call, |mapping| mapping.end_user_of(&host))
            .map(convert_mapping::end_user)
    }

    async fn explain(&self, call: Call, host: String) -> Result<Vec<String>, MappingError> {
        self.mapping(&call, |mapping| mapping.explain(&host))
    }

    async fn reconcile(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        self.mapping(&call, |mapping| mapping.reconcile(after.as_deref(), limit))
            .map(convert_mapping::progress)
    }

    async fn render(
        &self,
        call: Call,
        host: String,
        text: String,
        missing: Option<Missing>,
    ) -> Result<Rendered, MappingError> {
        self.mapping(&call, |mapping| {
            let chosen = mapping.rules.missing_variables;
            let missing = missing.map_or(chosen, convert_labels::missing);
            mapping.render(&host, &text, missing)
        })
        .map(convert_labels::rendered)
    }

    async fn affected(
        &self,
        call: Call,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, PluginError> {
        let settings = self.settings(&call.config);
        let changes: Vec<_> = changes.into_iter().map(convert_labels::change).collect();
        let effects = affected(&settings.rules, &changes);
        Ok(effects.into_iter().map(convert_labels::effect).collect())
    }

    async fn labels(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<LabelPage, MappingError> {
        self.mapping(&call, |mapping| mapping.labels(after.as_deref(), limit))
            .map(convert_labels::label_page)
    }

    async fn labelled(
        &self,
        call: Call,
        label: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Labelled, MappingError> {
        self.mapping(&call, |mapping| {
            mapping.labelled(&label, after.as_deref(), limit)
        })
        .map(convert_labels::labelled)
    }

    async fn labels_of(&self, call: Call, host: String) -> Result<Vec<Label>, MappingError> {
        self.mapping(&call, |mapping| mapping.labels_of(&host))
            .map(|labels| labels.into_iter().map(convert_labels::label).collect())
    }

    async fn reindex(
        &self,
        call: Call,
        cursor: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<ReindexProgress, MappingError> {
        let settings = self.settings(&call.config);
        let mut env = NativeEnv::new(&call.sources);
        let progress = nameplate_scim::reindex_step(
            &settings.scim,
            &mut NativeDirectory::new(&call),
            &mut env,
            cursor.as_deref(),
            limit,
        );
        env.finish()?;
        progress
            .map(convert::reindex_progress)
            .map_err(|error| MappingError::Store(convert::directory_error_back(error)))
    }

    async fn check_settings(
        &self,
        _call: Call,
        json: Vec<u8>,
    ) -> Result<Option<String>, PluginError> {
        Ok(match Config::from_json(&json) {
            Err(error) => Some(error.to_string()),
            Ok(_) => Rules::usable(&json).1,
        })
    }
}
