//! White space, the case of names, the order of keys and JSON's escapes mean nothing:
//! a request written otherwise gets the same answer and leaves the same directory.

use nameplate_scim::http::Request;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::cases;
use super::changes::{Few, UNDECLARED, few, operation, user};
use super::model::{Operation, Payload, Target};
use super::traffic::{FILTERS, config, populated, request, writes};
use crate::client::{Client, PATCH_OP, USER};

/// Writes the same in another hand. What it does is decided by a number alone.
struct Scribe {
    chance: u64,
    /// May the keys of an object change places.
    shuffles: bool,
}

impl Scribe {
    /// A number below `most` (splitmix64).
    fn draw(&mut self, most: usize) -> usize {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(z % most as u64).unwrap()
    }

    fn json(&mut self, value: &Value) -> String {
        let mut text = self.space();
        match value {
            Value::Object(map) => {
                let mut parts: Vec<(&String, &Value)> = map.iter().collect();
                if self.shuffles {
                    for n in (1..parts.len()).rev() {
                        parts.swap(n, self.draw(n + 1));
                    }
                }
                let parts: Vec<String> = parts
                    .into_iter()
                    .map(|(name, value)| {
                        let value = self.member(name, value);
                        let name = self.terms(name);
                        let name = self.text(&name);
                        format!("{}{name}{}:{value}", self.space(), self.space())
                    })
                    .collect();
                text += &format!("{{{}{}}}", parts.join(","), self.space());
            }
            Value::Array(list) => {
                let parts: Vec<String> = list.iter().map(|element| self.json(element)).collect();
                text += &format!("[{}{}]", parts.join(","), self.space());
            }
            Value::String(string) => text += &self.text(string),
            other => text += &other.to_string(),
        }
        text + &self.space()
    }

    /// The value of a key: of some a text that names attributes.
    fn member(&mut self, name: &str, value: &Value) -> String {
        match value {
            // A Bulk operation's path is one of a URL.
            Value::String(text) if ["path", "filter"].contains(&name) && !text.starts_with('/') => {
                let text = self.terms(text);
                self.text(&text)
            }
            value => self.json(value),
        }
    }

    fn space(&mut self) -> String {
        let space = ["", "", "", " ", "\t", "\r\n  "];
        space[self.draw(space.len())].to_owned()
    }

    /// A JSON string, some of its characters escaped.
    fn text(&mut self, text: &str) -> String {
        let mut json = String::from("\"");
        for c in text.chars() {
            match (c, self.draw(4)) {
                (_, 0) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        json += &match self.draw(2) {
                            0 => format!("\\u{unit:04x}"),
                            _ => format!("\\u{unit:04X}"),
                        };
                    }
                }
                ('/', 1) => json += "\\/",
                (c, _) => {
                    let plain = Value::from(c.to_string()).to_string();
                    json += &plain[1..plain.len() - 1];
                }
            }
        }
        json + "\""
    }

    /// A path or filter: its words in another case, more spaces between them, its
    /// strings escaped.
    fn terms(&mut self, text: &str) -> String {
        let mut written = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => rest[1..].find('"').unwrap() + 2,
                c if c.is_ascii_alphabetic() => {
                    let ends = |c: char| !(c.is_ascii_alphanumeric() || "$:.-_".contains(c));
                    rest.find(ends).unwrap_or(rest.len())
                }
                c => c.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            match first {
                '"' => {
                    let string: String = serde_json::from_str(token).unwrap();
                    written += &self.text(&string);
                }
                ' ' => written += ["  ", " ", "\t"][self.draw(3)],
                '[' | '(' => {
                    written += token;
                    written += ["", " "][self.draw(2)];
                }
                _ if [UNDECLARED, "true", "false", "null"].contains(&token) => written += token,
                _ => {
                    for c in token.chars() {
                        written.push(match self.draw(3) {
                            0 => c.to_ascii_uppercase(),
                            1 => c.to_ascii_lowercase(),
                            _ => c,
                        });
                    }
                }
            }
            rest = after;
        }
        written
    }
}

