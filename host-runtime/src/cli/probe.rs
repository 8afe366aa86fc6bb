//! `nameplate probe`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use nameplate_store::{ControlStore, TenantId};
use nameplate_store_sql::SqliteStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Workplace;
use super::connections::connection_named;
use super::signals::Signals;
use super::tenants::tenant_named;
use crate::clock::Sources;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::outgoing;
use crate::probe::{Client, Probe, Provider, Report, Secret};
use crate::tokens::{TokenWish, add_token};

/// Where a token is looked for if no file is named.
const VARIABLE: &str = "NAMEPLATE_PROBE_TOKEN";
/// A token file is one line.
const MAX_TOKEN: u64 = 64 << 10;
/// A token of our own ends by itself after this, should it not be revoked.
const LIFETIME_MS: u64 = 3600 * 1000;
/// Part of what is pasted as "tenant URL" in Entra ID; both ways are played anyway.
const ENTRA_FLAG: &str = "aadOptscim062020";

const EXAMPLES: &str = "\
Examples:
  nameplate probe --as okta
      the server of these settings, with a token that is made for it and revoked
  NAMEPLATE_PROBE_TOKEN=… nameplate probe --as entra --url https://scim.example.com/scim/v2
  nameplate probe --as authentik --url https://scim.example.com/v2 --token-file token --json";

/// Play an identity provider against a SCIM server and say what it would make of it
///
/// Makes people named `nameplate-probe-…@example.invalid` and groups named like them, and
/// deletes them at the end; nothing else is touched. Ends with 1 if something is broken.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ProbeCommand {
    /// Which identity provider
    #[arg(long = "as", value_name = "PROVIDER")]
    provider: Provider,
    /// SCIM base URL of any server [default: that of these settings]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// File with the bearer token [default: NAMEPLATE_PROBE_TOKEN in the environment]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with certificates to trust, besides those that browsers trust
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Seconds to wait for each answer
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Leave behind what was made
    #[arg(long)]
    keep: bool,
    /// Whose connection, without `--url` and token
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// Which connection, without `--url` and token [default: the tenant's only one]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

/// What lets us in.
struct Access {
    secret: Secret,
    /// A token of our own, to be revoked.
    own: Option<Own>,
}

struct Own {
    store: SqliteStore,
    tenant: TenantId,
    id: String,
}

impl ProbeCommand {
    /// Needs a database only if it has to make a token for itself.
    pub(super) async fn run(self, config: Config) -> Result<()> {
        let sources = Sources::default();
        let url = match &self.url {
            Some(url) => base_url(url)?,
            None => config.scim_url(),
        };
        let roots = self.roots(&config)?;
        // From here on a signal waits for the clean-up.
        let mut signals = Signals::listen()?;
        let stop = async move { signals.stop().await };
        let access = self.access(config, &sources).await?;
        let secret = access.secret.clone();
        let played = match Client::new(&url, secret, roots, Duration::from_secs(self.timeout)) {
            Ok(client) => self.play(&client, &sources, stop).await,
            Err(error) => Err(anyhow!(error)),
        };
        if let Some(own) = access.own {
            let now = sources.clock.now();
            let revoked = own.store.revoke_token(own.tenant, &own.id, now).await;
            own.store.close();
            revoked.context("cannot revoke the token of the probe; it ends within an hour")?;
        }
        played
    }

    /// Plays every sequence and prints what was found.
    async fn play(
        &self,
        client: &Client,
        sources: &Sources,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let random = &*sources.random;
        let mut stop = std::pin::pin!(stop);
        let (mut reports, mut fine, mut stopped) = (Vec::new(), true, false);
        for sequence in self.provider.sequences() {
            let mut probe =
                Probe::new(client, random, sequence.title).map_err(|error| anyhow!(error))?;
            self.say(|| probe.report().head());
            tokio::select! {
                played = probe.play(sequence, random, |tried| self.say(|| tried.text())) => {
                    played.map_err(|error| anyhow!(error))?;
                }
                () = &mut stop => stopped = true,
            }
            let cleaned = match self.keep {
                true => None,
                false => Some(probe.clean().await),
            };
            let report: &Report = probe.report();
            self.say(|| format!("\n{}", report.foot(cleaned.as_ref())));
            if self.keep {
                for kept in probe.kept() {
                    self.say(|| format!("kept: {kept}\n"));
                }
            }
            self.say(|| "\n".to_owned());
            fine &= report.is_fine();
            reports.push(report.json(cleaned.as_ref(), &probe.kept()));
            if stopped {
                break;
            }
        }
        if self.json {
            println!("{:#}", serde_json::Value::Array(reports));
        }
        if stopped {
            bail!("the probe was stopped before its end");
        }
        if !fine {
            bail!("this provider would not get along with the server; the report says why");
        }
        Ok(())
    }

