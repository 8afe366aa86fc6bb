//! A PATCH body as a list of operations. Values stay the text they are, so that a
//! list of 50,000 members never becomes a tree, and so that the same operations can
//! be applied again to a newer document.

use crate::config::{Config, Dialect};
use crate::error::{ScimError, quoted};
use crate::resource::coerce::duplicate;
use crate::resource::room::MAX_DOCUMENT;
use crate::resource::{Notes, Rule};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The schema URN of a PATCH body.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Bounds what one request costs; the largest batches of real clients hold a few
/// hundred.
const MOST_OPERATIONS: usize = 1000;

/// Bounds the list of names of one object before they are looked at. A document has
/// some tens.
const MOST_NAMES: usize = 10_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds values.
    Add,
    /// Removes values.
    Remove,
    /// Replaces values.
    Replace,
}

impl Op {
    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }

    /// By keyword, in any case: Entra writes `Add`.
    fn parse(word: &str) -> Option<Self> {
        [Self::Add, Self::Remove, Self::Replace]
            .into_iter()
            .find(|op| op.as_str().eq_ignore_ascii_case(word))
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// What it does.
    pub op: Op,
    /// Where; none for the whole resource.
    pub path: Option<String>,
    /// With what; none if it is absent or null.
    pub value: Option<&'a RawValue>,
}

/// The members of an object in the order they were sent, values unread.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    if members.len() == MOST_NAMES {
                        return Err(A::Error::custom("too many names"));
                    }
                    members.push((name.0, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Self)
    }
}

impl Members<'_> {
    /// Refuses names that are the same (RFC 7643 2.1: in any case), for whichever of the
    /// two values was taken, the client may have meant the other.
    pub(crate) fn unique(self) -> Result<Self, ScimError> {
        match duplicate(self.0.iter().map(|(name, _)| name.as_ref())) {
            None => Ok(self),
            Some((a, b)) => Err(ScimError::invalid_syntax(format!(
                "{} and {} are the same attribute; send one of them",
                quoted(a),
                quoted(b)
            ))),
        }
    }
}

/// A member's name, borrowed unless it holds escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The elements of a list, values unread; of one longer than `most` one too many. None
/// if it is no list.
pub(crate) fn read_list(raw: &RawValue, most: usize) -> Option<Vec<&RawValue>> {
    struct Collect(usize);
    impl<'de> Visitor<'de> for Collect {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while list.len() <= self.0
                && let Some(element) = seq.next_element()?
            {
                list.push(element);
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(list)
        }
    }
    serde_json::Deserializer::from_str(raw.get())
        .deserialize_seq(Collect(most))
        .ok()
}

/// Reads a PATCH body. Names and operations count in any case; what an operation
/// holds besides `op`, `path` and `value` is passed over.
///
/// Fails with `invalidSyntax`, and with `invalidValue` for an unknown operation.
pub fn parse<'a>(
    body: &'a [u8],
    config: &Config,
    notes: &mut Notes,
) -> Result<Vec<Operation<'a>>, ScimError> {
    let members = read_object(body)?;
    check_schemas(find(&members, "schemas"), PATCH_URN, config, notes)?;
    let list = find(&members, "Operations").ok_or_else(|| {
        ScimError::invalid_syntax("`Operations` is missing: a list of at least one operation")
    })?;
    let list = read_list(list, MOST_OPERATIONS)
        .ok_or_else(|| ScimError::invalid_syntax("`Operations` must be a list"))?;
    if list.is_empty() {
        return Err(ScimError::invalid_syntax(
            "`Operations` must hold at least one operation",
        ));
    }
    if list.len() > MOST_OPERATIONS {
        return Err(ScimError::new(
            413,
            None,
            format!("`Operations` holds more than {MOST_OPERATIONS} operations"),
        ));
    }
    list.into_iter()
        .enumerate()
        .map(|(n, raw)| operation(n, raw, config.dialect, notes))
        .collect()
}

/// The members of a JSON body, none of them twice, or `invalidSyntax`.
pub(crate) fn read_object(body: &[u8]) -> Result<Members<'_>, ScimError> {
    let members: Members<'_> = serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "the body is not whole: the JSON ends too early".to_owned(),
            Category::Syntax | Category::Io => "the body is not valid JSON".to_owned(),
            Category::Data => {
                format!("the body must be a JSON object of at most {MOST_NAMES} attributes")
            }
        };
        ScimError::invalid_syntax(format!(
            "{what}, at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    members.unique()
}

/// The value under a name in any case; none if it is absent or null.
pub(crate) fn find<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    sent(members, name).filter(|raw| !is_null(raw))
}

