//! One request on its way through the interface: its id, where it came from, which
//! tenants its address binds it to, and what is to be told of it afterwards.
//!
//! What each route does, and who may, is said elsewhere; here is what holds for all.

use std::fmt;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;
use nameplate_store::{ConnectionId, LogNote, TenantId, Timestamp};
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::{Peer, Settings};
use crate::clock::Sources;
use crate::metrics::{Family, MethodClass};
use crate::request_log::LogCaller;
use crate::request_log::record::Kept;

/// Carries [`RequestId`], in answers and from proxies that are trusted.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Digits of Crockford's base 32: no letter that looks like another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The longest id that is taken over from a proxy.
const MAX_ID: usize = 64;

/// What precedes the name of a tenant in a path.
const TENANT_PREFIX: &str = "/t/";

/// Names one request, here and in the log: what a client that has trouble is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Draws an id: 48 bits of time in milliseconds and 80 of chance, in 26 digits that
    /// sort by time. Without random bytes the time alone has to do: an id is no secret.
    fn draw(at: Timestamp, sources: &Sources) -> Self {
        let mut chance = [0; 10];
        if let Err(cause) = sources.random.fill(&mut chance) {
            tracing::warn!(cause, "request ids are drawn without chance");
        }
        let chance = chance
            .iter()
            .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let bits = u128::from(at) << 80 | chance;
        let digit = |place: u32| {
            let value = usize::try_from(bits >> (5 * place) & 31).unwrap_or_default();
            char::from(DIGITS.get(value).copied().unwrap_or(b'0'))
        };
        Self((0..26).rev().map(digit).collect())
    }

    /// An id that somebody else gave, if it is one that can stand in a log.
    fn given(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fine = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(plain);
        fine.then(|| Self(text.to_owned()))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the request log is to say of a request, as far as its route knows.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tenant: TenantId,
    pub(super) connection: Option<ConnectionId>,
    pub(super) caller: LogCaller,
    pub(super) notes: Vec<LogNote>,
    /// How long the plugin ran for it.
    pub(super) guest: Duration,
    /// What was sent, if it is to be kept.
    pub(super) kept: Option<Kept>,
    /// Counts for "the last request of the identity provider".
    pub(super) from_idp: bool,
}

/// A request without its body.
pub(super) struct Exchange {
    pub(super) id: RequestId,
    /// When it came in.
    pub(super) at: Timestamp,
    pub(super) started: Instant,
    pub(super) peer: Peer,
    pub(super) parts: Parts,
    /// What precedes the path of the route: empty, or `/t/{tenant}`.
    pub(super) prefix: String,
    /// Tenants by name, each of which the token has to belong to: two different ones
    /// take no token at all.
    pub(super) bound: Vec<String>,
    /// One of them was named by the host of the request.
    pub(super) by_host: bool,
    /// Set by the route if the request is worth a line of the log.
    pub(super) line: Option<Line>,
}

impl Exchange {
    /// A request that has just come in. `tenant` is the one its caller wants it
    /// answered for, if a program does.
    pub(super) fn new(
        parts: Parts,
        settings: &Settings,
        tenant: Option<&str>,
        sources: &Sources,
    ) -> Self {
        let at = sources.clock.now();
        let peer = parts.extensions.get::<Peer>().copied().unwrap_or_default();
        let given = || {
            let value = parts.headers.get(REQUEST_ID)?.to_str().ok()?;
            RequestId::given(value)
        };
        let id = settings.trusts(peer).then(given).flatten();
        let mut bound: Vec<String> = tenant.map(str::to_owned).into_iter().collect();
        let prefix = prefix(parts.uri.path()).map_or_else(String::new, |name| {
            bound.push(name.to_owned());
            format!("{TENANT_PREFIX}{name}")
        });
        Self {
            id: id.unwrap_or_else(|| RequestId::draw(at, sources)),
            at,
            started: Instant::now(),
            peer,
            parts,
            prefix,
            bound,
            by_host: false,
            line: None,
        }
    }

