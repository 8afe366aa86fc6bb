//! `nameplate serve`.

use std::time::Duration;

use anyhow::{Context, Result};
use nameplate_store::ControlStore;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Workplace;
use super::reload::{Origin, Reload};
use super::signals::{Signal, Signals};
use crate::config::Config;
use crate::http::{Front, Watch};
use crate::metrics::Connections;
use crate::server::Server;
use crate::setup::{self, Credentials};
use crate::{Runtime, RuntimeBuilder, Stores};

/// Made by the first start.
const TENANT: &str = "default";
const CONNECTION: &str = "okta";
/// Loading from the cache takes a few milliseconds, so after this it is compiling.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) async fn serve(place: Workplace, origin: Origin) -> Result<()> {
    let mut signals = Signals::listen()?;
    // What can be wrong with the settings is told before anything slow is done.
    let server = Server::bind(&place.config.server()?).await?;
    let watched = match place.config.metrics_server() {
        Some(options) => Some(Server::bind(&options).await?),
        None => None,
    };
    let runtime = build(runtime(&place)?).await?;
    let Workplace {
        config,
        store,
        metrics: _,
        sources,
    } = place;
    let base = match &config.public_url {
        Some(url) => url.to_string(),
        None => server.url(),
    };
    let made = if first_start(&store).await? {
        setup::init(&store, &sources, TENANT, CONNECTION).await?
    } else {
        None
    };
    match made {
        Some(made) => print_first(&base, &made),
        None => print_later(&base),
    }
    tracing::info!(address = %server.local_addr(), database = %config.database(), "listening");
    warn_of_plain_http(&config, &server);
    let background = runtime.start_background();
    // Answers until the very end: whoever watches wants to see that, too.
    let _watching = watched.map(|watched| watch(watched, &runtime));
    let front = Front::new(runtime.clone(), config.http());
    let mut reload = Reload::new(origin, config, front.clone(), server.controls());
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(server.run(front, async {
        let _ = stopped.await;
    }));
    while signals.next().await == Signal::Hangup {
        reload.now();
    }
    tracing::info!("stopping: finishing what is in flight; a second signal ends at once");
    // Fails only if the server has ended already.
    let _ = stop.send(());
    let ending = async {
        let _ = (&mut serving).await;
        background.stop().await;
    };
    tokio::select! {
        () = ending => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("stopped at once; requests in flight are not answered"),
    }
    reload.into_telemetry().finish();
    Ok(())
}

/// Serves metrics until the result is dropped.
fn watch(server: Server, runtime: &Runtime) -> impl Drop {
    tracing::info!(address = %server.local_addr(), "listening for metrics");
    let service = Watch::new(runtime.clone());
    // Whoever watches is not counted among the clients.
    let serving = server.serve(
        service,
        Connections::default(),
        std::future::pending(),
        || (),
    );
    AbortOnDrop(tokio::spawn(serving))
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A runtime as the settings say.
pub(super) fn runtime(place: &Workplace) -> Result<RuntimeBuilder> {
    Ok(Runtime::builder(Stores::one(place.store.clone()))
        .limits(place.config.limits()?)
        .isolation(place.config.isolation())
        .plugin_cache(place.config.plugin_cache())
        .plugin_folder(place.config.plugin_folder())
        .plugin_keys(place.config.plugin_keys())
        .sources(place.sources.clone())
        .metrics(place.metrics.clone()))
}

/// Tokens and people's names on a network in the clear are worth a line.
fn warn_of_plain_http(config: &Config, server: &Server) {
    if config.in_the_clear() && !server.local_addr().ip().is_loopback() {
        tracing::warn!(
            "plain http on an address others can reach: tokens can be read on the way; set \
             tls_cert and tls_key, or put a proxy in front (docs/reverse-proxy.md)"
        );
    }
}

/// Has nobody been given a token yet? A start that was cut off counts as none.
async fn first_start(control: &dyn ControlStore) -> Result<bool> {
    let tenants = control.tenants().await?;
    match tenants.as_slice() {
        [] => Ok(true),
        [only] if only.name == TENANT => Ok(control.tokens(only.id).await?.is_empty()),
        _ => Ok(false),
    }
}

/// Builds the runtime, and says so if that means compiling the plugin.
pub(super) async fn build(builder: RuntimeBuilder) -> Result<Runtime> {
    let mut building = tokio::task::spawn_blocking(move || builder.build());
    let built = match tokio::time::timeout(PATIENCE, &mut building).await {
        Ok(built) => built,
        Err(_) => {
            eprintln!("compiling the plugin; the next start finds it ready …");
            building.await
        }
    };
    built
        .context("the thread that loads the plugin ended")?
        .context("cannot load the plugin")
}

fn print_first(base: &str, made: &Credentials) {
    let Credentials {
        scim_token,
        admin_token,
    } = made;
    println!(
        "\
Nameplate is ready. These tokens are shown this once; keep them.

  SCIM base URL  {base}/scim/v2
  SCIM token     {scim_token}
  Admin token    {admin_token}

Next
  1. Give base URL and SCIM token to your identity provider (docs/okta.md), or try:

     curl -H 'Authorization: Bearer {scim_token}' \\
       '{base}/scim/v2/Users?startIndex=1&count=2'

  2. Tell of a host and of who signed in on it, with the admin token:

     curl -H 'Authorization: Bearer {admin_token}' \\
       -d '{{\"id\":\"1\",\"display_name\":\"Laptop 1\"}}' {base}/api/v1/hosts
     curl -H 'Authorization: Bearer {admin_token}' \\
       -d '{{\"email\":\"ana@example.com\"}}' {base}/api/v1/hosts/1/enrollments

  3. See whose it is:

     curl -H 'Authorization: Bearer {admin_token}' {base}/api/v1/fleet/hosts/1

  Is the identity provider heard? {base}/settings/integrations/identity-provider
  (any user name, the admin token as password)
"
    );
}

fn print_later(base: &str) {
    println!("SCIM base URL  {base}/scim/v2");
    println!("A further token: `nameplate token create --scope scim` (or `--scope admin`)");
}
