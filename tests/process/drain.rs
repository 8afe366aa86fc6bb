//! How a server ends: in order, in time, or at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nameplate_tests::process::{Place, Server};
use serde_json::json;

use crate::{place, until};

/// Identity providers that push at the same time.
const CLIENTS: usize = 8;

fn serve(place: &Place, more: &[&str]) -> Server {
    let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--log", "warn"];
    args.extend(more);
    Server::start(place.command(&args)).unwrap()
}

fn user(name: &str) -> String {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}).to_string()
}

/// Pushes people until the server takes no more; how many it said it has made.
fn push(server: &Server, token: &str, client: usize, answered: &AtomicUsize) {
    let mut number = 0;
    // A new connection for every few requests: some are idle when the server ends.
    while let Ok(mut connection) = server.client(token) {
        for _ in 0..5 {
            let body = user(&format!("p{client}-{number}@example.com"));
            number += 1;
            // Not read at all, or read and answered: never half.
            let Ok(answer) = connection.ask("POST", "/scim/v2/Users", &body) else {
                break;
            };
            assert_eq!(answer.status, 201, "{answer:?}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_server_that_is_stopped_under_load_answers_all_that_it_has_done() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = serve(&place, &[]);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, token, answered) = (&server, &token, &answered);
            scope.spawn(move || push(server, token, client, answered));
        }
        until("people are made", || {
            answered.load(Ordering::Relaxed) > 10 * CLIENTS
        });
        server.tell_to_stop().unwrap();
    });
    let (status, _) = server.wait().unwrap();
    assert!(status.success(), "{status}");
    let server = serve(&place, &[]);
    let list = server
        .client(&token)
        .unwrap()
        .get("/scim/v2/Users?count=1")
        .unwrap();
    assert_eq!(
        list.json()["totalResults"],
        answered.into_inner(),
        "{list:?}"
    );
}

#[test]
fn a_server_that_is_stopped_says_so_first_and_still_answers() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = serve(&place, &["--drain-delay-seconds", "600"]);
    let ready = || server.client("").unwrap().get("/readyz").unwrap().status;
    assert_eq!(ready(), 200);
    server.tell_to_stop().unwrap();
    until("it says that it is not ready", || ready() == 503);
    let mut client = server.client(&token).unwrap();
    assert_eq!(client.get("/healthz").unwrap().status, 200);
    let body = user("late@example.com");
    let answer = client.ask("POST", "/scim/v2/Users", &body).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    // Long before the ten minutes are over.
    assert!(server.stop().unwrap().success());
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_server_longer_than_it_is_told() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = serve(&place, &["--drain-seconds", "1"]);
    let mut client = server.client(&token).unwrap();
    let head = client.head("POST", "/scim/v2/Users", 100, "Expect: 100-continue\r\n");
    client.send(&head).unwrap();
    assert_eq!(client.answer().unwrap().status, 100);
    assert!(server.stop().unwrap().success());
    assert!(client.answer().is_err(), "it was not answered");
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = serve(&place, &["--drain-seconds", "600"]);
    let mut client = server.client(&token).unwrap();
    let head = client.head("POST", "/scim/v2/Users", 100, "Expect: 100-continue\r\n");
    client.send(&head).unwrap();
    assert_eq!(client.answer().unwrap().status, 100);
    server.tell_to_stop().unwrap();
    until("it takes no more connections", || {
        server.client("").is_err()
    });
    assert!(server.stop().unwrap().success());
}
