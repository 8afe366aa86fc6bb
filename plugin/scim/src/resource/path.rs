//! Attribute paths (RFC 7644 figure 1, `attrPath`): `userName`, `name.givenName`,
//! `urn:…:2.0:User:manager.value`. Purely textual; what a path names is the
//! registry's business.

use crate::error::quoted;
use std::fmt;
use thiserror::Error;

/// A path that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PathError(pub String);

/// A parsed path, in the case it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttrPath {
    /// The schema's URN.
    pub schema: Option<String>,
    /// The attribute.
    pub attr: String,
    /// The sub-attribute.
    pub sub: Option<String>,
}

impl AttrPath {
    /// Reads a path. Everything up to the last colon is the URN, which may itself
    /// hold dots.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (schema, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) => {
                if !is_urn(urn) {
                    return Err(PathError(format!("{} is not a schema URN", quoted(urn))));
                }
                (Some(urn), rest)
            }
            None => (None, text),
        };
        let (attr, sub) = match rest.split_once('.') {
            Some((attr, sub)) => (attr, Some(sub)),
            None => (rest, None),
        };
        for name in std::iter::once(attr).chain(sub) {
            if !is_name(name) {
                return Err(PathError(format!(
                    "{} is not an attribute name in {}",
                    quoted(name),
                    quoted(text)
                )));
            }
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            attr: attr.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attr)?;
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

/// May the character stand in an attribute name after its first.
pub(crate) fn is_name_char(c: char) -> bool {
    // RFC 7643 2.1: nameChar = "$" / "-" / "_" / DIGIT / ALPHA.
    c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_')
}

/// Is it an attribute name (RFC 7643 section 2.1, and `$ref`).
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.chars().all(is_name_char)
}

/// Could it be a schema's URI: `urn:` or a URL, of the characters a URI may have.
pub(crate) fn is_urn(text: &str) -> bool {
    text.contains(':')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_urn_char)
}

/// May the character stand in a schema's URI. Brackets, quotes and parentheses are
/// left out, for they end a path in a filter.
pub fn is_urn_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            ':' | '.' | '-' | '_' | '/' | '$' | '%' | '+' | '~' | '#' | '@' | '*' | '=' | '&' | '?'
        )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn path(schema: Option<&str>, attr: &str, sub: Option<&str>) -> AttrPath {
        AttrPath {
            schema: schema.map(str::to_owned),
            attr: attr.to_owned(),
            sub: sub.map(str::to_owned),
        }
    }

    #[test]
    fn paths_of_every_form_are_read() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let cases = [
            ("userName", path(None, "userName", None)),
            ("name.givenName", path(None, "name", Some("givenName"))),
            ("members.$ref", path(None, "members", Some("$ref"))),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                path(Some(urn), "department", None),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                path(Some(urn), "manager", Some("value")),
            ),
        ];
        for (text, expected) in cases {
            let parsed = AttrPath::parse(text).unwrap();
            assert_eq!(parsed, expected);
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn malformed_paths_are_refused_and_named() {
        for text in [
            "", ".", "a.", ".a", "a.b.c", "a b", "1a", "a:b", "urn:x:", "é", "a[b]",
        ] {
            let error = AttrPath::parse(text).unwrap_err();
            assert!(error.to_string().contains('`'), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(path) = AttrPath::parse(&text) {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
