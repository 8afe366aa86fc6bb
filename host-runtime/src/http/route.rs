//! Which path means what.

use http::Method;
use nameplate_store::HostName;
use percent_encoding::percent_decode_str;

use super::events::EventRoute;
use super::mount::Mounted;
use super::personal::PersonalRoute;
use super::requests::RequestRoute;
use super::tokens::TokenRoute;
use super::transfer::TABLE;
use super::webhooks::WebhookRoute;
use crate::metrics::Family;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Is the server alive.
    Health,
    /// Can it be given requests.
    Ready,
    /// The page about the identity provider.
    Page,
    /// The page's style sheet.
    Style,
    /// To the plugin.
    Scim(Mounted),
    /// Administration.
    Admin(AdminRoute),
    /// The path exists, with these methods.
    WrongMethod(&'static str),
    /// Nothing there.
    Unknown,
}

/// Administrative routes; host ids are decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum AdminRoute {
    /// `GET …/fleet/scim/details`
    Details,
    /// `GET …/fleet/hosts/{id}`
    FleetHost(String),
    /// `GET …/fleet/hosts/{id}/device_mapping`
    Mapping(String),
    /// `PUT …/fleet/hosts/{id}/device_mapping`
    SetMapping(String),
    /// `DELETE …/fleet/hosts/{id}/device_mapping/idp`
    DropMapping(String),
    /// `GET /api/v1/hosts`
    Hosts,
    /// `POST /api/v1/hosts`
    PutHost,
    /// `GET /api/v1/hosts/{id}`
    Host(String),
    /// `DELETE /api/v1/hosts/{id}`
    DropHost(String),
    /// `POST /api/v1/hosts/{id}/enrollments`
    Enroll(String),
    /// `GET /api/v1/hosts/{id}/explain`
    Explain(String),
    /// `PUT /api/v1/hosts/{id}/shared`
    Share(String),
    /// `DELETE /api/v1/hosts/{id}/shared`
    Unshare(String),
    /// `POST /api/v1/hosts/{id}/render`
    Render(String),
    /// `GET /api/v1/labels`
    Labels,
    /// `GET /api/v1/labels/{id}/hosts`
    Labelled(String),
    /// `GET /api/v1/users`
    Users,
    /// `GET /api/v1/users/{id}`
    User(String),
    /// `GET /api/v1/promises`
    Promises,
    /// `PUT /api/v1/promises/serial/{serial}` and `…/name/{display name}`
    Promise(HostName),
    /// `DELETE …`
    DropPromise(HostName),
    /// `POST /api/v1/mapping/preview`
    Preview,
    /// `GET /api/v1/export`
    Export,
    /// `POST /api/v1/import`
    Import,
    /// `/api/v1/users/{id}/personal-data`
    Personal(PersonalRoute),
    /// Below `/api/v1/requests`
    Requests(RequestRoute),
    /// `GET /api/v1/audit`
    Audit,
    /// `GET /api/v1/tenant`
    Tenant,
    /// `PATCH /api/v1/tenant`
    ChangeTenant,
    /// `GET /api/v1/connections`
    Connections,
    /// `POST /api/v1/connections`
    AddConnection,
    /// `GET /api/v1/connections/{name}`
    Connection(String),
    /// `PATCH /api/v1/connections/{name}`
    ChangeConnection(String),
    /// Below `/api/v1/tokens`
    Tokens(TokenRoute),
    /// Below `/api/v1/events`
    Events(EventRoute),
    /// Below `/api/v1/webhooks`
    Webhooks(WebhookRoute),
}

impl Route {
    /// As what its requests are counted.
    pub fn family(&self) -> Family {
        match self {
            Self::Health | Self::Ready => Family::Probe,
            Self::Page | Self::Style => Family::Page,
            Self::Scim(_) => Family::Scim,
            Self::Admin(_) => Family::Admin,
            Self::WrongMethod(_) | Self::Unknown => Family::Other,
        }
    }
}

