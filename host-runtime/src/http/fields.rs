//! Reading what administrators send: JSON fields and query parameters.
//!
//! Unknown fields are ignored, as clients written for Fleet send more than we use;
//! a known field of the wrong type or size is refused by name.

use std::fmt;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Reply, reply};

/// A field of a host or a claim, in bytes: what the store keeps of each.
pub const FIELD_BYTES: usize = 255;
/// Items on one page of a list, unless asked otherwise, and at most.
const PAGE: u32 = 100;
const MAX_PAGE: u32 = 1000;

/// What is wrong with a request, and with which part.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The answer's status.
    pub status: StatusCode,
    /// The field or parameter.
    pub name: &'static str,
    /// One line saying what to do.
    pub message: String,
}

impl Failure {
    /// 400 for this field.
    pub fn bad(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            name,
            message: message.into(),
        }
    }

    /// 404 for a host.
    pub fn no_host(id: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            name: "id",
            message: format!(
                "there is no host `{}`; create it with `POST /api/v1/hosts`",
                shown(id)
            ),
        }
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        reply::failure(failure.status, &failure.message, failure.name)
    }
}

/// User input in an error text: short, on one line.
pub fn shown(text: &str) -> String {
    let cut = text.chars().take(100);
    cut.map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The fields of a JSON object.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(body) {
            Ok(Once(fields)) => Ok(Self(fields)),
            Err(error) if error.is_data() => Err(Failure::bad(
                "body",
                format!("the body is json and not usable: {error}"),
            )),
            Err(error) => Err(Failure::bad(
                "body",
                format!("the body is not json: {error}"),
            )),
        }
    }

    /// A text without blanks around it; empty if absent or null.
    pub fn text(&self, name: &'static str) -> Result<String, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => bounded(name, text.trim()),
            Some(_) => Err(Failure::bad(name, format!("`{name}` has to be a text"))),
        }
    }

    /// Texts in a list; none if absent or null.
    pub fn texts(&self, name: &'static str) -> Result<Option<Vec<&str>>, Failure> {
        let wrong = || Failure::bad(name, format!("`{name}` has to be a list of texts"));
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().ok_or_else(wrong));
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A text of any length, as it is; none if absent or null. The caller bounds it.
    pub fn raw_text(&self, name: &'static str) -> Result<Option<&str>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Failure::bad(name, format!("`{name}` has to be a text"))),
        }
    }

    /// A whole number; none if absent or null.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64()),
            Some(_) => Err(Failure::bad(
                name,
                format!("`{name}` has to be a whole number"),
            )),
        }
    }

    /// `true` or `false`; none if absent or null.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Failure::bad(
                name,
                format!("`{name}` has to be `true` or `false`"),
            )),
        }
    }

    /// A JSON object; none if absent or null.
    pub fn object(&self, name: &'static str) -> Result<Option<Map<String, Value>>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(Failure::bad(
                name,
                format!("`{name}` has to be an object: `{{…}}`"),
            )),
        }
    }

    /// A text of any length, as it is.
    pub fn whole_text(&self, name: &'static str) -> Result<String, Failure> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(Failure::bad(name, format!("`{name}` has to be a text"))),
        }
    }

    /// A host's id: a text, or a whole number as Fleet has them.
    pub fn id(&self, name: &'static str) -> Result<String, Failure> {
        match self.0.get(name) {
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            Some(Value::String(id)) if !id.is_empty() => bounded(name, id),
            _ => Err(Failure::bad(
                name,
                format!("`{name}` has to be a text of 1 to {FIELD_BYTES} bytes, or a whole number"),
            )),
        }
    }
}

