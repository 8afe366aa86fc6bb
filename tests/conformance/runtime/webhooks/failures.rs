//! Receivers that fail, and servers that share the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nameplate_runtime::webhooks::WebhookLimits;
use nameplate_tests::{App, Receiver};
use serde_json::{Value, json};

use super::{quick, seqs, taken, world, world_of};

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
    // Both times are of the server's clock, which only goes on as it is read.
    let tried = |shown: &Value| shown["failures"] == 1 || shown["position"] == 1;
    world.until(&id, tried).await;
    world.app.clock.advance(20_000);
    let received = receiver.expect(|all| all.len() == 2).await;
    let waited = received[1].seconds - received[0].seconds;
    assert!(waited >= 20, "tried again after {waited} s");
    world.until(&id, |shown| shown["failures"] == 0).await;
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
