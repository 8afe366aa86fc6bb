//! What goes wrong, in the words of RFC 7644 section 3.12. Every refusal of this
//! crate is a [`ScimError`]; it holds what the client may see and nothing else, so
//! no store error, no stack and no other tenant's data ever reaches a detail.

use serde_json::{Value, json};
use thiserror::Error;

/// The schema URN of an error body.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The detail keywords of RFC 7644 table 9 and RFC 9865 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter's syntax is wrong, or the attribute and comparison do not go together.
    InvalidFilter,
    /// The filter yields more than the server is willing to look at.
    TooMany,
    /// A value is already in use.
    Uniqueness,
    /// The change is not compatible with the attribute's mutability.
    Mutability,
    /// The body is not what the request calls for.
    InvalidSyntax,
    /// A PATCH path is malformed.
    InvalidPath,
    /// A PATCH path names nothing that exists.
    NoTarget,
    /// A required value is missing, or a value does not suit its attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The cursor is none of this query (RFC 9865 2.1).
    InvalidCursor,
    /// The count of a page by cursor is no number (RFC 9865 2.1).
    InvalidCount,
    /// The request would put sensitive data in a URL.
    Sensitive,
}

impl ScimType {
    /// The keyword as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
            Self::Sensitive => "sensitive",
        }
    }
}

/// A refusal as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// The keyword of table 9, where one fits.
    pub scim_type: Option<ScimType>,
    /// One line that says what to change; user input in backticks.
    pub detail: String,
}

impl ScimError {
    /// Any status, with or without a keyword.
    pub fn new(status: u16, scim_type: Option<ScimType>, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type,
            detail: detail.into(),
        }
    }

    /// 400 with a keyword.
    pub fn bad_request(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self::new(400, Some(scim_type), detail)
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::bad_request(ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::bad_request(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::bad_request(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::bad_request(ScimType::InvalidPath, detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::bad_request(ScimType::TooMany, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, None, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, None, detail)
    }

    /// 405.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, None, detail)
    }

    /// 409 `uniqueness`.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, Some(ScimType::Uniqueness), detail)
    }

    /// 412: `If-Match` names a version that is not the current one.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, None, detail)
    }

    /// 500; the detail must be free of internals.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(500, None, detail)
    }

    /// 503: the same request may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, None, detail)
    }

    /// The body of RFC 7644 section 3.12; `status` is a string there.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_URN],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(map)) = (self.scim_type, body.as_object_mut()) {
            map.insert("scimType".to_owned(), scim_type.as_str().into());
        }
        body
    }
}

/// User input for a detail or a note: at most 80 characters on one line, without
/// backticks that would end the quotation.
pub fn quoted(input: &str) -> String {
    const MOST: usize = 80;
    let mut out = String::with_capacity(input.len().min(MOST) + 5);
    out.push('`');
    for (n, c) in input.chars().enumerate() {
        if n == MOST {
            out.push('…');
            break;
        }
        out.push(match c {
            '`' => '\'',
            c if c.is_control() => ' ',
            c => c,
        });
    }
    out.push('`');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_its_status_as_a_string_and_the_keyword() {
        let body = ScimError::conflict("`userName` is taken").to_json();
        assert_eq!(
            body,
            json!({"schemas": [ERROR_URN], "status": "409", "scimType": "uniqueness",
                   "detail": "`userName` is taken"})
        );
    }

    #[test]
    fn the_keyword_is_left_out_where_none_fits() {
        let body = ScimError::not_found("no such user").to_json();
        assert_eq!(body.get("scimType"), None);
    }

    #[test]
    fn quoted_input_stays_on_one_line_and_is_cut() {
        assert_eq!(quoted("a`b\nc"), "`a'b c`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), 83);
    }
}
