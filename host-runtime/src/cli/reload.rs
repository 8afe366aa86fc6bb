//! SIGHUP: the settings are read again, and what can change while the server runs
//! changes. What cannot be used is told, and the old stays.

use std::path::PathBuf;

use anyhow::Result;

use crate::config::Config;
use crate::http::Front;
use crate::server::Controls;
use crate::telemetry::Telemetry;

/// Where the settings came from.
pub(super) struct Origin {
    /// What flags and environment say, which no file changes.
    pub(super) flags: Config,
    /// The file that was named.
    pub(super) file: Option<PathBuf>,
    /// The log, whose filter may change.
    pub(super) telemetry: Telemetry,
}

/// What the settings are taken over into.
pub(super) struct Reload {
    origin: Origin,
    current: Config,
    front: Front,
    controls: Controls,
}

impl Reload {
    pub(super) fn new(origin: Origin, current: Config, front: Front, controls: Controls) -> Self {
        Self {
            origin,
            current,
            front,
            controls,
        }
    }

    /// Reads everything again and takes it over; never fails, for a server whose file is
    /// broken goes on with what it has.
    pub(super) fn now(&mut self) {
        tracing::info!("reading the settings again");
        if let Some(certificate) = self.controls.certificate() {
            certificate.tell(certificate.reload());
        }
        if let Err(error) = self.settings() {
            tracing::error!(
                error = %format!("{error:#}"),
                "the settings were not taken over; the old ones stay"
            );
        }
    }

    fn settings(&mut self) -> Result<()> {
        let origin = &self.origin;
        let new = origin.flags.clone().with_file(origin.file.as_deref())?;
        let limits = new.limits()?;
        let changes = self.current.changes(&new);
        origin.telemetry.refilter(&new)?;
        self.controls
            .set_unbounded(new.trusted_proxies.clone().unwrap_or_default());
        self.front.set_settings(new.http());
        self.front.runtime().set_limits(limits);
        for (name, live) in changes {
            if live {
                tracing::info!(setting = name, "taken over");
            } else {
                tracing::warn!(setting = name, "changed; it counts after a restart");
            }
        }
        self.current = new;
        Ok(())
    }

    /// The log, to be ended.
    pub(super) fn into_telemetry(self) -> Telemetry {
        self.origin.telemetry
    }
}
