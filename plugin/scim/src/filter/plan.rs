//! Which index narrows a filter down, and which keys a document has in it: the two
//! sides of one table. An index only ever yields candidates; the whole filter is
//! evaluated on each.

use super::expr::{Check, Expr, Order, Place, TextOp};
use crate::config::Config;
use crate::directory::{Key, KeyRange, Kind};
use crate::fold::{MAX_KEY, fold, key_bytes, login_key};
use crate::schema::ResourceType;
use serde_json::{Map, Value};

/// How a value becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As it is.
    Exact,
    /// Without case.
    Folded,
    /// Trimmed and without case; its holders are tracked.
    Login,
}

impl Form {
    fn key(self, value: &str) -> Vec<u8> {
        match self {
            Self::Exact => key_bytes(value),
            Self::Folded => key_bytes(&fold(value)),
            Self::Login => login_key(value),
        }
    }
}

/// One indexed attribute.
#[derive(Debug)]
struct Index {
    kind: Kind,
    /// Also the attribute's path.
    name: &'static str,
    attribute: &'static str,
    sub: Option<&'static str>,
    unique: bool,
    form: Form,
}

/// The index of the login that no two users share.
pub(crate) const USER_NAME: &str = "userName";

/// Every indexed attribute. A change here must change [`VERSION`].
const INDEXES: &[Index] = &[
    Index {
        kind: Kind::User,
        name: USER_NAME,
        attribute: USER_NAME,
        sub: None,
        unique: true,
        form: Form::Login,
    },
    Index {
        kind: Kind::User,
        name: "emails.value",
        attribute: "emails",
        sub: Some("value"),
        unique: false,
        form: Form::Login,
    },
    Index {
        kind: Kind::User,
        name: "externalId",
        attribute: "externalId",
        sub: None,
        unique: false,
        form: Form::Exact,
    },
    Index {
        kind: Kind::User,
        name: "displayName",
        attribute: "displayName",
        sub: None,
        unique: false,
        form: Form::Folded,
    },
    Index {
        kind: Kind::Group,
        name: "displayName",
        attribute: "displayName",
        sub: None,
        unique: true,
        form: Form::Folded,
    },
    Index {
        kind: Kind::Group,
        name: "externalId",
        attribute: "externalId",
        sub: None,
        unique: false,
        form: Form::Exact,
    },
];

/// The rules above and in `fold`, with unique group names and without.
const VERSION: [&str; 2] = ["1-unique-groups", "1-free-groups"];

impl Index {
    fn is_unique(&self, config: &Config) -> bool {
        self.unique && !(self.kind == Kind::Group && config.duplicate_group_names)
    }
}

/// Names the rules [`keys_of`] makes keys by; changes when they do.
pub fn index_version(config: &Config) -> &'static str {
    let [unique, free] = VERSION;
    if config.duplicate_group_names {
        free
    } else {
        unique
    }
}

/// Is the value a login: compared as its key is, without the white space around it.
pub(crate) fn is_login(attribute: &str, sub: Option<&str>) -> bool {
    INDEXES
        .iter()
        .any(|index| index.form == Form::Login && index.attribute == attribute && index.sub == sub)
}

