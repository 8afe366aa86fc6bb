//! How often a tenant may ask.

use nameplate_runtime::OperatorChange;
use nameplate_runtime::limits::Rate;
use nameplate_tests::{Answer, App, Client};
use serde_json::json;

/// Nearly nothing, and slow to come back.
const SLOW: Rate = Rate {
    per_second: 1,
    burst: 5,
};

/// Asks until it was too often; what came then.
async fn too_often(client: &Client, target: &str) -> Answer {
    for _ in 0..10_000 {
        let answer = client.get(target).await;
        if answer.status != 200 {
            return answer;
        }
    }
    panic!("{target} was never asked too often");
}

#[track_caller]
fn wait_of(answer: &Answer) -> u64 {
    let wait = answer.header("retry-after");
    wait.and_then(|wait| wait.parse().ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_rate_is_429_with_a_time_to_come_back() {
    let app = App::builder().rate(SLOW).start().await;
    let answer = too_often(&app.scim(), "/Users").await;
    assert!((1..=5).contains(&wait_of(&answer)));
    answer.refused(429, "").names("too many requests");
    // Administrators have a rate of their own, so they can look.
    let answer = too_often(&app.admin(), "/api/v1/connections").await;
    assert!(wait_of(&answer) >= 1);
    let _ = answer.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_is_served_while_a_tenant_is_over_its_rate() {
    let app = App::start().await;
    let (neighbour, _) = app.clients("acme", "okta").await;
    let limits = json!({"rate": {"per_second": 1, "burst": 2}});
    let change = OperatorChange {
        limits: limits.as_object().cloned(),
        ..OperatorChange::default()
    };
    app.operator("default", change).await;
    let _ = too_often(&app.scim(), "/Users").await.refused(429, "");
    let (flood, quiet) = tokio::join!(
        async {
            let client = app.scim();
            let mut refused = 0;
            for _ in 0..50 {
                refused += usize::from(client.get("/Users").await.status == 429);
            }
            refused
        },
        async {
            for _ in 0..50 {
                let _ = neighbour.get("/Users").await.expect(200);
            }
        }
    );
    let () = quiet;
    assert!(flood > 0, "the flood was served");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_and_bursts_of_entras_first_sync_pass_by_default() {
    let app = App::builder().rate(Rate::default()).start().await;
    // What piles up in ten seconds of a stall, sent over eight connections at once.
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let client = app.scim();
        senders.spawn(async move {
            for n in 0..32 {
                let name = format!("user{}@example.com", sender * 32 + n);
                let filter = format!("userName eq \"{name}\"");
                let _ = client.find("/Users", &filter).await.expect(200);
                let _ = client.user(&name).await;
            }
        });
    }
    while let Some(done) = senders.join_next().await {
        done.unwrap();
    }
    let list = app.scim().get("/Users?count=1").await.expect(200);
    assert_eq!(list.total(), 256);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_flood_the_log_keeps_the_beginning() {
    let app = App::builder().rate(SLOW).start().await;
    let _ = too_often(&app.scim(), "/Users").await.refused(429, "");
    let mut refused = 0;
    for _ in 0..100 {
        refused += usize::from(app.scim().get("/Users").await.status == 429);
    }
    let lines = app.requests().await;
    let noted = lines.iter().filter(|line| line["status"] == 429).count();
    assert!(
        (1..refused).contains(&noted),
        "{noted} of {refused} are in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_tenant_are_its_own() {
    let app = App::start().await;
    let (neighbour, _) = app.clients("acme", "okta").await;
    let limits = json!({"body": 2048, "large_body": 4096});
    let change = OperatorChange {
        limits: limits.as_object().cloned(),
        ..OperatorChange::default()
    };
    app.operator("default", change).await;
    let shown = app.admin().get("/api/v1/tenant").await.expect(200);
    assert_eq!(shown["limits"], limits);
    let long = json!({"schemas": [nameplate_tests::names::USER],
        "userName": "ana@example.com", "title": "x".repeat(3000)});
    app.scim()
        .post("/Users", &long)
        .await
        .refused(413, "")
        .names("2048");
    let _ = neighbour.post("/Users", &long).await.expect(201);
}
