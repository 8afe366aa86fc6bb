//! The exports: one line of glue each.

use nameplate_mapping::service::Mapping;

use crate::bindings::exports::nameplate::scim::{http_handler, mapping, reindex, settings};
use crate::bindings::nameplate::scim::types;
use crate::config;
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