/// Two directories that got the same request in two hands.
struct Both {
    one: Client,
    other: Client,
}

impl Both {
    fn new(dialect: &str) -> Self {
        Self {
            one: populated(config(dialect)).0,
            other: populated(config(dialect)).0,
        }
    }

    fn send(&mut self, request: &Request, scribe: &mut Scribe) {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let rewritten = Request {
            body: scribe.json(&body).into_bytes(),
            ..request.clone()
        };
        let text = String::from_utf8_lossy(&rewritten.body).into_owned();
        let one = self.one.answer(request.clone());
        let other = self.other.answer(rewritten);
        assert_eq!(one.status, other.status, "{body} as {text}: {}", other.body);
        if one.status < 400 {
            assert_eq!(one.body, other.body, "{body} as {text}");
            assert_eq!(one.headers, other.headers, "{body} as {text}");
        } else if !scribe.shuffles {
            // Which of several errors is met first may hang on the order of keys.
            assert_eq!(
                one.body["scimType"], other.body["scimType"],
                "{body} as {text}"
            );
        }
        let (one, other) = (&self.one.directory.state, &self.other.directory.state);
        assert_eq!(one, other, "{body} as {text}");
    }
}

/// Parts of a value that name different attributes: of those that do not, the order
/// decides, as it does between operations.
fn apart(payload: Payload) -> Payload {
    let Payload::Each(parts) = payload else {
        return payload;
    };
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for (target, payload) in parts {
        let name = match &target {
            // An extension's attributes stand in it, or beside it under its name.
            Target::At(path) if path.written && path.schema != USER => path.schema,
            Target::At(path) => path.attr,
            Target::Schema(schema) => schema,
            Target::Resource => "",
        };
        if !seen.contains(&name) {
            seen.push(name);
            kept.push((target, apart(payload)));
        }
    }
    Payload::Each(kept)
}

/// An operation whose order of keys means nothing.
fn orderless(few: &Few) -> impl Strategy<Value = Operation> + use<> {
    operation(few).prop_map(|operation| Operation {
        payload: apart(operation.payload),
        ..operation
    })
}

proptest! {
    // Each case has all of them.
    #![proptest_config(cases(16))]

    #[test]
    fn a_request_of_a_real_client_may_be_written_otherwise(
        (chance, shuffles) in any::<(u64, bool)>(),
        dialect in select(vec!["auto", "strict"]),
    ) {
        let (_, at) = populated(config(dialect));
        let mut scribe = Scribe { chance, shuffles };
        for request in writes(&at) {
            Both::new(dialect).send(&request, &mut scribe);
        }
    }

    #[test]
    fn a_filter_may_be_written_otherwise(chance in any::<u64>()) {
        let (mut client, _) = populated(config("auto"));
        let mut scribe = Scribe { chance, shuffles: false };
        for filter in FILTERS {
            let written = scribe.terms(filter);
            for endpoint in ["/Users", "/Groups"] {
                let (one, other) =
                    (client.filter(endpoint, filter), client.filter(endpoint, &written));
                prop_assert_eq!(one.status, other.status, "{} as {}", filter, &written);
                if one.status == 200 {
                    prop_assert_eq!(one.body, other.body, "{} as {}", filter, &written);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn any_user_and_any_patch_may_be_written_otherwise(
        (chance, shuffles) in any::<(u64, bool)>(),
        dialect in select(vec!["auto", "strict"]),
        (user, operations) in few().prop_flat_map(|few| {
            (user(&few), prop::collection::vec(orderless(&few), 1..6))
        }),
    ) {
        let (_, at) = populated(config(dialect));
        let mut both = Both::new(dialect);
        let mut scribe = Scribe { chance, shuffles };
        both.send(&request("POST", "/Users", &user), &mut scribe);
        let place = format!("/Users/{}", at.ana);
        for operation in operations {
            let body = json!({"schemas": [PATCH_OP], "Operations": [operation.to_json()]});
            both.send(&request("PATCH", &place, &body), &mut scribe);
        }
        both.send(&request("PUT", &place, &user), &mut scribe);
    }
}
