//! Operations that were never text, and the text they are sent as.

use std::fmt;

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// A path that no text had to be read for.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub schema: &'static str,
    /// Is the schema written before the attribute.
    pub written: bool,
    pub attr: &'static str,
    /// `sub eq value`, joined by `and`; none: no brackets.
    pub filter: Vec<(&'static str, Value)>,
    pub sub: Option<&'static str>,
}

impl Path {
    pub fn is_more_than_a_name(&self) -> bool {
        self.written || self.sub.is_some() || !self.filter.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.written {
            write!(f, "{}:", self.schema)?;
        }
        f.write_str(self.attr)?;
        if !self.filter.is_empty() {
            let tests = self.filter.iter();
            let tests: Vec<String> = tests
                .map(|(sub, value)| format!("{sub} eq {value}"))
                .collect();
            write!(f, "[{}]", tests.join(" and "))?;
        }
        self.sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Resource,
    Schema(&'static str),
    At(Path),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource => Ok(()),
            Self::Schema(urn) => f.write_str(urn),
            Self::At(path) => path.fmt(f),
        }
    }
}

/// The value of an operation; of one on more than an attribute the attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    Absent,
    One(Value),
    /// In the order of their names, each once.
    Each(Vec<(Target, Payload)>),
}

impl Payload {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::One(value) => value.clone(),
            Self::Each(parts) => parts
                .iter()
                .map(|(target, payload)| (target.to_string(), payload.to_json()))
                .collect(),
        }
    }
}

#[derive(Clone, PartialEq)]
pub struct Operation {
    pub op: Op,
    pub target: Target,
    pub payload: Payload,
}

impl Operation {
    pub fn to_json(&self) -> Value {
        let mut json = json!({"op": format!("{:?}", self.op).to_lowercase()});
        if self.target != Target::Resource {
            json["path"] = self.target.to_string().into();
        }
        if self.payload != Payload::Absent {
            json["value"] = self.payload.to_json();
        }
        json
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_json(), f)
    }
}