impl AdminRoute {
    /// The host it is about.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::FleetHost(id)
            | Self::Mapping(id)
            | Self::SetMapping(id)
            | Self::DropMapping(id)
            | Self::Host(id)
            | Self::DropHost(id)
            | Self::Enroll(id)
            | Self::Share(id)
            | Self::Unshare(id)
            | Self::Render(id)
            | Self::Explain(id) => Some(id),
            Self::Details
            | Self::Hosts
            | Self::PutHost
            | Self::Labels
            | Self::Labelled(_)
            | Self::Users
            | Self::User(_)
            | Self::Promises
            | Self::Promise(_)
            | Self::DropPromise(_)
            | Self::Preview
            | Self::Export
            | Self::Import
            | Self::Requests(_)
            | Self::Personal(_)
            | Self::Audit
            | Self::Tenant
            | Self::ChangeTenant
            | Self::Connections
            | Self::AddConnection
            | Self::Connection(_)
            | Self::ChangeConnection(_)
            | Self::Tokens(_)
            | Self::Events(_)
            | Self::Webhooks(_) => None,
        }
    }

    /// The most bytes of the body: a host's description and a claim are a few hundred,
    /// the settings of a connection with schemas of its own some thousand.
    pub fn body_limit(&self) -> usize {
        match self {
            // A profile of at most 1 MiB, whose every character may be escaped.
            Self::Render(_) => 2 << 20,
            Self::Import => TABLE,
            _ => 256 << 10,
        }
    }

    /// Does it change something, so that it is worth a line in the request log.
    pub fn writes(&self) -> bool {
        match self {
            Self::SetMapping(_)
            | Self::DropMapping(_)
            | Self::PutHost
            | Self::DropHost(_)
            | Self::Enroll(_)
            | Self::Promise(_)
            | Self::DropPromise(_)
            | Self::Import
            | Self::Share(_)
            | Self::Unshare(_)
            | Self::ChangeTenant
            | Self::AddConnection
            | Self::ChangeConnection(_) => true,
            Self::Tokens(route) => route.writes(),
            Self::Webhooks(route) => route.writes(),
            Self::Requests(route) => route.writes(),
            Self::Personal(route) => route.writes(),
            Self::Details
            | Self::FleetHost(_)
            | Self::Mapping(_)
            | Self::Hosts
            | Self::Host(_)
            | Self::Explain(_)
            | Self::Render(_)
            | Self::Labels
            | Self::Labelled(_)
            | Self::Users
            | Self::User(_)
            | Self::Promises
            | Self::Preview
            | Self::Export
            | Self::Audit
            | Self::Tenant
            | Self::Connections
            | Self::Connection(_)
            | Self::Events(_) => false,
        }
    }
}

impl Route {
    /// Finds the route. `HEAD` is answered like `GET`; the server leaves the body out.
    pub fn of(method: &Method, path: &str) -> Self {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let get = |route| match *method {
            Method::GET => route,
            _ => Self::WrongMethod("GET"),
        };
        match path {
            "/healthz" => return get(Self::Health),
            "/readyz" => return get(Self::Ready),
            "/settings/integrations/identity-provider" => return get(Self::Page),
            "/assets/nameplate.css" => return get(Self::Style),
            _ => {}
        }
        // `scim/details` takes the admin token although it lies below a SCIM mount.
        if let Some(route) = admin(method, path) {
            return route;
        }
        Mounted::of(path).map_or(Self::Unknown, Self::Scim)
    }
}

