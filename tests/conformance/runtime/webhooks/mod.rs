//! Webhooks: what arrives at a receiver on a real socket.

mod failures;

use std::time::{Duration, Instant};

use nameplate_runtime::Background;
use nameplate_runtime::limits::Limits;
use nameplate_runtime::webhooks::{Reach, WebhookLimits};
use nameplate_tests::receiver::Received;
use nameplate_tests::{App, Builder, Receiver};
use serde_json::{Value, json};

/// Short enough for a test, and private addresses are allowed: receivers are here.
fn quick() -> WebhookLimits {
    WebhookLimits {
        first_wait_ms: 10,
        longest_wait_ms: 50,
        tries: 3,
        reach: Reach { private: true },
        ..WebhookLimits::default()
    }
}

/// A server that delivers, and its background work.
struct World {
    app: App,
    _background: Background,
}

async fn world(webhooks: WebhookLimits) -> World {
    world_of(App::builder(), webhooks).await
}

async fn world_of(builder: Builder, webhooks: WebhookLimits) -> World {
    let limits = Limits {
        webhooks,
        ..Limits::default()
    };
    let app = builder.limits(limits).start().await;
    let _background = app.runtime.start_background();
    World { app, _background }
}

impl World {
    /// Adds a webhook; its id and secret.
    async fn webhook(&self, receiver: &Receiver, events: &[&str]) -> (String, String) {
        let body = json!({"url": receiver.url(), "events": events});
        let made = self.app.admin().post("/api/v1/webhooks", &body).await;
        let made = made.expect(201);
        (made.id(), made["secret"].as_str().unwrap().to_owned())
    }

    async fn shown(&self, id: &str) -> Value {
        let target = format!("/api/v1/webhooks/{id}");
        self.app.admin().get(&target).await.expect(200).json
    }

    async fn letters(&self, id: &str) -> Vec<Value> {
        let target = format!("/api/v1/webhooks/{id}/dead_letters");
        let answer = self.app.admin().get(&target).await.expect(200);
        answer["dead_letters"].as_array().unwrap().clone()
    }

    /// Waits until the webhook looks like this. The clock goes on meanwhile.
    async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let shown = self.shown(id).await;
            if wanted(&shown) {
                return shown;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{shown:#}");
            self.app.clock.advance(1);
        }
    }
}

fn seqs(received: &[Received]) -> Vec<u64> {
    received.iter().map(Received::seq).collect()
}

