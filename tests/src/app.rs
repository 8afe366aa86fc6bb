//! A server of its own for one test: plugin, SQLite file, socket, tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nameplate_runtime::clock::{Sources, SystemRandom};
use nameplate_runtime::http::{Front, Settings};
use nameplate_runtime::limits::{Limits, Rate};
use nameplate_runtime::plugin::Plugin;
use nameplate_runtime::server::{Running, Server, ServerOptions};
use nameplate_runtime::setup::{self, Credentials};
use nameplate_runtime::store::{ConnectionId, TenantId};
use nameplate_runtime::{OperatorChange, Runtime, Stores};
use nameplate_store_sql::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::Good;
use crate::client::Client;
use crate::clock::TestClock;
use crate::names::{GROUP, USER};
use crate::target::plugin;

/// Where SCIM is mounted unless a test says otherwise.
const MOUNT: &str = "/scim/v2";

/// How a server is started.
pub struct Builder {
    limits: Limits,
    settings: Settings,
    plugin: Option<Arc<dyn Plugin>>,
    events: Option<u64>,
}

impl Default for Builder {
    /// Without a rate: tests ask as fast as they can.
    fn default() -> Self {
        Self {
            limits: Limits {
                rate: None,
                ..Limits::default()
            },
            settings: Settings::default(),
            plugin: None,
            events: None,
        }
    }
}

impl Builder {
    /// With these limits; still without a rate.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        let rate = self.limits.rate;
        self.limits = Limits { rate, ..limits };
        self
    }

    /// With this rate.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.limits.rate = Some(rate);
        self
    }

    /// Seen from outside like this.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With a log that keeps so many events of a tenant.
    #[must_use]
    pub fn events_kept(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// With another plugin than the one under test.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Plugin + 'static) -> Self {
        self.plugin = Some(Arc::new(plugin));
        self
    }

    /// Starts it.
    pub async fn start(self) -> App {
        let plugin = self.plugin.unwrap_or_else(|| plugin(&self.limits));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("nameplate.db");
        let mut options = SqliteOptions::default();
        options.events = self.events.unwrap_or(options.events);
        let store = SqliteStore::open(&file, options).expect("a database");
        let clock = Arc::new(TestClock::default());
        let sources = Sources {
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        let runtime = Runtime::new(
            plugin,
            Stores::one(store.clone()),
            self.limits,
            sources.clone(),
        );
        let options = ServerOptions {
            address: "127.0.0.1:0".to_owned(),
            ..ServerOptions::default()
        };
        let server = Server::bind(&options).await.expect("a socket");
        let address = server.local_addr().to_string();
        let running = server.spawn(Front::new(runtime.clone(), self.settings));
        let mut app = App {
            clock,
            runtime,
            store,
            sources,
            address,
            tokens: None,
            file,
            running,
            _folder: folder,
        };
        app.tokens = Some(app.init("default", "okta").await);
        app
    }
}

/// A running server with tenant `default` and connection `okta`.
pub struct App {
    /// Its time.
    pub clock: Arc<TestClock>,
    /// What it runs.
    pub runtime: Runtime,
    /// Its database.
    pub store: SqliteStore,
    sources: Sources,
    address: String,
    tokens: Option<Credentials>,
    file: PathBuf,
    running: Running,
    _folder: TempDir,
}

impl App {
    /// With everything as it is by default.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Other than by default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The file of its database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The tokens of tenant `default`, connection `okta`.
    pub fn tokens(&self) -> &Credentials {
        self.tokens.as_ref().expect("set before a test sees it")
    }

    /// The identity provider.
    pub fn scim(&self) -> Client {
        self.client(MOUNT, &self.tokens().scim_token)
    }

    /// The device-management server, or an administrator.
    pub fn admin(&self) -> Client {
        self.client("", &self.tokens().admin_token)
    }

    /// Anybody.
    pub fn client(&self, mount: &str, token: &str) -> Client {
        Client::new(&self.address, mount, token)
    }

    /// Makes a further tenant or connection.
    pub async fn init(&self, tenant: &str, connection: &str) -> Credentials {
        let made = setup::init(&self.store, &self.sources, tenant, connection).await;
        made.expect("a store").expect("a new connection")
    }

    /// Identity provider and administrator of a further tenant or connection.
    pub async fn clients(&self, tenant: &str, connection: &str) -> (Client, Client) {
        let made = self.init(tenant, connection).await;
        (
            self.client(MOUNT, &made.scim_token),
            self.client("", &made.admin_token),
        )
    }

