//! Which component a tenant runs, how it gets another one, and what is refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugins::{Pin, PluginKey, PluginKeys, Plugins, Shelf};
use nameplate_runtime::store::{ControlStore, TenantChange, TenantId};
use nameplate_runtime::wasm::EMBEDDED;
use nameplate_tests::hostile::{self, Misdeed};
use nameplate_tests::minisign::Signer;
use nameplate_tests::{App, Client, sandbox};
use serde_json::json;
use tempfile::TempDir;

/// Every component here answers it with 200; what is in it tells them apart.
const ANY: &str = "/ServiceProviderConfig";

struct World {
    app: App,
    shelf: Shelf,
    keys: PluginKeys,
    folder: TempDir,
    tenant: TenantId,
}

fn limits() -> Limits {
    Limits {
        guest_time_ms: 300,
        host_calls: 500,
        memory: 32 << 20,
        response: 16 << 20,
        large_body: 4 << 20,
        ..Limits::default()
    }
}

/// Tenant `default` may be pinned to what is in the folder; `keys` have to have signed it.
async fn world(signers: &[&Signer]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let keys = PluginKeys::new(signers.iter().map(|signer| key(signer)).collect());
    let shelf = Shelf::new(folder.path().join("plugins"), keys.clone());
    let sandbox = sandbox(&limits());
    let own = Arc::new(sandbox.load(EMBEDDED).unwrap());
    let plugins = Plugins::new(own, sandbox, shelf.clone());
    let app = App::builder()
        .limits(limits())
        .plugin(plugins)
        .start()
        .await;
    let (tenant, _) = app.scope().await;
    World {
        app,
        shelf,
        keys,
        folder,
        tenant,
    }
}

fn key(signer: &Signer) -> PluginKey {
    signer.public().parse().unwrap()
}

impl World {
    /// Brings a component, with its signature if there is one.
    fn add(&self, component: &[u8], signature: Option<&str>) -> Pin {
        let file = self.folder.path().join("plugin.wasm");
        std::fs::write(&file, component).unwrap();
        let beside = self.folder.path().join("plugin.wasm.minisig");
        match signature {
            Some(text) => std::fs::write(beside, text).unwrap(),
            None => drop(std::fs::remove_file(beside)),
        }
        let found = self.shelf.look_at(&file).unwrap();
        self.shelf.put(&found).unwrap();
        found.pin
    }

    async fn refused(&self, pin: Pin) -> String {
        let before = self.app.store.tenant(self.tenant).await.unwrap();
        let refused = self.app.runtime.use_plugin(self.tenant, Some(pin)).await;
        assert_eq!(self.app.store.tenant(self.tenant).await.unwrap(), before);
        assert!(is_own(&self.app.scim()).await, "it goes on as before");
        refused.unwrap_err().to_string()
    }

    /// What another process does to the database.
    async fn pin(&self, pin: Option<Pin>) {
        let change = TenantChange {
            plugin: Some(pin),
            ..TenantChange::default()
        };
        self.app
            .store
            .change_tenant(self.tenant, change)
            .await
            .unwrap();
    }

    fn file(&self, pin: Pin) -> PathBuf {
        self.shelf.path(&pin)
    }
}

/// Does the installation's own component answer, and not one of ours.
async fn is_own(client: &Client) -> bool {
    let answer = client.get(ANY).await.expect(200);
    answer.json != json!({})
}

