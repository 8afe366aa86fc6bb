//! What a request says besides its method: path segments, query parameters,
//! conditional headers and the body as JSON. Everything here is hostile text; each
//! part is decoded exactly once.
//!
//! This module must not know what a user or a group is.

use percent_encoding::percent_decode;

use crate::config::Dialect;
use crate::error::{ScimError, ScimType, quoted};
use crate::http::Request;
use crate::resource::{Notes, Rule};

/// The decoded segments of a path relative to the SCIM base; none if a segment is
/// not UTF-8. Empty segments are passed over: a base URL entered with a trailing
/// slash makes clients ask for `//Users`.
pub fn segments(path: &str) -> Option<Vec<String>> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode(segment.as_bytes()).decode_utf8().ok()?;
            Some(decoded.into_owned())
        })
        .collect()
}

/// The query parameters of RFC 7644 3.4.2 that are understood. Others, such as
/// Entra's `aadOptscim062020`, are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `filter`, decoded; none if absent or blank.
    pub filter: Option<String>,
    /// `sortBy`, decoded; none if absent or blank.
    pub sort_by: Option<String>,
    /// `sortOrder`, decoded; none if absent or blank.
    pub sort_order: Option<String>,
    /// `startIndex`, from 1; smaller values are 1 (RFC 7644 3.4.2.4); none if absent.
    pub start_index: Option<u64>,
    /// `cursor` (RFC 9865); the empty text asks for the first page.
    pub cursor: Option<String>,
    /// `count`; none if absent; negative values are 0 (RFC 7644 3.4.2.4).
    pub count: Option<u64>,
    /// `attributes`, decoded; none if absent or blank.
    pub attributes: Option<String>,
    /// `excludedAttributes`, decoded; none if absent or blank.
    pub excluded: Option<String>,
}

impl Query {
    /// Reads an encoded query string. Names are compared without case; a parameter
    /// that is understood may be given once.
    ///
    /// # Errors
    /// `invalidValue` naming the parameter whose value cannot be read.
    pub fn parse(encoded: Option<&str>) -> Result<Self, ScimError> {
        let mut raw = Raw::default();
        for pair in encoded.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decode(name) else { continue };
            raw.set(&name, value)?;
        }
        let by_cursor = raw.cursor.is_some();
        let query = Self {
            filter: unless_blank(raw.filter),
            sort_by: unless_blank(raw.sort_by),
            sort_order: unless_blank(raw.sort_order),
            start_index: integer("startIndex", raw.start_index)?.map(|start| start.max(1)),
            cursor: raw.cursor,
            count: count(raw.count, by_cursor)?,
            attributes: unless_blank(raw.attributes),
            excluded: unless_blank(raw.excluded),
        };
        query.check()?;
        Ok(query)
    }

    /// Do the parameters go together.
    ///
    /// # Errors
    /// `invalidValue`.
    pub fn check(&self) -> Result<(), ScimError> {
        // RFC 7644 3.9: the two are mutually exclusive.
        if self.attributes.is_some() && self.excluded.is_some() {
            return Err(ScimError::invalid_value(
                "`attributes` and `excludedAttributes` exclude each other: send one of them",
            ));
        }
        // RFC 9865 2.3: each of the two asks for its own method of paging. We take the
        // stance that both at once are a mistake, for any choice surprises somebody.
        if self.cursor.is_some() && self.start_index.is_some() {
            return Err(ScimError::invalid_value(
                "`cursor` and `startIndex` exclude each other: send one of them",
            ));
        }
        Ok(())
    }
}

/// The most bytes of one parameter: a list of attributes becomes many times as large in
/// memory.
pub(crate) const MOST_TEXT: usize = 64 * 1024;

/// `invalidValue` for a parameter of more than [`MOST_TEXT`].
pub(crate) fn too_long(name: &str) -> ScimError {
    ScimError::invalid_value(format!("`{name}` is longer than {MOST_TEXT} bytes"))
}

/// Does an encoded query string hold a filter, readable or not; a blank one is none.
pub fn has_filter(encoded: Option<&str>) -> bool {
    encoded.unwrap_or_default().split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let named = decode(name).is_some_and(|name| name.eq_ignore_ascii_case("filter"));
        named && decode(value).is_none_or(|value| !value.trim().is_empty())
    })
}

/// The values as they were sent, decoded.
#[derive(Default)]
struct Raw {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    cursor: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded: Option<String>,
}

