//! A directory with users, a group and enrolled hosts, made quickly: documents come
//! from the protocol itself, but many share one commit.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use nameplate_runtime::clock::Sources;
use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::{Call, GuestConfig, Plugin, PluginRequest};
use nameplate_runtime::{Runtime, Stores, setup};
use nameplate_store::{
    Change, ChangeResult, Claim, ConnectionId, ControlStore, Departure, Document, Edge, Erased,
    Event, Find, HeldMember, Holding, HostRecord, HostStore, Kind, MemberPage, Memberships,
    Outcome, Page, Rehearsal, Scope, Source, StoreError, TenantId, Timestamp, Traces, Unit,
    UserStore,
};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::native::NativePlugin;
use serde_json::{Value, json};

/// Units of one commit while seeding: one sync for so many users.
const UNITS: usize = 500;
/// Members of one PATCH while seeding: a body of about half a megabyte.
const MEMBERS: usize = 10_000;
/// Hosts written at once while seeding: they share syncs.
const TOGETHER: usize = 500;

/// How large a directory is.
#[derive(Clone, Copy)]
pub struct Size {
    pub users: usize,
    /// Members of the group.
    pub members: usize,
    /// Hosts enrolled, each by a user of its own; nobody has looked at them yet.
    pub hosts: usize,
}

/// What is in a directory.
#[derive(Clone)]
pub struct Seeded {
    /// For SCIM.
    pub token: String,
    /// Ids.
    pub users: Vec<String>,
    /// The group's id.
    pub group: String,
    /// Ids of its members.
    pub members: Vec<String>,
}

/// The text at a place, counted round.
pub fn at(of: &[String], place: usize) -> &str {
    of.get(place % of.len().max(1)).map_or("", String::as_str)
}

pub fn user_name(n: usize) -> String {
    format!("user{n}@example.com")
}

/// A user as Okta sends one.
pub fn user(user_name: &str) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": user_name,
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "displayName": "Ana Díaz",
        "emails": [{"primary": true, "value": user_name, "type": "work"}],
        "locale": "en-US",
        "externalId": format!("00u-{user_name}"),
        "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "IT"},
    })
}

/// Makes a database of that size.
pub fn seed(path: &Path, size: Size) -> Result<Seeded> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = SqliteStore::open(path, SqliteOptions::default())?;
        let sources = Sources::default();
        let made = setup::init(&store, &sources, "default", "okta").await?;
        let token = made.context("the database is not empty")?.scim_token;
        let tenant = setup::find_tenant(&store, "default").await?;
        let tenant = tenant.context("the tenant was just made")?.id;
        let connections = store.connections(tenant).await?;
        let connection = connections.first().context("it has a connection")?.id;
        let users = add_users(&store, tenant, connection, size.users).await?;
        let members: Vec<String> = users.iter().take(size.members).cloned().collect();
        let runtime = Runtime::new(
            Arc::new(NativePlugin::new()),
            Stores::one(store.clone()),
            Limits::default(),
            sources,
        );
        let seeded = Seeded {
            group: add_group(&runtime, tenant, connection, &members).await?,
            token,
            users,
            members,
        };
        add_hosts(&store, tenant, size.hosts).await?;
        store.close();
        Ok(seeded)
    })
}

