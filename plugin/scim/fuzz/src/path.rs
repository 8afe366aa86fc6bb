//! `ana`, `joy` or `group`, an operation, perhaps a dialect, and a JSON value; then a path.
//! It is refused without a trace, or what it did is a valid resource; names mean the
//! same in any case; what is removed twice is removed once.

use serde_json::{Value, json};

use crate::client::{Answer, Client, PATCH_OP};
use crate::stage::{dialect, get, head, named, with_client};
use crate::state::State;
use crate::traffic::request;

pub fn check(data: &[u8]) {
    let (head, path) = head(data);
    let Ok(path) = std::str::from_utf8(path) else {
        return;
    };
    // A file ends with a line's end.
    let path = path.strip_suffix('\n').unwrap_or(path);
    let ops = ["remove", "replace"];
    let op = ops
        .into_iter()
        .find(|op| head.contains(op))
        .unwrap_or("add");
    let (mut path, mut value) = (path.to_owned(), Value::Null);
    with_client(dialect(&head), |_, at| {
        let sent = head.split_once('=').map_or("null", |(_, value)| value);
        value = serde_json::from_str(&named(sent, at)).unwrap_or_default();
        path = named(&path, at);
    });
    let with_path = |path: &str| json!({"op": op, "path": path, "value": value});
    let without = |path: &str| json!({"op": op, "value": {path: value}});
    for operation in [&with_path as &dyn Fn(&str) -> Value, &without] {
        let (first, state, kept) = patched(&head, &operation(&path));
        let (other, other_state, _) = patched(&head, &operation(&swapped(&path)));
        assert_eq!(first.status, other.status, "{} {}", first.body, other.body);
        assert_eq!(
            first.body["scimType"], other.body["scimType"],
            "{}",
            other.body
        );
        // What no schema has keeps its name.
        assert!(kept || state == other_state, "{path}");
    }
}

/// Does one operation and checks what it left. True if there was something that no
/// schema has.
fn patched(head: &str, operation: &Value) -> (Answer, State, bool) {
    let mut result = None;
    with_client(dialect(head), |client, at| {
        let place = match (head.contains("group"), head.contains("ana")) {
            (true, _) => format!("/Groups/{}", at.outer),
            (false, true) => format!("/Users/{}", at.ana),
            (false, false) => format!("/Users/{}", at.joy),
        };
        let before = client.directory.state.clone();
        let answer = send(client, &place, operation);
        let undeclared = client.noted("received-unused") || client.noted("ignore-undeclared");
        let state = client.directory.state.clone();
        match answer.status {
            200 | 204 => check_done(client, &place, operation, &answer),
            // A group may not take the name of another one, nor a user.
            400 | 409 => assert_eq!(state, before, "{}", answer.body),
            _ => panic!("{operation}: {}", answer.body),
        }
        result = Some((answer, state, undeclared));
    });
    result.unwrap()
}

fn send(client: &mut Client, place: &str, operation: &Value) -> Answer {
    let body = json!({"schemas": [PATCH_OP], "Operations": [operation]});
    client.answer(request("PATCH", place, &body))
}

fn check_done(client: &mut Client, place: &str, operation: &Value, answer: &Answer) {
    let shown = get(client, place, None).expect(200);
    assert!(answer.status == 204 || shown.body == answer.body);
    let state = client.directory.state.clone();
    if operation["op"] == "remove" {
        let again = send(client, place, operation);
        assert_eq!(again.status, answer.status, "{}", again.body);
        assert_eq!(client.directory.state, state);
    }
    // Whatever it has become can be sent back.
    let put = client.answer(request("PUT", place, &shown.body));
    assert_eq!(put.status, 200, "{} {}", shown.body, put.body);
}

/// The path with its letters in the other case, but for strings and JSON's words.
fn swapped(path: &str) -> String {
    let mut swapped = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => end_of_string(rest),
            c if c.is_ascii_alphanumeric() => {
                let ends = |c: char| !c.is_ascii_alphanumeric();
                rest.find(ends).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let fixed = first == '"' || ["true", "false", "null"].contains(&&*token.to_lowercase());
        swapped.extend(token.chars().map(|c| match c {
            c if fixed => c,
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c => c.to_ascii_lowercase(),
        }));
        rest = after;
    }
    swapped
}

/// How long a string is that begins with its quote.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}
