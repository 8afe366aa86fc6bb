//! A directory with content in each dialect, as good as new for every input.

use std::cell::RefCell;
use std::collections::BTreeMap;

use nameplate_scim::config::Config;
use nameplate_scim::http::Request;

use crate::client::{Answer, BASE, Client, NOW};
use crate::state::State;
use crate::traffic::{Directory, config, populated};

struct Stage {
    /// Lent to the client of an input: reading it anew would cost more than the rest.
    config: Option<Config>,
    state: State,
    at: Directory,
}

impl Stage {
    fn new(dialect: &str) -> Self {
        let (client, at) = populated(config(dialect));
        Self {
            config: Some(client.config),
            state: client.directory.state,
            at,
        }
    }
}

thread_local! {
    static STAGES: RefCell<BTreeMap<&'static str, Stage>> = RefCell::default();
}

/// The dialect that a text names.
pub fn dialect(head: &str) -> &'static str {
    let known = ["strict", "generic", "entra", "okta"];
    let named = known.into_iter().find(|name| head.contains(name));
    named.unwrap_or("auto")
}

/// Gives a client of an unspoilt directory.
pub fn with_client(dialect: &'static str, check: impl FnOnce(&mut Client, &Directory)) {
    STAGES.with_borrow_mut(|stages| {
        let stage = stages.entry(dialect).or_insert_with(|| Stage::new(dialect));
        let config = stage.config.take().unwrap_or_else(|| config(dialect));
        let mut client = Client::with(config);
        client.directory.state = stage.state.clone();
        // Later than everything that is there, or new ids would be old ones.
        client.directory.now.set(NOW + 3_600_000);
        check(&mut client, &stage.at);
        stage.config = Some(client.config);
    });
}

/// The first line and the rest.
pub fn head(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (head, rest) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    (String::from_utf8_lossy(head).into_owned(), rest)
}

/// A text with the ids of the resources that it names as `{ana}`.
pub fn named(text: &str, at: &Directory) -> String {
    text.replace("{ana}", &at.ana)
        .replace("{joy}", &at.joy)
        .replace("{inner}", &at.inner)
        .replace("{outer}", &at.outer)
}

/// Reads what any bytes may have left: the client's own way of reading expects an
/// input that somebody chose.
pub fn get(client: &mut Client, path: &str, query: Option<String>) -> Answer {
    client.answer(Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query,
        base_url: BASE.to_owned(),
        ..Request::default()
    })
}
