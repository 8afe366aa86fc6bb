//! What slow and hostile clients can hold, over a pipe whose time runs by itself.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;

/// The pipe's room; less than [`Answers::Large`].
const PIPE: usize = 64 << 10;

#[derive(Clone, Copy)]
enum Answers {
    Short,
    Large,
}

impl tower::Service<Request<Incoming>> for Answers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        let body = match self {
            Self::Short => Bytes::from_static(b"ok"),
            Self::Large => Bytes::from(vec![b'x'; 8 * PIPE]),
        };
        std::future::ready(Ok(Response::new(Full::new(body))))
    }
}

/// Never answers.
#[derive(Clone, Copy)]
struct Silent;

impl tower::Service<Request<Incoming>> for Silent {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        pending()
    }
}

fn connect(service: impl Service) -> DuplexStream {
    let (client, server) = duplex(PIPE);
    let server_side = async move {
        // Dropped, it would tell the connection to end.
        let graceful = GracefulShutdown::new();
        let (watcher, counted) = (graceful.watcher(), Connections::default());
        connection(server, Peer::default(), service, watcher, counted).await;
    };
    tokio::spawn(server_side);
    client
}

/// Everything until the server closes, and after how long that was.
async fn to_the_end(client: &mut DuplexStream) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = client.read_to_end(&mut all).await;
    (all, began.elapsed())
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed() {
    let mut client = connect(Answers::Short);
    assert_eq!(to_the_end(&mut client).await, (Vec::new(), HEADERS));
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_in_end_the_connection() {
    let client = connect(Answers::Short);
    let (mut read, mut write) = tokio::io::split(client);
    let trickle = tokio::spawn(async move {
        write.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        while write.write_all(b"X: y\r\n").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let began = Instant::now();
    let mut all = Vec::new();
    let _ = read.read_to_end(&mut all).await;
    assert!(began.elapsed() <= HEADERS, "{:?}", began.elapsed());
    assert!(!all.starts_with(b"HTTP/1.1 200"));
    trickle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_nobody_uses_any_more_is_closed() {
    let mut client = connect(Answers::Short);
    client.write_all(REQUEST).await.unwrap();
    let (all, after) = to_the_end(&mut client).await;
    assert!(all.starts_with(b"HTTP/1.1 200"));
    assert!(after <= HEADERS + 2 * IDLE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_keeps_its_connection() {
    let mut client = connect(Silent);
    client.write_all(REQUEST).await.unwrap();
    let closed = tokio::time::timeout(10 * IDLE, to_the_end(&mut client)).await;
    assert!(closed.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_closed() {
    let mut client = connect(Answers::Large);
    client.write_all(REQUEST).await.unwrap();
    // Longer than a stall, and shorter than what closes an idle connection.
    sleep(2 * super::super::paced::STALL).await;
    let (all, after) = to_the_end(&mut client).await;
    assert!(all.len() <= PIPE + 1024, "{}", all.len());
    assert_eq!(after, Duration::ZERO, "it was closed already");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_all_of_its_answer() {
    let mut client = connect(Answers::Large);
    client.write_all(REQUEST).await.unwrap();
    let (mut seen, mut piece) = (0, [0; 2048]);
    while seen < 8 * PIPE {
        // One kilobyte and a half a second: longer than any connection may be idle.
        sleep(Duration::from_millis(1400)).await;
        let read = client.read(&mut piece).await.unwrap();
        assert!(read > 0, "closed after {seen} bytes");
        seen += read;
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let mut client = connect(Answers::Short);
    let line = format!("X-Filler: {}\r\n", "x".repeat(1000));
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", line.repeat(90));
    // It may be refused before all of it was sent.
    let _ = client.write_all(head.as_bytes()).await;
    let (all, _) = to_the_end(&mut client).await;
    let all = String::from_utf8(all).unwrap();
    assert!(all.starts_with("HTTP/1.1 431"), "{all}");
}

#[tokio::test]
async fn too_many_header_lines_are_refused() {
    let mut client = connect(Answers::Short);
    let lines = "X: y\r\n".repeat(LINES + 1);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    // It may be refused before all of it was sent.
    let _ = client.write_all(head.as_bytes()).await;
    let (all, _) = to_the_end(&mut client).await;
    let all = String::from_utf8(all).unwrap();
    assert!(all.starts_with("HTTP/1.1 431"), "{all}");
}

/// Frames of HTTP/2, written out by hand (RFC 9113 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length.get(1..).unwrap().to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const HEADERS_FRAME: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
/// `:method: GET`, `:scheme: http`, `:path: /` from HPACK's static table, and `:authority: a`.
const GET: [u8; 6] = [0x82, 0x86, 0x84, 0x01, 0x01, b'a'];

fn hello() -> Vec<u8> {
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(frame(4, 0, 0, &[]));
    hello
}

fn kinds(mut answer: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((head, rest)) = answer.split_at_checked(9) {
        let size = head.get(..3).unwrap().iter();
        let size = size.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        kinds.push(*head.get(3).unwrap());
        answer = rest.get(size..).unwrap_or_default();
    }
    kinds
}

#[tokio::test]
async fn a_client_that_opens_and_resets_streams_for_ever_is_sent_away() {
    let client = connect(Silent);
    let (mut read, mut write) = tokio::io::split(client);
    let attack = tokio::spawn(async move {
        write.write_all(&hello()).await.unwrap();
        for number in 0..100_000_u32 {
            let stream = 2 * number + 1;
            let mut both = frame(HEADERS_FRAME, 5, stream, &GET);
            both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            if write.write_all(&both).await.is_err() {
                return number;
            }
        }
        u32::MAX
    });
    let mut answer = Vec::new();
    let _ = read.read_to_end(&mut answer).await;
    drop(read);
    assert!(kinds(&answer).contains(&GOAWAY), "{:?}", kinds(&answer));
    assert!(attack.await.unwrap() < u32::MAX, "it was not stopped");
}

#[tokio::test]
async fn headers_of_http2_that_are_too_large_are_refused() {
    let mut client = connect(Answers::Short);
    client.write_all(&hello()).await.unwrap();
    // A literal header without indexing, again and again in continuations.
    let mut line = vec![0x00, 0x01, b'x', 0x7f, 0xe1, 0x06];
    line.extend(vec![b'y'; 992]);
    let mut head = frame(HEADERS_FRAME, 1, 1, &GET);
    for _ in 0..40 {
        head.extend(frame(9, 0, 1, &line));
    }
    head.extend(frame(9, 4, 1, &[]));
    // The server may hang up in the middle of it.
    let _ = client.write_all(&head).await;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    // Either the stream is refused with 431 or the connection ends.
    loop {
        let read = client.read(&mut piece).await.unwrap_or(0);
        answer.extend(piece.get(..read).unwrap());
        let kinds = kinds(&answer);
        if read == 0
            || kinds
                .iter()
                .any(|kind| [HEADERS_FRAME, GOAWAY].contains(kind))
        {
            break;
        }
    }
    // `:status: 200` is the first byte of a header block that says so.
    let mut rest = answer.as_slice();
    while let Some((head, after)) = rest.split_at_checked(9) {
        let size = head.get(..3).unwrap().iter();
        let size = size.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        assert!(
            head.get(3) != Some(&HEADERS_FRAME) || after.first() != Some(&0x88),
            "it was answered"
        );
        rest = after.get(size..).unwrap_or_default();
    }
}
