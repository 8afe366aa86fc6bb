//! A filter the evaluator understands: places in a resource, and checks on what is
//! found there.

use super::ast::CompareOp;
use serde_json::Number;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A filter that can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of them; true if there are none.
    And(Vec<Expr>),
    /// Any of them; false if there are none.
    Or(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// A value of the resource, or of the element at hand.
    Test(Place, Check),
    /// Some element of a list satisfies the whole expression.
    Any(Place, Box<Expr>),
    /// The group has this member, or the user is in this group.
    Edge(String),
    /// The group has any member.
    HasMembers,
}

/// Where a value is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the document.
    Document {
        /// The extension's URN.
        extension: Option<String>,
        /// In its canonical case.
        attribute: String,
        /// In its canonical case.
        sub: Option<String>,
    },
    /// The element at hand, or a sub-attribute of it.
    Element(Option<String>),
    /// The resource's id.
    Id,
    /// `meta.created`.
    Created,
    /// `meta.lastModified`.
    Modified,
    /// `meta.version`.
    Version,
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Is there any, other than empty.
    Present,
    /// Text.
    Text {
        /// How.
        op: TextOp,
        /// Folded unless case counts.
        text: String,
        /// Does case count.
        exact: bool,
        /// Does white space around the value not count; `text` has none then.
        trim: bool,
    },
    /// A boolean.
    Flag(bool),
    /// A number.
    Number(Order, Number),
    /// An instant.
    Instant(Order, jiff::Timestamp),
}

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextOp {
    /// In order, or equal.
    Order(Order),
    /// Somewhere inside.
    Contains,
    /// At the start.
    StartsWith,
    /// At the end.
    EndsWith,
}

/// How ordered values are compared. There is no `ne`: it is the opposite of `eq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Equal.
    Equal,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessEqual,
}

impl Order {
    /// Does the outcome of a comparison satisfy it.
    pub fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
        }
    }

    pub(crate) fn of(op: CompareOp) -> Option<Self> {
        match op {
            CompareOp::Eq => Some(Self::Equal),
            CompareOp::Gt => Some(Self::Greater),
            CompareOp::Ge => Some(Self::GreaterEqual),
            CompareOp::Lt => Some(Self::Less),
            CompareOp::Le => Some(Self::LessEqual),
            CompareOp::Ne | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => None,
        }
    }
}

impl Expr {
    /// The ids compared with `members` (of a group) or `groups` (of a user), each
    /// once and in order: the edges to fetch before evaluating.
    pub fn membership_atoms(&self) -> Vec<&str> {
        fn collect<'a>(expr: &'a Expr, atoms: &mut BTreeSet<&'a str>) {
            match expr {
                Expr::And(list) | Expr::Or(list) => {
                    list.iter().for_each(|expr| collect(expr, atoms));
                }
                Expr::Not(inner) | Expr::Any(_, inner) => collect(inner, atoms),
                Expr::Edge(id) => {
                    atoms.insert(id);
                }
                Expr::Test(..) | Expr::HasMembers => {}
            }
        }
        let mut atoms = BTreeSet::new();
        collect(self, &mut atoms);
        atoms.into_iter().collect()
    }

    /// The opposite; the opposite of that is the expression itself again.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// A comparison that passes over white space around both sides.
    pub(crate) fn trimmed(self) -> Self {
        match self {
            Self::Test(
                place,
                Check::Text {
                    op, text, exact, ..
                },
            ) => Self::Test(
                place,
                Check::Text {
                    op,
                    text: text.trim().to_owned(),
                    exact,
                    trim: true,
                },
            ),
            Self::Not(inner) => inner.trimmed().negated(),
            other => other,
        }
    }

    /// A comparison with a boolean for which what is absent counts as `flag`.
    pub(crate) fn with_absent(self, flag: bool) -> Self {
        match self {
            Self::Test(place, Check::Flag(wanted)) if wanted == flag => {
                Self::Test(place, Check::Flag(!flag)).negated()
            }
            Self::Not(inner) => inner.with_absent(flag).negated(),
            other => other,
        }
    }

    /// True of every resource.
    pub(crate) fn always() -> Self {
        Self::And(Vec::new())
    }
}
