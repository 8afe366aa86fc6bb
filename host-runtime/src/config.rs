//! Settings: flags, environment, file, defaults, in this order.
//!
//! Each setting is one field of [`Config`]: its flag, its `NAMEPLATE_…` variable and
//! its key in `nameplate.toml` are the same thing under three spellings.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::http::{Network, PublicUrl, Settings};
use crate::limits::Limits;
use crate::plugins::{PluginKey, PluginKeys};
use crate::server::ServerOptions;
use crate::tenancy::limits_of;
use crate::wasm::{CodeCache, Isolation};
use crate::webhooks::Reach;

/// Read if it is there and `--config` names no other.
const DEFAULT_FILE: &str = "nameplate.toml";
/// Connections to the listener for metrics: a few collectors and probes.
const WATCHERS: usize = 32;
/// A file of settings is a few lines.
const MAX_FILE: u64 = 1 << 20;

/// What was set, by one source or by all of them together.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq)]
#[command(next_help_heading = "Settings (flag, environment or nameplate.toml)")]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "NAMEPLATE_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Where data is kept [default: sqlite:nameplate.db]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: Option<Database>,

    /// URL under which clients reach this server, e.g. `https://mdm.example.com`
    #[arg(long, global = true, env = "NAMEPLATE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Certificate chain in PEM form; with it the server speaks HTTPS
    #[arg(long, global = true, env = "NAMEPLATE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate in PEM form
    #[arg(long, global = true, env = "NAMEPLATE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Addresses or ranges of reverse proxies whose `X-Forwarded-…` headers count
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_TRUSTED_PROXIES",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub trusted_proxies: Option<Vec<Network>>,

    /// Connections open at once [default: 1024]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_MAX_CONNECTIONS",
        value_name = "N"
    )]
    pub max_connections: Option<std::num::NonZeroU32>,

    /// Connections open at once from one address; trusted proxies may have all [default:
    /// half of them]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "N"
    )]
    pub max_connections_per_address: Option<std::num::NonZeroU32>,

    /// Address and port for `/metrics`, `/healthz` and `/readyz`, e.g. `127.0.0.1:9090`
    /// [default: none]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_METRICS_LISTEN",
        value_name = "ADDRESS"
    )]
    pub metrics_listen: Option<String>,

    /// How long requests in flight may take once the server is told to stop [default: 20]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_DRAIN_SECONDS",
        value_name = "SECONDS"
    )]
    pub drain_seconds: Option<u32>,

    /// How long new requests are still taken then, while `/readyz` says 503 already, so
    /// that a load balancer notices [default: 0]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_DRAIN_DELAY_SECONDS",
        value_name = "SECONDS"
    )]
    pub drain_delay_seconds: Option<u32>,

    /// Use a sandbox again for the same `tenant`, or make one for each `request`
    #[arg(long, global = true, env = "NAMEPLATE_ISOLATION", value_name = "HOW")]
    pub isolation: Option<IsolationName>,

    /// Folder for the compiled plugin [default: the user's cache folder]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_PLUGIN_CACHE",
        value_name = "FOLDER"
    )]
    pub plugin_cache: Option<PathBuf>,

    /// File of the key that compiled plugins are sealed with [default: beside the database,
    /// named `.cache-key`]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_PLUGIN_CACHE_KEY",
        value_name = "FILE"
    )]
    pub plugin_cache_key: Option<PathBuf>,

    /// Folder of components that tenants may be pinned to [default: `plugins` beside the
    /// database]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_PLUGIN_FOLDER",
        value_name = "FOLDER"
    )]
    pub plugin_folder: Option<PathBuf>,

    /// Public keys of minisign; with any, components have to be signed by one of them
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_PLUGIN_KEYS",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub plugin_keys: Option<Vec<PluginKey>>,

    /// May webhooks reach loopback, private and link-local addresses too
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_WEBHOOKS_ALLOW_PRIVATE",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub webhooks_allow_private: Option<bool>,

    /// What the server logs to standard error, e.g. `debug` [default: info]
    #[arg(long, global = true, env = "NAMEPLATE_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// The log as `text` for people or as one `json` object a line [default: text]
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_LOG_FORMAT",
        value_name = "FORMAT"
    )]
    pub log_format: Option<LogFormat>,

    /// Collector that traces are sent to over OTLP/HTTP, e.g. `http://127.0.0.1:4318`;
    /// needs a server built with the feature `otel`
    #[arg(
        long,
        global = true,
        env = "NAMEPLATE_OTEL_ENDPOINT",
        value_name = "URL"
    )]
    pub otel_endpoint: Option<String>,

    /// `[limits]` of the file: what every tenant may use of whom nothing else is said,
    /// by the names of [`Limits`].
    #[arg(skip)]
    pub limits: Option<Map<String, Value>>,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `tenant` or `request`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum IsolationName {
    /// A sandbox serves one tenant, request after request.
    #[default]
    Tenant,
    /// A sandbox serves one request.
    Request,
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Database {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
}

/// The text names no database we know. It may hold a password, so it is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidDatabase {
    /// Another kind.
    #[error(
        "databases of kind `{0}` are not supported; give `sqlite:PATH`, e.g. `sqlite:nameplate.db`"
    )]
    Kind(String),
    /// No kind, or no path.
    #[error("this is no database; give `sqlite:PATH`, e.g. `sqlite:nameplate.db`")]
    Form,
}

