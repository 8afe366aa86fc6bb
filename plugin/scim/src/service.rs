//! The service provider: takes a request to its handler and makes the answer of
//! what the handler says. Nothing leaves here but a response.
//!
//! This module must not know how a resource is read or written.

use crate::config::Config;
use crate::directory::{Directory, Document, Kind};
use crate::env::{Env, Level};
use crate::error::{ScimError, quoted};
use crate::http::{Request, Response};
use crate::request::{Query, Tags, has_filter, json_text, segments};
use crate::resource::Notes;
use crate::response::{self, Failure};
use crate::schema::{Index, Registry, ResourceType};
use crate::write::{self, Verb, Wish, new_id, noun};
use crate::{bulk, discovery, groups, list, me, users};

/// Answers one SCIM request (RFC 7644). The request is written wholly or not at
/// all; whatever it holds, the answer is a response, never a panic: a SCIM error
/// (RFC 7644 3.12) says what to change, 503 with `Retry-After` that the directory
/// is in trouble.
pub fn handle(
    config: &Config,
    directory: &mut dyn Directory,
    env: &mut dyn Env,
    request: &Request,
) -> Response {
    let mut call = Call {
        config,
        directory,
        env,
        registry: &config.registry,
        request,
        notes: Notes::new(),
        actions: Vec::new(),
    };
    let mut response = match route(&mut call) {
        Ok(response) => response,
        Err(failure) => refuse(&mut call, &failure),
    };
    call.flush();
    if request.method == "HEAD" {
        response.body.clear();
    }
    response
}

/// The most things done that the journal is told of: what a host takes (`wit/journal.wit`).
/// One Bulk request can do thousands.
const MOST_ACTIONS: usize = 64;

/// One request being answered: what handlers share.
pub(crate) struct Call<'a> {
    pub config: &'a Config,
    pub directory: &'a mut dyn Directory,
    pub env: &'a mut dyn Env,
    pub registry: &'a Registry,
    pub request: &'a Request,
    /// Quirks and warnings, bounded.
    pub notes: Notes,
    /// What was done, in order.
    pub actions: Vec<(&'static str, String)>,
}

impl<'a> Call<'a> {
    /// The schemas of a kind.
    pub fn resource_type(&self, kind: Kind) -> &'a ResourceType {
        self.registry.resource_type(kind)
    }

    /// Says what was done. The text names ids and counts, never names or addresses:
    /// it goes to the request log.
    pub fn action(&mut self, code: &'static str, text: impl Into<String>) {
        self.actions.push((code, text.into()));
    }

    /// Says what was done, before all else there is to say.
    pub fn headline(&mut self, code: &'static str, text: impl Into<String>) {
        self.actions.insert(0, (code, text.into()));
    }

    /// The body as JSON text, see [`json_text`].
    pub fn body(&mut self) -> Result<&'a [u8], ScimError> {
        json_text(self.request, self.config.dialect, &mut self.notes)
    }

    /// The query parameters, see [`Query::parse`].
    pub fn query(&self) -> Result<Query, ScimError> {
        Query::parse(self.request.query.as_deref())
    }

    /// The document, or 404.
    pub fn find(&mut self, kind: Kind, id: &str) -> Result<Document, Failure> {
        let found = match is_id(id) {
            true => self.directory.get(kind, id)?,
            false => None,
        };
        found.ok_or_else(|| no_such(kind, id).into())
    }

    /// RFC 7644 3.14: with `If-Match` a change applies to that version alone.
    pub fn check_match(&self, version: u64) -> Result<(), ScimError> {
        match Tags::of(self.request, "if-match") {
            Some(tags) if !tags.name(version) => Err(ScimError::precondition_failed(
                "the resource has changed: read it again and send its version in `If-Match`",
            )),
            _ => Ok(()),
        }
    }

    /// RFC 7644 3.14: 304 if the client has this version, see `If-None-Match`.
    pub fn not_modified(&self, version: u64) -> Option<Response> {
        let tags = Tags::of(self.request, "if-none-match")?;
        tags.name(version).then(|| {
            let mut answer = response::empty(304);
            response::header(&mut answer, "etag", &response::tag(version));
            answer
        })
    }

    /// Gives the remarks to the journal, what was done first: a host may drop some.
    fn flush(&mut self) {
        for (code, text) in self.actions.iter().take(MOST_ACTIONS) {
            self.env.note(Level::Action, code, text);
        }
        for (level, code, text) in self.notes.iter() {
            self.env.note(*level, code, text);
        }
    }
}

/// What a path names.
enum Target<'p> {
    Root,
    Collection(Kind),
    Resource(Kind, &'p str),
    /// `.search` over these (RFC 7644 3.4.3).
    Search(&'static [Kind]),
    Discovery(Discovery<'p>),
    Bulk,
    Me,
}

enum Discovery<'p> {
    ServiceProviderConfig,
    ResourceTypes(Option<&'p str>),
    Schemas(Option<&'p str>),
}

fn target<'p>(path: &[&'p str]) -> Option<Target<'p>> {
    Some(match path {
        ["Users"] => Target::Collection(Kind::User),
        ["Groups"] => Target::Collection(Kind::Group),
        // RFC 7644 3.4.2.1: without a resource type all of them are asked.
        [] => Target::Root,
        [".search"] => Target::Search(&[Kind::User, Kind::Group]),
        ["Users", ".search"] => Target::Search(&[Kind::User]),
        ["Groups", ".search"] => Target::Search(&[Kind::Group]),
        ["Bulk"] => Target::Bulk,
        ["Me"] => Target::Me,
        ["Users", id] => Target::Resource(Kind::User, id),
        ["Groups", id] => Target::Resource(Kind::Group, id),
        ["ServiceProviderConfig"] => Target::Discovery(Discovery::ServiceProviderConfig),
        ["ResourceTypes"] => Target::Discovery(Discovery::ResourceTypes(None)),
        ["ResourceTypes", name] => Target::Discovery(Discovery::ResourceTypes(Some(name))),
        ["Schemas"] => Target::Discovery(Discovery::Schemas(None)),
        ["Schemas", urn] => Target::Discovery(Discovery::Schemas(Some(urn))),
        _ => return None,
    })
}