impl Raw {
    fn set(&mut self, name: &str, value: &str) -> Result<(), ScimError> {
        let (name, slot) = match name.to_ascii_lowercase().as_str() {
            "filter" => ("filter", &mut self.filter),
            "sortby" => ("sortBy", &mut self.sort_by),
            "sortorder" => ("sortOrder", &mut self.sort_order),
            "startindex" => ("startIndex", &mut self.start_index),
            "cursor" => ("cursor", &mut self.cursor),
            "count" => ("count", &mut self.count),
            "attributes" => ("attributes", &mut self.attributes),
            "excludedattributes" => ("excludedAttributes", &mut self.excluded),
            _ => return Ok(()),
        };
        if value.len() > MOST_TEXT {
            return Err(too_long(name));
        }
        let value = decode(value).ok_or_else(|| {
            ScimError::invalid_value(format!(
                "query parameter `{name}` is not form-encoded utf-8: encode `%` as `%25`"
            ))
        })?;
        if slot.as_ref().is_some_and(|first| *first != value) {
            return Err(ScimError::invalid_value(format!(
                "query parameter `{name}` is given twice"
            )));
        }
        *slot = Some(value);
        Ok(())
    }
}

/// Decodes one name or value of `application/x-www-form-urlencoded` text: `+` is a
/// space and `%2B` a plus. None for a broken escape or text that is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// `count`.
///
/// # Errors
/// `invalidValue`, by cursor `invalidCount` (RFC 9865 2.1).
pub(crate) fn count(text: Option<String>, by_cursor: bool) -> Result<Option<u64>, ScimError> {
    integer("count", text).map_err(|wrong| match by_cursor {
        true => ScimError::bad_request(ScimType::InvalidCount, wrong.detail),
        false => wrong,
    })
}

/// A whole number, negative ones as 0; one past what fits is as large as it gets.
pub(crate) fn integer(name: &str, text: Option<String>) -> Result<Option<u64>, ScimError> {
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ScimError::invalid_value(format!(
            "`{name}` has to be a whole number, not {}",
            quoted(&text)
        )));
    }
    if negative {
        return Ok(Some(0));
    }
    Ok(Some(digits.parse().unwrap_or(u64::MAX)))
}

fn unless_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The first value of a header, as text; none if absent or not UTF-8.
pub fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let (_, value) = request.headers.iter().find(|(n, _)| n == name)?;
    std::str::from_utf8(value).ok()
}

/// The versions a conditional header names (RFC 7232 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version.
    Any,
    /// These versions; tags that are none of ours are left out, they match nothing.
    Versions(Vec<u64>),
}

impl Tags {
    /// Reads `If-Match` or `If-None-Match`; none if absent or blank. Tags are
    /// compared weakly: RFC 7644 3.14 shows `If-Match` with a weak tag.
    pub fn of(request: &Request, name: &str) -> Option<Self> {
        let text = header(request, name)?.trim();
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return Some(Self::Any);
        }
        let versions = text.split(',').filter_map(|tag| {
            let tag = tag.trim();
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            let digits = opaque.strip_prefix('"')?.strip_suffix('"')?;
            digits.parse().ok()
        });
        Some(Self::Versions(versions.collect()))
    }

    /// Is this version named.
    pub fn name(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// The body as JSON text, still to be parsed.
///
/// # Errors
/// 415 for a media type that cannot be JSON; `invalidSyntax` for a blank body.
pub fn json_text<'r>(
    request: &'r Request,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<&'r [u8], ScimError> {
    media_type(request, dialect, notes)?;
    let body = request.body.as_slice();
    // RFC 8259 8.1: a byte order mark may be ignored rather than be an error.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(ScimError::invalid_syntax(
            "the request has no body: send a JSON object",
        ));
    }
    Ok(body)
}