async fn add_users(
    store: &SqliteStore,
    tenant: TenantId,
    connection: ConnectionId,
    count: usize,
) -> Result<Vec<String>> {
    let scope = Scope {
        tenant,
        connection: Some(connection),
    };
    let (plugin, caught) = (NativePlugin::new(), Arc::new(Caught::default()));
    let sources = Sources::default();
    let mut ids = Vec::with_capacity(count);
    for n in 0..count {
        let call = Call::new(
            scope,
            Arc::from([]),
            Arc::new(GuestConfig::default()),
            caught.clone(),
            Arc::new(store.clone()),
            sources.clone(),
            Arc::default(),
        );
        let (answer, _) = plugin
            .handle(call, post("/Users", &user(&user_name(n))))
            .await;
        let answer = answer?;
        ensure!(
            answer.status == 201,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        let full = caught.count() == UNITS || n + 1 == count;
        if !full {
            continue;
        }
        let mut commit_id = [0; 16];
        sources
            .random
            .fill(&mut commit_id)
            .map_err(anyhow::Error::msg)?;
        let units = caught.take();
        ids.extend(
            units
                .iter()
                .flat_map(|unit| &unit.changes)
                .filter_map(put_id),
        );
        let now = sources.clock.now();
        let outcomes = store.commit(scope, now, commit_id, units, None).await?;
        for (outcome, seq) in outcomes.iter().map(|outcome| (outcome, seq_of(outcome))) {
            let Some(seq) = seq else {
                bail!("a user was not written: {outcome:?}")
            };
            // No host claims anything yet.
            caught.note(seq);
        }
        store.settle(tenant, &caught.seqs()).await?;
    }
    Ok(ids)
}

fn put_id(change: &Change) -> Option<String> {
    match change {
        Change::Put(put) => Some(put.id.clone()),
        _ => None,
    }
}

fn seq_of(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Committed { seq, .. } => *seq,
        _ => None,
    }
}

fn post(path: &str, body: &Value) -> PluginRequest {
    PluginRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: None,
        headers: Vec::new(),
        body: body.to_string().into_bytes().into(),
        base_url: "http://localhost/scim/v2".to_owned(),
    }
}

async fn add_group(
    runtime: &Runtime,
    tenant: TenantId,
    connection: ConnectionId,
    members: &[String],
) -> Result<String> {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "everybody",
    });
    let answer = runtime
        .scim(tenant, connection, post("/Groups", &group))
        .await?;
    let answer: Value = serde_json::from_slice(&answer.response?.body)?;
    let id = answer.get("id").and_then(Value::as_str);
    let id = id.with_context(|| format!("no group: {answer}"))?;
    for chunk in members.chunks(MEMBERS) {
        let value: Vec<Value> = chunk.iter().map(|id| json!({"value": id})).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": value}],
        });
        let mut request = post(&format!("/Groups/{id}"), &body);
        request.method = "PATCH".to_owned();
        let answer = runtime.scim(tenant, connection, request).await?.response?;
        ensure!(matches!(answer.status, 200 | 204), "{answer:?}");
    }
    Ok(id.to_owned())
}

/// Hosts of the first users, each with an enrolment.
async fn add_hosts(store: &SqliteStore, tenant: TenantId, count: usize) -> Result<()> {
    let hosts: Vec<usize> = (0..count).collect();
    for together in hosts.chunks(TOGETHER) {
        let mut tasks = tokio::task::JoinSet::new();
        for n in together {
            tasks.spawn(add_host(store.clone(), tenant, *n));
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
    }
    Ok(())
}

async fn add_host(store: SqliteStore, tenant: TenantId, n: usize) -> Result<()> {
    let id = n.to_string();
    let host = HostRecord {
        id: id.clone(),
        display_name: format!("Laptop {n}"),
        platform: "darwin".to_owned(),
        ..HostRecord::default()
    };
    let now = Sources::default().clock.now();
    store.put_host(tenant, now, host).await?;
    let claim = Claim {
        id: "first".to_owned(),
        source: Source::Enrollment,
        username: user_name(n),
        email: String::new(),
        full_name: String::new(),
        logins: vec![user_name(n).into_bytes()],
        since: now,
        withdrawn: None,
    };
    store.put_claim(tenant, now, &id, claim).await?;
    Ok(())
}

/// A store that is empty and keeps what is committed to it for somebody else.
#[derive(Default)]
struct Caught {
    units: Mutex<Vec<Unit>>,
    seqs: Mutex<Vec<u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Caught {
    fn count(&self) -> usize {
        lock(&self.units).len()
    }

    fn take(&self) -> Vec<Unit> {
        std::mem::take(&mut lock(&self.units))
    }

    fn note(&self, seq: u64) {
        lock(&self.seqs).push(seq);
    }

    fn seqs(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.seqs))
    }
}

