//! Which attributes have an index, and how their values become keys.
//!
//! Keys of every form keep the order of the values: where a value is larger, its key
//! is larger or equal. So a range of keys holds at least the values of a range, and
//! exactly those as long as the keys are the values.

use jiff::Timestamp;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use super::model::{Attribute, Type};
use crate::fold::{MAX_KEY, fold, key_bytes};
use crate::hex::hex;

/// How a value becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text as it is.
    Exact,
    /// Text without case.
    Folded,
    /// Text trimmed and without case; its holders are tracked. A blank one has no key.
    Login,
    /// A boolean, and what an absent one counts as.
    Flag(Option<bool>),
    /// A number: the whole number below it and whether there is a fraction.
    Integer,
    /// An instant, in nanoseconds.
    Instant,
}

/// A key, and what it does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: Vec<u8>,
    /// Is the value longer than its key tells. Such values are found by a key of their
    /// own where only a part of a text is asked for.
    pub cut: bool,
}

impl Form {
    /// The form that suits an attribute; none for what has no order or is an object.
    pub fn of(attribute: &Attribute) -> Option<Self> {
        Some(match attribute.kind {
            Type::String | Type::Reference if attribute.case_exact => Self::Exact,
            Type::String | Type::Reference => Self::Folded,
            Type::Boolean => Self::Flag(None),
            Type::Integer => Self::Integer,
            Type::DateTime => Self::Instant,
            Type::Decimal | Type::Binary | Type::Complex => return None,
        })
    }

    /// The key of a value; none if it has none.
    pub fn keyed(self, value: &Value) -> Option<Keyed> {
        let text = |text: &str| Keyed {
            key: key_bytes(text),
            cut: text.len() > MAX_KEY,
        };
        let whole = |key: Vec<u8>| Keyed { key, cut: false };
        Some(match (self, value) {
            (Self::Exact, Value::String(value)) => text(value),
            (Self::Folded, Value::String(value)) => text(&fold(value)),
            (Self::Login, Value::String(value)) => text(
                Some(fold(value.trim()))
                    .filter(|login| !login.is_empty())?
                    .as_str(),
            ),
            (Self::Flag(_), Value::Bool(flag)) => whole(flag_key(*flag)),
            (Self::Integer, Value::Number(number)) => whole(number_key(number)),
            (Self::Instant, value) => whole(ordered(instant_of(value)?.as_nanosecond())),
            _ => return None,
        })
    }
}

/// The key of a boolean.
pub fn flag_key(flag: bool) -> Vec<u8> {
    vec![b'0' + u8::from(flag)]
}

/// The key of a value that is longer than its key tells, see [`Index::cut_name`].
pub fn cut_key() -> Vec<u8> {
    b"~".to_vec()
}

/// The key of a number: see [`whole_key`].
pub fn number_key(number: &Number) -> Vec<u8> {
    let (whole, fraction) = whole_part(number);
    whole_key(whole, fraction)
}

/// The key of a whole number, or of any number between it and the next.
pub fn whole_key(whole: i128, fraction: bool) -> Vec<u8> {
    let mut key = ordered(whole);
    key.push(u8::from(fraction));
    key
}

/// The whole number at or below a number, and whether it is below.
pub fn whole_part(number: &Number) -> (i128, bool) {
    if let Some(whole) = number.as_i128() {
        return (whole, false);
    }
    let number = number.as_f64().unwrap_or_default();
    let floor = number.floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a float keeps to the bounds of the type, which keeps the order"
    )]
    let whole = floor as i128;
    (whole, floor < number)
}

/// An RFC 3339 text, or the directory's milliseconds.
pub fn instant_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// Bytes in the order of the numbers: the key of an instant's nanoseconds.
pub fn ordered(number: i128) -> Vec<u8> {
    (number.cast_unsigned() ^ (1 << 127)).to_be_bytes().to_vec()
}

/// Bytes in the order of the numbers, which are none of NaN.
pub(crate) fn ordered_float(number: f64) -> Vec<u8> {
    // Both zeros are one number.
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    let mask = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
    (bits ^ mask).to_be_bytes().to_vec()
}

/// One indexed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What the store calls it: the attribute's path, at most [`MAX_PATH`] bytes.
    pub name: String,
    /// The extension's URN.
    pub extension: Option<String>,
    /// In its canonical case.
    pub attribute: String,
    /// In its canonical case.
    pub sub: Option<String>,
    /// No two resources of a connection may have the same value.
    pub unique: bool,
    /// How a value becomes a key.
    pub form: Form,
}

/// What the name of the index of values that are longer than their keys ends in.
const CUT: &str = "~long";
/// What the name of the index that keeps a declared attribute unique ends in.
const UNIQUE: &str = "~unique";

impl Index {
    /// The index in which a value that is longer than its key has a second one.
    pub fn cut_name(&self) -> String {
        format!("{}{CUT}", self.name)
    }