/// An object that names each of its fields once. We take the stance that two of a name
/// are a mistake, because readers differ about which one counts (RFC 8259 4).
struct Once(Map<String, Value>);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Once;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: `{…}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Once, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        let name = shown(&name);
                        return Err(A::Error::custom(format_args!("`{name}` is given twice")));
                    }
                    fields.insert(name, value);
                }
                Ok(Once(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

fn bounded(name: &'static str, text: &str) -> Result<String, Failure> {
    if text.len() > FIELD_BYTES {
        return Err(Failure::bad(
            name,
            format!(
                "`{name}` has {} bytes; at most {FIELD_BYTES} are kept",
                text.len()
            ),
        ));
    }
    if text.contains('\0') {
        return Err(Failure::bad(name, format!("`{name}` holds a zero byte")));
    }
    Ok(text.to_owned())
}

/// The parameters of a query, form-encoded.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows `?`. Of a parameter given twice the first counts.
    pub fn parse(query: Option<&str>) -> Result<Self, Failure> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| Failure::bad("query", "the query is not utf-8"))
        };
        query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(name)?, decode(value)?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A parameter; an empty one is as good as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Items wanted on a page. More than the most is the most, as in SCIM lists.
    pub fn limit(&self) -> Result<u32, Failure> {
        let Some(text) = self.get("limit") else {
            return Ok(PAGE);
        };
        match text.parse::<u64>() {
            Ok(limit @ 1..) => Ok(u32::try_from(limit).unwrap_or(MAX_PAGE).min(MAX_PAGE)),
            _ => Err(Failure::bad(
                "limit",
                format!(
                    "`limit` is `{}`; give a number from 1 to {MAX_PAGE}",
                    shown(text)
                ),
            )),
        }
    }
}

/// A whole number in a query or a path.
pub fn number<T: std::str::FromStr>(name: &'static str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| {
        let given = shown(text);
        Failure::bad(name, format!("`{name}` is `{given}`; give a whole number"))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn unknown_and_null_fields_are_ignored_and_wrong_types_named() {
        let found = fields(r#"{"email":" a@b ","other":1,"username":null,"platform":7}"#);
        assert_eq!(found.text("email").unwrap(), "a@b");
        assert_eq!(found.text("username").unwrap(), "");
        assert_eq!(found.text("absent").unwrap(), "");
        assert_eq!(found.text("platform").unwrap_err().name, "platform");
    }

    #[test]
    fn an_id_is_a_text_or_a_whole_number() {
        assert_eq!(fields(r#"{"id":42}"#).id("id").unwrap(), "42");
        assert_eq!(fields(r#"{"id":"C02X"}"#).id("id").unwrap(), "C02X");
        for json in [
            r#"{}"#,
            r#"{"id":""}"#,
            r#"{"id":1.5}"#,
            r#"{"id":-1}"#,
            r#"{"id":null}"#,
        ] {
            assert!(fields(json).id("id").is_err(), "{json}");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(256));
        assert!(fields(&long).id("id").is_err());
        let most = format!(r#"{{"id":"{}"}}"#, "x".repeat(255));
        assert!(fields(&most).id("id").is_ok());
        assert!(fields(r#"{"id":"a\u0000"}"#).id("id").is_err());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in ["", "[]", "1", "{", "\"x\""] {
            assert!(Fields::parse(body.as_bytes()).is_err(), "{body}");
        }
        // serde_json stops at 128 levels; nothing here recurses on its own.
        assert!(Fields::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_query_is_decoded_once() {
        let query = Query::parse(Some("a=x%2By+z&b&a=2&%63=%25")).unwrap();
        assert_eq!(query.get("a"), Some("x+y z"));
        assert_eq!(query.get("b"), None);
        assert_eq!(query.get("c"), Some("%"));
        assert!(Query::parse(Some("a=%FF")).is_err());
    }

    #[test]
    fn a_limit_is_clamped_above_and_refused_below_one() {
        let limit = |text: &str| Query::parse(Some(text)).unwrap().limit();
        assert_eq!(limit("").unwrap(), 100);
        assert_eq!(limit("limit=7").unwrap(), 7);
        assert_eq!(limit("limit=99999999999").unwrap(), 1000);
        for text in ["limit=0", "limit=-1", "limit=x"] {
            assert_eq!(limit(text).unwrap_err().name, "limit", "{text}");
        }
    }
}
