//! The two plugins in this process over the in-memory store: what the sandbox alone
//! costs, without sockets and syncs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nameplate_runtime::clock::Sources;
use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::PluginRequest;
use nameplate_runtime::{Runtime, Stores, setup};
use nameplate_store::memory::MemoryStore;
use nameplate_store::{ConnectionId, ControlStore, TenantId};
use serde_json::{Value, json};

use crate::measure::{Compared, Samples, in_turns, micros};
use crate::seed;
use crate::serving::{Which, cache};

/// How long one turn lasts.
const TURN: Duration = Duration::from_millis(50);

/// A plugin over a store with one user.
struct Core {
    runtime: Runtime,
    tenant: TenantId,
    connection: ConnectionId,
    user: String,
}

type Case = (&'static str, fn(&str, usize) -> PluginRequest);

const CASES: [Case; 3] = [
    ("GET user by id", get),
    ("GET filter=userName eq", filter),
    ("PATCH user", patch),
];

/// Each case, sandboxed against native.
pub fn run() -> Result<Vec<(&'static str, Compared)>> {
    // One thread: what is measured is one call after the other.
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sandbox = tokio.block_on(Core::new(Which::Sandbox))?;
    let native = tokio.block_on(Core::new(Which::Native))?;
    CASES
        .into_iter()
        .map(|(name, request)| {
            let compared = in_turns(
                || tokio.block_on(sandbox.turn(request)),
                || tokio.block_on(native.turn(request)),
            )?;
            Ok((name, compared))
        })
        .collect()
}

impl Core {
    async fn new(which: Which) -> Result<Self> {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        setup::init(&store, &sources, "default", "okta").await?;
        let tenant = setup::find_tenant(&store, "default")
            .await?
            .context("a tenant")?
            .id;
        let connections = store.connections(tenant).await?;
        let connection = connections.first().context("a connection")?.id;
        let runtime = Runtime::new(
            which.plugin(cache())?,
            Stores::one(store),
            Limits::default(),
            sources,
        );
        let body = seed::user(&seed::user_name(0));
        let request = ask("POST", "/Users", None, &body.to_string());
        let answer = runtime.scim(tenant, connection, request).await?.response?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let id = answer.get("id").and_then(Value::as_str).context("an id")?;
        Ok(Self {
            user: id.to_owned(),
            runtime,
            tenant,
            connection,
        })
    }

    /// Latency stands for processor time here: nothing waits.
    async fn turn(&self, request: fn(&str, usize) -> PluginRequest) -> Result<Samples> {
        let mut samples = Samples::default();
        let began = Instant::now();
        while began.elapsed() < TURN {
            let request = request(&self.user, samples.latencies.len());
            let sent = Instant::now();
            let answer = self
                .runtime
                .scim(self.tenant, self.connection, request)
                .await?;
            let took = micros(sent.elapsed());
            samples.latencies.push(took);
            samples.cpu += took;
            let answer = answer.response?;
            ensure!(answer.status == 200, "{answer:?}");
        }
        Ok(samples)
    }
}

fn ask(method: &str, path: &str, query: Option<String>, body: &str) -> PluginRequest {
    PluginRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: body.as_bytes().to_vec().into(),
        base_url: "http://localhost/scim/v2".to_owned(),
    }
}

fn get(user: &str, _: usize) -> PluginRequest {
    ask("GET", &format!("/Users/{user}"), None, "")
}

fn filter(_: &str, _: usize) -> PluginRequest {
    let filter = format!("userName eq \"{}\"", seed::user_name(0));
    let query = format!("filter={}", nameplate_tests::process::encode(&filter));
    ask("GET", "/Users", Some(query), "")
}

fn patch(user: &str, turn: usize) -> PluginRequest {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"title": format!("Engineer {turn}")}}],
    });
    ask("PATCH", &format!("/Users/{user}"), None, &body.to_string())
}
