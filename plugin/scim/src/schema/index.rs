//! Which attributes have an index, and how their values become keys.
//!
//! Keys of every form keep the order of the values: where a value is larger, its key
//! is larger or equal. So a range of keys holds at least the values of a range.

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::model::{Attribute, Type};
use crate::fold::{MAX_KEY, fold, is_exact, key_bytes, login_key};

/// How a value becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text as it is.
    Exact,
    /// Text without case.
    Folded,
    /// Text trimmed and without case; its holders are tracked.
    Login,
    /// A boolean, and what an absent one counts as.
    Flag(Option<bool>),
    /// A number, as the whole number below it: 8 bytes.
    Integer,
    /// An instant, in microseconds: 8 bytes.
    Instant,
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

    /// Is the key made of a text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Exact | Self::Folded | Self::Login)
    }

    /// The key of a value; none if it has none.
    pub fn key(self, value: &Value) -> Option<Vec<u8>> {
        let key = match (self, value) {
            (Self::Exact, Value::String(text)) => key_bytes(text),
            (Self::Folded, Value::String(text)) => key_bytes(&fold(text)),
            (Self::Login, Value::String(text)) => login_key(text),
            (Self::Flag(_), Value::Bool(flag)) => flag_key(*flag),
            (Self::Integer, Value::Number(number)) => number_key(number),
            (Self::Instant, Value::String(text)) => instant_key(text.parse().ok()?),
            _ => return None,
        };
        (!key.is_empty()).then_some(key)
    }

    /// Is the value longer than its key tells. Such values are found by a key of their
    /// own where only a part of a text is asked for.
    pub fn is_cut(self, value: &Value) -> bool {
        let Value::String(text) = value else {
            return false;
        };
        match self {
            Self::Exact => !is_exact(text),
            Self::Folded => !is_exact(&fold(text)),
            Self::Login => !is_exact(&fold(text.trim())),
            Self::Flag(_) | Self::Integer | Self::Instant => false,
        }
    }
}

/// The key of a boolean.
pub fn flag_key(flag: bool) -> Vec<u8> {
    vec![b'0' + u8::from(flag)]
}

/// The key of the whole number at or below a number; past 64 bits that of the last
/// one, which keeps the order.
pub fn number_key(number: &Number) -> Vec<u8> {
    let whole = match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => whole,
        (None, Some(_)) => i64::MAX,
        // A cast of a float keeps to the bounds of the type.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the bounds of the type are what is wanted"
        )]
        (None, None) => number.as_f64().unwrap_or_default().floor() as i64,
    };
    ordered(whole)
}

/// The key of an instant.
pub fn instant_key(instant: Timestamp) -> Vec<u8> {
    let floor = instant.as_nanosecond().div_euclid(1000);
    ordered(i64::try_from(floor).unwrap_or(i64::MAX))
}

/// Bytes in the order of the numbers.
fn ordered(number: i64) -> Vec<u8> {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec()
}

/// One indexed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What the store calls it: the attribute's path, or for a long one a hash; at most
    /// 128 bytes.
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

impl Index {
    /// The index in which a value that is longer than its key has a second one.
    pub fn cut_name(&self) -> String {
        format!("{}{CUT}", self.name)
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
        let mut name = format!("{urn}:{}", path(attribute, sub));
        if name.len() + CUT.len() > MAX_NAME {
            name = hashed(&name);
        }
        Self {
            name,
            extension: Some(urn.to_owned()),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
            unique,
            form,
        }
    }
}

/// The most bytes of an index's name (`wit/user-store.wit`).
const MAX_NAME: usize = 128;

fn path(attribute: &str, sub: Option<&str>) -> String {
    match sub {
        Some(sub) => format!("{attribute}.{sub}"),
        None => attribute.to_owned(),
    }
}

/// A short name for a long text: `#` and half of its SHA-256.
pub(crate) fn hashed(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("#{hex}")
}

const _: () = assert!(MAX_KEY >= 8, "a number has to fit");

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn number(value: &Value) -> Vec<u8> {
        Form::Integer.key(value).unwrap()
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
        ];
        for (a, b) in ascending.iter().zip(ascending.iter().skip(1)) {
            assert!(number(a) <= number(b), "{a} {b}");
        }
        assert!(number(&json!(1)) < number(&json!(2)));
        assert_eq!(number(&json!(1.5)), number(&json!(1)));
    }

    #[test]
    fn instants_are_equal_in_every_zone_and_ordered() {
        let key = |text: &str| Form::Instant.key(&json!(text)).unwrap();
        assert_eq!(
            key("2026-01-31T08:00:00Z"),
            key("2026-01-31T09:00:00+01:00")
        );
        assert!(key("1969-12-31T23:59:59Z") < key("1970-01-01T00:00:00Z"));
        assert_eq!(Form::Instant.key(&json!("yesterday")), None);
    }

    #[test]
    fn a_long_name_is_hashed_to_fit() {
        let urn = format!("urn:example:{}", "x".repeat(200));
        let index = Index::extension(&urn, "a", Some("b"), Form::Exact, false);
        assert!(index.cut_name().len() <= MAX_NAME);
        let other = Index::extension(&urn, "a", Some("c"), Form::Exact, false);
        assert_ne!(index.name, other.name);
    }

    proptest! {
        #[test]
        fn the_order_of_whole_numbers_is_that_of_their_keys(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), ordered(a).cmp(&ordered(b)));
        }
    }
}
