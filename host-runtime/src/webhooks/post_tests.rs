#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const OPEN: Reach = Reach { private: true };
const LONG: Duration = Duration::from_secs(10);

fn message() -> Message {
    Message {
        id: "msg_1".to_owned(),
        seconds: 7,
        signature: "v1,x".to_owned(),
        body: Bytes::from_static(b"{}"),
    }
}

async fn listener() -> (TcpListener, Uri) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/hooks?x=1");
    (listener, uri.parse().unwrap())
}

/// Reads one request and answers it; what was read.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"{}") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    String::from_utf8(read).unwrap()
}

/// What a message comes to whose receiver answers like this.
async fn sent(text: &'static str) -> Answer {
    let (listener, uri) = listener().await;
    let receiver = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, text).await
    });
    let postman = Postman::new(OPEN, LONG).unwrap();
    let result = postman.send(&uri, &message()).await;
    receiver.await.unwrap();
    result
}

fn why(answer: Answer) -> String {
    match answer {
        Answer::Failed { why, .. } => why,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_is_posted_with_its_headers_and_taken_by_2xx() {
    let (listener, uri) = listener().await;
    let receiver = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, "HTTP/1.1 204 No Content\r\n\r\n").await
    });
    let postman = Postman::new(OPEN, LONG).unwrap();
    assert_eq!(postman.send(&uri, &message()).await, Answer::Taken);
    let request = receiver.await.unwrap();
    assert!(
        request.starts_with("POST /hooks?x=1 HTTP/1.1\r\n"),
        "{request}"
    );
    for line in [
        "webhook-id: msg_1",
        "webhook-timestamp: 7",
        "webhook-signature: v1,x",
        "content-type: application/json",
        "content-length: 2",
    ] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn other_answers_are_failures_in_words() {
    let error = sent("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno").await;
    assert_eq!(why(error), "answered 500");
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(
        why(sent(moved).await),
        "answered 302; redirects are not followed"
    );
    assert_eq!(
        sent("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await,
        Answer::Gone
    );
    assert_eq!(why(sent("garbage\r\n\r\n").await), "the answer is no http");
    let late = sent("HTTP/1.1 503 Busy\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n").await;
    match late {
        Answer::Failed { headers, .. } => assert_eq!(headers.get("retry-after").unwrap(), "9"),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_receiver_that_breaks_off_or_is_not_there_is_a_failure_in_words() {
    let (listener, uri) = listener().await;
    let receiver = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, "").await;
        listener
    });
    let postman = Postman::new(OPEN, LONG).unwrap();
    let broken = why(postman.send(&uri, &message()).await);
    assert!(broken.contains("broke off"), "{broken}");
    drop(receiver.await.unwrap());
    assert_eq!(
        why(postman.send(&uri, &message()).await),
        "connection refused"
    );
    let nowhere = Uri::from_static("http://nowhere.invalid/");
    let unknown = why(postman.send(&nowhere, &message()).await);
    assert_eq!(unknown, "the host's name is not known");
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_left_after_the_time_out() {
    let (_listener, uri) = listener().await;
    let postman = Postman::new(OPEN, Duration::from_millis(50)).unwrap();
    assert_eq!(
        why(postman.send(&uri, &message()).await),
        "no answer within 0.05 s"
    );
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_undo_the_status() {
    let (listener, uri) = listener().await;
    let receiver = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let begun = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1";
        answer(&mut stream, begun).await;
        // Open until the other side hangs up.
        stream.read_to_end(&mut Vec::new()).await
    });
    let postman = Postman::new(OPEN, Duration::from_millis(500)).unwrap();
    assert_eq!(postman.send(&uri, &message()).await, Answer::Taken);
    receiver.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_cut_and_its_status_counts() {
    let (listener, uri) = listener().await;
    let receiver = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(
            &mut stream,
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
        )
        .await;
        let piece = [b'x'; 4096];
        // Until the other side has enough.
        while stream.write_all(&piece).await.is_ok() {}
    });
    let postman = Postman::new(OPEN, LONG).unwrap();
    assert_eq!(postman.send(&uri, &message()).await, Answer::Taken);
    receiver.await.unwrap();
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let (listener, uri) = listener().await;
    let postman = Postman::new(Reach::default(), LONG).unwrap();
    let port = uri.port_u16().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f000001",
        "2130706433",
    ] {
        let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
        let why = why(postman.send(&uri, &message()).await);
        assert!(
            why.contains("the address is private") || why.contains("not known"),
            "{host}: {why}"
        );
    }
    let named = why(postman
        .send(
            &format!("http://localhost:{port}/").parse().unwrap(),
            &message(),
        )
        .await);
    assert!(named.contains("--webhooks-allow-private"), "{named}");
    let nobody = timeout(Duration::ZERO, listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}

#[tokio::test]
async fn certificates_are_checked() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, uri) = listener().await;
    let uri: Uri = format!("https://localhost:{}/", uri.port_u16().unwrap())
        .parse()
        .unwrap();
    let receiver = tokio::spawn(async move {
        // Who does not trust us hangs up in the handshake.
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        answer(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    });
    let stranger = Postman::new(OPEN, LONG).unwrap();
    let refused = why(stranger.send(&uri, &message()).await);
    assert!(
        refused.starts_with("the tls connection failed: "),
        "{refused}"
    );
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let friend = Postman::trusting(roots, OPEN, LONG).unwrap();
    assert_eq!(friend.send(&uri, &message()).await, Answer::Taken);
    receiver.await.unwrap();
}
