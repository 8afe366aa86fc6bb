//! Values that differ from run to run: their form is asserted, then they are
//! replaced by a word, so that the rest can be compared whole.

use serde_json::{Value, json};

/// A form a text may have.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// RFC 3339 in UTC.
    Time,
    /// A resource's id: a UUID.
    Id,
    /// A whole number.
    Number,
    /// One line for people.
    Line,
}

/// Asserts the form of the value at `pointer` (RFC 6901) and replaces it.
#[track_caller]
pub fn redact(value: &mut Value, pointer: &str, shape: Shape) {
    let Some(found) = value.pointer_mut(pointer) else {
        panic!("nothing at `{pointer}` in {value:#}");
    };
    let fits = match shape {
        Shape::Time => found.as_str().is_some_and(is_time),
        Shape::Id => found.as_str().is_some_and(is_id),
        Shape::Number => found.is_u64(),
        Shape::Line => found
            .as_str()
            .is_some_and(|text| !text.is_empty() && !text.contains('\n')),
    };
    assert!(fits, "`{pointer}` is no {shape:?}: {found}");
    *found = match shape {
        Shape::Time => json!("[time]"),
        Shape::Id => json!("[id]"),
        Shape::Number => json!("[number]"),
        Shape::Line => json!("[line]"),
    };
}

/// `2026-03-01T09:30:00Z`, with a fraction or without.
pub fn is_time(text: &str) -> bool {
    let Some(rest) = text.strip_suffix('Z') else {
        return false;
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    whole.len() == 19
        && whole.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// A UUID in lower case.
pub fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}
