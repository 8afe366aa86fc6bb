//! What is told to whoever watches the server: the log on standard error and, with the
//! feature `otel`, traces.
//!
//! This knows formats and filters; what is told is decided where it happens. Nothing
//! here or there tells names, addresses, tokens or bodies.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Config, LogFormat};

#[cfg(feature = "otel")]
mod otel;

/// The log of this process, once it is set up.
pub struct Telemetry {
    filter: reload::Handle<EnvFilter, Registry>,
    default: &'static str,
    #[cfg(feature = "otel")]
    traces: Option<otel::Traces>,
}

impl Telemetry {
    /// Sets up the log as the settings say, `default` being its filter where they say
    /// nothing. A program that embeds us may have set up its own, which then stays.
    ///
    /// # Errors
    /// A filter that is none; a collector this build cannot speak to.
    pub fn start(config: &Config, default: &'static str) -> Result<Self> {
        let (filter, handle) = reload::Layer::new(filter(config, default)?);
        let log = Registry::default()
            .with(filter)
            .with(lines(config.log_format.unwrap_or_default()));
        #[cfg(feature = "otel")]
        let (log, traces) = {
            let traces = config.otel_endpoint.as_deref().map(otel::Traces::start);
            let traces = traces.transpose()?;
            (log.with(traces.as_ref().map(otel::Traces::layer)), traces)
        };
        #[cfg(not(feature = "otel"))]
        if config.otel_endpoint.is_some() {
            anyhow::bail!(
                "`otel_endpoint` is set and this server was built without traces; build it with \
                 `--features otel`, or remove the setting"
            );
        }
        // Fails only if there is one already.
        let _ = tracing::subscriber::set_global_default(log);
        Ok(Self {
            filter: handle,
            default,
            #[cfg(feature = "otel")]
            traces,
        })
    }

    /// Takes over the filter of other settings.
    ///
    /// # Errors
    /// A filter that is none; the old one stays.
    pub fn refilter(&self, config: &Config) -> Result<()> {
        self.filter
            .reload(filter(config, self.default)?)
            .context("the log cannot be changed any more")
    }

    /// Sends what still waits to be sent; blocks for a moment.
    pub fn finish(self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces {
            traces.finish();
        }
    }
}

fn filter(config: &Config, default: &str) -> Result<EnvFilter> {
    let filter = config.log.as_deref().unwrap_or(default);
    EnvFilter::try_new(filter)
        .with_context(|| format!("`{filter}` is no filter for the log; give e.g. `info`"))
}

/// Lines on standard error.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    }
}
