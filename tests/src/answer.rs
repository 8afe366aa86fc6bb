//! What came back, and what holds for every answer whatever was asked.

use serde_json::Value;

use crate::names::{ERROR, GROUP, LIST, USER};
use crate::shape::is_time;

/// A whole answer. It has to be looked at: [`Answer::expect`] or [`Answer::refused`].
#[must_use]
#[derive(Clone, Debug)]
pub struct Answer {
    /// For messages: method and target.
    pub(crate) request: String,
    /// The absolute URL of the mount it was asked at.
    pub(crate) base: String,
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts the status, and whatever holds for all answers; the body as JSON (null
    /// if there is none).
    #[track_caller]
    pub fn expect(self, status: u16) -> Good {
        assert_eq!(
            self.status,
            status,
            "{} was answered with {}: {}",
            self.request,
            self.status,
            self.text()
        );
        let json = self.checked();
        Good { answer: self, json }
    }

    /// Asserts a SCIM error of this status and `scimType` (empty: none).
    #[track_caller]
    pub fn refused(self, status: u16, scim_type: &str) -> Good {
        let good = self.expect(status);
        assert_eq!(good["schemas"], serde_json::json!([ERROR]), "{good}");
        let found = good.json.get("scimType").and_then(Value::as_str);
        assert_eq!(
            found.unwrap_or_default(),
            scim_type,
            "{}: {good}",
            good.answer.request
        );
        good
    }

    #[track_caller]
    fn checked(&self) -> Value {
        let request = &self.request;
        if self.body.is_empty() {
            assert!(
                matches!(self.status, 204 | 304) || request.starts_with("HEAD "),
                "{request}: {} without a body",
                self.status
            );
            return Value::Null;
        }
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("text/") {
            return Value::Null;
        }
        let json: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{request}: no json ({error}): {}", self.text()));
        let schemas = json["schemas"].as_array().cloned().unwrap_or_default();
        if !schemas.is_empty() || kind.contains("scim") {
            // RFC 7644 3.1: answers are `application/scim+json`.
            let plain = kind.split(';').next().unwrap_or_default();
            assert_eq!(plain, "application/scim+json", "{request}");
        }
        let is = |urn: &str| schemas.iter().any(|schema| schema == urn);
        if is(ERROR) {
            self.check_error(&json);
        } else if is(LIST) {
            self.check_list(&json);
        } else if is(USER) || is(GROUP) {
            self.check_resource(&json);
            // RFC 7644 3.14: the header and `meta.version` are the same, where a projection
            // has not left `meta` out.
            let version = json["meta"]["version"].as_str();
            assert!(self.header("etag").is_some(), "{request}: no etag");
            if version.is_some() {
                assert_eq!(self.header("etag"), version, "{request}: etag");
            }
            let location = json["meta"]["location"].as_str();
            if self.status == 201 {
                assert_eq!(self.header("location"), location, "{request}: location");
            }
        } else if self.status >= 400 {
            // Fleet's shape of an error.
            let message = json["message"].as_str().unwrap_or_default();
            assert!(!message.is_empty(), "{request}: an error without words");
            assert_eq!(json["errors"][0]["reason"], message, "{request}");
            self.check_words(message);
        }
        assert!(
            self.status < 400 || is(ERROR) || json.get("message").is_some(),
            "{request}: an error in no known shape: {json}"
        );
        json
    }

    /// RFC 7644 3.12.
    #[track_caller]
    fn check_error(&self, json: &Value) {
        assert_eq!(json["status"], self.status.to_string(), "{}", self.request);
        let detail = json["detail"].as_str().unwrap_or_default();
        assert!(!detail.is_empty(), "{}: no detail", self.request);
        self.check_words(detail);
        if self.status == 401 {
            let challenge = self.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer"), "{}", self.request);
        }
    }

    #[track_caller]
    fn check_words(&self, words: &str) {
        let request = &self.request;
        assert!(!words.contains('\n'), "{request}: {words}");
        assert!(!words.contains("  "), "{request}: blanks in `{words}`");
        assert!(!words.ends_with('.'), "{request}: {words}");
        for inner in ["::", "panicked", "rusqlite", "SELECT", "wasm", "src/"] {
            assert!(
                !words.contains(inner),
                "{request}: tells inner things: {words}"
            );
        }
    }

    /// RFC 7644 3.4.2: numbers are numbers, and `itemsPerPage` counts what is there.
    #[track_caller]
    fn check_list(&self, json: &Value) {
        let request = &self.request;
        // RFC 9865 2: a page by cursor has no index, and need not know the total.
        let by_cursor = json.get("startIndex").is_none();
        for name in ["totalResults", "startIndex", "itemsPerPage"] {
            let left_out = by_cursor && name != "itemsPerPage" && json.get(name).is_none();
            assert!(
                left_out || json[name].is_u64(),
                "{request}: {name} is {}",
                json[name]
            );
        }
        let resources = json["Resources"].as_array();
        let resources = resources.unwrap_or_else(|| panic!("{request}: no Resources: {json}"));
        assert_eq!(json["itemsPerPage"], resources.len(), "{request}");
        for resource in resources {
            if resource.get("meta").is_some() {
                self.check_resource(resource);
            }
        }
    }

    /// RFC 7643 3.1: `meta` is whole and its URLs lead back through the same mount.
    #[track_caller]
    fn check_resource(&self, json: &Value) {
        let request = &self.request;
        let Some(meta) = json.get("meta") else {
            return;
        };
        let text = |name: &str| meta[name].as_str().unwrap_or_default();
        let (kind, id) = (text("resourceType"), json["id"].as_str());
        if !matches!(kind, "User" | "Group") {
            return;
        }
        let location = format!("{}/{kind}s/{}", self.base, id.unwrap_or_default());
        assert_eq!(text("location"), location, "{request}");
        for name in ["created", "lastModified"] {
            assert!(is_time(text(name)), "{request}: {name} is {}", meta[name]);
        }
        assert!(text("lastModified") >= text("created"), "{request}: {meta}");
        assert!(text("version").starts_with("W/\""), "{request}: {meta}");
        assert_eq!(json.get("password"), None, "{request}: a password is told");
        let members = json["members"].as_array().into_iter().flatten();
        let groups = json["groups"].as_array().into_iter().flatten();
        for reference in members.chain(groups) {
            let target = reference["$ref"].as_str().unwrap_or_default();
            assert!(target.starts_with(&self.base), "{request}: {reference}");
        }
    }
}

/// An answer that is as it should be, with its JSON.
#[derive(Clone, Debug)]
pub struct Good {
    /// The answer.
    pub answer: Answer,
    /// Its body; null if it has none.
    pub json: Value,
}

impl std::ops::Deref for Good {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.json
    }
}

