//! Over a socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::server::{Running, Server, ServerError, ServerOptions};

async fn serve(world: &World) -> Running {
    let options = ServerOptions {
        address: "127.0.0.1:0".into(),
        ..ServerOptions::default()
    };
    Server::bind(&options)
        .await
        .unwrap()
        .spawn(world.front.clone())
}

async fn exchange(running: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(running.local_addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_over_the_socket_is_answered_and_logged_at_the_end() {
    let world = world().await;
    let running = serve(&world).await;
    let request = format!(
        "GET /scim/v2/Users HTTP/1.1\r\nHost: a.example\r\nAuthorization: bearer {}\r\n\
         Connection: close\r\n\r\n",
        world.scim
    );
    let answer = exchange(&running, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("http://a.example/scim/v2"), "{answer}");
    let address = running.local_addr();
    running.shutdown().await;
    assert_eq!(
        world
            .store
            .requests(world.tenant, &nameplate_store::RequestQuery::newest(10))
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_announced_body_over_the_limit_is_refused_before_it_is_sent() {
    let world = world().await;
    let running = serve(&world).await;
    // Nothing follows the headers: a server that waits for the body never answers.
    let request = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 101\r\nConnection: close\r\n\r\n",
        world.scim
    );
    let mut stream = TcpStream::connect(running.local_addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_large_refused_body_does_not_reset_the_connection_before_the_answer() {
    let world = world().await;
    let running = serve(&world).await;
    let body = "x".repeat(8 << 20);
    let request = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        world.scim,
        body.len()
    );
    let answer = exchange(&running, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_certificate_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, "nothing").unwrap();
    let options = ServerOptions {
        address: "127.0.0.1:0".into(),
        tls: Some((cert.clone(), key.clone())),
        ..ServerOptions::default()
    };
    let error = Server::bind(&options).await.err().unwrap();
    assert!(
        matches!(&error, ServerError::Tls { file, .. } if *file == cert),
        "{error}"
    );
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    let error = Server::bind(&options).await.err().unwrap();
    assert!(
        matches!(&error, ServerError::Tls { file, .. } if *file == key),
        "{error}"
    );
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Server::bind(&options).await.unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"));
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let world = world().await;
    let running = serve(&world).await;
    let options = ServerOptions {
        address: running.local_addr().to_string(),
        ..ServerOptions::default()
    };
    let error = Server::bind(&options).await.err().unwrap().to_string();
    assert!(error.contains(&options.address), "{error}");
}