fn taken(received: &[Received]) -> Vec<u64> {
    let taken = received.iter().filter(|message| message.status < 300);
    taken.map(Received::seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_in_order_signed_and_in_the_standard_shape() {
    let receiver = Receiver::start();
    let world = world(quick()).await;
    let okta = world.app.scim();
    // Before the webhook: not told.
    let ana = okta.user("ana@example.com").await;
    world.app.host("1").await;
    let (id, secret) = world.webhook(&receiver, &[]).await;
    let _ = world.app.enroll("1", "ana@example.com").await;
    let change = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let _ = okta
        .patch(&format!("/Users/{ana}"), &change)
        .await
        .expect(200);
    let _ = okta.group("Sales", &[&ana]).await;

    let received = receiver.expect(|all| all.len() >= 3).await;
    let kinds: Vec<String> = received.iter().map(Received::kind).collect();
    assert_eq!(
        kinds,
        ["assignment.changed", "user.updated", "group.created"]
    );
    assert_eq!(seqs(&received), [3, 4, 5]);
    let listed = world
        .app
        .admin()
        .get("/api/v1/events?after=2")
        .await
        .expect(200);
    for (message, event) in received.iter().zip(listed["events"].as_array().unwrap()) {
        assert!(message.verified(&secret));
        assert_eq!(message.id, format!("msg_{id}_{}", message.seq()));
        let json = message.json();
        let mut whole = json["data"].clone();
        whole["type"] = json["type"].clone();
        whole["at"] = json["timestamp"].clone();
        assert_eq!(&whole, event, "a message tells what the log does");
    }
    let shown = world.until(&id, |shown| shown["position"] == 5).await;
    assert_eq!(shown["failures"], 0);
    assert_eq!(shown["last_error"], "");
    assert!(shown["last_delivered"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_other_events_away_and_others_do_not_hold_it_up() {
    let receiver = Receiver::start();
    let world = world(quick()).await;
    let (id, _) = world.webhook(&receiver, &["group."]).await;
    for n in 0..3 {
        let _ = world.app.scim().user(&format!("p{n}@example.com")).await;
    }
    world.until(&id, |shown| shown["position"] == 3).await;
    let _ = world.app.scim().group("Sales", &[]).await;
    let received = receiver.expect(|all| !all.is_empty()).await;
    assert_eq!(seqs(&received), [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_again_from_a_number_on() {
    let receiver = Receiver::start();
    let world = world(quick()).await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    for n in 0..4 {
        let _ = world.app.scim().user(&format!("p{n}@example.com")).await;
    }
    world.until(&id, |shown| shown["position"] == 4).await;
    let target = format!("/api/v1/webhooks/{id}/redeliver");
    let asked = world.app.admin().post(&target, &json!({"from": 2})).await;
    assert_eq!(asked.expect(202)["events"], 3);
    let received = receiver.expect(|all| all.len() >= 7).await;
    assert_eq!(seqs(&received), [1, 2, 3, 4, 2, 3, 4]);
    let ahead = world.app.admin().post(&target, &json!({"from": 99})).await;
    ahead.expect(400).names("no event 99 yet");
    let nothing = world.app.admin().post(&target, &json!({})).await;
    nothing.expect(400).names("dead_letters");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_url_filter_or_pause_is_followed_at_once() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let world = world(quick()).await;
    let (id, _) = world.webhook(&first, &[]).await;
    let target = format!("/api/v1/webhooks/{id}");
    let admin = world.app.admin();
    let _ = world.app.scim().user("ana@example.com").await;
    first.expect(|all| all.len() == 1).await;
    let pause = json!({"paused": true});
    let _ = admin.with_json("PATCH", &target, &pause).await.expect(200);
    let _ = world.app.scim().user("bo@example.com").await;
    let _ = world.app.scim().group("Sales", &[]).await;
    let change = json!({"url": second.url(), "events": ["group."], "paused": false});
    let changed = admin.with_json("PATCH", &target, &change).await.expect(200);
    assert_eq!(changed["events"], json!(["group."]));
    let received = second.expect(|all| !all.is_empty()).await;
    assert_eq!(received[0].kind(), "group.created");
    assert_eq!(first.received().len(), 1);

    let _ = admin.delete(&target).await.expect(204);
    let _ = admin.get(&target).await.expect(404);
    let _ = admin.delete(&target).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_left_out_of_its_message() {
    let receiver = Receiver::start();
    let world = world(WebhookLimits {
        body: 2_000,
        ..quick()
    })
    .await;
    let (_, secret) = world.webhook(&receiver, &[]).await;
    let okta = world.app.scim();
    let body = json!({"schemas": [nameplate_tests::names::USER], "userName": "long",
        "title": "x".repeat(3_000)});
    let _ = okta.post("/Users", &body).await.expect(201);
    let _ = okta.user("short").await;
    let received = receiver.expect(|all| all.len() == 2).await;
    let (long, short) = (received[0].json(), received[1].json());
    assert!(received[0].body.len() <= 2_000 && received[0].verified(&secret));
    assert_eq!(long["data"]["truncated"], true);
    assert_eq!(long["data"]["after"], Value::Null);
    assert!(long["data"]["subject"]["id"].is_string());
    assert_eq!(short["data"].get("truncated"), None);
    assert_eq!(short["data"]["after"]["userName"], "short");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_both_sign_after_a_rotation() {
    let receiver = Receiver::start();
    let world = world(quick()).await;
    let (id, old) = world.webhook(&receiver, &[]).await;
    assert!(old.starts_with("whsec_"));
    let admin = world.app.admin();
    let rotate = format!("/api/v1/webhooks/{id}/rotate");
    let new = admin.post(&rotate, &json!({})).await.expect(200);
    let new = new["secret"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let _ = world.app.scim().user("ana@example.com").await;
    let received = receiver.expect(|all| all.len() == 1).await;
    assert!(received[0].verified(&old) && received[0].verified(&new));
    world.app.clock.advance(24 * 3600 * 1000);
    let _ = world.app.scim().user("bo@example.com").await;
    let received = receiver.expect(|all| all.len() == 2).await;
    assert!(!received[1].verified(&old) && received[1].verified(&new));
    for target in [
        "/api/v1/webhooks",
        &format!("/api/v1/webhooks/{id}"),
        "/api/v1/requests",
    ] {
        let text = admin.get(target).await.expect(200).json.to_string();
        assert!(
            !text.contains("whsec_") && !text.contains("secret"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_unless_allowed() {
    let receiver = Receiver::start();
    let guarded = world(WebhookLimits {
        reach: Reach::default(),
        ..quick()
    })
    .await;
    let admin = guarded.app.admin();
    for url in [
        receiver.url(),
        "http://[::1]/".to_owned(),
        "http://169.254.169.254/latest".to_owned(),
        "ftp://example.com/".to_owned(),
        "https://user:secret@example.com/".to_owned(),
        "example.com".to_owned(),
        String::new(),
    ] {
        let refused = admin.post("/api/v1/webhooks", &json!({"url": url})).await;
        let refused = refused.expect(400);
        assert_eq!(refused["errors"][0]["name"], "url", "{url}");
    }
    // A name that leads inside is found out when it is connected to.
    let port = receiver.url().rsplit(':').next().unwrap().to_owned();
    let body = json!({"url": format!("http://localhost:{port}")});
    let id = admin.post("/api/v1/webhooks", &body).await.expect(201).id();
    let _ = guarded.app.scim().user("ana@example.com").await;
    let shown = guarded.until(&id, |shown| shown["last_error"] != "").await;
    let error = shown["last_error"].as_str().unwrap();
    assert!(error.starts_with("the address is private"), "{error}");
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_of_their_tenant_and_bounded() {
    let receiver = Receiver::start();
    let world = world(WebhookLimits {
        per_tenant: 1,
        ..quick()
    })
    .await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    let (scim, other) = world.app.clients("other", "okta").await;
    let _ = other
        .get(&format!("/api/v1/webhooks/{id}"))
        .await
        .expect(404);
    let _ = other
        .delete(&format!("/api/v1/webhooks/{id}"))
        .await
        .expect(404);
    let none = other.get("/api/v1/webhooks").await.expect(200);
    assert_eq!(none.json, json!({"webhooks": []}));
    let _ = scim.user("stranger@example.com").await;
    let _ = world.app.scim().user("ana@example.com").await;
    let received = receiver.expect(|all| !all.is_empty()).await;
    assert_eq!(
        received[0].json()["data"]["after"]["userName"],
        "ana@example.com"
    );
    let body = json!({"url": receiver.url()});
    let full = world.app.admin().post("/api/v1/webhooks", &body).await;
    full.expect(400).names("at most 1 webhooks");
}
