//! The absolute URL of a mount as this client sees it.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, Uri, header};
use serde::Deserialize;
use thiserror::Error;

use super::{Peer, Settings};

/// A URL such as `https://mdm.example.com`, with a path if Nameplate lies below
/// one; no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// The text is no usable public URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no URL such as `https://mdm.example.com`")]
pub struct InvalidUrl(String);

impl PublicUrl {
    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = || InvalidUrl(text.to_owned());
        let trimmed = text.trim().trim_end_matches('/');
        let uri: Uri = trimmed.parse().map_err(|_| invalid())?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        if !web || !plain || uri.query().is_some() || trimmed.contains('#') {
            return Err(invalid());
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The origin (scheme and host, and the public URL's path) the client used; none if
/// no header names a valid host.
///
/// A configured URL wins. Forwarded headers count only from a trusted proxy, for
/// anybody can send them, and a `Location` on a host of the sender's choosing would
/// lead the next reader astray.
///
/// With `by_host` the host is a tenant's own, which an operator has configured: then it
/// stays, and the configured URL says the scheme alone.
pub fn origin(
    settings: &Settings,
    peer: Peer,
    uri: &Uri,
    headers: &HeaderMap,
    by_host: bool,
) -> Option<String> {
    let public = settings.public_url.as_ref().map(PublicUrl::as_str);
    if let (Some(url), false) = (public, by_host) {
        return Some(url.to_owned());
    }
    let forwarded = forwarded(settings, peer, headers, &FORWARDED_PROTO);
    let public_scheme = public.and_then(|url| url.split_once("://"));
    let own_scheme = if peer.tls || uri.scheme() == Some(&Scheme::HTTPS) {
        "https"
    } else {
        "http"
    };
    let scheme = match public_scheme.map(|(scheme, _)| scheme).or(forwarded) {
        Some(text) if text.eq_ignore_ascii_case("https") => "https",
        Some(text) if text.eq_ignore_ascii_case("http") => "http",
        _ => own_scheme,
    };
    let authority = authority(settings, peer, uri, headers)?;
    Some(format!("{scheme}://{authority}"))
}

/// The host that the client asked, in lower case, without port and without a dot at the
/// end; none if no header names a valid one.
pub fn host(settings: &Settings, peer: Peer, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority: Authority = authority(settings, peer, uri, headers)?.parse().ok()?;
    let host = authority.host().trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_owned())
}

fn authority(settings: &Settings, peer: Peer, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    forwarded(settings, peer, headers, &FORWARDED_HOST)
        .and_then(valid_host)
        // RFC 9112 3.2.2: an absolute request target overrides `Host`; HTTP/2 has
        // the host there alone.
        .or_else(|| uri.authority().and_then(|found| valid_host(found.as_str())))
        .or_else(|| {
            let host = headers.get(header::HOST)?.to_str().ok()?;
            valid_host(host)
        })
}

/// What a proxy that is trusted says of its client.
fn forwarded<'a>(
    settings: &Settings,
    peer: Peer,
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Option<&'a str> {
    let trusted = settings.trusts(peer);
    trusted.then(|| last(headers, name)).flatten()
}

/// The last element: the one the nearest proxy, which is the trusted one, wrote.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?;
    value.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// A host with an optional port and nothing else.
fn valid_host(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    let fine = !authority.host().is_empty()
        && !text.contains('@')
        && authority
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte));
    fine.then(|| authority.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn plain() -> Uri {
        "/scim/v2/Users".parse().unwrap()
    }

    fn from(ip: &str) -> Peer {
        Peer {
            ip: Some(ip.parse().unwrap()),
            tls: false,
        }
    }

    fn behind_proxy() -> Settings {
        Settings {
            public_url: None,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        }
    }

    #[test]
    fn a_configured_url_wins_over_every_header() {
        let settings = Settings {
            public_url: Some("https://mdm.example.com/np/".parse().unwrap()),
            ..behind_proxy()
        };
        let headers = headers(&[
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
        ]);
        let found = origin(&settings, from("10.0.0.1"), &plain(), &headers, false);
        assert_eq!(found.unwrap(), "https://mdm.example.com/np");
    }

    #[test]
    fn a_tenants_own_host_stays_and_takes_the_configured_scheme() {
        let settings = Settings {
            public_url: Some("https://mdm.example.com/np".parse().unwrap()),
            ..Settings::default()
        };
        let headers = headers(&[("host", "Acme.example.com.:8443")]);
        let peer = Peer::default();
        let found = origin(&settings, peer, &plain(), &headers, true);
        assert_eq!(found.unwrap(), "https://acme.example.com.:8443");
        let found = host(&settings, peer, &plain(), &headers);
        assert_eq!(found.unwrap(), "acme.example.com");
    }

    #[test]
    fn the_host_header_and_the_listeners_scheme_are_the_fallback() {
        let host = headers(&[("host", "MDM.example.com:8443")]);
        let mut peer = from("192.0.2.1");
        let none = Settings::default();
        let found = origin(&none, peer, &plain(), &host, false);
        assert_eq!(found.unwrap(), "http://mdm.example.com:8443");
        peer.tls = true;
        let found = origin(&none, peer, &plain(), &host, false);
        assert_eq!(found.unwrap(), "https://mdm.example.com:8443");
    }

    #[test]
    fn forwarded_headers_count_from_a_trusted_proxy_alone() {
        let sent = headers(&[
            ("host", "inner:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example, mdm.example.com"),
        ]);
        let settings = behind_proxy();
        let found = origin(&settings, from("10.1.2.3"), &plain(), &sent, false);
        assert_eq!(found.unwrap(), "https://mdm.example.com");
        let found = origin(&settings, from("192.0.2.1"), &plain(), &sent, false);
        assert_eq!(found.unwrap(), "http://inner:8080");
        let found = origin(
            &Settings::default(),
            from("10.1.2.3"),
            &plain(),
            &sent,
            false,
        );
        assert_eq!(found.unwrap(), "http://inner:8080");
        let found = origin(&settings, Peer::default(), &plain(), &sent, false);
        assert_eq!(found.unwrap(), "http://inner:8080");
    }

    #[test]
    fn a_host_that_is_none_makes_no_url() {
        for host in ["", "a/b", "user@host", "a b", "<script>"] {
            let found = origin(
                &Settings::default(),
                Peer::default(),
                &plain(),
                &headers(&[("host", host)]),
                false,
            );
            assert_eq!(found, None, "{host}");
        }
        let found = origin(
            &Settings::default(),
            Peer::default(),
            &plain(),
            &HeaderMap::new(),
            false,
        );
        assert_eq!(found, None);
    }

    #[test]
    fn an_absolute_request_target_names_the_host() {
        let uri: Uri = "https://mdm.example.com/scim/v2/Users".parse().unwrap();
        let found = origin(
            &Settings::default(),
            Peer::default(),
            &uri,
            &HeaderMap::new(),
            false,
        );
        assert_eq!(found.unwrap(), "https://mdm.example.com");
    }

    #[test]
    fn a_public_url_is_a_web_address_without_query_or_credentials() {
        for text in [
            "mdm.example.com",
            "ftp://a",
            "https://",
            "https://u:p@a",
            "https://a/?b",
            "https://a#b",
            "/a",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
