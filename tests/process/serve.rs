//! A server's end, and its TLS.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use nameplate_tests::process::{Client, Server};
use rustls::pki_types::ServerName;
use serde_json::json;

use crate::place;

#[test]
fn a_request_in_flight_is_answered_before_the_server_ends() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = place.serve().unwrap();
    let mut client = server.client(&token).unwrap();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "late@example.com",
    })
    .to_string();
    let head = client.head(
        "POST",
        "/scim/v2/Users",
        body.len(),
        "Expect: 100-continue\r\n",
    );
    client.send(&head).unwrap();
    // The server is waiting for the body now.
    assert_eq!(client.answer().unwrap().status, 100);
    server.tell_to_stop().unwrap();
    let began = std::time::Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "it still takes connections"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    client.send(&body).unwrap();
    let answer = client.answer().unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    let (status, _) = server.wait().unwrap();
    assert!(status.success(), "{status}");
    let shown = place.run(&["requests"]).unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("201"), "its line is in the log: {shown}");
}

#[test]
fn a_client_that_says_nothing_does_not_keep_the_server_from_ending() {
    let place = place();
    place.init().unwrap();
    let server = place.serve().unwrap();
    let _silent = TcpStream::connect(server.address()).unwrap();
    assert!(server.stop().unwrap().success());
}

#[test]
fn https_is_spoken_with_a_certificate_of_ours() {
    let place = place();
    let token = place.init().unwrap().scim;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (
        place.folder().join("cert.pem"),
        place.folder().join("key.pem"),
    );
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let command = place.command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
        "--log",
        "warn",
    ]);
    let server = Server::start(command).unwrap();
    assert!(
        server.greeting().contains("https://"),
        "{}",
        server.greeting()
    );

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(server.address()).unwrap();
    let mut client = Client::over(rustls::StreamOwned::new(session, stream), &token);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "tls@example.com",
    });
    let answer = client
        .ask("POST", "/scim/v2/Users", &body.to_string())
        .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    let location = answer.text("/meta/location");
    assert!(location.starts_with("https://localhost/"), "{location}");
}

#[test]
fn a_certificate_without_its_key_is_told_at_the_start() {
    let place = place();
    let output = place.run(&["serve", "--listen", "127.0.0.1:0", "--tls-cert", "c.pem"]);
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("tls-key"), "{said}");
}