    /// Adds a host without a claim.
    pub async fn host(&self, id: &str) {
        let body = json!({"id": id, "display_name": format!("Laptop {id}"),
            "platform": "darwin", "serial": format!("C02{id}"), "uuid": format!("u-{id}")});
        let made = self.admin().post("/api/v1/hosts", &body).await.expect(201);
        assert_eq!(made["host"]["id"], id);
    }

    /// Adds a host on which somebody signed in.
    pub async fn enrolled(&self, id: &str, email: &str) -> Good {
        self.host(id).await;
        self.enroll(id, email).await
    }

    /// Somebody signs in on a host.
    pub async fn enroll(&self, id: &str, email: &str) -> Good {
        let target = format!("/api/v1/hosts/{id}/enrollments");
        let body = json!({"email": email});
        self.admin().post(&target, &body).await.expect(201)
    }

    /// What Fleet's clients read of a host: `end_users`.
    pub async fn end_users(&self, id: &str) -> Value {
        let target = format!("/api/v1/fleet/hosts/{id}");
        let answer = self.admin().get(&target).await.expect(200);
        answer["host"]["end_users"].clone()
    }

    /// `…/device_mapping` of a host.
    pub async fn mapping(&self, id: &str) -> Good {
        let target = format!("/api/v1/fleet/hosts/{id}/device_mapping");
        self.admin().get(&target).await.expect(200)
    }

    /// The newest lines of the request log, newest first.
    pub async fn requests(&self) -> Vec<Value> {
        let answer = self.admin().get("/api/v1/requests?limit=1000").await;
        let lines = answer.expect(200)["requests"].as_array().cloned();
        lines.expect("a list of requests")
    }

    /// A further runtime over the same database, as another server has one.
    pub fn another(&self) -> Runtime {
        let limits = self.runtime.limits().clone();
        let stores = Stores::one(self.store.clone());
        Runtime::new(plugin(&limits), stores, limits, self.sources.clone())
    }

    /// Tenant `default` and its connection `okta`.
    pub async fn scope(&self) -> (TenantId, ConnectionId) {
        let tenant = self.tenant("default").await;
        let connection = self.runtime.connection_named(tenant, "okta").await;
        (tenant, connection.expect("a connection").id)
    }

    /// What an operator says of a tenant.
    pub async fn operator(&self, tenant: &str, change: OperatorChange) {
        let id = self.tenant(tenant).await;
        self.runtime.set_tenant(id, change).await.expect("a change");
    }

    /// The number of a tenant.
    pub async fn tenant(&self, name: &str) -> TenantId {
        let found = setup::find_tenant(&self.store, name).await;
        found.expect("a store").expect("a tenant").id
    }

    /// Stops the server; done when it has.
    pub async fn stop(self) {
        self.running.shutdown().await;
        self.store.close();
    }

    /// Stops the server and gives back everything the database wrote to disk.
    pub async fn stop_and_read_files(self) -> Vec<u8> {
        self.running.shutdown().await;
        let folder = self.file.parent().expect("a folder").to_owned();
        let read = || {
            let files = std::fs::read_dir(&folder).expect("the folder");
            let bytes = files.map(|file| std::fs::read(file.expect("a file").path()));
            bytes.flat_map(|bytes| bytes.expect("its bytes"))
        };
        // Before closing the write-ahead log is a file of its own.
        let mut all: Vec<u8> = read().collect();
        self.store.close();
        all.extend(read());
        all
    }
}

impl Client {
    /// Adds a user of this name, who is active and has it as work address.
    pub async fn user(&self, name: &str) -> String {
        let body = json!({"schemas": [USER], "userName": name, "active": true,
            "emails": [{"type": "work", "value": name, "primary": true}]});
        self.post("/Users", &body).await.expect(201).id()
    }

    /// Adds a group with these members.
    pub async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.post("/Groups", &body).await.expect(201).id()
    }

    /// Everything the directory shows, to see that nothing has changed.
    pub async fn everything(&self) -> Value {
        let mut all = Vec::new();
        for endpoint in ["/Users", "/Groups"] {
            let list = self.get(&format!("{endpoint}?count=200")).await.expect(200);
            assert_eq!(
                list["totalResults"], list["itemsPerPage"],
                "one page is all"
            );
            for id in list.ids() {
                let whole = self.get(&format!("{endpoint}/{id}")).await.expect(200);
                all.push(whole.json);
            }
        }
        Value::Array(all)
    }
}
