//! A dialect, then requests as HTTP writes them, with `---` between them and `{ana}`
//! for the id of a user. No answer blames the server, a refusal leaves no trace, and
//! what was taken in can be found, read and sent back.

use nameplate_scim::filter::keys_of;
use nameplate_scim::http::Request;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use crate::client::{BASE, Client};
use crate::stage::{dialect, get, head, named, with_client};
use crate::traffic::{self, Directory};

/// Requests of one input, so that long inputs are not merely slow.
const MOST: usize = 8;

pub fn check(data: &[u8]) {
    let (head, rest) = head(data);
    with_client(dialect(&head), |client, at| {
        let mut rest = rest;
        for _ in 0..MOST {
            let (text, more) = split(rest, b"\n---\n");
            send(client, request(text, at));
            match more {
                Some(more) => rest = more,
                None => break,
            }
        }
        check_directory(client);
    });
}

fn split<'d>(data: &'d [u8], by: &[u8]) -> (&'d [u8], Option<&'d [u8]>) {
    match data.windows(by.len()).position(|window| window == by) {
        Some(at) => (&data[..at], Some(&data[at + by.len()..])),
        None => (data, None),
    }
}

fn request(text: &[u8], at: &Directory) -> Request {
    let (start, body) = split(text, b"\n\n");
    let mut lines = start.split(|byte| *byte == b'\n');
    let named = |bytes: &[u8]| named(&String::from_utf8_lossy(bytes), at);
    let first = named(lines.next().unwrap_or_default());
    let (method, target) = first.split_once(' ').unwrap_or(("GET", &first));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let headers = lines.filter_map(|line| {
        let (name, value) = split(line, b": ");
        // The host hands over names in lower case.
        Some((named(name).to_lowercase(), value?.to_vec()))
    });
    // Bytes that are no text stay what they are.
    let body = body.unwrap_or_default();
    let body = match std::str::from_utf8(body) {
        Ok(_) => named(body).into_bytes(),
        Err(_) => body.to_vec(),
    };
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: headers.collect(),
        body,
        base_url: BASE.to_owned(),
    }
}

fn send(client: &mut Client, request: Request) {
    let before = client.directory.state.clone();
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let answer = client.answer(request);
    assert!(answer.status < 500 || answer.status == 501, "{answer:?}");
    if reads || answer.status >= 400 {
        assert!(client.directory.state == before, "{answer:?}");
    }
}

/// Every resource has the keys of what it holds, and can be read and sent back.
fn check_directory(client: &mut Client) {
    let stored: Vec<_> = client.directory.state.stored.values().cloned().collect();
    for stored in stored {
        let document = &stored.document;
        let rt = client.config.registry.resource_type(document.kind);
        let content: Map<String, Value> = serde_json::from_slice(&document.json).unwrap();
        let keys = keys_of(rt, &content, &client.config);
        assert_eq!(
            stored.keys,
            keys.into_iter().collect::<BTreeSet<_>>(),
            "{content:?}"
        );
        let place = format!("{}/{}", rt.endpoint, document.id);
        let shown = get(client, &place, None).expect(200);
        let put = client.answer(traffic::request("PUT", &place, &shown.body));
        assert_eq!(put.status, 200, "{} {}", shown.body, put.body);
        // What no schema has is not shown, so it is lost the first time.
        let kept = client.directory.state.clone();
        let again = client.answer(traffic::request("PUT", &place, &put.body));
        assert_eq!(again.status, 200, "{} {}", put.body, again.body);
        assert!(client.directory.state == kept, "{}", put.body);
    }
}
