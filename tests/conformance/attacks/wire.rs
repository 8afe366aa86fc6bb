//! Bytes as they are: what a well-behaved client could not send.

use std::time::Duration;

use nameplate_tests::App;
use nameplate_tests::names::USER;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server that neither answers nor closes within this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One answer out of what came back.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub body: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Sends these bytes over a connection of their own, and takes what comes back until
/// the server closes it. The bytes have to make the server close: by being wrong, or by
/// ending with a request that asks for it.
pub async fn exchange(app: &App, bytes: &[u8]) -> Vec<Seen> {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    // A server that refuses the beginning need not take the rest.
    let _ = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    // A reset after the answer is an end too.
    let _ = read.unwrap_or_else(|_| panic!("left open after {}", shown(bytes)));
    answers(&all)
}

/// The answers in a stream of them.
fn answers(mut bytes: &[u8]) -> Vec<Seen> {
    let mut found = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| {
            let length = line.strip_prefix("content-length:")?;
            length.trim().parse::<usize>().ok()
        });
        let rest = &bytes[end + 4..];
        let (body, rest) = rest.split_at(length.unwrap_or(0).min(rest.len()));
        found.push(Seen {
            status,
            body: String::from_utf8_lossy(body).into_owned(),
        });
        bytes = rest;
    }
    assert!(bytes.is_empty(), "not http: {}", shown(bytes));
    found
}

/// Bytes for a message of a test.
pub fn shown(bytes: &[u8]) -> String {
    let shown: String = bytes.escape_ascii().take(2000).map(char::from).collect();
    shown
}

/// A user by this name, as a body.
pub fn user(name: &str) -> String {
    json!({"schemas": [USER], "userName": name}).to_string()
}

/// A whole request that would add this user: what is smuggled in other requests.
pub fn adding(app: &App, name: &str) -> String {
    let body = user(name);
    format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        app.tokens().scim_token,
        body.len()
    )
}

/// A request that asks for the end of the connection.
pub const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
