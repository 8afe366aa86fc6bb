//! Webhooks: what arrives at a receiver on a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
async fn a_failure_is_told_in_words_and_tried_again_before_anything_later() {
    let failing = Arc::new(AtomicBool::new(true));
    let receiver = {
        let failing = failing.clone();
        Receiver::answering(move |_| {
            if failing.load(Ordering::SeqCst) {
                (500, "")
            } else {
                (200, "")
            }
        })
    };
    let world = world(WebhookLimits {
        tries: 1_000_000,
        ..quick()
    })
    .await;
    let (id, secret) = world.webhook(&receiver, &[]).await;
    let _ = world.app.scim().user("ana@example.com").await;
    let _ = world.app.scim().user("bo@example.com").await;
    let shown = world
        .until(&id, |shown| shown["failures"].as_u64() >= Some(2))
        .await;
    assert_eq!(shown["last_error"], "answered 500");
    assert!(shown["next_try"].is_string());
    assert_eq!(shown["position"], 0);
    let so_far = receiver.received();
    assert!(
        so_far.iter().all(|message| message.seq() == 1),
        "nothing later"
    );
    let ids: Vec<&String> = so_far.iter().map(|message| &message.id).collect();
    assert!(
        ids.windows(2).all(|pair| pair[0] == pair[1]),
        "repeats have one id"
    );

    failing.store(false, Ordering::SeqCst);
    world.until(&id, |shown| shown["position"] == 2).await;
    let received = receiver.received();
    assert_eq!(taken(&received), [1, 2]);
    assert!(received.iter().all(|message| message.verified(&secret)));
    assert_eq!(world.letters(&id).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_delivered_becomes_a_dead_letter_and_is_sent_again_on_demand() {
    let poisoned = Arc::new(AtomicBool::new(true));
    let receiver = {
        let poisoned = poisoned.clone();
        Receiver::answering(move |message| {
            if message.seq() == 2 && poisoned.load(Ordering::SeqCst) {
                (422, "")
            } else {
                (200, "")
            }
        })
    };
    let world = world(quick()).await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    for n in 0..3 {
        let _ = world.app.scim().user(&format!("p{n}@example.com")).await;
    }
    world.until(&id, |shown| shown["position"] == 3).await;
    assert_eq!(taken(&receiver.received()), [1, 3]);
    let letters = world.letters(&id).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["seq"], 2);
    assert_eq!(letters[0]["attempts"], 3);
    assert_eq!(letters[0]["error"], "answered 422");

    let target = format!("/api/v1/webhooks/{id}/redeliver");
    let again = json!({"dead_letters": true});
    // It still fails: the letter stays, with its new error.
    let asked = world.app.admin().post(&target, &again).await.expect(202);
    assert_eq!(asked["events"], 1);
    receiver
        .expect(|all| all.iter().filter(|m| m.seq() == 2).count() == 4)
        .await;
    let mut letters = world.letters(&id).await;
    while letters[0]["attempts"] == 0 {
        letters = world.letters(&id).await;
    }
    assert_eq!(letters[0]["attempts"], 1);

    poisoned.store(false, Ordering::SeqCst);
    let _ = world.app.admin().post(&target, &again).await.expect(202);
    receiver.expect(|all| taken(all).contains(&2)).await;
    while !world.letters(&id).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.shown(&id).await["position"], 3);
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
async fn a_receiver_that_is_gone_pauses_its_webhook_until_it_is_wanted_again() {
    let gone = Arc::new(AtomicBool::new(true));
    let receiver = {
        let gone = gone.clone();
        Receiver::answering(move |_| {
            if gone.load(Ordering::SeqCst) {
                (410, "")
            } else {
                (200, "")
            }
        })
    };
    let world = world(quick()).await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    let _ = world.app.scim().user("ana@example.com").await;
    let shown = world.until(&id, |shown| shown["paused"] == true).await;
    assert_eq!(shown["position"], 0, "the event is not lost");
    let shown = world.until(&id, |shown| shown["last_error"] != "").await;
    assert!(
        shown["last_error"].as_str().unwrap().contains("410"),
        "{shown}"
    );
    gone.store(false, Ordering::SeqCst);
    let target = format!("/api/v1/webhooks/{id}");
    let body = json!({"paused": false});
    let _ = world
        .app
        .admin()
        .with_json("PATCH", &target, &body)
        .await
        .expect(200);
    let received = receiver.expect(|all| all.len() == 2).await;
    assert_eq!(taken(&received), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_during_a_pause_is_told_of_and_deliveries_go_on() {
    let receiver = Receiver::start();
    let world = world_of(App::builder().events_kept(3), quick()).await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    let target = format!("/api/v1/webhooks/{id}");
    let admin = world.app.admin();
    let paused = |paused: bool| json!({"paused": paused});
    let _ = admin
        .with_json("PATCH", &target, &paused(true))
        .await
        .expect(200);
    for n in 0..12 {
        let _ = world.app.scim().user(&format!("p{n}@example.com")).await;
        let _ = world.app.runtime.map_left_over(0).await.unwrap();
    }
    let _ = admin
        .with_json("PATCH", &target, &paused(false))
        .await
        .expect(200);
    world.until(&id, |shown| shown["position"] == 12).await;
    let received = seqs(&receiver.received());
    assert_eq!(received.last(), Some(&12));
    let letters = world.letters(&id).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(
        letters[0]["seq"],
        received[0] - 1,
        "what is missing is named"
    );
    let error = letters[0]["error"].as_str().unwrap();
    assert!(error.starts_with("events 1 to "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it() {
    let tries = Arc::new(AtomicUsize::new(0));
    let receiver = {
        let tries = tries.clone();
        Receiver::answering(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
            0 => (503, "retry-after: 20\r\n"),
            _ => (200, ""),
        })
    };
    let world = world(WebhookLimits {
        longest_wait_ms: 60_000,
        ..quick()
    })
    .await;
    let (id, _) = world.webhook(&receiver, &[]).await;
    let _ = world.app.scim().user("ana@example.com").await;
    let shown = world.until(&id, |shown| shown["failures"] == 1).await;
    let at = |text: &Value| text.as_str().unwrap().to_owned();
    let listed = world.app.admin().get("/api/v1/events").await.expect(200);
    // The event was at about 09:30:00; the next try is 20 s later.
    assert!(at(&listed["events"][0]["at"]) < at(&shown["next_try"]));
    let next = at(&shown["next_try"]);
    assert!(next.contains("09:30:2"), "{next}");
    assert_eq!(receiver.received().len(), 1);
    world.app.clock.advance(20_000);
    receiver.expect(|all| all.len() == 2).await;
    world.until(&id, |shown| shown["failures"] == 0).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_do_not_send_everything_twice_and_lose_nothing() {
    let receiver = Receiver::start();
    let world = world(quick()).await;
    let other = world.app.another();
    let _other = other.start_background();
    let (id, _) = world.webhook(&receiver, &[]).await;
    let users = 60;
    for n in 0..users {
        let _ = world.app.scim().user(&format!("p{n}@example.com")).await;
    }
    world.until(&id, |shown| shown["position"] == users).await;
    let mut arrived = seqs(&receiver.received());
    let all = arrived.len();
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived, (1..=users).collect::<Vec<u64>>());
    assert!(
        all < arrived.len() * 3 / 2,
        "{all} messages for {users} events"
    );
}
