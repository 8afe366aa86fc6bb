//! Which index narrows a filter down. An index only ever yields candidates; the whole
//! filter is evaluated on each, unless the plan is exact.
//!
//! This module must not know which attributes have an index.

use jiff::Timestamp;
use serde_json::Number;

use super::expr::{Check, Expr, Order, Place, TextOp};
use crate::directory::{KeyRange, Kind};
use crate::fold::{MAX_KEY, fold, key_bytes};
use crate::schema::ResourceType;
use crate::schema::index::{Form, Index, flag_key, instant_key, number_key};

/// The index every store keeps of ids (`wit/user-store.wit`).
pub(crate) const BY_ID: &str = "@id";
/// The index every store keeps of the times of change (`wit/user-store.wit`).
pub(crate) const BY_MODIFIED: &str = "@modified";

/// The bytes of a long key before its hash.
const CUT: usize = MAX_KEY - 32;

/// How to find candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// These documents at most; they need not exist.
    Ids(Vec<String>),
    /// The documents of one index range.
    Index {
        /// Which index.
        index: String,
        /// Which part.
        range: KeyRange,
    },
    /// The groups this document is a member of itself.
    GroupsOf(String),
    /// The users that are members of this group, or of groups in it.
    UsersIn(String),
    /// The documents of any of these; a document may be in several. Holds no
    /// [`Plan::Scan`] and no other union.
    Union(Vec<Plan>),
    /// All documents.
    Scan,
}

/// A plan and whether it says all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// How to find candidates.
    pub plan: Plan,
    /// Each candidate matches, so none has to be looked at.
    pub exact: bool,
}

impl Planned {
    fn exact(plan: Plan) -> Self {
        Self { plan, exact: true }
    }

    fn candidates(plan: Plan) -> Self {
        Self { plan, exact: false }
    }

    const SCAN: Self = Self {
        plan: Plan::Scan,
        exact: false,
    };
}

impl Plan {
    /// A rough number of candidates, to choose between plans.
    fn cost(&self) -> u64 {
        match self {
            Self::Ids(ids) => ids.len() as u64,
            Self::Index {
                range: KeyRange::Equal(value),
                ..
            } => match value.as_slice() {
                // A flag: half of everybody.
                b"0" | b"1" => 50_000,
                _ => 2,
            },
            Self::GroupsOf(_) => 20,
            Self::UsersIn(_) => 500,
            Self::Index {
                range: KeyRange::Prefix(_),
                ..
            } => 1000,
            Self::Index {
                range: KeyRange::Contains(_),
                ..
            } => 100_000,
            Self::Index { .. } => 10_000,
            Self::Union(plans) => plans.iter().map(Self::cost).sum(),
            Self::Scan => u64::MAX,
        }
    }

    /// Does the plan rest on keys the plugin makes, which have to be filled first.
    pub(crate) fn needs_index(&self) -> bool {
        match self {
            Self::Ids(_) | Self::GroupsOf(_) | Self::UsersIn(_) | Self::Scan => false,
            Self::Index { index, .. } => !index.starts_with('@'),
            Self::Union(plans) => plans.iter().any(Self::needs_index),
        }
    }

    fn index(name: &str, range: KeyRange) -> Self {
        Self::Index {
            index: name.to_owned(),
            range,
        }
    }
}

/// The cheapest plan that misses no match.
pub fn plan(expr: &Expr, rt: &ResourceType) -> Planned {
    plan_in(expr, rt, None)
}

/// `list` is the attribute whose brackets the expression stands in.
fn plan_in(expr: &Expr, rt: &ResourceType, list: Option<&Place>) -> Planned {
    match expr {
        // True of everything: nothing has to be looked at.
        Expr::And(parts) if parts.is_empty() => Planned::exact(Plan::Scan),
        Expr::And(parts) => {
            let best = parts
                .iter()
                .map(|part| plan_in(part, rt, list))
                .min_by_key(|planned| planned.plan.cost());
            match best {
                Some(only) if parts.len() == 1 => only,
                Some(best) => Planned::candidates(best.plan),
                None => Planned::SCAN,
            }
        }
        Expr::Or(parts) => union(parts.iter().map(|part| plan_in(part, rt, list)).collect()),
        Expr::Any(place, inner) => match plan_in(inner, rt, Some(place)) {
            // There has to be an element.
            Planned {
                plan: Plan::Scan, ..
            } => Planned::SCAN,
            planned => planned,
        },
        Expr::Test(place, check) => plan_test(place, list, check, rt),
        Expr::Not(inner) => match &**inner {
            Expr::Test(place, Check::Flag(flag)) => plan_not_flag(place, list, *flag, rt),
            // The opposite of an index range: the candidates are as good as all.
            _ => Planned::SCAN,
        },
        Expr::Edge(id) => Planned::exact(match rt.kind {
            Kind::Group => Plan::GroupsOf(id.clone()),
            Kind::User => Plan::UsersIn(id.clone()),
        }),
        Expr::HasMembers => Planned::SCAN,
    }
}