fn admin(method: &Method, path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.strip_prefix("/api/")?.splitn(7, '/').collect();
    let (get, put) = (*method == Method::GET, *method == Method::PUT);
    let (post, delete) = (*method == Method::POST, *method == Method::DELETE);
    let patch = *method == Method::PATCH;
    let found = match segments.as_slice() {
        ["v1" | "latest", "fleet", "scim", "details"] if get => AdminRoute::Details,
        ["v1" | "latest", "fleet", "scim", "details"] => return Some(Route::WrongMethod("GET")),
        ["v1" | "latest", "fleet", "hosts", id] if get => AdminRoute::FleetHost(decode(id)?),
        ["v1" | "latest", "fleet", "hosts", _] => return Some(Route::WrongMethod("GET")),
        ["v1" | "latest", "fleet", "hosts", id, "device_mapping"] if get => {
            AdminRoute::Mapping(decode(id)?)
        }
        ["v1" | "latest", "fleet", "hosts", id, "device_mapping"] if put => {
            AdminRoute::SetMapping(decode(id)?)
        }
        ["v1" | "latest", "fleet", "hosts", _, "device_mapping"] => {
            return Some(Route::WrongMethod("GET, PUT"));
        }
        [
            "v1" | "latest",
            "fleet",
            "hosts",
            id,
            "device_mapping",
            "idp",
        ] if delete => AdminRoute::DropMapping(decode(id)?),
        [
            "v1" | "latest",
            "fleet",
            "hosts",
            _,
            "device_mapping",
            "idp",
        ] => {
            return Some(Route::WrongMethod("DELETE"));
        }
        ["v1", "hosts"] if get => AdminRoute::Hosts,
        ["v1", "hosts"] if post => AdminRoute::PutHost,
        ["v1", "hosts"] => return Some(Route::WrongMethod("GET, POST")),
        ["v1", "hosts", id] if get => AdminRoute::Host(decode(id)?),
        ["v1", "hosts", id] if delete => AdminRoute::DropHost(decode(id)?),
        ["v1", "hosts", _] => return Some(Route::WrongMethod("GET, DELETE")),
        ["v1", "hosts", id, "enrollments"] if post => AdminRoute::Enroll(decode(id)?),
        ["v1", "hosts", _, "enrollments"] => return Some(Route::WrongMethod("POST")),
        ["v1", "hosts", id, "explain"] if get => AdminRoute::Explain(decode(id)?),
        ["v1", "hosts", _, "explain"] => return Some(Route::WrongMethod("GET")),
        ["v1", "hosts", id, "shared"] if put => AdminRoute::Share(decode(id)?),
        ["v1", "hosts", id, "shared"] if delete => AdminRoute::Unshare(decode(id)?),
        ["v1", "hosts", _, "shared"] => return Some(Route::WrongMethod("PUT, DELETE")),
        ["v1", "hosts", id, "render"] if post => AdminRoute::Render(decode(id)?),
        ["v1", "hosts", _, "render"] => return Some(Route::WrongMethod("POST")),
        ["v1", "labels"] if get => AdminRoute::Labels,
        ["v1", "labels"] => return Some(Route::WrongMethod("GET")),
        ["v1", "labels", id, "hosts"] if get => AdminRoute::Labelled(decode(id)?),
        ["v1", "labels", _, "hosts"] => return Some(Route::WrongMethod("GET")),
        ["v1", "users"] if get => AdminRoute::Users,
        ["v1", "users"] => return Some(Route::WrongMethod("GET")),
        ["v1", "users", id] if get => AdminRoute::User(decode(id)?),
        ["v1", "users", _] => return Some(Route::WrongMethod("GET")),
        ["v1", "users", id, "personal-data"] => match PersonalRoute::of(method, id)? {
            Ok(route) => AdminRoute::Personal(route),
            Err(allowed) => return Some(Route::WrongMethod(allowed)),
        },
        ["v1", "promises"] if get => AdminRoute::Promises,
        ["v1", "promises"] => return Some(Route::WrongMethod("GET")),
        ["v1", "promises", kind @ ("serial" | "name"), name] => {
            let name = decode(name)?;
            let name = match *kind {
                "serial" => HostName::Serial(name),
                _ => HostName::Name(name),
            };
            match *method {
                Method::PUT => AdminRoute::Promise(name),
                Method::DELETE => AdminRoute::DropPromise(name),
                _ => return Some(Route::WrongMethod("PUT, DELETE")),
            }
        }
        ["v1", "mapping", "preview"] if post => AdminRoute::Preview,
        ["v1", "mapping", "preview"] => return Some(Route::WrongMethod("POST")),
        ["v1", "export"] if get => AdminRoute::Export,
        ["v1", "export"] => return Some(Route::WrongMethod("GET")),
        ["v1", "import"] if post => AdminRoute::Import,
        ["v1", "import"] => return Some(Route::WrongMethod("POST")),
        ["v1", "requests", rest @ ..] => match RequestRoute::of(method, rest)? {
            Ok(route) => AdminRoute::Requests(route),
            Err(allowed) => return Some(Route::WrongMethod(allowed)),
        },
        ["v1", "audit"] if get => AdminRoute::Audit,
        ["v1", "audit"] => return Some(Route::WrongMethod("GET")),
        ["v1", "tenant"] if get => AdminRoute::Tenant,
        ["v1", "tenant"] if patch => AdminRoute::ChangeTenant,
        ["v1", "tenant"] => return Some(Route::WrongMethod("GET, PATCH")),
        ["v1", "connections"] if get => AdminRoute::Connections,
        ["v1", "connections"] if post => AdminRoute::AddConnection,
        ["v1", "connections"] => return Some(Route::WrongMethod("GET, POST")),
        ["v1", "connections", name] if get => AdminRoute::Connection(decode(name)?),
        ["v1", "connections", name] if patch => AdminRoute::ChangeConnection(decode(name)?),
        ["v1", "connections", _] => return Some(Route::WrongMethod("GET, PATCH")),
        ["v1", "tokens", rest @ ..] => match TokenRoute::of(method, rest)? {
            Ok(route) => AdminRoute::Tokens(route),
            Err(allowed) => return Some(Route::WrongMethod(allowed)),
        },
        ["v1", "events", rest @ ..] => match EventRoute::of(method, rest)? {
            Ok(route) => AdminRoute::Events(route),
            Err(allowed) => return Some(Route::WrongMethod(allowed)),
        },
        ["v1", "webhooks", rest @ ..] => match WebhookRoute::of(method, rest)? {
            Ok(route) => AdminRoute::Webhooks(route),
            Err(allowed) => return Some(Route::WrongMethod(allowed)),
        },
        _ => return None,
    };
    Some(Route::Admin(found))
}

