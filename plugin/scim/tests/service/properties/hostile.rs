//! Any bytes get an answer that blames the client, and what is refused leaves no
//! trace.

use std::fmt;

use nameplate_scim::http::Request;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::cases;
use super::traffic::{Directory, FILTERS, NOBODY, config, populated, writes};
use crate::client::{Answer, BASE, Client, ENTERPRISE, encoded};

/// What parsers trip over, and what gets past the first check.
const TOKENS: &[&str] = &[
    "userName",
    "emails",
    "members",
    "groups",
    "meta.lastModified",
    "schemas",
    "id",
    "active",
    "password",
    "name.givenName",
    ENTERPRISE,
    ":",
    ".",
    ",",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "'",
    " ",
    "\t",
    "\n",
    " eq ",
    " ne ",
    " co ",
    " sw ",
    " gt ",
    " pr",
    " and ",
    " or ",
    "not ",
    "null",
    "true",
    "False",
    "0",
    "-1",
    "1e999",
    "1.5",
    "99999999999999999999",
    "2026-01-31T08:00:00Z",
    "\"work\"",
    "value",
    "type",
    "primary",
    "$ref",
    "op",
    "add",
    "remove",
    "replace",
    "path",
    "Operations",
    "%",
    "%2",
    "%00",
    "%FF",
    "+",
    "&",
    "=",
    "?",
    "#",
    "/",
    "..",
    "*",
    "W/\"1\"",
    "é",
    "ß",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "🦀",
];

const PARAMETERS: &[&str] = &[
    "filter",
    "attributes",
    "excludedAttributes",
    "startIndex",
    "count",
    "cursor",
    "sortBy",
    "sortOrder",
    "FILTER",
    "other",
];

const HEADERS: &[&str] = &[
    "if-match",
    "if-none-match",
    "content-type",
    "accept",
    "content-length",
    "authorization",
    "x-other",
];

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW", "",
];

/// Bytes with a grain of sense.
fn soup(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let grain = prop_oneof![
        6 => select(TOKENS).prop_map(|token| token.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(grain, 0..most).prop_map(|grains| grains.concat())
}

fn text(most: usize) -> impl Strategy<Value = String> {
    soup(most).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A cut into a text: where, how long, what is put there instead.
fn cuts() -> impl Strategy<Value = Vec<(Index, usize, Vec<u8>)>> {
    prop::collection::vec((any::<Index>(), 0..6_usize, soup(3)), 0..4)
}

fn spoil(mut bytes: Vec<u8>, cuts: Vec<(Index, usize, Vec<u8>)>) -> Vec<u8> {
    for (at, length, new) in cuts {
        let start = at.index(bytes.len() + 1);
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, new);
    }
    bytes
}

fn filter() -> impl Strategy<Value = String> {
    let spoilt = (select(FILTERS), cuts()).prop_map(|(filter, cuts)| {
        String::from_utf8_lossy(&spoil(filter.as_bytes().to_vec(), cuts)).into_owned()
    });
    prop_oneof![2 => spoilt, 1 => text(8)]
}

fn query() -> impl Strategy<Value = Option<String>> {
    let parameter = prop_oneof![
        3 => (select(PARAMETERS), text(6)).prop_map(|(name, value)| {
            format!("{name}={}", encoded(&value))
        }),
        3 => filter().prop_map(|filter| format!("filter={}", encoded(&filter))),
        1 => (select(PARAMETERS), text(6)).prop_map(|(name, value)| format!("{name}={value}")),
        1 => text(4),
    ];
    let parameters = prop::collection::vec(parameter, 0..3);
    prop::option::weighted(0.7, parameters.prop_map(|list| list.join("&")))
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let value = prop_oneof![
        soup(4),
        select(&["*", "W/\"1\"", "\"2\"", "application/json", "text/xml"][..])
            .prop_map(|value| value.as_bytes().to_vec()),
    ];
    prop::collection::vec((select(HEADERS).prop_map(str::to_owned), value), 0..3)
}

/// An endpoint of this directory, or none at all.
fn path(at: &Directory) -> impl Strategy<Value = String> + use<> {
    let user = format!("/Users/{}", at.ana);
    let group = format!("/Groups/{}", at.outer);
    let known = [
        "/Users",
        "/Groups",
        "/Bulk",
        "/.search",
        "/Users/.search",
        "/Groups/.search",
        "/Me",
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        &user,
        &user,
        &group,
        &group,
    ]
    .map(str::to_owned);
    let known = select(known.to_vec());
    prop_oneof![
        6 => known.clone(),
        2 => (known, text(4)).prop_map(|(known, more)| format!("{known}/{more}")),
        1 => text(6),
    ]
}

/// A request that a failed test can show.
#[derive(Clone)]
struct Sent(Request);

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request {
            method,
            path,
            query,
            headers,
            body,
            base_url: _,
        } = &self.0;
        write!(f, "{method:?} {path:?} ? {query:?}")?;
        for (name, value) in headers {
            write!(f, " {name}: {}", value.escape_ascii())?;
        }
        write!(f, " {}", body.escape_ascii())
    }
}

