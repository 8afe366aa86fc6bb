//! Administrative requests: who may, what for, and a line in the log if it writes.

use std::fmt::Display;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hyper::body::Body;
use nameplate_store::{StoreError, TenantId, TokenScope};
use serde_json::Value;

use super::admission::{Admitted, Denied};
use super::body::{self, BodyError, COMPRESSED};
use super::exchange::{Exchange, Line};
use super::fields::{Failure, Fields, Query};
use super::route::AdminRoute;
use super::{Front, Reply, audit, reply, shapes};
use crate::audit::Actor;
use crate::auth::Identity;
use crate::page;
use crate::plugin::MappingError;
use crate::request_log::LogCaller;

/// Why an administrative request is not answered with what it asked for.
#[derive(Debug)]
pub enum AdminError {
    /// The caller's mistake.
    Failure(Failure),
    /// The host does not exist.
    NoHost,
    /// Ours; the log has the cause.
    Trouble(String),
}

impl From<Failure> for AdminError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error.to_string())
    }
}

impl From<MappingError> for AdminError {
    fn from(error: MappingError) -> Self {
        match error {
            MappingError::NoHost => Self::NoHost,
            MappingError::Invalid(text) => Self::Failure(Failure::bad("body", text)),
            error @ (MappingError::Store(_) | MappingError::Busy | MappingError::Plugin(_)) => {
                Self::Trouble(error.to_string())
            }
        }
    }
}

/// What a route answers with.
pub type Answer = Result<(StatusCode, Value), AdminError>;