/// One path segment; none if it is empty or no UTF-8, which is no id of a host.
pub fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Route {
        Route::of(
            &Method::from_bytes(method.as_bytes()).unwrap_or_default(),
            path,
        )
    }

    #[test]
    fn details_is_administration_and_its_neighbours_are_scim() {
        for version in ["v1", "latest"] {
            let path = format!("/api/{version}/fleet/scim/details");
            assert_eq!(of("GET", &path), Route::Admin(AdminRoute::Details));
            assert_eq!(of("HEAD", &path), Route::Admin(AdminRoute::Details));
            assert_eq!(of("POST", &path), Route::WrongMethod("GET"));
        }
        for path in [
            "/api/v1/fleet/scim/Users",
            "/scim/v2/details",
            "/api/v1/fleet/scim/v2/details",
        ] {
            assert!(matches!(of("GET", path), Route::Scim(_)), "{path}");
        }
    }

    #[test]
    fn an_id_with_encoded_slash_stays_one_segment() {
        assert_eq!(
            of("GET", "/api/v1/hosts/a%2Fb%C3%AD"),
            Route::Admin(AdminRoute::Host("a/bí".to_owned()))
        );
        assert_eq!(of("GET", "/api/v1/hosts/%FF"), Route::Unknown);
        assert_eq!(of("GET", "/api/v1/hosts/"), Route::Unknown);
    }

    #[test]
    fn every_documented_route_is_found_by_its_method_alone() {
        let host = || "7".to_owned();
        let cases = [
            (
                "GET",
                "/api/v1/fleet/hosts/7",
                AdminRoute::FleetHost(host()),
            ),
            (
                "GET",
                "/api/latest/fleet/hosts/7/device_mapping",
                AdminRoute::Mapping(host()),
            ),
            (
                "PUT",
                "/api/v1/fleet/hosts/7/device_mapping",
                AdminRoute::SetMapping(host()),
            ),
            (
                "DELETE",
                "/api/v1/fleet/hosts/7/device_mapping/idp",
                AdminRoute::DropMapping(host()),
            ),
            ("GET", "/api/v1/hosts", AdminRoute::Hosts),
            ("POST", "/api/v1/hosts", AdminRoute::PutHost),
            ("GET", "/api/v1/hosts/7", AdminRoute::Host(host())),
            ("DELETE", "/api/v1/hosts/7", AdminRoute::DropHost(host())),
            (
                "POST",
                "/api/v1/hosts/7/enrollments",
                AdminRoute::Enroll(host()),
            ),
            (
                "GET",
                "/api/v1/hosts/7/explain",
                AdminRoute::Explain(host()),
            ),
            ("GET", "/api/v1/users", AdminRoute::Users),
            ("GET", "/api/v1/users/7", AdminRoute::User(host())),
            ("GET", "/api/v1/promises", AdminRoute::Promises),
            (
                "PUT",
                "/api/v1/promises/serial/7",
                AdminRoute::Promise(HostName::Serial(host())),
            ),
            (
                "DELETE",
                "/api/v1/promises/name/7",
                AdminRoute::DropPromise(HostName::Name(host())),
            ),
            ("POST", "/api/v1/mapping/preview", AdminRoute::Preview),
            ("GET", "/api/v1/export", AdminRoute::Export),
            ("POST", "/api/v1/import", AdminRoute::Import),
            (
                "GET",
                "/api/v1/requests",
                AdminRoute::Requests(RequestRoute::List),
            ),
            ("GET", "/api/v1/audit", AdminRoute::Audit),
            ("GET", "/api/v1/tenant", AdminRoute::Tenant),
            ("PATCH", "/api/v1/tenant", AdminRoute::ChangeTenant),
            ("GET", "/api/v1/connections", AdminRoute::Connections),
            ("POST", "/api/v1/connections", AdminRoute::AddConnection),
            (
                "GET",
                "/api/v1/tokens",
                AdminRoute::Tokens(TokenRoute::List),
            ),
            (
                "POST",
                "/api/v1/tokens",
                AdminRoute::Tokens(TokenRoute::Add),
            ),
            (
                "POST",
                "/api/v1/tokens/7/rotate",
                AdminRoute::Tokens(TokenRoute::Rotate(host())),
            ),
            (
                "DELETE",
                "/api/v1/tokens/7",
                AdminRoute::Tokens(TokenRoute::Revoke(host())),
            ),
            (
                "GET",
                "/api/v1/connections/okta",
                AdminRoute::Connection("okta".to_owned()),
            ),
            (
                "PATCH",
                "/api/v1/connections/okta",
                AdminRoute::ChangeConnection("okta".to_owned()),
            ),
        ];
        for (method, path, route) in cases {
            assert_eq!(of(method, path), Route::Admin(route), "{method} {path}");
            assert!(matches!(of("TRACE", path), Route::WrongMethod(_)), "{path}");
        }
        assert_eq!(of("GET", "/healthz"), Route::Health);
        assert_eq!(of("POST", "/healthz"), Route::WrongMethod("GET"));
        assert_eq!(of("GET", "/api/v1/nothing"), Route::Unknown);
        assert_eq!(of("GET", "/"), Route::Unknown);
    }
}