    /// What is told while the request is answered belongs to this span. The rest of it
    /// is filled in by [`Answered::record`].
    ///
    /// [`Answered::record`]: crate::metrics::Answered::record
    pub(super) fn span(&self, family: Family) -> Span {
        tracing::info_span!(
            "request",
            request.id = self.id.as_str(),
            http.method = MethodClass::from(&self.parts.method).as_str(),
            family = family.as_str(),
            tenant = Empty,
            http.status = Empty,
            micros = Empty,
        )
    }

    /// The path of the route, still encoded.
    pub(super) fn path(&self) -> &str {
        let path = self.parts.uri.path();
        path.strip_prefix(&self.prefix).unwrap_or(path)
    }
}

/// The tenant that a path names first.
fn prefix(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(TENANT_PREFIX)?;
    let (name, _) = rest.split_once('/')?;
    // Compared as it stands, so an encoded name is none: names need no encoding.
    (!name.is_empty()).then_some(name)
}

/// What precedes the path of a route in a path as the log has it.
pub(super) fn prefix_of(path: &str) -> &str {
    let length = prefix(path).map_or(0, |name| TENANT_PREFIX.len() + name.len());
    path.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::clock::{Clock, SystemRandom};

    struct Still(Timestamp);

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn sources(at: Timestamp) -> Sources {
        Sources {
            clock: Arc::new(Still(at)),
            random: Arc::new(SystemRandom),
        }
    }

    fn exchange(request: Request<()>, settings: &Settings, tenant: Option<&str>) -> Exchange {
        Exchange::new(request.into_parts().0, settings, tenant, &sources(1))
    }

    fn get(path: &str) -> Exchange {
        let request = Request::get(path).body(()).unwrap();
        exchange(request, &Settings::default(), None)
    }

    #[test]
    fn ids_sort_by_time_and_differ_within_a_moment() {
        let early = RequestId::draw(1_000, &sources(0));
        let late = RequestId::draw(2_000, &sources(0));
        assert!(early.as_str() < late.as_str());
        assert_eq!(early.as_str().len(), 26);
        assert_ne!(early, RequestId::draw(1_000, &sources(0)));
    }

    #[test]
    fn an_id_is_taken_from_a_trusted_proxy_alone() {
        let request = |id: &str| {
            let ip = Some("10.0.0.1".parse().unwrap());
            Request::get("/")
                .header(REQUEST_ID, id)
                .extension(Peer { ip, tls: false })
                .body(())
                .unwrap()
        };
        let trusting = Settings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..Settings::default()
        };
        let id = |text: &str, settings: &Settings| exchange(request(text), settings, None).id;
        assert_eq!(id("abc-1", &trusting).as_str(), "abc-1");
        assert_ne!(id("abc-1", &Settings::default()).as_str(), "abc-1");
        for text in ["", "a b", "a\u{1b}[31m", &"x".repeat(65)] {
            let Ok(value) = http::HeaderValue::from_str(text) else {
                continue;
            };
            assert_eq!(id(value.to_str().unwrap(), &trusting).as_str().len(), 26);
        }
    }

    #[test]
    fn a_path_may_name_the_tenant_first() {
        let found = get("/t/acme/scim/v2/Users?x=1");
        assert_eq!(found.path(), "/scim/v2/Users");
        assert_eq!(
            (found.prefix.as_str(), &*found.bound),
            ("/t/acme", &["acme".to_owned()][..])
        );
        for path in [
            "/t//scim/v2",
            "/t/acme",
            "/tx/acme/scim/v2",
            "/scim/v2/t/acme/",
        ] {
            let found = get(path);
            assert_eq!((found.path(), found.bound.len()), (path, 0));
        }
    }

    #[test]
    fn a_path_and_a_program_that_name_two_tenants_bind_both() {
        let request = Request::get("/t/acme/healthz").body(()).unwrap();
        let found = exchange(request, &Settings::default(), Some("other"));
        assert_eq!(found.bound, ["other", "acme"]);
    }
}