type Answer<T> = Result<T, StoreError>;

#[async_trait]
impl UserStore for Caught {
    async fn get(&self, _: Scope, _: Kind, _: &str) -> Answer<Option<Document>> {
        Ok(None)
    }

    async fn get_many(&self, _: Scope, _: &[String]) -> Answer<Vec<Document>> {
        Ok(Vec::new())
    }

    async fn find(&self, _: Scope, _: &Find) -> Answer<Page> {
        Ok(Page {
            total: Some(0),
            ..Page::default()
        })
    }

    async fn index_ready(&self, _: Scope, _: &str) -> Answer<bool> {
        Ok(true)
    }

    async fn has_edges(&self, _: Scope, edges: &[Edge]) -> Answer<Vec<bool>> {
        Ok(vec![false; edges.len()])
    }

    async fn members(&self, _: Scope, _: &str, _: Option<&str>, _: u32) -> Answer<MemberPage> {
        Ok(MemberPage::default())
    }

    async fn groups_of(&self, _: Scope, _: &str, _: bool) -> Answer<Memberships> {
        Ok(Memberships::default())
    }

    async fn users_of(&self, _: Scope, _: &str, _: Option<&str>, _: u32) -> Answer<Vec<String>> {
        Ok(Vec::new())
    }

    async fn held_members(
        &self,
        _: Scope,
        _: &str,
        _: Option<&str>,
        _: u32,
    ) -> Answer<Vec<HeldMember>> {
        Ok(Vec::new())
    }

    async fn holders(&self, _: Scope, _: &[Vec<u8>]) -> Answer<Vec<Holding>> {
        Ok(Vec::new())
    }

    async fn commit(
        &self,
        _: Scope,
        now: Timestamp,
        _: [u8; 16],
        units: Vec<Unit>,
        _: Option<u32>,
    ) -> Answer<Vec<Outcome>> {
        let outcomes = units
            .iter()
            .map(|unit| Outcome::Committed {
                results: unit.changes.iter().map(|_| created(now)).collect(),
                seq: None,
            })
            .collect();
        lock(&self.units).extend(units);
        Ok(outcomes)
    }

    async fn rehearse(
        &self,
        _: Scope,
        _: Timestamp,
        _: Vec<Unit>,
        _: Option<u32>,
    ) -> Answer<Rehearsal> {
        Ok(Rehearsal::default())
    }

    async fn events(&self, _: TenantId, _: u64, _: u32) -> Answer<Vec<Event>> {
        Ok(Vec::new())
    }

    async fn event_range(&self, _: TenantId) -> Answer<(u64, u64)> {
        Ok((1, 0))
    }

    async fn unsettled(&self, _: Option<TenantId>, _: u32) -> Answer<Vec<(TenantId, Event)>> {
        Ok(Vec::new())
    }

    async fn settle(&self, _: TenantId, _: &[u64]) -> Answer<()> {
        Ok(())
    }

    async fn departures(&self, _: TenantId, _: Option<&str>, _: u32) -> Answer<Vec<Departure>> {
        Ok(Vec::new())
    }

    async fn departures_of(&self, _: TenantId, _: &[String]) -> Answer<Vec<Departure>> {
        Ok(Vec::new())
    }

    async fn traces(&self, _: TenantId, _: &str) -> Answer<Traces> {
        Ok(Traces::default())
    }

    async fn erase(&self, _: TenantId, _: Timestamp, _: &str) -> Answer<Erased> {
        Ok(Erased::default())
    }

    async fn forget_departure(&self, _: TenantId, _: &str) -> Answer<bool> {
        Ok(false)
    }
}

fn created(now: Timestamp) -> ChangeResult {
    ChangeResult {
        changed: true,
        version: 1,
        created: now,
        modified: now,
        ..ChangeResult::default()
    }
}
