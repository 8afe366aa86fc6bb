//! Which index narrows a filter down. An index only ever yields candidates; the whole
//! filter is evaluated on each, unless the plan is exact.
//!
//! This module must not know which attributes have an index.

use jiff::Timestamp;
use serde_json::Number;

use super::expr::{Check, Expr, Order, Place, TextOp};
use crate::directory::{BY_ID, BY_MODIFIED, KeyRange, Kind};
use crate::fold::{MAX_KEY, key_bytes};
use crate::schema::ResourceType;
use crate::schema::index::{Form, Index, cut_key, flag_key, ordered, whole_key, whole_part};

/// The bytes of a long key before its hash, see [`key_bytes`].
const CUT: usize = MAX_KEY - 32;

/// How to find candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// These documents at most; they need not exist, nor be ids.
    Ids(Vec<String>),
    /// The documents of one index range.
    Index {
        /// Which index.
        index: String,
        /// Which part.
        range: KeyRange,
    },
    /// The groups this document is a member of itself. A store names 10,000 of them at
    /// most.
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
    /// Each candidate that exists matches, so none has to be looked at.
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

    /// Every document matches.
    const EVERYTHING: Self = Self {
        plan: Plan::Scan,
        exact: true,
    };

    /// No document matches.
    const NOTHING: Self = Self {
        plan: Plan::Ids(Vec::new()),
        exact: true,
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
                range: KeyRange::Between(Some(_), Some(_)),
                ..
            } => 2000,
            // The whole index is walked, and few of its entries are candidates.
            Self::Index {
                range: KeyRange::Contains(_),
                ..
            } => 5000,
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

/// `list` is the attribute whose brackets the expression stands in: then it is about one
/// element, and the plan finds documents with such an element.
fn plan_in(expr: &Expr, rt: &ResourceType, list: Option<&Place>) -> Planned {
    match expr {
        Expr::And(parts) => all_of(parts.iter().map(|part| plan_in(part, rt, list))),
        Expr::Or(parts) => any_of(parts.iter().map(|part| plan_in(part, rt, list))),
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
            inner => opposite(&plan_in(inner, rt, list)),
        },
        Expr::Edge(id) => Planned::exact(match rt.kind {
            Kind::Group => Plan::GroupsOf(id.clone()),
            Kind::User => Plan::UsersIn(id.clone()),
        }),
        Expr::HasMembers => Planned::SCAN,
    }
}

/// The opposite of a range is as good as all.
fn opposite(planned: &Planned) -> Planned {
    if *planned == Planned::EVERYTHING {
        Planned::NOTHING
    } else if *planned == Planned::NOTHING {
        Planned::EVERYTHING
    } else {
        Planned::SCAN
    }
}

/// What all of these find: the cheapest of them, exact if it is the only one.
fn all_of(plans: impl Iterator<Item = Planned>) -> Planned {
    let mut rest: Vec<Planned> = Vec::new();
    for planned in plans.filter(|planned| *planned != Planned::EVERYTHING) {
        let known = rest
            .iter_mut()
            .find_map(|known| overlap(known, &planned).map(|both| (known, both)));
        match known {
            Some((known, both)) => *known = both,
            None => rest.push(planned),
        }
    }
    let alone = rest.len() == 1;
    match rest.into_iter().min_by_key(|planned| planned.plan.cost()) {
        None => Planned::EVERYTHING,
        Some(best) if alone || best == Planned::NOTHING => best,
        Some(best) => Planned::candidates(best.plan),
    }
}

/// Two ranges of a reserved index as one. Elsewhere a document may have several keys,
/// one in each range and none in both.
fn overlap(a: &Planned, b: &Planned) -> Option<Planned> {
    let (index, a_from, a_to) = reserved_range(a)?;
    let (_, b_from, b_to) = reserved_range(b).filter(|(same, ..)| *same == index)?;
    let from = a_from.max(b_from).clone();
    // None is open, and the least of all.
    let to = match (a_to, b_to) {
        (Some(a), Some(b)) => Some(a.min(b).clone()),
        (a, b) => a.clone().or_else(|| b.clone()),
    };
    if from.is_some() && to.is_some() && from > to {
        return Some(Planned::NOTHING);
    }
    Some(Planned {
        plan: Plan::index(index, KeyRange::Between(from, to)),
        exact: a.exact && b.exact,
    })
}

