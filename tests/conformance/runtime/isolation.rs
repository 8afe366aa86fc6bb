//! What a component keeps in its memory for one tenant is seen by no other.

use nameplate_runtime::limits::Limits;
use nameplate_runtime::wasm::{Isolation, Sandbox, WasmOptions};
use nameplate_tests::{App, Client, hostile};
use serde_json::{Value, json};

/// Two slots and tenants in turns: whoever comes next gets what another has left.
const FEW: u32 = 2;

async fn app(isolation: Isolation) -> App {
    let limits = Limits {
        instances: FEW,
        memory: 32 << 20,
        ..Limits::default()
    };
    let options = WasmOptions {
        limits: limits.clone(),
        isolation,
        cache: None,
        ..WasmOptions::default()
    };
    let plugin = Sandbox::new(options)
        .and_then(|sandbox| sandbox.load(&hostile::component()))
        .unwrap();
    App::builder().limits(limits).plugin(plugin).start().await
}

async fn found(client: &Client) -> bool {
    let answer = client.get(hostile::SEARCH).await.expect(200);
    answer.get("found").and_then(Value::as_u64) == Some(1)
}

async fn keep(client: &Client) {
    let kept = client.get(hostile::KEEP).await.expect(200);
    assert_eq!(kept.json, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_a_tenant_is_seen_by_itself_alone() {
    let app = app(Isolation::Tenant).await;
    let one = app.scim();
    let mut others = Vec::new();
    for name in ["second", "third", "fourth"] {
        others.push(app.clients(name, "okta").await.0);
    }
    keep(&one).await;
    assert!(found(&one).await, "the probe finds what is there");
    for round in 0..8 {
        keep(&one).await;
        for other in &others {
            assert!(!found(other).await, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_a_request_is_seen_by_no_other_request_where_each_has_its_own() {
    let app = app(Isolation::Request).await;
    let one = app.scim();
    let (other, _) = app.clients("other", "okta").await;
    for round in 0..8 {
        keep(&one).await;
        assert!(!found(&one).await, "round {round}: the same tenant");
        assert!(!found(&other).await, "round {round}: another tenant");
    }
}