/// Several plans at once. One alone stays exact.
fn union(plans: Vec<Planned>) -> Planned {
    let mut ids = Vec::new();
    let mut rest = Vec::new();
    let mut plans = plans;
    if plans.len() == 1
        && let Some(only) = plans.pop()
    {
        return only;
    }
    let mut waiting: Vec<Plan> = plans.into_iter().map(|planned| planned.plan).collect();
    while let Some(plan) = waiting.pop() {
        match plan {
            Plan::Scan => return Planned::SCAN,
            Plan::Ids(more) => ids.extend(more),
            Plan::Union(more) => waiting.extend(more),
            other => rest.push(other),
        }
    }
    ids.sort();
    ids.dedup();
    // Taken from the end: back into the order of the filter.
    rest.reverse();
    if rest.is_empty() {
        return Planned::candidates(Plan::Ids(ids));
    }
    if !ids.is_empty() {
        rest.push(Plan::Ids(ids));
    }
    if rest.len() == 1
        && let Some(only) = rest.pop()
    {
        return Planned::candidates(only);
    }
    Planned::candidates(Plan::Union(rest))
}

fn plan_test(place: &Place, list: Option<&Place>, check: &Check, rt: &ResourceType) -> Planned {
    match (place, check) {
        (
            Place::Id,
            Check::Text {
                op,
                text,
                exact: true,
                ..
            },
        ) => return plan_id(*op, text),
        (Place::Modified, Check::Instant(order, instant)) => {
            return plan_modified(*order, *instant);
        }
        _ => {}
    }
    let Some(index) = index_of(place, list, rt) else {
        return Planned::SCAN;
    };
    match check {
        Check::Text {
            op, text, exact, ..
        } if index.form.is_text() => plan_text(index, *op, text, *exact),
        Check::Flag(flag) => match index.form {
            // What is absent has a key as well and may not match.
            Form::Flag(absent) => Planned {
                plan: Plan::index(&index.name, KeyRange::Equal(flag_key(*flag))),
                exact: absent != Some(*flag),
            },
            _ => Planned::SCAN,
        },
        Check::Number(order, number) if index.form == Form::Integer => {
            Planned::candidates(Plan::index(&index.name, number_range(*order, number)))
        }
        Check::Instant(order, instant) if index.form == Form::Instant => {
            let range = key_range(*order, instant_key(*instant));
            Planned::candidates(Plan::index(&index.name, range))
        }
        _ => Planned::SCAN,
    }
}

/// `not (active eq false)`: what is absent does match, and has a key if the index says
/// what it counts as.
fn plan_not_flag(place: &Place, list: Option<&Place>, flag: bool, rt: &ResourceType) -> Planned {
    match index_of(place, list, rt) {
        Some(index) if list.is_none() && index.form == Form::Flag(Some(!flag)) => {
            Planned::exact(Plan::index(&index.name, KeyRange::Equal(flag_key(!flag))))
        }
        _ => Planned::SCAN,
    }
}

fn plan_id(op: TextOp, text: &str) -> Planned {
    let key = || text.as_bytes().to_vec();
    let range = match op {
        TextOp::Order(Order::Equal) => return Planned::exact(Plan::Ids(vec![text.to_owned()])),
        TextOp::StartsWith => {
            return Planned::exact(Plan::index(BY_ID, KeyRange::Prefix(key())));
        }
        TextOp::Order(order) => key_range(order, key()),
        TextOp::Contains | TextOp::EndsWith => return Planned::SCAN,
    };
    Planned::candidates(Plan::index(BY_ID, range))
}