fn route(call: &mut Call<'_>) -> Result<Response, Failure> {
    let request = call.request;
    let unknown = || unknown_endpoint(&request.path);
    let path = segments(&request.path).ok_or_else(unknown)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let target = target(&path).ok_or_else(unknown)?;
    // RFC 7231 4.3.2: HEAD is GET without the body.
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match target {
        Target::Root => match method {
            "GET" => list::get(call, &[Kind::User, Kind::Group]),
            _ => Ok(wrong_method(method, "GET")),
        },
        Target::Collection(kind) => match method {
            "GET" => list::get(call, &[kind]),
            "POST" => {
                let id = new_id(call);
                write::respond(call, &Wish::new(kind, &id, Verb::Create))
            }
            _ => Ok(wrong_method(method, "GET, POST")),
        },
        Target::Resource(kind, id) => on_resource(call, method, kind, id),
        Target::Search(kinds) => match method {
            "POST" => list::search(call, kinds),
            _ => Ok(wrong_method(method, "POST")),
        },
        Target::Discovery(what) => match method {
            "GET" => discover(call, &what),
            _ => Ok(wrong_method(method, "GET")),
        },
        Target::Bulk => match method {
            "POST" => bulk::handle(call),
            _ => Ok(wrong_method(method, "POST")),
        },
        Target::Me => me::handle(call, method),
    }
}

/// A request to one resource.
pub(crate) fn on_resource(
    call: &mut Call<'_>,
    method: &str,
    kind: Kind,
    id: &str,
) -> Result<Response, Failure> {
    match (method, Verb::on_resource(method)) {
        ("GET", _) if kind == Kind::User => users::read(call, id),
        ("GET", _) => groups::read(call, id),
        (_, Some(verb)) => write::respond(call, &Wish::new(kind, id, verb)),
        _ => Ok(wrong_method(method, "GET, PUT, PATCH, DELETE")),
    }
}

fn discover(call: &Call<'_>, what: &Discovery<'_>) -> Result<Response, Failure> {
    // RFC 7644 4: a filter is refused with 403, other parameters are ignored, even those
    // that cannot be read.
    if has_filter(call.request.query.as_deref()) {
        return Err(ScimError::forbidden("discovery endpoints cannot be filtered").into());
    }
    let base_url = &call.request.base_url;
    let body = match *what {
        Discovery::ServiceProviderConfig => {
            discovery::service_provider_config(call.config, base_url)
        }
        Discovery::ResourceTypes(name) => discovery::resource_types(call.registry, name, base_url)?,
        Discovery::Schemas(urn) => discovery::schemas(call.registry, urn, base_url)?,
    };
    Ok(response::json(200, response::bytes(&body)))
}

fn wrong_method(method: &str, allowed: &str) -> Response {
    let mut response = response::error(&ScimError::method_not_allowed(format!(
        "method {} is not allowed here: use {allowed}",
        quoted(method)
    )));
    // RFC 7231 6.5.5: the answer names the methods that are.
    response::header(&mut response, "allow", allowed);
    response
}

fn unknown_endpoint(path: &str) -> ScimError {
    ScimError::not_found(format!(
        "there is no endpoint {}: the endpoints are /Users, /Groups, /Bulk, /Me, \
         /ServiceProviderConfig, /ResourceTypes and /Schemas below the SCIM base URL",
        quoted(path)
    ))
}

/// The answer to a request that was not carried out.
pub(crate) fn refuse(call: &mut Call<'_>, failure: &Failure) -> Response {
    match failure {
        Failure::Scim(error) => response::error(error),
        Failure::Directory(error) => {
            // The cause is for the operator; a client can only try again.
            call.notes.warning("directory-error", error.to_string());
            response::error(&unavailable())
        }
    }
}

/// 503 for trouble with the directory.
pub(crate) fn unavailable() -> ScimError {
    ScimError::unavailable("the directory is not available now: try again")
}

/// 404 for a resource that is not there (RFC 7644 3.4.1).
pub(crate) fn no_such(kind: Kind, id: &str) -> ScimError {
    ScimError::not_found(format!("there is no {} {}", noun(kind), quoted(id)))
}

/// Can this be the id of a document: 1 to 64 bytes of visible ASCII. Anything else
/// names nothing, and no store has to be asked.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// 409 for a value another resource has; names the attribute by its index, tells
/// nothing of the other resource.
pub(crate) fn taken(index: &str) -> ScimError {
    let attribute = Index::attribute_of(index);
    // Of a declared attribute the schema says so.
    let hint = match attribute.contains(':') {
        true => "",
        false => " (compared without case)",
    };
    ScimError::conflict(format!(
        "another resource has this `{attribute}` already{hint}"
    ))
}

/// A request that lost against other writers each time it was tried.
pub(crate) fn busy() -> ScimError {
    ScimError::unavailable("the resource is being changed by others at the same time: try again")
}