/// A request put together at random.
fn random(at: &Directory) -> impl Strategy<Value = Sent> + use<> {
    let bodies: Vec<Vec<u8>> = writes(at).into_iter().map(|request| request.body).collect();
    let body = prop_oneof![
        2 => (select(bodies), cuts()).prop_map(|(body, cuts)| spoil(body, cuts)),
        1 => soup(20),
        1 => Just(Vec::new()),
    ];
    (select(METHODS), path(at), query(), headers(), body).prop_map(
        |(method, path, query, headers, body)| {
            Sent(Request {
                method: method.to_owned(),
                path,
                query,
                headers,
                body,
                base_url: BASE.to_owned(),
            })
        },
    )
}

/// A valid write that was damaged on its way.
fn spoilt(at: &Directory) -> impl Strategy<Value = Sent> + use<> {
    (select(writes(at)), cuts(), query(), headers()).prop_map(
        |(mut request, cuts, query, headers)| {
            request.body = spoil(request.body, cuts);
            request.query = query;
            request.headers = headers;
            Sent(request)
        },
    )
}

/// Sends a request and checks that a refusal left no trace.
fn send(client: &mut Client, sent: Sent) -> Answer {
    let before = client.directory.state.clone();
    let events = client.directory.events.len();
    let reads = matches!(sent.0.method.as_str(), "GET" | "HEAD");
    let shown = format!("{sent:?}");
    let answer = client.answer(sent.0);
    assert!(
        answer.status < 500 || answer.status == 501,
        "{}: {shown}",
        answer.status
    );
    if reads || answer.status >= 400 {
        assert_eq!(client.directory.state, before, "{shown}");
        assert_eq!(client.directory.events.len(), events, "{shown}");
    }
    answer
}

fn some_requests(
    of: impl Fn(&Directory) -> BoxedStrategy<Sent>,
) -> impl Strategy<Value = (&'static str, Vec<Sent>)> {
    // Ids are foreseeable, so those of any populated directory will do.
    let (_, at) = populated(config("auto"));
    (
        select(&["auto", "strict", "generic"][..]),
        prop::collection::vec(of(&at), 1..8),
    )
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_request_is_answered(
        (dialect, requests) in some_requests(|at| random(at).boxed()),
    ) {
        let (mut client, _) = populated(config(dialect));
        for request in requests {
            let _ = send(&mut client, request);
        }
    }

    #[test]
    fn a_damaged_write_is_wholly_carried_out_or_leaves_no_trace(
        (dialect, requests) in some_requests(|at| spoilt(at).boxed()),
    ) {
        let (mut client, at) = populated(config(dialect));
        for request in requests {
            let _ = send(&mut client, request);
        }
        // Whatever got in can be read, and what was not named is as it was.
        for (endpoint, id) in [("Users", &at.ana), ("Users", &at.joy), ("Groups", &at.outer)] {
            let _ = client.get(&format!("/{endpoint}/{id}")).expect(200);
            let _ = client.get(&format!("/{endpoint}/{NOBODY}")).expect(404);
        }
    }
}

/// The two properties above are worth nothing if their requests were all refused.
#[test]
fn undamaged_writes_are_carried_out() {
    let (_, at) = populated(config("auto"));
    for request in writes(&at) {
        let (mut client, _) = populated(config("auto"));
        let shown = format!("{} {}", request.method, request.path);
        let answer = send(&mut client, Sent(request));
        assert!(
            matches!(answer.status, 200 | 201),
            "{shown}: {}",
            answer.body
        );
    }
    for filter in FILTERS {
        let (mut client, _) = populated(config("auto"));
        let lists = ["/Users", "/Groups"].map(|endpoint| client.filter(endpoint, filter).status);
        assert!(lists.contains(&200), "{filter}");
    }
}
