//! HTTP/2, frame by frame: pseudo headers that are doubled or disagree, lengths that lie,
//! streams that are opened only to be given up.

use std::time::Duration;

use nameplate_tests::App;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::user;

const PATIENCE: Duration = Duration::from_secs(60);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NEW: &str = "new@example.com";

// RFC 9113 6
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Literal fields without indexing (RFC 7541 6.2.2), each shorter than a megabyte.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        let mut rest = text.len();
        if rest < 127 {
            bytes.push(u8::try_from(rest).unwrap());
        } else {
            bytes.push(127);
            rest -= 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128 + 128).unwrap());
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend(text.as_bytes());
    };
    for (name, value) in fields {
        bytes.push(0);
        text(&mut bytes, name);
        text(&mut bytes, value);
    }
    bytes
}

/// What came back for stream 1.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// An answer; the first byte of its headers tells the usual statuses (RFC 7541 A).
    Answer(u8),
    /// The stream or the connection was given up.
    Refused,
}

/// `:status: 201` is in no table, its name is: a literal with index 8.
const STATUS_LITERAL: u8 = 0x48;
/// `:status: 400`
const STATUS_400: u8 = 0x8c;

struct Peer(TcpStream);

impl Peer {
    async fn connect(app: &App) -> Self {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        let settings = frame(SETTINGS, 0, 0, &[]);
        stream.write_all(&settings).await.unwrap();
        Self(stream)
    }

    /// A server that has given up need not take it.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Kind, flags, stream and payload; none at the end.
    async fn next(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
            Some((head[3], head[4], stream, payload))
        };
        timeout(PATIENCE, read).await.unwrap()
    }

    async fn outcome(&mut self) -> Outcome {
        loop {
            match self.next().await {
                Some((HEADERS, _, 1, payload)) => return Outcome::Answer(payload[0]),
                None | Some((RST_STREAM, _, 1, _) | (GOAWAY, ..)) => return Outcome::Refused,
                Some((SETTINGS, 0, _, _)) => {
                    self.send(&frame(SETTINGS, ACK, 0, &[])).await;
                }
                Some(_) => {}
            }
        }
    }
}

/// Adds a user with these headers before and after the ordinary ones.
async fn add(app: &App, before: Fields<'_>, after: Fields<'_>) -> Outcome {
    let body = user(NEW);
    let authorization = format!("Bearer {}", app.tokens().scim_token);
    let mut fields = before;
    fields.extend([
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/scim/v2/Users"),
        (":authority", "a.example"),
        ("authorization", &authorization),
        ("content-type", "application/scim+json"),
    ]);
    fields.extend(after);
    let mut peer = Peer::connect(app).await;
    peer.send(&frame(HEADERS, END_HEADERS, 1, &block(&fields)))
        .await;
    peer.send(&frame(DATA, END_STREAM, 1, body.as_bytes()))
        .await;
    peer.outcome().await
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_and_misplaced_pseudo_headers_are_refused() {
    let app = App::start().await;
    let length = user(NEW).len();
    let (short, long) = ((length - 1).to_string(), (length + 1).to_string());
    for (before, after) in [
        (vec![(":path", "/scim/v2/Groups")], vec![]),
        (vec![(":method", "GET")], vec![]),
        (vec![(":authority", "b.example")], vec![]),
        (vec![(":scheme", "https")], vec![]),
        (vec![], vec![(":path", "/scim/v2/Users")]),
        (vec![], vec![(":status", "200")]),
        (vec![], vec![(":protocol", "websocket")]),
        (vec![(":tenant", "other")], vec![]),
        (vec![("x-first", "1")], vec![]),
        (vec![], vec![("X-Upper", "1")]),
        (vec![], vec![("x-line", "a\r\nauthorization: b")]),
        (vec![], vec![("x-zero", "a\0b")]),
        (vec![], vec![("x name", "a")]),
        (vec![], vec![("connection", "close")]),
        (vec![], vec![("transfer-encoding", "chunked")]),
        (vec![], vec![("te", "gzip")]),
        (vec![], vec![("content-length", &*short)]),
        (vec![], vec![("content-length", &*long)]),
        (vec![], vec![("content-length", "x")]),
    ] {
        let outcome = add(&app, before.clone(), after.clone()).await;
        assert!(
            matches!(outcome, Outcome::Refused | Outcome::Answer(STATUS_400)),
            "{before:?} {after:?}: {outcome:?}"
        );
        let users = app.scim().get("/Users").await.expect(200);
        assert_eq!(users.total(), 0, "{before:?} {after:?}");
    }
    // The same without any of it is fine: the refusals are about what was added.
    let fine = add(&app, vec![], vec![("content-length", &*length.to_string())]).await;
    assert_eq!(fine, Outcome::Answer(STATUS_LITERAL));
    assert_eq!(app.scim().get("/Users").await.expect(200).total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_opened_only_to_be_reset_end_the_connection() {
    let app = App::start().await;
    let mut peer = Peer::connect(&app).await;
    let authorization = format!("Bearer {}", app.tokens().scim_token);
    let block = block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/scim/v2/Users"),
        (":authority", "a.example"),
        ("authorization", &authorization),
    ]);
    let mut sent = 0;
    while sent < 100_000 {
        let stream = sent * 2 + 1;
        let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        if !peer.send(&both).await {
            break;
        }
        sent += 1;
    }
    assert!(sent < 100_000, "the server takes it for ever");
    let _ = app.scim().get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_never_end_end_the_connection() {
    let app = App::start().await;
    let mut peer = Peer::connect(&app).await;
    let first = block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/scim/v2/Users"),
        (":authority", "a.example"),
    ]);
    peer.send(&frame(HEADERS, END_STREAM, 1, &first)).await;
    let more = frame(
        CONTINUATION,
        0,
        1,
        &block(&[("x-more", &"a".repeat(16_000))]),
    );
    let mut sent = 0;
    while sent < 10_000 && peer.send(&more).await {
        sent += 1;
    }
    assert!(sent < 10_000, "the server takes it for ever");
    let _ = app.scim().get("/Users").await.expect(200);
}
