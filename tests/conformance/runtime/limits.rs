//! Every limit is violated, and the error is precise; nobody else notices.

use std::time::Duration;

use nameplate_runtime::limits::Limits;
use nameplate_tests::names::{GROUP, USER};
use nameplate_tests::{Answer, App, Client, component, hostile};
use serde_json::{Value, json};

fn small() -> Limits {
    Limits {
        guest_time_ms: 400,
        memory: 8 << 20,
        ..Limits::default()
    }
}

async fn misbehaving(limits: Limits) -> App {
    let plugin = component(&hostile::component(), &limits).unwrap();
    App::builder().limits(limits).plugin(plugin).start().await
}

#[track_caller]
fn try_again(answer: Answer) {
    let answer = answer.refused(503, "");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

async fn works(client: &Client) {
    assert_eq!(client.get("/ok").await.expect(200).json, json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_endless_loop_is_ended_and_slows_no_other_tenant() {
    let app = misbehaving(small()).await;
    let looping = app.scim();
    let (other, _) = app.clients("other", "okta").await;
    works(&looping).await;
    let again = looping.clone();
    let task = tokio::spawn(async move { looping.get("/loop").await });
    // One worker thread serves everything, so it must not belong to the loop.
    let mut served = 0;
    while !task.is_finished() {
        works(&other).await;
        served += 1;
    }
    try_again(task.await.unwrap());
    assert!(
        served > 20,
        "{served} requests of the other tenant in 400 ms of looping"
    );
    works(&again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_ends_the_request_and_the_next_one_works() {
    let app = misbehaving(small()).await;
    for path in ["/trap", "/recurse", "/memory"] {
        try_again(app.scim().get(path).await);
        works(&app.scim()).await;
        let line = app.requests().await.remove(1);
        assert_eq!(
            (&line["status"], &line["path"]),
            (&json!(503), &json!(format!("/scim/v2{path}")))
        );
    }
    try_again(app.scim().get("/trap").await);
    let details = app
        .admin()
        .get("/api/v1/fleet/scim/details")
        .await
        .expect(200);
    assert_eq!(details["last_request"]["status"], "error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_altogether_is_ended() {
    let limits = Limits {
        guest_time_ms: 60_000,
        call_time_ms: 300,
        ..small()
    };
    let app = misbehaving(limits).await;
    let started = std::time::Instant::now();
    try_again(app.scim().get("/loop").await);
    assert!(started.elapsed() < Duration::from_secs(20));
    works(&app.scim()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_may_wait_are_told_to_come_back() {
    let limits = Limits {
        instances_per_tenant: 1,
        queue_per_tenant: 1,
        ..small()
    };
    let app = misbehaving(limits).await;
    let looping: Vec<_> = (0..6)
        .map(|_| {
            let client = app.scim();
            tokio::spawn(async move { client.get("/loop").await })
        })
        .collect();
    for task in looping {
        try_again(task.await.unwrap());
    }
    works(&app.scim()).await;
    let quick = app.requests().await;
    let busy = quick
        .iter()
        .filter(|line| line["micros"].as_u64().unwrap() < 300_000);
    assert!(busy.count() >= 4, "some were refused at once: {quick:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_request_that_needs_too_much_memory_changes_nothing() {
    let limits = Limits {
        memory: 4 << 20,
        ..Limits::default()
    };
    let app = App::builder().limits(limits).start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let before = okta.everything().await;
    let mut body = json!({"schemas": [USER], "userName": "big@example.com"});
    body["unknown"] = Value::Array(vec![json!(1); 400_000]);
    try_again(okta.post("/Users", &body).await);
    assert_eq!(okta.everything().await, before);
    let _ = okta.user("ben@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_request_that_calls_the_host_too_often_changes_nothing() {
    let body = json!({"schemas": [USER], "userName": "ana@example.com"});
    for host_calls in 0.. {
        let limits = Limits {
            host_calls,
            ..Limits::default()
        };
        let app = App::builder().limits(limits).start().await;
        let answer = app.scim().post("/Users", &body).await;
        if answer.status == 201 {
            assert!(host_calls > 0, "the first call is counted");
            break;
        }
        try_again(answer);
        let users = app.admin().get("/api/v1/users").await.expect(200);
        assert_eq!(users["users"], json!([]), "after {host_calls} calls");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_limit_is_read_and_one_byte_more_is_refused() {
    let limits = Limits {
        body: 2000,
        large_body: 5000,
        ..Limits::default()
    };
    let app = App::builder().limits(limits).start().await;
    let okta = app.scim();
    let config = okta.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["bulk"]["maxPayloadSize"], 5000);
    let padded = |body: &Value, size: usize| {
        let text = body.to_string();
        format!("{text}{}", " ".repeat(size - text.len())).into_bytes()
    };
    let user = json!({"schemas": [USER], "userName": "ana@example.com"});
    let id = okta
        .raw("POST", "/Users", &padded(&user, 2000))
        .await
        .expect(201)
        .id();
    let group = json!({"schemas": [GROUP], "displayName": "Engineering"});
    let group_id = okta
        .raw("POST", "/Groups", &padded(&group, 5000))
        .await
        .expect(201)
        .id();
    let before = okta.everything().await;
    for (method, target, body, limit) in [
        ("POST", "/Users".to_owned(), &user, 2000),
        ("PUT", format!("/Users/{id}"), &user, 2000),
        ("PATCH", format!("/Users/{id}"), &user, 2000),
        ("POST", "/Groups".to_owned(), &group, 5000),
        ("PATCH", format!("/Groups/{group_id}"), &group, 5000),
    ] {
        let answer = okta.raw(method, &target, &padded(body, limit + 1)).await;
        answer.refused(413, "").names(&limit.to_string());
    }
    assert_eq!(okta.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_far_over_the_limit_is_refused_by_default() {
    let app = App::start().await;
    let okta = app.scim();
    let large = vec![b' '; (1 << 20) + 1];
    let _ = okta.raw("POST", "/Users", &large).await.refused(413, "");
    let larger = vec![b' '; (16 << 20) + 1];
    let _ = okta.raw("POST", "/Groups", &larger).await.refused(413, "");
    assert_eq!(okta.everything().await, json!([]));
}