impl FromStr for Database {
    type Err = InvalidDatabase;

    fn from_str(text: &str) -> Result<Self, InvalidDatabase> {
        let (kind, rest) = text.trim().split_once(':').ok_or(InvalidDatabase::Form)?;
        if kind != "sqlite" {
            let plain = !kind.is_empty()
                && kind.len() <= 20
                && kind
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
            return Err(if plain {
                InvalidDatabase::Kind(kind.to_owned())
            } else {
                InvalidDatabase::Form
            });
        }
        // `sqlite:///var/lib/x.db` is how other programs write an absolute path.
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains('\0') {
            return Err(InvalidDatabase::Form);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl TryFrom<String> for Database {
    type Error = InvalidDatabase;

    fn try_from(text: String) -> Result<Self, InvalidDatabase> {
        text.parse()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl Config {
    /// Fills what flags and environment left open from the file.
    ///
    /// # Errors
    /// A file that was named and is not there, or that holds what we do not know:
    /// with its position.
    pub fn with_file(self, named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        if named.is_none() && !path.exists() {
            return Ok(self);
        }
        let about = std::fs::metadata(path)
            .with_context(|| format!("cannot read the settings in `{}`", path.display()))?;
        if about.len() > MAX_FILE {
            bail!("`{}` is too large for a file of settings", path.display());
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings in `{}`", path.display()))?;
        Ok(self.or(Self::parse(&text, path)?))
    }

    /// Reads a file's text; `path` is for messages.
    fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            let message = error.message().replace('\n', "; ");
            anyhow!("{}:{line}:{column}: {message}", path.display())
        })
    }

    /// This, and where it says nothing the other.
    fn or(self, other: Self) -> Self {
        // Taken apart whole, so that a new setting cannot be forgotten here.
        let Self {
            listen,
            database,
            public_url,
            tls_cert,
            tls_key,
            trusted_proxies,
            max_connections,
            max_connections_per_address,
            metrics_listen,
            drain_seconds,
            drain_delay_seconds,
            isolation,
            plugin_cache,
            plugin_cache_key,
            plugin_folder,
            plugin_keys,
            webhooks_allow_private,
            log,
            log_format,
            otel_endpoint,
            limits,
        } = self;
        Self {
            listen: listen.or(other.listen),
            database: database.or(other.database),
            public_url: public_url.or(other.public_url),
            tls_cert: tls_cert.or(other.tls_cert),
            tls_key: tls_key.or(other.tls_key),
            trusted_proxies: trusted_proxies.or(other.trusted_proxies),
            max_connections: max_connections.or(other.max_connections),
            max_connections_per_address: max_connections_per_address
                .or(other.max_connections_per_address),
            metrics_listen: metrics_listen.or(other.metrics_listen),
            drain_seconds: drain_seconds.or(other.drain_seconds),
            drain_delay_seconds: drain_delay_seconds.or(other.drain_delay_seconds),
            isolation: isolation.or(other.isolation),
            plugin_cache: plugin_cache.or(other.plugin_cache),
            plugin_cache_key: plugin_cache_key.or(other.plugin_cache_key),
            plugin_folder: plugin_folder.or(other.plugin_folder),
            plugin_keys: plugin_keys.or(other.plugin_keys),
            webhooks_allow_private: webhooks_allow_private.or(other.webhooks_allow_private),
            log: log.or(other.log),
            log_format: log_format.or(other.log_format),
            otel_endpoint: otel_endpoint.or(other.otel_endpoint),
            limits: limits.or(other.limits),
        }
    }

    /// The settings in which `new` is another, and whether they change while the server
    /// runs.
    pub fn changes(&self, new: &Self) -> Vec<(&'static str, bool)> {
        // Taken apart whole, so that a new setting cannot be forgotten here.
        let Self {
            listen,
            database,
            public_url,
            tls_cert,
            tls_key,
            trusted_proxies,
            max_connections,
            max_connections_per_address,
            metrics_listen,
            drain_seconds,
            drain_delay_seconds,
            isolation,
            plugin_cache,
            plugin_cache_key,
            plugin_folder,
            plugin_keys,
            webhooks_allow_private,
            log,
            log_format,
            otel_endpoint,
            limits,
        } = self;
        let changes = [
            ("listen", *listen != new.listen, false),
            ("database", *database != new.database, false),
            ("public_url", *public_url != new.public_url, true),
            ("tls_cert", *tls_cert != new.tls_cert, false),
            ("tls_key", *tls_key != new.tls_key, false),
            (
                "trusted_proxies",
                *trusted_proxies != new.trusted_proxies,
                true,
            ),
            (
                "max_connections",
                *max_connections != new.max_connections,
                false,
            ),
            (
                "max_connections_per_address",
                *max_connections_per_address != new.max_connections_per_address,
                false,
            ),
            (
                "metrics_listen",
                *metrics_listen != new.metrics_listen,
                false,
            ),
            ("drain_seconds", *drain_seconds != new.drain_seconds, false),
            (
                "drain_delay_seconds",
                *drain_delay_seconds != new.drain_delay_seconds,
                false,
            ),
            ("isolation", *isolation != new.isolation, false),
            ("plugin_cache", *plugin_cache != new.plugin_cache, false),
            (
                "plugin_cache_key",
                *plugin_cache_key != new.plugin_cache_key,
                false,
            ),
            ("plugin_folder", *plugin_folder != new.plugin_folder, false),
            ("plugin_keys", *plugin_keys != new.plugin_keys, false),
            (
                "webhooks_allow_private",
                *webhooks_allow_private != new.webhooks_allow_private,
                false,
            ),
            ("log", *log != new.log, true),
            ("log_format", *log_format != new.log_format, false),
            ("otel_endpoint", *otel_endpoint != new.otel_endpoint, false),
            ("limits", *limits != new.limits, true),
        ];
        let changed = changes.into_iter().filter(|(_, changed, _)| *changed);
        changed.map(|(name, _, live)| (name, live)).collect()
    }

    /// Where data is kept.
    pub fn database(&self) -> Database {
        let default = || Database::Sqlite(PathBuf::from("nameplate.db"));
        self.database.clone().unwrap_or_else(default)
    }

    /// How the server is seen from outside.
    pub fn http(&self) -> Settings {
        Settings {
            public_url: self.public_url.clone(),
            trusted_proxies: self.trusted_proxies.clone().unwrap_or_default(),
        }
    }

    /// How to listen.
    ///
    /// # Errors
    /// A certificate without its key, or the reverse.
    pub fn server(&self) -> Result<ServerOptions> {
        let defaults = ServerOptions::default();
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) => bail!("`tls-cert` is set and `tls-key` is not; https needs both"),
            (None, Some(_)) => bail!("`tls-key` is set and `tls-cert` is not; https needs both"),
        };
        let count = |most: std::num::NonZeroU32| usize::try_from(most.get()).unwrap_or(usize::MAX);
        let max_connections = self.max_connections.map_or(defaults.max_connections, count);
        Ok(ServerOptions {
            address: self.listen.clone().unwrap_or(defaults.address),
            tls,
            max_connections,
            max_per_address: self
                .max_connections_per_address
                .map_or(max_connections.div_ceil(2), count),
            unbounded: self.trusted_proxies.clone().unwrap_or_default(),
            drain: seconds(self.drain_seconds).unwrap_or(defaults.drain),
            drain_delay: seconds(self.drain_delay_seconds).unwrap_or(defaults.drain_delay),
        })
    }

    /// How to listen for whoever watches the server, if at all.
    pub fn metrics_server(&self) -> Option<ServerOptions> {
        let address = self.metrics_listen.clone()?;
        Some(ServerOptions {
            address,
            max_connections: WATCHERS,
            max_per_address: WATCHERS,
            drain: Duration::ZERO,
            ..ServerOptions::default()
        })
    }

    /// Is plain HTTP spoken where others can listen: on an address that is not this
    /// machine's own, with no proxy in front that we know of.
    pub fn in_the_clear(&self) -> bool {
        let behind = self.public_url.is_some() || self.trusted_proxies.is_some();
        let address = self.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let mut addresses = address.to_socket_addrs().into_iter().flatten();
        self.tls_cert.is_none() && !behind && addresses.any(|address| !address.ip().is_loopback())
    }

    /// The SCIM base URL to give to an identity provider, as far as it is known
    /// without a running server.
    pub fn scim_url(&self) -> String {
        let base = match &self.public_url {
            Some(url) => url.to_string(),
            None => {
                let scheme = if self.tls_cert.is_some() {
                    "https"
                } else {
                    "http"
                };
                let listen = self.listen.clone();
                let address = listen.unwrap_or_else(|| ServerOptions::default().address);
                format!("{scheme}://{}", reachable(&address))
            }
        };
        format!("{base}/scim/v2")
    }

    /// What every tenant may use of whom nothing else is said.
    ///
    /// # Errors
    /// A limit that is none, or a value that it cannot have.
    pub fn limits(&self) -> Result<Limits> {
        let mut limits = Limits::default();
        if let Some(own) = &self.limits {
            limits = limits_of(own, &limits).context("`[limits]` cannot be used")?;
        }
        limits.webhooks.reach = self.reach();
        Ok(limits)
    }

    /// Whom webhooks may reach.
    pub fn reach(&self) -> Reach {
        Reach {
            private: self.webhooks_allow_private.unwrap_or(false),
        }
    }

    /// When sandboxes are used again.
    pub fn isolation(&self) -> Isolation {
        match self.isolation.unwrap_or_default() {
            IsolationName::Tenant => Isolation::Tenant,
            IsolationName::Request => Isolation::Request,
        }
    }

    /// Where the components are that tenants may be pinned to.
    pub fn plugin_folder(&self) -> PathBuf {
        let Database::Sqlite(database) = self.database();
        let beside = || database.with_file_name("plugins");
        self.plugin_folder.clone().unwrap_or_else(beside)
    }

    /// Who has to have signed them.
    pub fn plugin_keys(&self) -> PluginKeys {
        PluginKeys::new(self.plugin_keys.clone().unwrap_or_default())
    }

    /// Where compiled plugins are kept: the user's cache folder, if there is one; sealed
    /// with a key beside the database.
    pub fn plugin_cache(&self) -> Option<CodeCache> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let user = || {
            variable("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")))
                .map(|cache| cache.join("nameplate"))
        };
        let folder = self.plugin_cache.clone().or_else(user)?;
        let Database::Sqlite(database) = self.database();
        let beside = || database.with_extension("cache-key");
        let key = self.plugin_cache_key.clone().unwrap_or_else(beside);
        Some(CodeCache { folder, key })
    }
}

