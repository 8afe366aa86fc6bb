//! The exports: one line of glue each.

use nameplate_mapping::affected::affected;
use nameplate_mapping::service::Mapping;

use crate::bindings::exports::nameplate::scim::{http_handler, mapping, reindex, settings};
use crate::bindings::nameplate::scim::types;
use crate::config;
use crate::convert::list;
use crate::directory::HostDirectory;
use crate::env::{HostEnv, report_panics};
use crate::hosts::HostHosts;

/// The component.
pub(crate) struct Component;

impl http_handler::Guest for Component {
    fn handle(request: http_handler::Request) -> http_handler::Response {
        report_panics();
        let settings = config::current();
        nameplate_scim::handle(
            &settings.scim,
            &mut HostDirectory,
            &mut HostEnv,
            &request.into(),
        )
        .into()
    }
}

/// Runs `work` over the tenant's stores and rules.
fn with_mapping<T>(work: impl FnOnce(&mut Mapping<'_>) -> T) -> T {
    report_panics();
    let settings = config::current();
    work(&mut Mapping {
        directory: &mut HostDirectory,
        hosts: &mut HostHosts,
        env: &mut HostEnv,
        rules: settings.rules.clone(),
    })
}

impl mapping::Guest for Component {
    fn apply(
        event: mapping::Event,
        after: Option<String>,
        limit: u32,
    ) -> Result<mapping::Progress, mapping::MappingError> {
        with_mapping(|mapping| mapping.apply(&event.into(), after.as_deref(), limit))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn end_user_of(host: String) -> Result<mapping::EndUser, mapping::MappingError> {
        with_mapping(|mapping| mapping.end_user_of(&host))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn explain(host: String) -> Result<Vec<String>, mapping::MappingError> {
        with_mapping(|mapping| mapping.explain(&host)).map_err(Into::into)
    }

    fn reconcile(
        after: Option<String>,
        limit: u32,
    ) -> Result<mapping::Progress, mapping::MappingError> {
        with_mapping(|mapping| mapping.reconcile(after.as_deref(), limit))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn render(
        host: String,
        text: String,
        missing: Option<mapping::Missing>,
    ) -> Result<mapping::Rendered, mapping::MappingError> {
        with_mapping(|mapping| {
            let missing = missing.map_or(mapping.rules.missing_variables, Into::into);
            mapping.render(&host, &text, missing)
        })
        .map(Into::into)
        .map_err(Into::into)
    }

    fn affected(changes: Vec<mapping::ObjectChange>) -> Vec<mapping::Effect> {
        report_panics();
        let settings = config::current();
        list(affected(&settings.rules, &list(changes)))
    }

    fn labels(
        after: Option<String>,
        limit: u32,
    ) -> Result<mapping::LabelPage, mapping::MappingError> {
        with_mapping(|mapping| mapping.labels(after.as_deref(), limit))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn labelled(
        label: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<mapping::LabelledPage, mapping::MappingError> {
        with_mapping(|mapping| mapping.labelled(&label, after.as_deref(), limit))
            .map(Into::into)
            .map_err(Into::into)
    }

    fn labels_of(host: String) -> Result<Vec<mapping::Label>, mapping::MappingError> {
        with_mapping(|mapping| mapping.labels_of(&host))
            .map(list)
            .map_err(Into::into)
    }
}

impl settings::Guest for Component {
    fn check(json: Vec<u8>) -> Option<String> {
        report_panics();
        config::check(&json)
    }
}

impl reindex::Guest for Component {
    fn step(cursor: Option<Vec<u8>>, limit: u32) -> Result<reindex::Progress, types::StoreError> {
        report_panics();
        let settings = config::current();
        let progress = nameplate_scim::reindex_step(
            &settings.scim,
            &mut HostDirectory,
            &mut HostEnv,
            cursor.as_deref(),
            limit,
        )?;
        let nameplate_scim::Progress {
            seen,
            written,
            next,
        } = progress;
        Ok(reindex::Progress {
            seen,
            written,
            next,
        })
    }
}
