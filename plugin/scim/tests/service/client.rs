//! A client of the service, and answers that check themselves.

use std::cell::Cell;
use std::rc::Rc;

use nameplate_scim::config::Config;
use nameplate_scim::env::{Env, Level};
use nameplate_scim::http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::directory::Memory;

pub const BASE: &str = "https://mdm.example.com/scim/v2";
/// When the first request is sent, in milliseconds.
pub const NOW: u64 = 1_764_000_000_000;
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Time that stands still during a request, chance that can be foreseen, notes kept.
#[derive(Default)]
pub struct World {
    now: Rc<Cell<u64>>,
    drawn: u64,
    pub notes: Vec<(Level, String, String)>,
}

impl Env for World {
    fn now(&mut self) -> u64 {
        self.now.get()
    }

    fn random(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let mut bytes = [0xff; 16];
        bytes[8..].copy_from_slice(&self.drawn.to_be_bytes());
        bytes
    }

    fn note(&mut self, level: Level, code: &str, text: &str) {
        self.notes.push((level, code.to_owned(), text.to_owned()));
    }
}

/// One connection and the client that uses it.
pub struct Client {
    pub config: Config,
    pub directory: Memory,
    pub world: World,
}

/// What came back.
#[must_use]
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: Vec<u8>,
    /// Null if there is none.
    pub body: Value,
    asked: String,
}

impl Client {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let now = Rc::new(Cell::new(NOW));
        let directory = Memory {
            now: Rc::clone(&now),
            ..Memory::default()
        };
        let world = World {
            now,
            ..World::default()
        };
        Self {
            config,
            directory,
            world,
        }
    }

    /// Sends a request whose `target` is path and query. Every answer is checked for
    /// what holds of all of them.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let answer = self.answer(Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.to_vec(),
            base_url: BASE.to_owned(),
        });
        for (_, code, text) in &self.world.notes {
            assert!(!text.contains('@'), "an address in the log: {code}: {text}");
        }
        assert!(
            !String::from_utf8_lossy(&answer.text).contains("1mz050nq"),
            "a password is shown"
        );
        answer
    }

    /// Sends a request of any bytes. The answer is checked for what holds of all of
    /// them.
    pub fn answer(&mut self, request: Request) -> Answer {
        self.world.now.set(self.world.now.get() + 1000);
        self.world.notes.clear();
        let response =
            nameplate_scim::handle(&self.config, &mut self.directory, &mut self.world, &request);
        let answer = Answer {
            status: response.status,
            headers: response
                .headers
                .into_iter()
                .map(|(name, value)| (name, String::from_utf8(value).unwrap()))
                .collect(),
            body: if response.body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&response.body).unwrap()
            },
            text: response.body,
            asked: format!("{} {}", request.method, request.path),
        };
        answer.check();
        for (_, code, text) in &self.world.notes {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{code}"
            );
            assert!(!text.contains('\n'), "a note of several lines: {text}");
        }
        answer
    }

    pub fn send(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/scim+json; charset=utf-8")];
        self.request(method, target, &json, body.to_string().as_bytes())
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, &[], b"")
    }

    pub fn post(&mut self, target: &str, body: &Value) -> Answer {
        self.send("POST", target, body)
    }

    pub fn put(&mut self, target: &str, body: &Value) -> Answer {
        self.send("PUT", target, body)
    }

    /// PATCH with these operations.
    pub fn patch(&mut self, target: &str, operations: &Value) -> Answer {
        self.send(
            "PATCH",
            target,
            &json!({"schemas": [PATCH_OP], "Operations": operations}),
        )
    }

    pub fn delete(&mut self, target: &str) -> Answer {
        self.request("DELETE", target, &[], b"")
    }

    /// A list with a filter.
    pub fn filter(&mut self, endpoint: &str, filter: &str) -> Answer {
        self.get(&format!("{endpoint}?filter={}", encoded(filter)))
    }

    /// Creates a user and gives its id.
    pub fn user(&mut self, user_name: &str) -> String {
        let body = json!({"schemas": [USER], "userName": user_name, "active": true});
        self.post("/Users", &body).expect(201).id()
    }

    /// Creates a group with these members and gives its id.
    pub fn group(&mut self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.post("/Groups", &body).expect(201).id()
    }

    /// Was something noted under this code by the last request.
    pub fn noted(&self, code: &str) -> bool {
        self.world.notes.iter().any(|(_, noted, _)| noted == code)
    }
}

/// A value of a form-encoded query, every special character escaped.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Answer {
    /// What holds of every answer.
    #[track_caller]
    fn check(&self) {
        let asked = &self.asked;
        if asked.starts_with("HEAD ") {
            // RFC 9110 9.3.2: the headers are those of GET.
            assert!(self.text.is_empty(), "{asked}");
            return;
        }
        if self.text.is_empty() {
            assert_eq!(self.header("content-type"), None, "{asked}");
        } else {
            assert_eq!(
                self.header("content-type"),
                Some("application/scim+json"),
                "{asked}"
            );
        }
        if self.status >= 400 {
            assert!(
                matches!(self.status, 400..=499 | 501 | 503),
                "{asked}: {self:?}"
            );
            let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
            assert_eq!(self.body["schemas"], json!([schema]), "{asked}");
            assert_eq!(
                self.body["status"],
                json!(self.status.to_string()),
                "{asked}"
            );
            let detail = self.body["detail"].as_str().unwrap();
            assert!(
                !detail.is_empty() && !detail.contains('\n') && !detail.ends_with('.'),
                "{detail}"
            );
            assert_eq!(
                self.header("retry-after").is_some(),
                self.status == 503,
                "{asked}"
            );
            assert_eq!(
                self.header("allow").is_some(),
                self.status == 405,
                "{asked}"
            );
        }
        if let Some(resources) = self.body.get("Resources") {
            let count = resources.as_array().unwrap().len();
            assert_eq!(self.body["itemsPerPage"], json!(count), "{asked}");
            // RFC 9865 2: pages by cursor have no index, and may not know the total.
            let by_index = self.body.get("startIndex").is_some();
            assert!(!by_index || self.body["totalResults"].is_u64(), "{asked}");
            assert!(
                !by_index || self.body.get("nextCursor").is_none(),
                "{asked}"
            );
        }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        self
    }

    /// Asserts a refusal with a keyword of RFC 7644 table 9.
    #[track_caller]
    pub fn refused(self, status: u16, scim_type: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(
            answer.body["scimType"],
            json!(scim_type),
            "{}: {}",
            answer.asked,
            answer.body
        );
        answer
    }

    /// Asserts that the detail names something.
    #[track_caller]
    pub fn names(self, what: &str) -> Self {
        let detail = self.body["detail"].as_str().unwrap();
        assert!(detail.contains(what), "{}: {detail}", self.asked);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn version(&self) -> &str {
        self.body["meta"]["version"].as_str().unwrap()
    }

    #[track_caller]
    pub fn total(&self) -> u64 {
        self.body["totalResults"].as_u64().unwrap()
    }

    /// The ids of a list.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let resources = self.body["Resources"].as_array().unwrap();
        resources
            .iter()
            .map(|r| r["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The ids of a group's members.
    pub fn members(&self) -> Vec<String> {
        let none = Vec::new();
        let members = self.body["members"].as_array().unwrap_or(&none);
        members
            .iter()
            .map(|m| m["value"].as_str().unwrap().to_owned())
            .collect()
    }
}