/// The whole key set of a document, each key once.
pub fn keys_of(rt: &ResourceType, document: &Map<String, Value>, config: &Config) -> Vec<Key> {
    let mut keys = Vec::new();
    for index in INDEXES.iter().filter(|index| index.kind == rt.kind) {
        let mut add = |value: Option<&Value>| {
            let value = match value.and_then(Value::as_str) {
                Some(text) => index.form.key(text),
                None => return,
            };
            if !value.is_empty() {
                keys.push(Key {
                    attribute: index.name.to_owned(),
                    value,
                    unique: index.is_unique(config),
                    tracked: index.form == Form::Login,
                });
            }
        };
        let value = document.get(index.attribute);
        match (index.sub, value) {
            (Some(sub), Some(Value::Array(list))) => {
                list.iter().for_each(|element| add(element.get(sub)));
            }
            (None, value) => add(value),
            (Some(_), _) => {}
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

/// How to find candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// These documents at most; they need not exist.
    Ids(Vec<String>),
    /// The documents of one index range.
    Index {
        /// Which index.
        index: &'static str,
        /// Which part.
        range: KeyRange,
    },
    /// The documents of any of these; a document may be in several. Holds no
    /// [`Plan::Scan`] and no other union.
    Union(Vec<Plan>),
    /// All documents.
    Scan,
}

impl Plan {
    /// A rough number of candidates, to choose between plans.
    fn cost(&self) -> u64 {
        match self {
            Self::Ids(ids) => ids.len() as u64,
            Self::Index {
                range: KeyRange::Equal(_),
                ..
            } => 2,
            Self::Index { .. } => 1000,
            Self::Union(plans) => plans.iter().map(Self::cost).sum(),
            Self::Scan => u64::MAX,
        }
    }
}

/// The cheapest plan that misses no match.
pub fn plan(expr: &Expr, rt: &ResourceType) -> Plan {
    plan_in(expr, rt, None)
}

/// `list` is the attribute whose brackets the expression stands in.
fn plan_in(expr: &Expr, rt: &ResourceType, list: Option<&Place>) -> Plan {
    match expr {
        Expr::And(parts) => parts
            .iter()
            .map(|part| plan_in(part, rt, list))
            .min_by_key(Plan::cost)
            .unwrap_or(Plan::Scan),
        Expr::Or(parts) => union(parts.iter().map(|part| plan_in(part, rt, list)).collect()),
        Expr::Any(place, inner) => plan_in(inner, rt, Some(place)),
        Expr::Test(
            place,
            Check::Text {
                op, text, exact, ..
            },
        ) => plan_text(place, list, *op, text, *exact, rt),
        // The opposite of an index range, presence, order and membership: the
        // candidates are as good as all.
        Expr::Not(_) | Expr::Test(..) | Expr::Edge(_) | Expr::HasMembers => Plan::Scan,
    }
}

fn union(plans: Vec<Plan>) -> Plan {
    let mut ids = Vec::new();
    let mut rest = Vec::new();
    for plan in plans {
        match plan {
            Plan::Scan => return Plan::Scan,
            Plan::Ids(more) => ids.extend(more),
            Plan::Union(more) => {
                for plan in more {
                    match plan {
                        Plan::Ids(more) => ids.extend(more),
                        other => rest.push(other),
                    }
                }
            }
            index @ Plan::Index { .. } => rest.push(index),
        }
    }
    ids.sort();
    ids.dedup();
    if rest.is_empty() {
        return Plan::Ids(ids);
    }
    if !ids.is_empty() {
        rest.push(Plan::Ids(ids));
    }
    match rest.pop() {
        Some(only) if rest.is_empty() => only,
        Some(last) => {
            rest.push(last);
            Plan::Union(rest)
        }
        None => Plan::Ids(Vec::new()),
    }
}

fn plan_text(
    place: &Place,
    list: Option<&Place>,
    op: TextOp,
    text: &str,
    exact: bool,
    rt: &ResourceType,
) -> Plan {
    let equal = op == TextOp::Order(Order::Equal);
    if *place == Place::Id && equal {
        return Plan::Ids(vec![text.to_owned()]);
    }
    let found = INDEXES
        .iter()
        .find(|index| index.kind == rt.kind && index.covers(place, list));
    let Some(index) = found else {
        return Plan::Scan;
    };
    // Keys of a form that folds cannot answer by case, but hold every such match;
    // the text is folded already unless case counts.
    let folded;
    let text = if exact && index.form != Form::Exact {
        folded = fold(text);
        folded.as_str()
    } else {
        text
    };
    let text = if index.form == Form::Login {
        text.trim()
    } else {
        text
    };
    // Blank values have no key.
    if text.is_empty() {
        return Plan::Scan;
    }
    let range = match op {
        TextOp::Order(Order::Equal) => KeyRange::Equal(key_bytes(text)),
        TextOp::StartsWith => KeyRange::Prefix(prefix(text)),
        _ => return Plan::Scan,
    };
    Plan::Index {
        index: index.name,
        range,
    }
}

/// A long key ends in a hash, so a prefix says nothing past where that begins.
fn prefix(text: &str) -> Vec<u8> {
    const HASH: usize = 32;
    text.bytes().take(MAX_KEY - HASH).collect()
}

impl Index {
    fn covers(&self, place: &Place, list: Option<&Place>) -> bool {
        match (place, list) {
            (
                Place::Document {
                    extension: None,
                    attribute,
                    sub,
                },
                _,
            ) => attribute == self.attribute && sub.as_deref() == self.sub,
            (
                Place::Element(Some(sub)),
                Some(Place::Document {
                    extension: None,
                    attribute,
                    sub: None,
                }),
            ) => attribute == self.attribute && Some(sub.as_str()) == self.sub,
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