    /// The index that keeps the values of a declared attribute unique. It is one of its
    /// own because a store takes a member's id for the login of whoever has a unique key
    /// of that value: a badge with the number `ana` must not make its owner `ana`.
    pub fn unique_name(&self) -> String {
        format!("{}{UNIQUE}", self.name)
    }

    /// The key under [`Index::unique_name`]: no login begins with this byte.
    pub fn unique_key(value: &[u8]) -> Vec<u8> {
        let mut key = vec![0xff];
        key.extend_from_slice(&Sha256::digest(value));
        key
    }

    /// The attribute that the name of an index, or of one beside it, stands for.
    pub fn attribute_of(name: &str) -> &str {
        name.strip_suffix(UNIQUE).unwrap_or(name)
    }

    /// An index of the core schema.
    pub(crate) fn core(attribute: &str, sub: Option<&str>, form: Form, unique: bool) -> Self {
        Self {
            name: path(attribute, sub),
            extension: None,
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
            unique,
            form,
        }
    }

    /// An index of an extension.
    pub(crate) fn extension(
        urn: &str,
        attribute: &str,
        sub: Option<&str>,
        form: Form,
        unique: bool,
    ) -> Self {
        Self {
            name: format!("{urn}:{}", path(attribute, sub)),
            extension: Some(urn.to_owned()),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
            unique,
            form,
        }
    }
}

/// The most bytes of an indexed attribute's path: 128 (`wit/user-store.wit`) with what
/// the names of the indexes beside it end in.
pub const MAX_PATH: usize = 121;

fn path(attribute: &str, sub: Option<&str>) -> String {
    match sub {
        Some(sub) => format!("{attribute}.{sub}"),
        None => attribute.to_owned(),
    }
}

/// A short name for index rules: half of their SHA-256.
pub(crate) fn digest(rules: &str) -> String {
    let mut digits = hex(&Sha256::digest(rules.as_bytes()));
    digits.truncate(32);
    digits
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn key(form: Form, value: &Value) -> Vec<u8> {
        form.keyed(value).unwrap().key
    }

    #[test]
    fn numbers_keep_their_order_as_keys() {
        let ascending = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-2),
            json!(-1.5),
            json!(0),
            json!(1),
            json!(1.5),
            json!(2),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
        ];
        for (a, b) in ascending.iter().zip(ascending.iter().skip(1)) {
            assert!(key(Form::Integer, a) < key(Form::Integer, b), "{a} {b}");
        }
        assert_eq!(
            key(Form::Integer, &json!(2.0)),
            key(Form::Integer, &json!(2))
        );
    }

    #[test]
    fn instants_are_equal_in_every_zone_and_ordered() {
        let key = |text: &str| key(Form::Instant, &json!(text));
        assert_eq!(
            key("2026-01-31T08:00:00Z"),
            key("2026-01-31T09:00:00+01:00")
        );
        assert!(key("1969-12-31T23:59:59Z") < key("1970-01-01T00:00:00Z"));
        assert!(key("1970-01-01T00:00:00Z") < key("1970-01-01T00:00:00.000000001Z"));
        assert_eq!(Form::Instant.keyed(&json!("yesterday")), None);
    }

    #[test]
    fn a_long_text_is_cut_as_it_is_folded() {
        // Three bytes each once folded.
        let text = "\u{1e9e}".repeat(200);
        let keyed = Form::Folded.keyed(&json!(text)).unwrap();
        assert_eq!(keyed.cut, fold(&text).len() > MAX_KEY);
        let long = json!("x".repeat(MAX_KEY + 1));
        assert!(Form::Exact.keyed(&long).unwrap().cut);
        let fits = json!("x".repeat(MAX_KEY));
        assert!(!Form::Exact.keyed(&fits).unwrap().cut);
    }

    #[test]
    fn a_blank_login_has_no_key_and_an_empty_text_an_empty_one() {
        assert_eq!(Form::Login.keyed(&json!(" ")), None);
        assert_eq!(key(Form::Folded, &json!("")), b"");
    }

    #[test]
    fn the_names_beside_the_longest_path_fit() {
        let urn = "u".repeat(MAX_PATH - ":a.b".len());
        let index = Index::extension(&urn, "a", Some("b"), Form::Exact, false);
        assert_eq!(index.name.len(), MAX_PATH);
        assert!(index.cut_name().len() <= 128 && index.unique_name().len() <= 128);
    }

    proptest! {
        #[test]
        fn the_order_of_fractions_is_that_of_their_keys(
            a in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
            b in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
        ) {
            prop_assert_eq!(a.partial_cmp(&b).unwrap(), ordered_float(a).cmp(&ordered_float(b)));
        }

        #[test]
        fn the_order_of_whole_numbers_is_that_of_their_keys(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), number_key(&a.into()).cmp(&number_key(&b.into())));
        }
    }
}
