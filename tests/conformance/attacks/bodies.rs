//! Bodies that are too large, too slow, compressed, or never end; headers too.
//!
//! Time is stopped once the server runs and goes on by itself while everybody waits, so
//! that minutes of a slow client pass at once.

use std::time::Duration;

use nameplate_tests::App;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::wire::{exchange, user};

/// A head that announces a body.
fn head(app: &App, path: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\n{framing}\r\n\r\n",
        app.tokens().scim_token
    )
}

/// Sends `piece` every `pause` until the server closes; what it said before, and how
/// long it took.
async fn drip(app: &App, first: &str, piece: &[u8], pause: Duration) -> (String, Duration) {
    let stream = TcpStream::connect(app.address()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let began = Instant::now();
    let writing = async {
        if write.write_all(first.as_bytes()).await.is_ok() {
            loop {
                sleep(pause).await;
                if write.write_all(piece).await.is_err() {
                    break;
                }
            }
        }
        // The end is for the reader to see.
        std::future::pending::<()>().await;
    };
    let mut said = Vec::new();
    tokio::select! {
        () = writing => {}
        // A reset is an end too.
        _ = read.read_to_end(&mut said) => {}
    }
    (String::from_utf8_lossy(&said).into_owned(), began.elapsed())
}

#[tokio::test]
async fn headers_that_trickle_in_are_given_up() {
    let app = App::start().await;
    tokio::time::pause();
    for (first, piece) in [
        ("", &b""[..]),
        ("GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nX: ", b"a"),
        ("GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\n", b"X: a\r\n"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n", b""),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""),
    ] {
        let (said, took) = drip(&app, first, piece, Duration::from_secs(5)).await;
        assert!(!said.contains(" 200 "), "{first}: {said}");
        assert!(took < Duration::from_secs(180), "{first}: {took:?}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up() {
    let app = App::start().await;
    tokio::time::pause();
    for (framing, piece) in [
        ("Content-Length: 1000000", &b" "[..]),
        ("Transfer-Encoding: chunked", b"1\r\n \r\n"),
    ] {
        for path in ["/scim/v2/Users", "/scim/v2/Groups"] {
            let head = head(&app, path, framing);
            // Often enough to look alive, and never done.
            let (said, took) = drip(&app, &head, piece, Duration::from_secs(10)).await;
            assert!(said.starts_with("HTTP/1.1 408"), "{said}");
            assert!(took < Duration::from_secs(600), "{took:?}");
            // Or not at all.
            let (said, took) = drip(&app, &head, b"", Duration::from_secs(10)).await;
            assert!(said.starts_with("HTTP/1.1 408"), "{said}");
            assert!(took < Duration::from_secs(300), "{took:?}");
        }
    }
    tokio::time::resume();
    assert_eq!(app.scim().everything().await, json!([]));
}

#[tokio::test]
async fn a_client_that_never_reads_is_left() {
    let app = App::start().await;
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    let token = &app.tokens().scim_token;
    let one = format!(
        "GET /scim/v2/Schemas HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    // Until neither side's buffers take more.
    let full = Duration::from_secs(2);
    while let Ok(Ok(())) = timeout(full, stream.write_all(one.as_bytes())).await {}
    tokio::time::pause();
    sleep(Duration::from_secs(300)).await;
    tokio::time::resume();
    let mut said = Vec::new();
    let left = timeout(Duration::from_secs(60), stream.read_to_end(&mut said)).await;
    assert!(left.is_ok(), "the server waits");
    let _ = app.scim().get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_without_end_are_refused_at_the_limit() {
    let app = App::start().await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for (path, limit) in [("/scim/v2/Users", 1 << 20), ("/scim/v2/Groups", 16 << 20)] {
        let stream = TcpStream::connect(app.address()).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let (first, chunk) = (
            head(&app, path, "Transfer-Encoding: chunked"),
            chunk.clone(),
        );
        let writing = tokio::spawn(async move {
            let mut sent = 0;
            let mut piece = first.as_bytes();
            // Ends when the server has had enough.
            while write.write_all(piece).await.is_ok() {
                piece = chunk.as_bytes();
                sent += 0x10000_usize;
                assert!(sent < 1 << 30, "the server takes it for ever");
            }
        });
        let mut start = [0; 12];
        read.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 413", "{path} takes {limit} bytes");
        writing.await.unwrap();
    }
    assert_eq!(app.scim().everything().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_all_measure_are_refused() {
    let app = App::start().await;
    let token = &app.tokens().scim_token;
    let many = "X: a\r\n".repeat(5000);
    let long = format!("X: {}\r\n", "a".repeat(2 << 20));
    let endless = format!("X-{}", "a".repeat(2 << 20));
    for headers in [many, long, endless] {
        let request = format!(
            "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
             {headers}Connection: close\r\n\r\n"
        );
        let seen = exchange(&app, request.as_bytes()).await;
        let statuses: Vec<u16> = seen.iter().map(|answer| answer.status).collect();
        // Closed while it is still sending, the client may miss the answer.
        assert!(statuses.is_empty() || statuses == [431], "{statuses:?}");
    }
    let _ = app.scim().get("/Users").await.expect(200);
}

/// A user as gzip, zlib and raw deflate have it.
fn compressed() -> [(&'static str, Vec<u8>); 3] {
    // Stored blocks: no compressor is needed to tell whether one is undone.
    let plain = user("inflated@example.com");
    let length = u16::try_from(plain.len()).unwrap();
    let mut deflated = vec![1];
    deflated.extend(length.to_le_bytes());
    deflated.extend((!length).to_le_bytes());
    deflated.extend(plain.as_bytes());
    let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    gzip.extend(&deflated);
    gzip.extend(crc32(plain.as_bytes()).to_le_bytes());
    gzip.extend(u32::from(length).to_le_bytes());
    let mut zlib = b"\x78\x01".to_vec();
    zlib.extend(&deflated);
    zlib.extend(adler32(plain.as_bytes()).to_be_bytes());
    [("gzip", gzip), ("deflate", zlib), ("deflate", deflated)]
}

/// RFC 1952 8.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = match crc & 1 {
                1 => crc >> 1 ^ 0xedb8_8320,
                _ => crc >> 1,
            };
        }
    }
    !crc
}

/// RFC 1950 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_refused_and_never_inflated() {
    let app = App::start().await;
    let (okta, admin) = (app.scim(), app.admin());
    let plain = user("plain@example.com").into_bytes();
    let named = [
        "br",
        "zstd",
        "compress",
        "x-gzip",
        "gzip, gzip",
        "aws-chunked",
    ]
    .map(|name| (name, plain.clone()));
    for (coding, body) in compressed().into_iter().chain(named) {
        let headers = [
            ("content-type", "application/scim+json"),
            ("content-encoding", coding),
        ];
        for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("POST", "/Bulk")] {
            let answer = okta.send(method, path, &headers, &body).await;
            answer.refused(415, "").names("content-encoding");
        }
        for path in ["/api/v1/hosts", "/api/v1/import"] {
            let answer = admin.send("POST", path, &headers, &body).await;
            answer.expect(415).names("content-encoding");
        }
    }
    // Unlabelled it is no JSON and no table.
    for (_, body) in compressed() {
        let answer = okta.raw("POST", "/Users", &body).await;
        let _ = answer.refused(400, "invalidSyntax");
        let _ = admin.raw("POST", "/api/v1/import", &body).await.expect(400);
    }
    assert_eq!(okta.everything().await, json!([]));
    let headers = [("content-encoding", "identity")];
    let answer = okta.send("POST", "/Users", &headers, &plain).await;
    assert_eq!(answer.expect(201)["userName"], "plain@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_for_nobody() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    // What a stranger can put into an answer beside a secret could be told by its length.
    let headers = [("accept-encoding", "gzip, deflate, br")];
    for (client, target) in [(app.scim(), "/Users"), (app.admin(), "/api/v1/users")] {
        let answer = client.send("GET", target, &headers, b"").await;
        assert_eq!(answer.header("content-encoding"), None);
        let _ = answer.expect(200);
    }
}