fn sent<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members
        .0
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, raw)| *raw)
}

pub(crate) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// Checks that `schemas` hold the one a message is identified by.
pub(crate) fn check_schemas(
    schemas: Option<&RawValue>,
    expected: &str,
    config: &Config,
    notes: &mut Notes,
) -> Result<(), ScimError> {
    let wrong =
        || ScimError::invalid_syntax(format!("`schemas` must be a list that holds `{expected}`"));
    let list: Vec<Cow<'_, str>> = match schemas {
        None => Vec::new(),
        Some(raw) if raw.get().len() > MAX_DOCUMENT => return Err(wrong()),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| wrong())?,
    };
    if list.is_empty()
        && notes.accepts(Rule::MissingSchemas, config.dialect, || {
            "`schemas` was not sent".to_owned()
        })
    {
        return Ok(());
    }
    if list.iter().any(|urn| urn.eq_ignore_ascii_case(expected)) {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn operation<'a>(
    n: usize,
    raw: &'a RawValue,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<Operation<'a>, ScimError> {
    let members: Members<'_> = serde_json::from_str(raw.get())
        .map_err(|_| ScimError::invalid_syntax(format!("`Operations[{n}]` must be an object")))?;
    let members = members.unique()?;
    let text = |name: &str| -> Result<Option<String>, ScimError> {
        find(&members, name)
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(|_| {
                ScimError::invalid_syntax(format!("`Operations[{n}].{name}` must be a string"))
            })
    };
    let word = text("op")?
        .ok_or_else(|| ScimError::invalid_syntax(format!("`Operations[{n}].op` is missing")))?;
    let op = Op::parse(&word).filter(|op| {
        op.as_str() == word
            || notes.accepts(Rule::OpCase, dialect, || {
                "the name of an operation is not in lower case".to_owned()
            })
    });
    let op = op.ok_or_else(|| {
        // RFC 7644 3.5.2: op is one of add, remove, replace.
        ScimError::invalid_value(format!(
            "`Operations[{n}].op` is {}; use `add`, `remove` or `replace`",
            quoted(&word)
        ))
    })?;
    let path = text("path")?.map(|path| trimmed(n, path, dialect, notes));
    let path = path.transpose()?.filter(|path| !path.is_empty());
    // RFC 7644 3.5.2.1: an add MUST have a value. An explicit null unsets; taking a
    // value that was forgotten for one would erase what nobody asked to erase.
    if op != Op::Remove && sent(&members, "value").is_none() {
        return Err(ScimError::invalid_value(format!(
            "`Operations[{n}].value` is missing; send the new value, or `null` to unset it"
        )));
    }
    Ok(Operation {
        op,
        path,
        value: find(&members, "value"),
    })
}

/// A path without the white space around it; empty if it is blank.
fn trimmed(
    n: usize,
    path: String,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<String, ScimError> {
    let text = path.trim();
    if text.len() == path.len() && !text.is_empty() {
        return Ok(path);
    }
    if !notes.accepts(Rule::LoosePath, dialect, || {
        "a `path` was blank or had white space around it".to_owned()
    }) {
        return Err(ScimError::invalid_path(format!(
            "`Operations[{n}].path` is blank or has white space around it: leave it out, or \
             send the path alone"
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::error::ScimType;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Vec<Operation<'_>>, ScimError> {
        parse(body.as_bytes(), &Config::default(), &mut Notes::new())
    }

    #[test]
    fn names_and_operations_count_in_any_case() {
        let body = r#"{"SCHEMAS": ["URN:ietf:params:scim:api:messages:2.0:PatchOp"],
            "operations": [{"OP": "Add", "Path": "title", "VALUE": [1,  2], "name": "x"},
                           {"op": "rePLACE", "path": null, "value": null}]}"#;
        let operations = read(body).unwrap();
        assert_eq!(operations[0].op, Op::Add);
        assert_eq!(operations[0].path.as_deref(), Some("title"));
        assert_eq!(operations[0].value.unwrap().get(), "[1,  2]");
        assert_eq!(operations[1].op, Op::Replace);
        assert!(operations[1].path.is_none() && operations[1].value.is_none());
    }

    #[test]
    fn a_forgotten_value_is_an_error_and_no_null() {
        for op in ["add", "Replace"] {
            let body = format!(
                r#"{{"schemas": ["{PATCH_URN}"], "Operations": [{{"op": "{op}", "path": "title"}}]}}"#
            );
            let error = read(&body).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{op}");
            assert!(error.detail.contains("`Operations[0].value` is missing"));
        }
        let body = format!(
            r#"{{"schemas": ["{PATCH_URN}"], "Operations": [{{"op": "remove", "path": "title"}}]}}"#
        );
        assert_eq!(read(&body).unwrap().len(), 1);
    }

    #[test]
    fn missing_schemas_are_a_quirk_and_wrong_ones_an_error() {
        let body = br#"{"Operations": [{"op": "remove", "path": "title"}]}"#;
        let mut notes = Notes::new();
        parse(body, &Config::default(), &mut notes).unwrap();
        assert!(notes.has("missing-schemas"));
        let strict = Config {
            dialect: Dialect::Strict,
            ..Config::default()
        };
        assert!(parse(body, &strict, &mut notes).is_err());
        read(r#"{"schemas": ["urn:x"], "Operations": [{"op": "remove", "path": "a"}]}"#)
            .unwrap_err();
        read(r#"{"schemas": "urn:x", "Operations": [{"op": "remove", "path": "a"}]}"#).unwrap_err();
    }

    #[test]
    fn a_blank_path_is_none_and_white_space_around_one_is_left_out() {
        for (path, expected) in [("", None), ("  ", None), (" title ", Some("title"))] {
            let body = format!(
                r#"{{"schemas": ["{PATCH_URN}"],
                    "Operations": [{{"op": "add", "path": "{path}", "value": 1}}]}}"#
            );
            let mut notes = Notes::new();
            let operations = parse(body.as_bytes(), &Config::default(), &mut notes).unwrap();
            assert_eq!(operations[0].path.as_deref(), expected, "`{path}`");
            assert!(notes.has(Rule::LoosePath.code()), "`{path}`");
            let strict = Config {
                dialect: Dialect::Strict,
                ..Config::default()
            };
            let error = parse(body.as_bytes(), &strict, &mut Notes::new()).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidPath), "`{path}`");
        }
    }

    #[test]
    fn a_malformed_request_is_refused_with_what_to_change() {
        let cases = [
            ("{", "the JSON ends too early"),
            ("[]", "must be a JSON object"),
            ("{} x", "not valid JSON"),
            ("{}", "`Operations` is missing"),
            (r#"{"Operations": []}"#, "at least one"),
            (r#"{"Operations": {}}"#, "must be a list"),
            (
                r#"{"Operations": [5]}"#,
                "`Operations[0]` must be an object",
            ),
            (
                r#"{"Operations": [{"path": "a"}]}"#,
                "`Operations[0].op` is missing",
            ),
            (
                r#"{"Operations": [{"op": "move"}]}"#,
                "`Operations[0].op` is `move`",
            ),
            (
                r#"{"Operations": [{"op": "add", "path": 5}]}"#,
                "`Operations[0].path` must be a string",
            ),
        ];
        for (body, detail) in cases {
            let error = read(body).unwrap_err();
            assert!(error.detail.contains(detail), "{body}: {error}");
            assert!(matches!(
                error.scim_type,
                Some(ScimType::InvalidSyntax | ScimType::InvalidValue)
            ));
        }
    }

    #[test]
    fn a_name_given_twice_is_refused_for_either_value_could_be_meant() {
        for body in [
            r#"{"Operations": [{"op": "add", "OP": "remove", "path": "title", "value": 1}]}"#,
            r#"{"Operations": [{"op": "remove", "path": "title", "path": "active"}]}"#,
            r#"{"Operations": [], "operations": [{"op": "remove", "path": "title"}]}"#,
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
        }
    }

    #[test]
    fn the_number_of_operations_is_bounded() {
        let body = |n: usize| {
            let list = vec![r#"{"op":"remove","path":"title"}"#; n].join(",");
            format!(r#"{{"Operations":[{list}]}}"#)
        };
        assert_eq!(read(&body(MOST_OPERATIONS)).unwrap().len(), MOST_OPERATIONS);
        assert_eq!(read(&body(MOST_OPERATIONS + 1)).unwrap_err().status, 413);
    }

    #[test]
    fn schemas_are_read_up_to_the_size_of_a_document() {
        let sized = |bytes: usize| {
            let list = format!(r#"["{PATCH_URN}"]"#);
            let space = " ".repeat(bytes - list.len());
            let list = list.replace('[', &format!("[{space}"));
            read(&format!(
                r#"{{"schemas": {list}, "Operations": [{{"op": "remove", "path": "a"}}]}}"#
            ))
            .map(|operations| operations.len())
            .map_err(|error| error.scim_type)
        };
        assert_eq!(sized(MAX_DOCUMENT), Ok(1));
        assert_eq!(sized(MAX_DOCUMENT + 1), Err(Some(ScimType::InvalidSyntax)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&body, &Config::default(), &mut Notes::new());
        }
    }
}
