//! Text of strangers where a person or a machine reads lines: the log of the process, and
//! what commands print. What the request log, the page and tables make of it is tried by
//! `conformance::attacks::logs`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use nameplate_tests::process::{Server, encode};

use crate::place;

/// A line break and a line of our own making, a colour, the bell, an erased line.
const FORGED: &str =
    "x\r\n2026-01-01T00:00:00Z ERROR forged line\n\u{1b}[31m\u{7}\u{1b}[2K\u{9b}1A";

/// Sends these bytes and takes what comes back until the end.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    // What is refused early need not be taken whole.
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

/// The ways in: path, query, headers, body, and bytes that are no HTTP.
fn attack(server: &Server, token: &str) {
    let body = serde_json::json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": FORGED, "displayName": FORGED, "active": FORGED});
    let body = body.to_string();
    let escaped = encode(FORGED);
    for (line, headers, body) in [
        (format!("GET /scim/v2/Users/{escaped}"), String::new(), ""),
        (format!("GET /scim/v2/{escaped}"), String::new(), ""),
        (format!("GET /{escaped}?{escaped}"), String::new(), ""),
        (format!("GET /t/{escaped}/scim/v2/Users"), String::new(), ""),
        (format!("GET /api/v1/hosts/{escaped}"), String::new(), ""),
        (
            "GET /scim/v2/Users".to_owned(),
            "User-Agent: \u{1b}[31mx\r\n".to_owned(),
            "",
        ),
        (
            "GET /scim/v2/Users".to_owned(),
            "X-Request-Id: \u{1b}[31mx\r\n".to_owned(),
            "",
        ),
        (
            "POST /scim/v2/Users".to_owned(),
            String::new(),
            body.as_str(),
        ),
        (
            "POST /scim/v2/Groups".to_owned(),
            String::new(),
            body.as_str(),
        ),
        ("\u{1b}[31m /".to_owned(), String::new(), ""),
    ] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{headers}\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let said = exchange(server, request.as_bytes());
        assert!(!said.contains("forged line\n"), "{said}");
    }
    exchange(
        server,
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\x1b[31m\r\n\r\n",
    );
    exchange(server, format!("{FORGED}\r\n\r\n").as_bytes());
}

#[track_caller]
fn plain(text: &str, what: &str) {
    for line in text.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z"), "{what}: {line}");
        let steers = |c: char| c.is_control() && c != '\t';
        assert!(!line.contains(steers), "{what}: {line:?}");
    }
}

#[test]
fn strangers_write_no_lines_of_their_own_into_the_log_of_the_process() {
    let place = place();
    let tokens = place.init().unwrap();
    let log = place.folder().join("stderr");
    // The most that can be logged.
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--log", "trace"]);
    command.stderr(Stdio::from(File::create(&log).unwrap()));
    let server = Server::start(command).unwrap();
    attack(&server, &tokens.scim);
    attack(&server, &tokens.admin);
    attack(&server, "np_scim_unknown");
    server.stop().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.is_empty(), "there is a log at all");
    plain(&text, "stderr");
    for token in [&tokens.scim, &tokens.admin] {
        let secret = token.split('_').nth(3).unwrap();
        assert!(!text.contains(secret), "a token is in the log");
    }
}

#[test]
fn strangers_steer_no_terminal_through_what_commands_print() {
    let place = place();
    let tokens = place.init().unwrap();
    let server = place.serve().unwrap();
    attack(&server, &tokens.scim);
    attack(&server, &tokens.admin);
    let mut admin = server.client(&tokens.admin).unwrap();
    let host = serde_json::json!({"id": "1", "display_name": FORGED}).to_string();
    let _ = admin.ask("POST", "/api/v1/hosts", &host).unwrap();
    server.stop().unwrap();
    for args in [
        &["requests"][..],
        &["token", "list"],
        &["connection", "list"],
        &["tenant", "list"],
        &["webhook", "list"],
    ] {
        let output = place.run(args).unwrap();
        assert!(output.status.success(), "{args:?}");
        plain(&String::from_utf8_lossy(&output.stdout), &args.join(" "));
        plain(&String::from_utf8_lossy(&output.stderr), &args.join(" "));
    }
}