async fn gets_503(client: &Client) -> bool {
    let answer = client.get(ANY).await;
    if answer.status != 503 {
        return false;
    }
    let answer = answer.refused(503, "");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    (1..=60).contains(&seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_runs_what_it_is_pinned_to_and_others_their_own() {
    let world = world(&[]).await;
    let (other, _) = world.app.clients("other", "okta").await;
    let pin = world.add(&hostile::component(), None);
    let changed = world.app.runtime.use_plugin(world.tenant, Some(pin)).await;
    assert_eq!(changed.unwrap().plugin, Some(pin));
    assert!(!is_own(&world.app.scim()).await);
    assert!(is_own(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_follows_what_another_process_has_chosen() {
    let world = world(&[]).await;
    assert!(is_own(&world.app.scim()).await);
    let pin = world.add(&hostile::component(), None);
    world.pin(Some(pin)).await;
    while is_own(&world.app.scim()).await {}
    world.pin(None).await;
    while !is_own(&world.app.scim()).await {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_under_load_fails_no_request() {
    let world = world(&[]).await;
    let pins = [
        Some(world.add(&hostile::component(), None)),
        None,
        Some(world.add(&hostile::another(), None)),
        None,
    ];
    let done = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let (client, done) = (world.app.scim(), done.clone());
            tokio::spawn(async move {
                let (mut own, mut other) = (0, 0);
                while !done.load(Ordering::Relaxed) {
                    if is_own(&client).await {
                        own += 1;
                    } else {
                        other += 1;
                    }
                }
                (own, other)
            })
        })
        .collect();
    for pin in pins.iter().cycle().take(12) {
        world
            .app
            .runtime
            .use_plugin(world.tenant, *pin)
            .await
            .unwrap();
        for _ in 0..20 {
            assert_eq!(is_own(&world.app.scim()).await, pin.is_none());
        }
    }
    done.store(true, Ordering::Relaxed);
    for task in asking {
        let (own, other) = task.await.unwrap();
        assert!(own > 0 && other > 0, "{own} and {other} requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_candidate_is_refused_with_what_to_do_and_changes_nothing() {
    let world = world(&[]).await;
    let module = wat::parse_str("(module)").unwrap();
    for (component, says) in [
        (hostile::that_traps(), "trapped"),
        (hostile::that_never_starts(), "300 ms of computing time"),
        (
            hostile::of_version("0.2.0"),
            "speaks nameplate:scim@0.2.0, this runtime 0.1: build it against",
        ),
        (
            hostile::without_export("mapping"),
            "does not export `nameplate:scim/mapping@0.1`",
        ),
        (hostile::with_an_import(), "imports `evil:x/net`, which no"),
        (module, "core module and no component; wrap it"),
        (b"garbage".to_vec(), "no WebAssembly component"),
        (b"\0asm\x0d\0\x01\0garbage".to_vec(), "does not load"),
    ] {
        let pin = world.add(&component, None);
        let why = world.refused(pin).await;
        assert!(why.contains(says), "{why}");
        assert!(!why.contains('\n'), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_a_later_patch_of_the_contract_is_taken() {
    let world = world(&[]).await;
    let pin = world.add(&hostile::of_version("0.1.7"), None);
    let used = world.app.runtime.use_plugin(world.tenant, Some(pin)).await;
    assert_eq!(used.unwrap().plugin, Some(pin));
    assert!(!is_own(&world.app.scim()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_goes_back_to_what_it_ran_before_and_forth_again() {
    let world = world(&[]).await;
    let runtime = &world.app.runtime;
    let fresh = runtime.roll_back_plugin(world.tenant).await.unwrap_err();
    assert!(fresh.to_string().contains("no other"), "{fresh}");
    let pin = world.add(&hostile::component(), None);
    runtime.use_plugin(world.tenant, Some(pin)).await.unwrap();
    let back = runtime.roll_back_plugin(world.tenant).await.unwrap();
    assert_eq!((back.plugin, back.previous_plugin), (None, Some(pin)));
    assert!(is_own(&world.app.scim()).await);
    let forth = runtime.roll_back_plugin(world.tenant).await.unwrap();
    assert_eq!((forth.plugin, forth.previous_plugin), (Some(pin), None));
    assert!(!is_own(&world.app.scim()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_after_pinning_is_not_run_and_nothing_stands_in_for_it() {
    let world = world(&[]).await;
    let (other, _) = world.app.clients("other", "okta").await;
    let pin = world.add(&hostile::component(), None);
    std::fs::write(world.file(pin), hostile::another()).unwrap();
    let why = world.refused(pin).await;
    assert!(why.contains("was changed: its sha256 is now"), "{why}");
    world.pin(Some(pin)).await;
    while !gets_503(&world.app.scim()).await {}
    assert!(is_own(&other).await);
    // The original is put back, and a while later it is looked at again.
    std::fs::write(world.file(pin), hostile::component()).unwrap();
    while gets_503(&world.app.scim()).await {
        assert!(is_own(&other).await);
    }
    assert!(!is_own(&world.app.scim()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_component_that_is_not_there_is_a_503_and_no_other_answers() {
    let world = world(&[]).await;
    let why = world.refused([7; 32]).await;
    assert!(why.contains("nameplate plugin add"), "{why}");
    world.pin(Some([7; 32])).await;
    while !gets_503(&world.app.scim()).await {}
}

#[tokio::test(flavor = "multi_thread")]
async fn where_keys_are_set_only_what_they_signed_is_run() {
    let (ours, theirs) = (Signer::new(1), Signer::new(2));
    let world = world(&[&ours]).await;
    let component = hostile::component();
    let pin = world.add(&component, None);
    let why = world.refused(pin).await;
    assert!(
        why.contains("not signed, and `plugin_keys` are set"),
        "{why}"
    );
    let pin = world.add(&component, Some(&theirs.sign(&component)));
    let why = world.refused(pin).await;
    assert!(why.contains("not among `plugin_keys`"), "{why}");
    let pin = world.add(&component, Some(&ours.sign(b"other bytes")));
    let why = world.refused(pin).await;
    assert!(why.contains("does not fit"), "{why}");
    let pin = world.add(&component, Some("no signature at all"));
    let why = world.refused(pin).await;
    assert!(why.contains("does not fit"), "{why}");
    let pin = world.add(&component, Some(&ours.sign(&component)));
    let used = world.app.runtime.use_plugin(world.tenant, Some(pin)).await;
    assert_eq!(used.unwrap().plugin, Some(pin));
    assert!(!is_own(&world.app.scim()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_withdrawn_key_signed_is_run_no_more() {
    let (ours, next) = (Signer::new(1), Signer::new(2));
    let world = world(&[&ours]).await;
    let component = hostile::component();
    let pin = world.add(&component, Some(&ours.sign(&component)));
    let used = world.app.runtime.use_plugin(world.tenant, Some(pin)).await;
    assert!(used.is_ok());
    assert!(!is_own(&world.app.scim()).await);
    world.keys.replace(vec![key(&next)]);
    assert!(gets_503(&world.app.scim()).await);
    world.keys.replace(vec![key(&next), key(&ours)]);
    assert!(!is_own(&world.app.scim()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_neighbour_fails_beside_a_component_that_misbehaves() {
    let world = world(&[]).await;
    let (neighbour, _) = world.app.clients("neighbour", "okta").await;
    let ana = neighbour.user("ana@example.com").await;
    let pin = world.add(&hostile::component(), None);
    world
        .app
        .runtime
        .use_plugin(world.tenant, Some(pin))
        .await
        .unwrap();
    for misdeed in Misdeed::ALL {
        let doing: Vec<_> = (0..4)
            .map(|_| {
                let evil = world.app.scim();
                tokio::spawn(async move { evil.get(misdeed.path()).await })
            })
            .collect();
        let mut asked = 0;
        while asked < 20 || !doing.iter().all(tokio::task::JoinHandle::is_finished) {
            let answer = neighbour.get(&format!("/Users/{ana}")).await;
            assert_eq!(answer.status, 200, "beside {misdeed:?}: {answer:?}");
            asked += 1;
        }
        for answer in doing {
            let answer = answer.await.unwrap().refused(503, "");
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&seconds), "{misdeed:?}");
        }
    }
    let _ = neighbour.user("ben@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_another_one_than_a_tenant_is_pinned_to_answers_nothing() {
    let app = App::start().await;
    assert!(is_own(&app.scim()).await);
    let (tenant, _) = app.scope().await;
    let change = TenantChange {
        plugin: Some(Some([7; 32])),
        ..TenantChange::default()
    };
    app.store.change_tenant(tenant, change).await.unwrap();
    app.runtime.forget(tenant);
    assert!(gets_503(&app.scim()).await);
}