type Bound = Option<Vec<u8>>;

fn reserved_range(planned: &Planned) -> Option<(&str, &Bound, &Bound)> {
    match &planned.plan {
        Plan::Index {
            index,
            range: KeyRange::Between(from, to),
        } if index.starts_with('@') => Some((index, from, to)),
        _ => None,
    }
}

/// What any of these finds.
fn any_of(plans: impl Iterator<Item = Planned>) -> Planned {
    let mut ids = Vec::new();
    let mut rest: Vec<Plan> = Vec::new();
    let mut exact = true;
    let mut scan = false;
    for planned in plans {
        if planned == Planned::EVERYTHING {
            return planned;
        }
        exact &= planned.exact;
        let parts = match planned.plan {
            Plan::Union(parts) => parts,
            plan => vec![plan],
        };
        for part in parts {
            match part {
                Plan::Scan => scan = true,
                Plan::Ids(more) => ids.extend(more),
                part if rest.contains(&part) => {}
                part => rest.push(part),
            }
        }
    }
    if scan {
        return Planned::SCAN;
    }
    ids.sort();
    ids.dedup();
    if !ids.is_empty() || rest.is_empty() {
        rest.push(Plan::Ids(ids));
    }
    let plan = match rest.pop() {
        Some(only) if rest.is_empty() => only,
        last => {
            rest.extend(last);
            Plan::Union(rest)
        }
    };
    Planned { plan, exact }
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
    match (check, index.form) {
        (
            Check::Text {
                op, text, exact, ..
            },
            Form::Exact | Form::Folded | Form::Login,
        ) if *exact == (index.form == Form::Exact) => plan_text(index, *op, text),
        // What is absent has a key as well and may not match.
        (Check::Flag(flag), Form::Flag(absent)) => Planned {
            plan: Plan::index(&index.name, KeyRange::Equal(flag_key(*flag))),
            exact: absent != Some(*flag),
        },
        (Check::Number(order, number), Form::Integer) => Planned {
            plan: Plan::index(&index.name, number_range(*order, number)),
            exact: number.as_i128().is_some(),
        },
        (Check::Instant(order, instant), Form::Instant) => {
            let range = instant_range(*order, instant.as_nanosecond());
            Planned::exact(Plan::index(&index.name, range))
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

/// Ids are shorter than any key is cut at, and a store finds no parts in them.
fn plan_id(op: TextOp, text: &str) -> Planned {
    match op {
        TextOp::Order(Order::Equal) => Planned::exact(Plan::Ids(vec![text.to_owned()])),
        TextOp::Order(order) => text_range(BY_ID, order, text),
        _ if text.is_empty() => Planned::EVERYTHING,
        _ if text.len() > CUT => Planned::NOTHING,
        TextOp::StartsWith => {
            let prefix = KeyRange::Prefix(text.as_bytes().to_vec());
            Planned::exact(Plan::index(BY_ID, prefix))
        }
        TextOp::Contains | TextOp::EndsWith => Planned::SCAN,
    }
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
        Order::Equal => return Planned::NOTHING,
        Order::Greater => (Some(floor + 1), None),
        Order::GreaterEqual => (Some(ceiling), None),
        Order::Less => (None, Some(ceiling - 1)),
        Order::LessEqual => (None, Some(floor)),
    };
    if to.is_some_and(|to| to < 0) {
        return Planned::NOTHING;
    }
    let key = |millis: i128| {
        let millis = u64::try_from(millis.max(0)).unwrap_or(u64::MAX);
        millis.to_be_bytes().to_vec()
    };
    let range = KeyRange::Between(from.map(key), to.map(key));
    Planned::exact(Plan::index(BY_MODIFIED, range))
}

/// Exactly the keys of what compares so with a whole number, and at least those of what
/// compares so with a fraction: all fractions between two whole numbers share a key.
fn number_range(order: Order, number: &Number) -> KeyRange {
    let (whole, fraction) = whole_part(number);
    match order {
        Order::Equal => KeyRange::Equal(whole_key(whole, fraction)),
        Order::Greater => KeyRange::Between(Some(whole_key(whole, true)), None),
        Order::GreaterEqual => KeyRange::Between(Some(whole_key(whole, fraction)), None),
        Order::Less if fraction => KeyRange::Between(None, Some(whole_key(whole, true))),
        Order::Less => {
            let below = whole.saturating_sub(1);
            KeyRange::Between(None, Some(whole_key(below, true)))
        }
        Order::LessEqual => KeyRange::Between(None, Some(whole_key(whole, fraction))),
    }
}

fn instant_range(order: Order, nanos: i128) -> KeyRange {
    match order {
        Order::Equal => KeyRange::Equal(ordered(nanos)),
        Order::Greater => KeyRange::Between(Some(ordered(nanos + 1)), None),
        Order::GreaterEqual => KeyRange::Between(Some(ordered(nanos)), None),
        Order::Less => KeyRange::Between(None, Some(ordered(nanos - 1))),
        Order::LessEqual => KeyRange::Between(None, Some(ordered(nanos))),
    }
}

/// `text` is as keys are: folded, and trimmed if it is a login.
fn plan_text(index: &Index, op: TextOp, text: &str) -> Planned {
    // A blank login has no key.
    if text.is_empty() && index.form == Form::Login {
        return Planned::SCAN;
    }
    match op {
        TextOp::Order(Order::Equal) => Planned {
            plan: Plan::index(&index.name, KeyRange::Equal(key_bytes(text))),
            // A key of this length may be a hash that the text was made to equal.
            exact: text.len() < MAX_KEY,
        },
        TextOp::Order(order) => text_range(&index.name, order, text),
        _ if text.is_empty() => {
            Planned::exact(Plan::index(&index.name, KeyRange::Between(None, None)))
        }
        TextOp::StartsWith => Planned {
            plan: Plan::index(&index.name, KeyRange::Prefix(cut(text))),
            exact: text.len() <= CUT,
        },
        TextOp::Contains | TextOp::EndsWith => plan_part(index, text),
    }
}

/// A part of a text is looked for in the keys, and in the values that are longer than
/// their keys.
fn plan_part(index: &Index, text: &str) -> Planned {
    let long = Plan::index(&index.cut_name(), KeyRange::Equal(cut_key()));
    Planned::candidates(match text.len() {
        0..=MAX_KEY => {
            let within = KeyRange::Contains(text.as_bytes().to_vec());
            Plan::Union(vec![Plan::index(&index.name, within), long])
        }
        _ => long,
    })
}

/// Exact as long as the text is shorter than what is cut off long keys, for then they
/// compare with it as the values do. Keys have no predecessor, so what is `lt` is walked
/// as what is `le`.
fn text_range(index: &str, order: Order, text: &str) -> Planned {
    let fits = text.len() <= CUT;
    let mut key = cut(text);
    let (range, exact) = match order {
        Order::Equal => (KeyRange::Equal(key_bytes(text)), false),
        Order::GreaterEqual => (KeyRange::Between(Some(key), None), fits),
        Order::Greater => {
            if fits {
                // The next larger text there can be.
                key.push(0);
            }
            (KeyRange::Between(Some(key), None), fits)
        }
        Order::Less | Order::LessEqual => {
            if !fits {
                // No key with this beginning is larger.
                key.resize(MAX_KEY, 0xff);
            }
            let exact = fits && order == Order::LessEqual;
            (KeyRange::Between(None, Some(key)), exact)
        }
    };
    Planned {
        plan: Plan::index(index, range),
        exact,
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
#[path = "plan_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
