//! A list of members as it is sent, read straight into [`NewMember`]s.

use crate::directory::NewMember;
use crate::error::ScimError;
use crate::fold::login_key;
use crate::resource::validate::MEMBERS;
use crate::resource::{Checker, Rule};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The most entries of one list: what 16 MiB hold of UUIDs, and some. Shorter entries
/// would be many times their text in memory.
const MOST: usize = 400_000;

/// The remark on members that are no ids.
pub(crate) const BY_LOGIN: &str = "`members` held values that are no ids; taken as logins";

/// Reads a list of members from its text.
pub(crate) fn read_members(
    raw: &RawValue,
    checker: &mut Checker<'_>,
) -> Result<Vec<NewMember>, ScimError> {
    read(raw)?.members(checker)
}

/// Reads what takes the place of members chosen by a value path: one, or a list.
pub(super) fn read_chosen(
    raw: &RawValue,
    checker: &mut Checker<'_>,
) -> Result<Vec<NewMember>, ScimError> {
    match read(raw)? {
        Sent::One(entry) => Sent::List(vec![entry]).members(checker),
        other => other.members(checker),
    }
}

fn read(raw: &RawValue) -> Result<Sent, ScimError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        ScimError::invalid_syntax(match error.classify() {
            Category::Data => format!("an element of `{MEMBERS}` has two `value`s; send one"),
            _ => format!("`{MEMBERS}` is nested too deeply to be read"),
        })
    })
}

/// `members` as it is sent.
enum Sent {
    List(Vec<Entry>),
    One(Entry),
    Other(&'static str),
}

/// One element as it is sent.
enum Entry {
    Object {
        value: Field,
        display: Option<String>,
    },
    Null,
    Other(&'static str),
}

/// An element's `value` as it is sent.
enum Field {
    Text(String),
    Absent,
    Other(&'static str),
}

impl Sent {
    fn members(self, checker: &mut Checker<'_>) -> Result<Vec<NewMember>, ScimError> {
        let list = match self {
            Self::List(list) => list,
            Self::One(entry) => {
                if !checker.accepts(Rule::WrapSingle, || {
                    format!("`{MEMBERS}` is a list and one value was sent")
                }) {
                    return Err(not_a_list("an object"));
                }
                vec![entry]
            }
            Self::Other(kind) => return Err(not_a_list(kind)),
        };
        let mut members = Vec::with_capacity(list.len());
        for (n, entry) in list.into_iter().enumerate() {
            members.extend(entry.member(n, checker)?);
        }
        Ok(members)
    }
}

impl Entry {
    fn member(self, n: usize, checker: &mut Checker<'_>) -> Result<Option<NewMember>, ScimError> {
        let (value, display) = match self {
            Self::Object { value, display } => (value, display),
            Self::Null => (Field::Absent, None),
            Self::Other(kind) => {
                return Err(ScimError::invalid_value(format!(
                    "`{MEMBERS}[{n}]` must be an object with the id as its `value`, not {kind}"
                )));
            }
        };
        match value {
            Field::Text(id) if !id.trim().is_empty() => Ok(Some(new_member(id, display, checker))),
            Field::Text(_) | Field::Absent => {
                if checker.accepts(Rule::SkipEmptyMember, || {
                    format!("`{MEMBERS}` held entries without `value`; left out")
                }) {
                    Ok(None)
                } else {
                    Err(ScimError::invalid_value(format!(
                        "`{MEMBERS}[{n}].value` is required and must not be blank"
                    )))
                }
            }
            Field::Other(kind) => Err(ScimError::invalid_value(format!(
                "`{MEMBERS}[{n}].value` must be a string, not {kind}"
            ))),
        }
    }
}

fn not_a_list(kind: &str) -> ScimError {
    ScimError::invalid_value(format!("`{MEMBERS}` must be a list of objects, not {kind}"))
}

/// A member by the id sent.
pub(super) fn new_member(
    id: String,
    display: Option<String>,
    checker: &mut Checker<'_>,
) -> NewMember {
    // Okta keeps pushing ids of a database that was rebuilt; other clients send a
    // login where the id belongs. A UUID is certainly no login.
    let is_login =
        !looks_like_uuid(&id) && checker.accepts(Rule::MemberByLogin, || BY_LOGIN.to_owned());
    let login = is_login.then(|| login_key(&id));
    NewMember { id, display, login }
}

/// Is it certainly an id: the directory's are UUIDs, and a UUID is no login.
pub(crate) fn looks_like_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Implements the visits that only say what kind of value it is.
macro_rules! visit_kinds {
    ($make:expr, $null:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($make("a boolean"))
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($make("a number"))
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($make("a number"))
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($make("a number"))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($null)
        }
    };
}

fn drain_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Sent;
            visit_kinds!(Sent::Other, Sent::List(Vec::new()));
            fn visit_str<E>(self, _: &str) -> Result<Sent, E> {
                Ok(Sent::Other("a string"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sent, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    if entries.len() == MOST {
                        drain_list(list)?;
                        return Ok(Sent::Other("one of more than 400000"));
                    }
                    entries.push(entry);
                }
                Ok(Sent::List(entries))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sent, A::Error> {
                read_entry(map).map(Sent::One)
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entry;
            visit_kinds!(Entry::Other, Entry::Null);
            fn visit_str<E>(self, _: &str) -> Result<Entry, E> {
                Ok(Entry::Other("a string"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Entry, A::Error> {
                drain_list(list)?;
                Ok(Entry::Other("a list"))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                read_entry(map)
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Field;
            visit_kinds!(Field::Other, Field::Absent);
            fn visit_str<E>(self, text: &str) -> Result<Field, E> {
                Ok(Field::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Field, E> {
                Ok(Field::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field, A::Error> {
                drain_list(list)?;
                Ok(Field::Other("a list"))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Field::Other("an object"))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

fn read_entry<'de, A: MapAccess<'de>>(mut map: A) -> Result<Entry, A::Error> {
    let mut value = Field::Absent;
    let mut named = false;
    let mut display = None;
    while let Some(name) = map.next_key::<Cow<'de, str>>()? {
        if name.eq_ignore_ascii_case("value") {
            if std::mem::replace(&mut named, true) {
                return Err(A::Error::custom("two values"));
            }
            value = map.next_value()?;
        } else if name.eq_ignore_ascii_case("display") {
            // It is readOnly and only helps people, so a wrong type is no matter.
            display = match map.next_value()? {
                Field::Text(text) => Some(text),
                Field::Absent | Field::Other(_) => None,
            };
        } else {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(Entry::Object { value, display })
}
