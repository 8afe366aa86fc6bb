//! What a server tells those who watch it: metrics, its log, and what never stands there.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use nameplate_tests::process::{Client, Place, Server, encode};
use serde_json::Value;

use crate::place;

/// An address that is free at this moment.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A server with a listener for metrics.
fn watched(place: &Place) -> (Server, Client) {
    let metrics = free();
    let address = metrics.to_string();
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--metrics-listen",
        &address,
    ];
    let server = Server::start(place.command(&args)).unwrap();
    (server, Client::connect(metrics, "").unwrap())
}

/// The samples of a scrape, each line taken apart.
fn samples(watching: &mut Client) -> Vec<(String, f64)> {
    let answer = watching.get("/metrics").unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("application/openmetrics-text"),
        "{}",
        answer.head
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

fn value(samples: &[(String, f64)], name: &str) -> f64 {
    let found = samples.iter().find(|(known, _)| known == name);
    found.map_or(0.0, |(_, value)| *value)
}

#[test]
fn metrics_count_what_was_asked() {
    let place = place();
    let tokens = place.init().unwrap();
    let (server, mut watching) = watched(&place);
    let mut scim = server.client(&tokens.scim).unwrap();
    for _ in 0..3 {
        assert_eq!(scim.get("/scim/v2/Users?count=1").unwrap().status, 200);
    }
    assert_eq!(scim.get("/scim/v2/Users/none").unwrap().status, 404);
    let mut stranger = server.client("np_scim_nobody").unwrap();
    assert_eq!(stranger.get("/scim/v2/Users").unwrap().status, 401);
    let mut admin = server.client(&tokens.admin).unwrap();
    assert_eq!(admin.get("/api/v1/hosts").unwrap().status, 200);

    let found = samples(&mut watching);
    for (name, expected) in [
        (
            "nameplate_requests_total{family=\"scim\",method=\"get\",status=\"2xx\"}",
            3.0,
        ),
        (
            "nameplate_requests_total{family=\"scim\",method=\"get\",status=\"4xx\"}",
            2.0,
        ),
        (
            "nameplate_requests_total{family=\"admin\",method=\"get\",status=\"2xx\"}",
            1.0,
        ),
        (
            "nameplate_request_duration_seconds_count{family=\"scim\"}",
            5.0,
        ),
        ("nameplate_guest_duration_seconds_count", 4.0),
        ("nameplate_instances_in_use", 0.0),
        ("nameplate_connections_open", 3.0),
        ("nameplate_plugin_loads_total{outcome=\"ok\"}", 1.0),
    ] {
        assert_eq!(value(&found, name), expected, "{name}: {found:?}");
    }
    assert!(
        value(
            &found,
            "nameplate_store_duration_seconds_count{operation=\"read\"}"
        ) > 0.0
    );
    assert!(value(&found, "nameplate_host_calls_total") > 0.0);
    assert!(server.stop().unwrap().success());
}

#[test]
fn metrics_are_not_shown_where_clients_connect() {
    let place = place();
    place.init().unwrap();
    let (server, mut watching) = watched(&place);
    assert_eq!(
        server.client("").unwrap().get("/metrics").unwrap().status,
        404
    );
    assert_eq!(watching.get("/readyz").unwrap().status, 200);
    assert_eq!(watching.get("/scim/v2/Users").unwrap().status, 404);
    assert!(server.stop().unwrap().success());
}

#[test]
fn the_log_is_one_json_object_a_line_and_holds_no_token_wherever_one_is_sent() {
    let place = place();
    let tokens = place.init().unwrap();
    let log = place.folder().join("log");
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "debug",
        "--log-format",
        "json",
    ];
    let mut command = place.command(&args);
    command.stderr(fs::File::create(&log).unwrap());
    let server = Server::start(command).unwrap();
    for token in [&tokens.scim, &tokens.admin] {
        let quoted = encode(token);
        for target in [
            format!("/scim/v2/Users/{quoted}"),
            format!("/{quoted}"),
            format!("/t/{quoted}/scim/v2/Users"),
            format!("/scim/v2/Users?filter=userName%20eq%20%22{quoted}%22"),
            format!("/api/v1/hosts/{quoted}"),
        ] {
            server.client(token).unwrap().get(&target).unwrap();
            server.client("").unwrap().get(&target).unwrap();
        }
        for more in [
            format!("X-Request-Id: {token}\r\n"),
            format!("User-Agent: {token}\r\n"),
            format!("X-Forwarded-Host: {token}\r\n"),
            format!("Cookie: t={token}\r\n"),
            format!("{token}: 1\r\n"),
        ] {
            let mut client = server.client(&format!("x{token}")).unwrap();
            let head = client.head("GET", "/scim/v2/Users", 0, &more);
            client.send(&head).unwrap();
            client.answer().unwrap();
        }
        let body = format!("{{\"userName\": \"{token}\", ");
        let mut client = server.client(token).unwrap();
        client.ask("POST", "/scim/v2/Users", &body).unwrap();
        // What is no request at all.
        let mut broken = server.client("").unwrap();
        broken
            .send(&format!("{token} {token} {token}\r\n\r\n"))
            .unwrap();
        let _ = broken.answer();
    }
    assert!(server.stop().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    let mut requests = 0;
    for line in log.lines() {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        let object = json.as_object().unwrap_or_else(|| panic!("{line}"));
        assert!(
            object.contains_key("timestamp") && object.contains_key("level"),
            "{line}"
        );
        requests += usize::from(json.pointer("/span/request.id").is_some());
    }
    assert!(requests > 10, "requests are told of: {log}");
    for token in [&tokens.scim, &tokens.admin] {
        assert!(
            !log.contains(token.as_str()),
            "a token is in the log: {log}"
        );
        // Its secret part alone would do as well.
        let secret = token.rsplit('_').next().unwrap();
        assert!(!log.contains(secret), "a secret is in the log: {log}");
    }
}
