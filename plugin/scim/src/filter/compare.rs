//! One comparison against one attribute: the operator and the value must suit its
//! type (RFC 7644 section 3.4.2.2).

use super::ast::{CompareOp, Condition, Literal};
use super::expr::{Check, Expr, Order, Place, TextOp};
use crate::config::Dialect;
use crate::error::{ScimError, quoted};
use crate::fold::fold;
use crate::resource::{AttrPath, Rule, parse_boolean};
use crate::schema::{Attribute, Type};

/// Resolves a condition on the value at a place.
pub(crate) fn compare(
    place: Place,
    attribute: &Attribute,
    path: &AttrPath,
    condition: &Condition,
    dialect: Dialect,
) -> Result<Expr, ScimError> {
    let (op, literal) = match condition {
        Condition::Present => return Ok(Expr::Test(place, Check::Present)),
        Condition::Compare(op, literal) => (*op, literal),
    };
    // RFC 7643 2.5: null is the same as absent.
    if *literal == Literal::Null {
        let present = Expr::Test(place, Check::Present);
        return match op {
            CompareOp::Eq => Ok(present.negated()),
            CompareOp::Ne => Ok(present),
            _ => Err(unsuited_op(path, op, "null")),
        };
    }
    // We take the stance that `ne` is the opposite of `eq`, so that it matches what
    // is absent and lists without such an element: then `a ne b` and `not (a eq b)`
    // never differ.
    let (negate, op) = match op {
        CompareOp::Ne => (true, CompareOp::Eq),
        other => (false, other),
    };
    let test = Expr::Test(place, check(attribute, path, op, literal, dialect)?);
    Ok(if negate { test.negated() } else { test })
}

fn check(
    attribute: &Attribute,
    path: &AttrPath,
    op: CompareOp,
    literal: &Literal,
    dialect: Dialect,
) -> Result<Check, ScimError> {
    let order = Order::of(op).ok_or(());
    let ordered = || order.map_err(|()| unsuited_op(path, op, attribute.kind.as_str()));
    let equal_only = || {
        if op == CompareOp::Eq {
            return Ok(());
        }
        // RFC 7644 3.4.2.2: gt, ge, lt, le on boolean and binary are invalidFilter.
        Err(unsuited_op(path, op, attribute.kind.as_str()))
    };
    match (attribute.kind, literal) {
        (Type::String | Type::Reference, Literal::Text(text)) => {
            Ok(text_check(op, text, attribute.case_exact))
        }
        (Type::Binary, Literal::Text(text)) => {
            equal_only()?;
            Ok(text_check(op, text, true))
        }
        (Type::Boolean, Literal::Flag(flag)) => {
            equal_only()?;
            Ok(Check::Flag(*flag))
        }
        (Type::Boolean, Literal::Text(text)) if Rule::StringBoolean.accepted(dialect) => {
            equal_only()?;
            parse_boolean(text)
                .map(Check::Flag)
                .ok_or_else(|| unsuited_value(path, "`true` or `false`", literal))
        }
        (Type::Integer | Type::Decimal, Literal::Number(number)) => {
            Ok(Check::Number(ordered()?, number.clone()))
        }
        (Type::DateTime, Literal::Text(text)) => {
            let instant = text.parse().map_err(|_| {
                ScimError::invalid_filter(format!(
                    "{} is no date and time for `{path}`; write it like `2026-01-31T08:00:00Z`",
                    quoted(text)
                ))
            })?;
            Ok(Check::Instant(ordered()?, instant))
        }
        (Type::Complex, _) => Err(ScimError::invalid_filter(format!(
            "`{path}` is an object; name a part of it such as `{path}.{}`",
            attribute
                .sub_attributes
                .first()
                .map_or("value", |sub| sub.name.as_str())
        ))),
        (Type::String | Type::Reference | Type::Binary | Type::DateTime, _) => {
            Err(unsuited_value(path, "a string in double quotes", literal))
        }
        (Type::Boolean, _) => Err(unsuited_value(path, "`true` or `false`", literal)),
        (Type::Integer | Type::Decimal, _) => Err(unsuited_value(path, "a number", literal)),
    }
}

fn text_check(op: CompareOp, text: &str, exact: bool) -> Check {
    let op = match (op, Order::of(op)) {
        (_, Some(order)) => TextOp::Order(order),
        (CompareOp::Sw, None) => TextOp::StartsWith,
        (CompareOp::Ew, None) => TextOp::EndsWith,
        (_, None) => TextOp::Contains,
    };
    Check::Text {
        op,
        text: if exact { text.to_owned() } else { fold(text) },
        exact,
        trim: false,
    }
}

fn unsuited_op(path: &AttrPath, op: CompareOp, kind: &str) -> ScimError {
    ScimError::invalid_filter(format!(
        "`{}` does not go with `{path}`, which is compared as {kind}",
        op.as_str()
    ))
}

fn unsuited_value(path: &AttrPath, expected: &str, literal: &Literal) -> ScimError {
    ScimError::invalid_filter(format!(
        "`{path}` is compared with {expected}, not {}",
        literal.kind_name()
    ))
}
