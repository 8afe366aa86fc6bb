//! The `Authorization` header, as clients really write it.

use http::{HeaderMap, header};

use super::jwt::Jwt;

/// What was sent, with the scheme taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented<'a> {
    /// The token's text.
    pub token: &'a str,
    /// A deviation that was accepted, in words for the request log.
    pub quirk: Option<&'static str>,
}

/// Finds the token in the headers.
///
/// RFC 7235 2.1: the scheme is compared without case. Okta's "HTTP Header" field is
/// filled by hand, so a bare token and a doubled scheme arrive too; both are
/// unmistakable and accepted with a note.
pub fn presented(headers: &HeaderMap) -> Option<Presented<'_>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    // Two different credentials cannot both be meant.
    if values.next().is_some() {
        return None;
    }
    let mut token = value.to_str().ok()?.trim();
    let mut schemes = 0_usize;
    while let Some(rest) = strip_bearer(token) {
        token = rest;
        schemes += 1;
        if schemes > 2 {
            return None;
        }
    }
    let quirk = match schemes {
        0 if token.starts_with("np_") || Jwt::looks_like(token) => {
            Some("an authorization header without the word `Bearer` before the token")
        }
        // Another scheme, e.g. `Basic`.
        0 => return None,
        1 => None,
        _ => Some("a doubled `Bearer` in the authorization header"),
    };
    (!token.is_empty()).then_some(Presented { token, quirk })
}

fn strip_bearer(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("bearer".len())?;
    (scheme.eq_ignore_ascii_case("bearer") && rest.starts_with([' ', '\t'])).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http::HeaderValue;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn the_scheme_may_be_in_any_case_with_any_blanks() {
        for value in [
            "Bearer np_x",
            "bearer np_x",
            "BEARER  \tnp_x",
            " Bearer np_x ",
        ] {
            let headers = headers(value);
            let found = presented(&headers).unwrap();
            assert_eq!((found.token, found.quirk), ("np_x", None), "{value}");
        }
    }

    #[test]
    fn a_bare_token_and_a_doubled_scheme_are_accepted_with_a_note() {
        for value in ["np_x", "Bearer Bearer np_x", "bearer Bearer np_x"] {
            let headers = headers(value);
            let found = presented(&headers).unwrap();
            assert_eq!(found.token, "np_x", "{value}");
            assert!(found.quirk.is_some(), "{value}");
        }
    }

    #[test]
    fn other_schemes_empty_tokens_and_two_headers_are_no_token() {
        for value in [
            "Basic bnA6eA==",
            "",
            "Bearer",
            "Bearer ",
            "Bearer Bearer Bearer np_x",
        ] {
            assert_eq!(presented(&headers(value)), None, "{value}");
        }
        assert_eq!(presented(&HeaderMap::new()), None);
        let mut two = headers("Bearer np_x");
        two.append(
            header::AUTHORIZATION,
            HeaderValue::from_static("Bearer np_y"),
        );
        assert_eq!(presented(&two), None);
    }
}