    /// To people, as it happens.
    fn say(&self, text: impl FnOnce() -> String) {
        if !self.json {
            print!("{}", text());
        }
    }

    /// The given token, or one made for the server of these settings.
    async fn access(&self, config: Config, sources: &Sources) -> Result<Access> {
        if let Some(text) = self.given_token()? {
            let secret = Secret::new(&text).map_err(|error| anyhow!(error))?;
            return Ok(Access { secret, own: None });
        }
        if self.url.is_some() {
            bail!("which token? give `--token-file FILE` or set `{VARIABLE}`");
        }
        let place = Workplace {
            store: super::open(&config.database(), &Metrics::default())?,
            metrics: Arc::default(),
            config,
            sources: sources.clone(),
        };
        let tenant = tenant_named(&place, &self.tenant).await?;
        let connection = connection_named(&place, &tenant, self.connection.as_deref()).await?;
        let wish = TokenWish {
            note: "probe".to_owned(),
            expires: Some(sources.clock.now().saturating_add(LIFETIME_MS)),
            ..TokenWish::new(tenant.id, Some(connection.id))
        };
        let made = add_token(&place.store, sources, wish)
            .await
            .context("cannot make a token for the probe; give one with `--token-file`")?;
        let own = Own {
            store: place.store,
            tenant: tenant.id,
            id: made.token.id,
        };
        let secret = Secret::new(&made.text).map_err(|error| anyhow!(error))?;
        Ok(Access {
            secret,
            own: Some(own),
        })
    }

    fn given_token(&self) -> Result<Option<String>> {
        match &self.token_file {
            Some(file) => {
                let name = file.display();
                let about = std::fs::metadata(file)
                    .with_context(|| format!("cannot read the token in `{name}`"))?;
                if about.len() > MAX_TOKEN {
                    bail!("`{name}` is too large for a token");
                }
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read the token in `{name}`"))?;
                Ok(Some(text))
            }
            None => Ok(std::env::var(VARIABLE).ok()),
        }
    }

    /// Whom to trust: public authorities, those named, and for the server of these
    /// settings its own certificate.
    fn roots(&self, config: &Config) -> Result<RootCertStore> {
        let mut roots = outgoing::public_roots();
        let own = config.tls_cert.as_ref().filter(|_| self.url.is_none());
        for file in self.ca_file.iter().chain(own) {
            add_roots(&mut roots, file)?;
        }
        Ok(roots)
    }
}

fn add_roots(roots: &mut RootCertStore, file: &Path) -> Result<()> {
    let name = file.display();
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| anyhow!("cannot read the certificates in `{name}`: {error}"))?;
    if roots.add_parsable_certificates(found).0 == 0 {
        bail!("`{name}` holds no certificate in pem form");
    }
    Ok(())
}

/// A base URL as it was given, without what does not belong to it.
fn base_url(text: &str) -> Result<String> {
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    if !matches!(query, "" | ENTRA_FLAG) {
        bail!("`--url` has a query; give the base url alone, e.g. `https://scim.example.com/v2`");
    }
    let base = base.trim_end_matches('/');
    let uri: Option<http::Uri> = base.parse().ok();
    let fine = uri.is_some_and(|uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().map(http::uri::Authority::as_str);
        scheme && authority.is_some_and(|authority| !authority.contains('@'))
    });
    if !fine || base.contains('#') {
        bail!("`--url` is no base url; give e.g. `https://scim.example.com/scim/v2`");
    }
    Ok(base.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_base_url_is_taken_as_people_paste_it() {
        let base = "https://x.example/scim/v2";
        for text in [
            base.to_owned(),
            format!("{base}/"),
            format!("{base}/?aadOptscim062020"),
            format!("{base}?aadOptscim062020"),
        ] {
            assert_eq!(base_url(&text).unwrap(), base, "{text}");
        }
        for text in [
            "",
            "x.example/scim",
            "ftp://x.example",
            "https://u:p@x.example",
            "https://x.example/scim?a=b",
            "https://x.example/#a",
        ] {
            let error = base_url(text).unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