/// Times of change are whole milliseconds, so each comparison is one with the whole
/// milliseconds around the instant.
fn plan_modified(order: Order, instant: Timestamp) -> Planned {
    let nanos = instant.as_nanosecond();
    let floor = nanos.div_euclid(1_000_000);
    let ceiling = floor + i128::from(nanos.rem_euclid(1_000_000) != 0);
    let (from, to) = match order {
        Order::Equal if floor == ceiling => (Some(floor), Some(floor)),
        // Between two milliseconds there is nothing.
        Order::Equal => return Planned::exact(Plan::Ids(Vec::new())),
        Order::Greater => (Some(floor + 1), None),
        Order::GreaterEqual => (Some(ceiling), None),
        Order::Less => (None, Some(ceiling - 1)),
        Order::LessEqual => (None, Some(floor)),
    };
    if to.is_some_and(|to| to < 0) {
        return Planned::exact(Plan::Ids(Vec::new()));
    }
    let key = |millis: i128| {
        let millis = u64::try_from(millis.max(0)).unwrap_or(u64::MAX);
        millis.to_be_bytes().to_vec()
    };
    Planned::exact(Plan::index(
        BY_MODIFIED,
        KeyRange::Between(from.map(key), to.map(key)),
    ))
}

/// The keys at least of the values that compare so with the value of this key.
fn key_range(order: Order, key: Vec<u8>) -> KeyRange {
    match order {
        Order::Equal => KeyRange::Equal(key),
        Order::Greater | Order::GreaterEqual => KeyRange::Between(Some(key), None),
        Order::Less | Order::LessEqual => KeyRange::Between(None, Some(key)),
    }
}

/// Whole numbers compare with a fraction as with the whole number below it, which the
/// key is; only what lies above is looked for one further down.
fn number_range(order: Order, number: &Number) -> KeyRange {
    key_range(order, number_key(number))
}

fn plan_text(index: &Index, op: TextOp, text: &str, exact: bool) -> Planned {
    // Keys of a form that folds cannot answer by case, but hold every such match;
    // the text is folded already unless case counts.
    let same_case = exact == (index.form == Form::Exact);
    let folded;
    let text = if exact && index.form != Form::Exact {
        folded = fold(text);
        folded.as_str()
    } else if same_case {
        text
    } else {
        // Keys by case do not hold what compares without.
        return Planned::SCAN;
    };
    let text = match index.form {
        Form::Login => text.trim(),
        _ => text,
    };
    // Blank values have no key.
    if text.is_empty() {
        return Planned::SCAN;
    }
    let range = match op {
        TextOp::Order(Order::Equal) => KeyRange::Equal(key_bytes(text)),
        TextOp::StartsWith => KeyRange::Prefix(cut(text)),
        TextOp::Contains | TextOp::EndsWith => return plan_part(index, text),
        TextOp::Order(order) => text_range(order, text),
    };
    let exact = match op {
        // A key of this length may be a hash that the text was made to equal.
        TextOp::Order(Order::Equal) => same_case && text.len() < MAX_KEY,
        TextOp::StartsWith => same_case && text.len() <= CUT,
        _ => false,
    };
    Planned {
        plan: Plan::index(&index.name, range),
        exact,
    }
}

/// A part of a text is looked for in the keys, and in the values that are longer than
/// their keys.
fn plan_part(index: &Index, text: &str) -> Planned {
    if text.len() > CUT {
        return Planned::candidates(Plan::index(
            &index.cut_name(),
            KeyRange::Equal(flag_key(true)),
        ));
    }
    Planned::candidates(Plan::Union(vec![
        Plan::index(&index.name, KeyRange::Contains(text.as_bytes().to_vec())),
        Plan::index(&index.cut_name(), KeyRange::Equal(flag_key(true))),
    ]))
}

/// Long keys end in a hash: past where that begins they have no order.
fn text_range(order: Order, text: &str) -> KeyRange {
    match order {
        Order::Equal => KeyRange::Equal(key_bytes(text)),
        Order::Greater | Order::GreaterEqual => KeyRange::Between(Some(cut(text)), None),
        Order::Less | Order::LessEqual if text.len() <= CUT => {
            KeyRange::Between(None, Some(text.as_bytes().to_vec()))
        }
        Order::Less | Order::LessEqual => KeyRange::Between(None, None),
    }
}

/// A long key ends in a hash, so a prefix says nothing past where that begins.
fn cut(text: &str) -> Vec<u8> {
    text.bytes().take(CUT).collect()
}

fn index_of<'r>(place: &Place, list: Option<&Place>, rt: &'r ResourceType) -> Option<&'r Index> {
    rt.indexes.iter().find(|index| covers(index, place, list))
}

fn covers(index: &Index, place: &Place, list: Option<&Place>) -> bool {
    let (extension, attribute, sub) = match (place, list) {
        (
            Place::Document {
                extension,
                attribute,
                sub,
            },
            _,
        ) => (extension, attribute, sub),
        (
            Place::Element(sub),
            Some(Place::Document {
                extension,
                attribute,
                sub: None,
            }),
        ) => (extension, attribute, sub),
        _ => return false,
    };
    *extension == index.extension && *attribute == index.attribute && *sub == index.sub
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
