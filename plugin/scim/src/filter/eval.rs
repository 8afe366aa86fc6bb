//! Whether one resource matches. The only evaluator there is: indexes narrow the
//! candidates down, but every one of them passes through here.

use super::expr::{Check, Expr, Order, Place, TextOp};
use crate::directory::Timestamp;
use crate::fold::fold;
use crate::resource::value::is_absent;
use crate::schema::index::{instant_of, whole_part};
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// What the evaluator asks about one resource.
pub trait View {
    /// The stored document.
    fn document(&self) -> &Map<String, Value>;
    /// Its id.
    fn id(&self) -> &str;
    /// When it was created.
    fn created(&self) -> Timestamp;
    /// When it was last changed.
    fn modified(&self) -> Timestamp;
    /// `meta.version` exactly as answers show it.
    fn version(&self) -> String;
    /// Does the edge exist: for a group to the member `id`, for a user from the group
    /// `id`. Asked only for ids of [`Expr::membership_atoms`].
    fn has_edge(&self, id: &str) -> bool;
    /// How many members a group has.
    fn member_count(&self) -> u64;
}

impl Expr {
    /// Does the resource match.
    pub fn matches(&self, view: &dyn View) -> bool {
        self.holds(Scope::Resource(view))
    }

    /// Does an element match, if this is the expression of a value path's brackets.
    pub fn matches_element(&self, element: &Value) -> bool {
        self.holds(Scope::Element(element))
    }

    fn holds(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::And(list) => list.iter().all(|expr| expr.holds(scope)),
            Self::Or(list) => list.iter().any(|expr| expr.holds(scope)),
            Self::Not(inner) => !inner.holds(scope),
            Self::Test(place, check) => scope.any_value(place, &|value| check.holds(value)),
            // RFC 7644 3.4.2.2: the same element has to satisfy the whole bracket.
            Self::Any(place, inner) => {
                scope.any_value(place, &|element| inner.holds(Scope::Element(element)))
            }
            Self::Edge(id) => scope.resource().is_some_and(|view| view.has_edge(id)),
            Self::HasMembers => scope.resource().is_some_and(|view| view.member_count() > 0),
        }
    }
}

/// What names are looked up in.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a dyn View),
    Element(&'a Value),
}

impl<'a> Scope<'a> {
    fn resource(self) -> Option<&'a dyn View> {
        match self {
            Self::Resource(view) => Some(view),
            Self::Element(_) => None,
        }
    }

    /// Does any value at the place, each element of a list on its own, pass.
    fn any_value(self, place: &Place, passes: &dyn Fn(&Value) -> bool) -> bool {
        let view = match (self, place) {
            (Self::Element(element), Place::Element(None)) => return each(element, passes),
            (Self::Element(element), Place::Element(Some(sub))) => {
                return element.get(sub).is_some_and(|value| each(value, passes));
            }
            (Self::Resource(view), _) => view,
            // The resolver never asks the resource from inside brackets.
            (Self::Element(_), _) => return false,
        };
        match place {
            Place::Document {
                extension,
                attribute,
                sub,
            } => {
                let map = match extension {
                    None => Some(view.document()),
                    Some(urn) => view.document().get(urn).and_then(Value::as_object),
                };
                let Some(value) = map.and_then(|map| map.get(attribute)) else {
                    return false;
                };
                match sub {
                    None => each(value, passes),
                    Some(sub) => each(value, &|element| {
                        element.get(sub).is_some_and(|value| each(value, passes))
                    }),
                }
            }
            Place::Id => passes(&view.id().into()),
            Place::Created => passes(&view.created().into()),
            Place::Modified => passes(&view.modified().into()),
            Place::Version => passes(&view.version().into()),
            Place::Element(_) => false,
        }
    }
}

fn each(value: &Value, passes: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(passes),
        value => passes(value),
    }
}

impl Check {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            // RFC 7644 table 3, pr: a non-empty or non-null value; for a complex one
            // a non-empty node.
            (Self::Present, Value::String(text)) => !text.is_empty(),
            (Self::Present, value) => !is_absent(value),
            (
                Self::Text {
                    op,
                    text,
                    exact,
                    trim,
                },
                Value::String(got),
            ) => text_holds(*op, text, *exact, if *trim { got.trim() } else { got }),
            (Self::Flag(flag), Value::Bool(got)) => flag == got,
            (Self::Number(order, number), Value::Number(got)) => {
                compare_numbers(got, number).is_some_and(|ordering| order.accepts(ordering))
            }
            (Self::Instant(order, instant), value) => {
                instant_of(value).is_some_and(|got| order.accepts(got.cmp(instant)))
            }
            _ => false,
        }
    }
}

fn text_holds(op: TextOp, want: &str, exact: bool, got: &str) -> bool {
    if exact {
        return compare_text(op, want, got);
    }
    // The common case without allocating: for ASCII, folding is lower case.
    if got.is_ascii() && op == TextOp::Order(Order::Equal) {
        return got.eq_ignore_ascii_case(want);
    }
    compare_text(op, want, &fold(got))
}

fn compare_text(op: TextOp, want: &str, got: &str) -> bool {
    match op {
        TextOp::Order(order) => order.accepts(got.cmp(want)),
        TextOp::Contains => got.contains(want),
        TextOp::StartsWith => got.starts_with(want),
        TextOp::EndsWith => got.ends_with(want),
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        // Not every whole number is a float, so the fraction goes and not the number.
        _ => Some(whole_part(a).cmp(&whole_part(b))),
    }
}

#[cfg(test)]
#[path = "eval_tests.rs"]
mod tests;
