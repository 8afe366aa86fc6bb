//! What is under test: the component, the plugin without a sandbox, or a URL.

use std::sync::{Arc, OnceLock};

use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::Plugin;
use nameplate_runtime::wasm::{
    CodeCache, EMBEDDED, Engine, EngineOptions, Sandbox, WasmOptions, WasmPlugin,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::app::App;
use crate::client::Client;
use crate::native::NativePlugin;

/// `NAMEPLATE_TEST_TARGET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Component,
    Native,
    Url,
}

pub(crate) fn target() -> Target {
    match std::env::var("NAMEPLATE_TEST_TARGET").as_deref() {
        Err(_) | Ok("" | "component") => Target::Component,
        Ok("native") => Target::Native,
        Ok("url") => Target::Url,
        Ok(other) => {
            panic!("NAMEPLATE_TEST_TARGET is `{other}`; it can be component, native or url")
        }
    }
}

/// The plugin under test.
pub(crate) fn plugin(limits: &Limits) -> Arc<dyn Plugin> {
    match target() {
        Target::Component => Arc::new(component(EMBEDDED, limits).expect("the component loads")),
        Target::Native => Arc::new(NativePlugin::new()),
        Target::Url => panic!(
            "this case needs the server in this process; with NAMEPLATE_TEST_TARGET=url run \
             the cases of `idp` and `rfc7644` alone"
        ),
    }
}

/// Loads a component in the one engine of this process.
///
/// # Errors
/// As [`Sandbox::load`].
pub fn component(
    bytes: &[u8],
    limits: &Limits,
) -> Result<WasmPlugin, nameplate_runtime::plugin::PluginError> {
    sandbox(limits).load(bytes)
}

/// The one engine of this process, with slots counted anew.
pub fn sandbox(limits: &Limits) -> Sandbox {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE
        .get_or_init(|| Engine::new(&EngineOptions::from(&Limits::default())).expect("an engine"));
    let options = WasmOptions {
        limits: limits.clone(),
        cache: Some(cache()),
        ..WasmOptions::default()
    };
    Sandbox::within(engine.clone(), options)
}

/// Compiled code, kept between runs: `target/tmp` beside the profile of this binary.
fn cache() -> CodeCache {
    let binary = std::env::current_exe().expect("a test has a binary");
    let target = binary.ancestors().nth(3).expect("target/<profile>/deps");
    let place = target.join("tmp");
    CodeCache {
        folder: place.join("compiled-plugin"),
        key: place.join("compiled-plugin.key"),
    }
}

/// An identity provider's view: SCIM, and a directory that is empty at first.
pub struct Idp {
    client: Client,
    app: Option<App>,
    /// A server that was there before is used by one case at a time.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Idp {
    /// A server of its own, or the one of `NAMEPLATE_TEST_URL`, emptied.
    pub async fn start() -> Self {
        if target() != Target::Url {
            let app = App::start().await;
            return Self {
                client: app.scim(),
                app: Some(app),
                _turn: None,
            };
        }
        static TURN: OnceLock<Arc<Mutex<()>>> = OnceLock::new();
        let turn = TURN.get_or_init(Arc::default).clone().lock_owned().await;
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
        let url = variable("NAMEPLATE_TEST_URL");
        let rest = url.trim_end_matches('/').strip_prefix("http://");
        let rest = rest.expect("NAMEPLATE_TEST_URL starts with http://");
        let at = rest.find('/').unwrap_or(rest.len());
        let (address, mount) = rest.split_at(at);
        let client = Client::new(address, mount, &variable("NAMEPLATE_TEST_TOKEN"));
        empty(&client).await;
        Self {
            client,
            app: None,
            _turn: Some(turn),
        }
    }

    /// The server, for what SCIM does not show; none behind a URL.
    pub fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }
}

impl std::ops::Deref for Idp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

async fn empty(client: &Client) {
    for endpoint in ["/Groups", "/Users"] {
        loop {
            let ids = client.get(endpoint).await.expect(200).ids();
            if ids.is_empty() {
                break;
            }
            for id in ids {
                drop(client.delete(&format!("{endpoint}/{id}")).await.expect(204));
            }
        }
    }
}
