//! What one tenant's component does is felt by no other, and what it keeps in its
//! memory is seen by no other.

use nameplate_runtime::limits::Limits;
use nameplate_runtime::wasm::{Isolation, Sandbox, WasmOptions};
use nameplate_tests::hostile::{self, Misdeed};
use nameplate_tests::{App, Client, component};
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

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_component_does_ends_its_own_request_alone() {
    let limits = Limits {
        guest_time_ms: 300,
        memory: 32 << 20,
        response: 16 << 20,
        large_body: 4 << 20,
        host_calls: 500,
        ..Limits::default()
    };
    let plugin = component(&hostile::component(), &limits).unwrap();
    let app = App::builder().limits(limits).plugin(plugin).start().await;
    let (neighbour, _) = app.clients("neighbour", "okta").await;
    for misdeed in Misdeed::ALL {
        let evil = app.scim();
        let doing = tokio::spawn(async move { evil.get(misdeed.path()).await });
        let mut asked = 0;
        while asked < 10 || !doing.is_finished() {
            let answer = neighbour.get("/fine").await;
            assert_eq!(answer.status, 200, "beside {misdeed:?}: {answer:?}");
            asked += 1;
        }
        let answer = doing.await.unwrap().refused(503, "");
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{misdeed:?}");
        assert_eq!(app.scim().get("/fine").await.expect(200).json, json!({}));
    }
}