fn seconds(number: Option<u32>) -> Option<Duration> {
    number.map(|seconds| Duration::from_secs(u64::from(seconds)))
}

/// An address to connect to: one that means "every interface" is none.
fn reachable(address: &str) -> String {
    match address.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("localhost:{}", address.port()),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("nameplate.toml"))
    }

    #[test]
    fn what_flags_say_wins_and_the_file_fills_the_rest() {
        let flags = Config {
            listen: Some("127.0.0.1:1".into()),
            ..Config::default()
        };
        let file = parse(
            "listen = \"127.0.0.1:2\"\npublic_url = \"https://a.example/\"\n\
             trusted_proxies = [\"10.0.0.0/8\"]\nisolation = \"request\"\n",
        );
        let both = flags.or(file.unwrap());
        assert_eq!(both.listen.as_deref(), Some("127.0.0.1:1"));
        assert_eq!(both.scim_url(), "https://a.example/scim/v2");
        assert_eq!(both.http().trusted_proxies.len(), 1);
        assert_eq!(both.isolation, Some(IsolationName::Request));
        assert_eq!(both.database().to_string(), "sqlite:nameplate.db");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place_and_what_exists() {
        let error = parse("listen = \"a:1\"\nlistn = \"b:2\"\n")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("nameplate.toml:2:1: "), "{error}");
        assert!(
            error.contains("`listn`") && error.contains("`listen`"),
            "{error}"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn a_wrong_value_is_an_error_with_its_place() {
        for text in [
            "public_url = \"x\"",
            "database = \"mysql://u:pw@h/d\"",
            "trusted_proxies = [\"x\"]",
            "isolation = \"none\"",
            "max_connections = 0",
            "= 1",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("nameplate.toml:1:"), "{error}");
            assert!(!error.contains("pw@"), "{error}");
        }
    }

    #[test]
    fn limits_are_a_section_whose_names_are_checked() {
        let limits = |text: &str| parse(text).unwrap().limits();
        let set = limits("[limits]\nusers = 500\nrate = { per_second = 5, burst = 9 }\n").unwrap();
        assert_eq!((set.users, set.rate.unwrap().burst), (500, 9));
        assert_eq!(set.groups, Limits::default().groups);
        let error = format!("{:#}", limits("[limits]\nuser = 5\n").unwrap_err());
        assert!(error.contains("`users`"), "{error}");
    }

    #[test]
    fn the_example_that_is_packaged_is_understood_with_all_that_it_comments_out() {
        let example = include_str!("../packaging/nameplate.toml");
        let (head, limits) = example.split_once("[limits]").unwrap();
        // Commented out is a setting where no blank follows the mark.
        let uncommented = |line: &str| match line.strip_prefix('#') {
            Some(setting) if setting.contains('=') && !setting.starts_with(' ') => {
                setting.to_owned()
            }
            _ => line.to_owned(),
        };
        let whole: Vec<_> = head.lines().map(uncommented).collect();
        let whole = parse(&format!("{}\n[limits]{limits}", whole.join("\n"))).unwrap();
        assert_eq!(parse(example).unwrap().limits().unwrap(), Limits::default());
        assert_eq!(
            whole.server().unwrap().drain,
            ServerOptions::default().drain
        );
        assert!(whole.tls_cert.is_some() && whole.database.is_some());
    }

    #[test]
    fn every_setting_that_changes_is_named() {
        let all = "listen = \"a:1\"\nlog = \"warn\"\n[limits]\nusers = 5\n";
        let changes = Config::default().changes(&parse(all).unwrap());
        assert_eq!(
            changes,
            [("listen", false), ("log", true), ("limits", true)]
        );
    }

    #[test]
    fn a_file_that_was_named_has_to_exist() {
        let missing = Path::new("/nonexistent/nameplate.toml");
        assert!(Config::default().with_file(Some(missing)).is_err());
    }

    #[test]
    fn databases_other_than_sqlite_are_refused_without_showing_a_password() {
        let path = |text: &str| text.parse::<Database>().map(|found| found.to_string());
        assert_eq!(path("sqlite:a.db").unwrap(), "sqlite:a.db");
        assert_eq!(path("sqlite:///var/a.db").unwrap(), "sqlite:/var/a.db");
        let error = path("postgres://u:secret@h/d").unwrap_err().to_string();
        assert!(
            error.contains("`postgres`") && !error.contains("secret"),
            "{error}"
        );
        for text in ["", "nameplate.db", "sqlite:", ":x", "p@ss:word"] {
            assert_eq!(path(text).unwrap_err(), InvalidDatabase::Form, "{text}");
        }
    }

    #[test]
    fn the_scim_url_without_a_public_url_is_one_to_connect_to() {
        let url = |listen: &str| {
            let config = Config {
                listen: Some(listen.into()),
                ..Config::default()
            };
            config.scim_url()
        };
        assert_eq!(url("0.0.0.0:80"), "http://localhost:80/scim/v2");
        assert_eq!(url("[::]:80"), "http://localhost:80/scim/v2");
        assert_eq!(url("10.0.0.1:80"), "http://10.0.0.1:80/scim/v2");
        assert_eq!(
            Config::default().scim_url(),
            "http://127.0.0.1:8080/scim/v2"
        );
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let half = Config {
            tls_cert: Some("a.pem".into()),
            ..Config::default()
        };
        assert!(half.server().unwrap_err().to_string().contains("tls-key"));
    }
}