fn media_type(request: &Request, dialect: Dialect, notes: &mut Notes) -> Result<(), ScimError> {
    let Some(text) = header(request, "content-type") else {
        return Ok(());
    };
    let media = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let lenient = Rule::MediaType.accepted(dialect);
    match media.as_str() {
        "" | "application/scim+json" | "application/json" => Ok(()),
        // Hand-written clients and proxies label JSON like this; the form type is what
        // curl sends with `-d` unless told otherwise.
        "text/json"
        | "text/plain"
        | "application/octet-stream"
        | "application/x-www-form-urlencoded"
            if lenient =>
        {
            notes.quirk(
                Rule::MediaType.code(),
                "the body is labelled neither application/scim+json nor application/json; read as JSON",
            );
            Ok(())
        }
        other if other.ends_with("+json") && lenient => {
            notes.quirk(
                Rule::MediaType.code(),
                "the body is labelled as another kind of JSON; read as JSON",
            );
            Ok(())
        }
        other => Err(ScimError::new(
            415,
            None,
            format!(
                "content type {} is not understood: send `application/scim+json`",
                quoted(other)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(Some(text)).unwrap()
    }

    #[test]
    fn a_filter_is_decoded_exactly_once() {
        let query = query("filter=userName%20eq%20%22ana%2Beu%2520x%22+and+x%20pr");
        assert_eq!(query.filter.unwrap(), "userName eq \"ana+eu%20x\" and x pr");
    }

    #[test]
    fn names_are_compared_without_case_and_unknown_ones_are_ignored() {
        let query = query("aadOptscim062020&STARTINDEX=7&Count=3&%FF=x&foo=%zz");
        assert_eq!((query.start_index, query.count), (Some(7), Some(3)));
    }

    #[test]
    fn paging_values_are_clamped_not_refused() {
        assert_eq!(query("startIndex=0&count=-5").start_index, Some(1));
        assert_eq!(query("startIndex=-3&count=-5").count, Some(0));
        assert_eq!(query("count=99999999999999999999999").count, Some(u64::MAX));
        assert_eq!(Query::parse(None).unwrap().count, None);
    }

    #[test]
    fn a_value_that_cannot_be_read_names_its_parameter() {
        for (text, name) in [
            ("startIndex=one", "startIndex"),
            ("count=1.5", "count"),
            ("count=", "count"),
            ("filter=%FF", "filter"),
            ("filter=100%", "filter"),
            ("filter=%G1", "filter"),
            ("filter=a&filter=b", "filter"),
            ("attributes=a&excludedAttributes=b", "attributes"),
            ("cursor=&startIndex=1", "cursor"),
        ] {
            let error = Query::parse(Some(text)).unwrap_err();
            assert_eq!(error.status, 400, "{text}");
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{text}");
            assert!(
                error.detail.contains(&format!("`{name}`")),
                "{text}: {}",
                error.detail
            );
        }
    }

    #[test]
    fn segments_are_decoded_once_and_stray_slashes_are_tolerated() {
        assert_eq!(segments("//Users").unwrap(), ["Users"]);
        assert_eq!(segments("/Users/a%2Fb%2525/").unwrap(), ["Users", "a/b%25"]);
        assert_eq!(segments("").unwrap(), Vec::<String>::new());
        assert_eq!(segments("/").unwrap(), Vec::<String>::new());
        assert_eq!(segments("/Users/%FF"), None);
    }

    #[test]
    fn tags_are_compared_weakly_and_foreign_ones_match_nothing() {
        let request = |value: &str| Request {
            headers: vec![("if-match".into(), value.as_bytes().to_vec())],
            ..Request::default()
        };
        let tags = Tags::of(&request("W/\"3\", \"7\", \"abc\", 1"), "if-match").unwrap();
        assert!(tags.name(3) && tags.name(7) && !tags.name(1));
        assert_eq!(Tags::of(&request("*"), "if-match"), Some(Tags::Any));
        assert_eq!(
            Tags::of(&request("abc"), "if-match"),
            Some(Tags::Versions(vec![]))
        );
        assert_eq!(Tags::of(&request(" "), "if-match"), None);
    }

    #[test]
    fn a_blank_body_is_refused_and_a_byte_order_mark_passed_over() {
        let read = |body: &[u8]| {
            let request = Request {
                body: body.to_vec(),
                ..Request::default()
            };
            json_text(&request, Dialect::Auto, &mut Notes::default()).map(<[u8]>::to_vec)
        };
        let error = read(b" \n").unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert_eq!(read("\u{feff}{}".as_bytes()).unwrap(), b"{}");
    }

    #[test]
    fn a_media_type_that_cannot_be_json_is_unsupported() {
        let read = |media: &str, strict| {
            let request = Request {
                headers: vec![("content-type".into(), media.as_bytes().to_vec())],
                body: b"{}".to_vec(),
                ..Request::default()
            };
            let dialect = if strict {
                Dialect::Strict
            } else {
                Dialect::Auto
            };
            json_text(&request, dialect, &mut Notes::default())
                .map(<[u8]>::len)
                .map_err(|e| e.status)
        };
        assert!(read("Application/SCIM+json; charset=utf-8", true).is_ok());
        assert!(read("application/json", true).is_ok());
        assert!(read("text/plain", false).is_ok());
        assert_eq!(read("text/plain", true), Err(415));
        let curl = read("application/x-www-form-urlencoded", false);
        assert!(curl.is_ok(), "what `curl -d` sends");
        assert_eq!(read("text/xml", false), Err(415));
    }
}