impl std::fmt::Display for Good {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.json.fmt(f)
    }
}

impl Good {
    /// The resource's id.
    #[track_caller]
    pub fn id(&self) -> String {
        let id = self.json["id"].as_str();
        id.unwrap_or_else(|| panic!("no id in {self}")).to_owned()
    }

    /// A list's `totalResults`.
    #[track_caller]
    pub fn total(&self) -> u64 {
        let total = self.json["totalResults"].as_u64();
        total.unwrap_or_else(|| panic!("no list: {self}"))
    }

    /// The ids of a list's resources.
    pub fn ids(&self) -> Vec<String> {
        texts(&self.json["Resources"], "id")
    }

    /// The ids of a group's members, sorted.
    pub fn members(&self) -> Vec<String> {
        let mut members = texts(&self.json["members"], "value");
        members.sort();
        members
    }

    /// Asserts that an error's detail names this.
    #[track_caller]
    pub fn names(&self, part: &str) {
        let detail = self.json["detail"]
            .as_str()
            .or(self.json["message"].as_str());
        assert!(
            detail.is_some_and(|detail| detail.contains(part)),
            "`{part}` is not named: {self}"
        );
    }

    /// A header, which has to be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.answer.header(name);
        found.unwrap_or_else(|| panic!("no `{name}` in {:?}", self.answer.headers))
    }
}

fn texts(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item[name].as_str().map(str::to_owned))
        .collect()
}