impl Front {
    /// Answers an administrative request.
    pub(super) async fn admin<B>(
        &self,
        route: AdminRoute,
        exchange: &mut Exchange,
        body: B,
    ) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let writes = route.writes();
        let (identity, notes, answer) = match self.admit(exchange, TokenScope::Admin, writes).await
        {
            Ok(admitted) => {
                let (limit, parts) = (route.body_limit(), &exchange.parts);
                let Admitted {
                    identity,
                    notes,
                    standing: _,
                } = admitted;
                let answer = match body::read(&parts.headers, body, limit).await {
                    Ok(body) => self.admitted(&identity, &route, parts, &body).await,
                    Err(error) => body_refused(&error, limit),
                };
                (identity, notes, answer)
            }
            Err(denied) => {
                body::linger(body);
                let answer = denied.reply(TokenScope::Admin);
                match denied {
                    Denied::Stopped(identity, obstacle) if obstacle.noted() => {
                        (*identity, Vec::new(), answer)
                    }
                    Denied::Stopped(..) | Denied::Refused(_) => return answer,
                }
            }
        };
        // A line would keep whose data it was about.
        let personal = matches!(route, AdminRoute::Personal(_));
        if !personal && (writes || !answer.status().is_success()) {
            exchange.line = Some(Line {
                notes,
                ..Line::of(identity.tenant, LogCaller::of(&identity.caller))
            });
        }
        answer
    }

    /// Answers a caller who holds an admin token.
    async fn admitted(
        &self,
        identity: &Identity,
        route: &AdminRoute,
        parts: &Parts,
        body: &[u8],
    ) -> Reply {
        let (tenant, query) = (identity.tenant, parts.uri.query());
        let answer = self.dispatch(tenant, route, query, body).await;
        if route.writes()
            && let Ok(answer) = &answer
        {
            let (action, subject, detail) =
                audit::told(route, &parts.method, parts.uri.path(), body, answer);
            let actor = Actor::of(&identity.caller);
            self.runtime
                .audit(Some(tenant), &actor, &action, &subject, &detail)
                .await;
        }
        match answer {
            Ok(answer) => answer,
            Err(AdminError::Failure(failure)) => failure.into(),
            Err(AdminError::NoHost) => Failure::no_host(route.host().unwrap_or_default()).into(),
            Err(AdminError::Trouble(cause)) => {
                tracing::error!(
                    tenant = identity.tenant.0,
                    cause,
                    "an administrative request failed"
                );
                reply::failure(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the request could not be finished; try again, and look at the server's \
                     log if it stays like that",
                    "server",
                )
            }
        }
    }

    async fn dispatch(
        &self,
        tenant: TenantId,
        route: &AdminRoute,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Reply, AdminError> {
        let answer = match route {
            AdminRoute::Details => {
                let last = self.runtime.desk().log.last_idp_request(tenant).await?;
                Ok((StatusCode::OK, shapes::details(last.as_ref())))
            }
            AdminRoute::FleetHost(id) => self.fleet_host(tenant, id).await,
            AdminRoute::Mapping(id) => self.mapping(tenant, id).await,
            AdminRoute::SetMapping(id) => self.set_mapping(tenant, id, &Fields::parse(body)?).await,
            AdminRoute::DropMapping(id) => self.drop_mapping(tenant, id).await,
            AdminRoute::Hosts => self.list_hosts(tenant, &Query::parse(query)?).await,
            AdminRoute::PutHost => self.put_host(tenant, &Fields::parse(body)?).await,
            AdminRoute::Host(id) => self.host(tenant, id).await,
            AdminRoute::DropHost(id) => self.drop_host(tenant, id).await,
            AdminRoute::Enroll(id) => self.enroll(tenant, id, &Fields::parse(body)?).await,
            AdminRoute::Explain(id) => self.explain_host(tenant, id).await,
            AdminRoute::Share(id) => self.share(tenant, id).await,
            AdminRoute::Unshare(id) => self.unshare(tenant, id).await,
            AdminRoute::Render(id) => self.render(tenant, id, &Fields::parse(body)?).await,
            AdminRoute::Labels => self.list_labels(tenant, &Query::parse(query)?).await,
            AdminRoute::Labelled(id) => {
                let query = Query::parse(query)?;
                self.list_labelled(tenant, id, &query).await
            }
            AdminRoute::Users => self.list_users(tenant, &Query::parse(query)?).await,
            AdminRoute::User(id) => self.user(tenant, id).await,
            AdminRoute::Promises => self.list_promises(tenant, &Query::parse(query)?).await,
            AdminRoute::Promise(name) => self.promise(tenant, name, &Fields::parse(body)?).await,
            AdminRoute::DropPromise(name) => self.drop_promise(tenant, name).await,
            AdminRoute::Preview => {
                self.preview(tenant, &Query::parse(query)?, &Fields::parse(body)?)
                    .await
            }
            AdminRoute::Import => self.import(tenant, &Query::parse(query)?, body).await,
            // Its answer is no json.
            AdminRoute::Export => return self.export(tenant, &Query::parse(query)?).await,
            AdminRoute::Requests(route) => {
                let query = Query::parse(query)?;
                self.requests(tenant, route, &query, body).await
            }
            AdminRoute::Personal(route) => self.personal(tenant, route).await,
            AdminRoute::Audit => self.audit(tenant, &Query::parse(query)?).await,
            AdminRoute::Tenant => self.tenant(tenant).await,
            AdminRoute::ChangeTenant => self.change_tenant(tenant, &Fields::parse(body)?).await,
            AdminRoute::Connections => self.list_connections(tenant).await,
            AdminRoute::Connection(name) => self.connection(tenant, name).await,
            AdminRoute::ChangeConnection(name) => {
                self.change_connection(tenant, name, &Fields::parse(body)?)
                    .await
            }
            AdminRoute::AddConnection => self.add_connection(tenant, &Fields::parse(body)?).await,
            AdminRoute::Tokens(route) => self.tokens(tenant, route, body).await,
            AdminRoute::Events(route) => self.events(tenant, route, &Query::parse(query)?).await,
            AdminRoute::Webhooks(route) => {
                let query = Query::parse(query)?;
                self.webhooks(tenant, route, &query, body).await
            }
        };
        answer.map(|(status, shape)| whole(status, &shape))
    }

    /// The page about the identity provider. A browser has no bearer token, so the
    /// admin token is taken as the password of HTTP Basic too.
    pub(super) async fn page(&self, exchange: &mut Exchange) -> Reply {
        let admitted = match page::basic_password(&exchange.parts.headers) {
            Some(token) => {
                self.admit_token(&token, exchange, TokenScope::Admin, false)
                    .await
            }
            None => self.admit(exchange, TokenScope::Admin, false).await,
        };
        let identity = match admitted {
            Ok(admitted) => admitted.identity,
            Err(denied) => return challenge(denied.reply(TokenScope::Admin)),
        };
        match page::show(&self.runtime, identity.tenant).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(tenant = identity.tenant.0, error = %format!("{error:#}"), "cannot show the page");
                reply::text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the page cannot be shown; try again\n",
                )
            }
        }
    }
}

/// An answer of a route; nothing at all for 204.
fn whole(status: StatusCode, shape: &Value) -> Reply {
    if status != StatusCode::NO_CONTENT {
        return reply::json(status, shape);
    }
    let mut empty = Reply::default();
    *empty.status_mut() = status;
    empty
}

/// 401 makes a browser ask for the token.
fn challenge(mut answer: Reply) -> Reply {
    if answer.status() == StatusCode::UNAUTHORIZED {
        answer.headers_mut().append(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"nameplate, admin token as password\""),
        );
    }
    answer
}

fn body_refused(error: &BodyError, limit: usize) -> Reply {
    match error {
        BodyError::TooLarge => reply::failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than the {limit} bytes accepted here"),
            "body",
        ),
        BodyError::Encoded => {
            reply::failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, COMPRESSED, "body")
        }
        BodyError::TooSlow => reply::failure(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time; send the request again",
            "body",
        ),
        BodyError::Broken(_) => reply::failure(
            StatusCode::BAD_REQUEST,
            "the body broke off; send the request again",
            "body",
        ),
    }
}
