//! A filter as a tree, before anything is known about the schema. Prints as a filter
//! that reads back as the same tree.

use super::parser;
use crate::error::ScimError;
use crate::resource::AttrPath;
use std::fmt;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them; two or more.
    And(Vec<Filter>),
    /// Any of them; two or more.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// An attribute against a value.
    Test(AttrPath, Condition),
    /// One element of a list against a whole filter.
    ValuePath {
        /// The list.
        path: AttrPath,
        /// What stands in the brackets.
        filter: Box<Filter>,
        /// What follows them: a sub-attribute of the same element and its test.
        tail: Option<(String, Condition)>,
    },
}

/// What is asked of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `pr`.
    Present,
    /// Everything else.
    Compare(CompareOp, Literal),
}

/// The comparing operators of RFC 7644 table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl CompareOp {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// By keyword, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|op| op.as_str().eq_ignore_ascii_case(word))
    }
}

/// A value as it is written in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// In double quotes.
    Text(String),
    /// A JSON number.
    Number(serde_json::Number),
    /// `true` or `false`.
    Flag(bool),
    /// `null`.
    Null,
}

impl Literal {
    /// What it is, for details.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::Flag(_) => "a boolean",
            Self::Null => "null",
        }
    }
}

impl Filter {
    /// Reads a filter of at most 8 KiB, 200 comparisons and 32 levels. Fails with
    /// `invalidFilter`, naming the place and what to change.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        parser::filter(text).map_err(|error| ScimError::invalid_filter(error.to_string()))
    }

    /// `grouped` says which parts need parentheses. No others have them, so that what
    /// is printed is nested no deeper than what was read.
    fn print_list(
        list: &[Self],
        word: &str,
        grouped: fn(&Self) -> bool,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for (n, filter) in list.iter().enumerate() {
            if n > 0 {
                write!(f, " {word} ")?;
            }
            if grouped(filter) {
                write!(f, "({filter})")?;
            } else {
                write!(f, "{filter}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(list) => {
                let grouped = |part: &Self| matches!(part, Self::And(_) | Self::Or(_));
                Self::print_list(list, "and", grouped, f)
            }
            // RFC 7644 3.4.2.2: `and` goes before `or`.
            Self::Or(list) => Self::print_list(list, "or", |part| matches!(part, Self::Or(_)), f),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Test(path, condition) => write!(f, "{path} {condition}"),
            Self::ValuePath { path, filter, tail } => {
                write!(f, "{path}[{filter}]")?;
                match tail {
                    Some((sub, condition)) => write!(f, ".{sub} {condition}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("pr"),
            Self::Compare(op, literal) => write!(f, "{} {literal}", op.as_str()),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Null => f.write_str("null"),
        }
    }
}
