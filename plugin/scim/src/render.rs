//! How a stored document becomes the resource a client reads: what the store and
//! the request add (`schemas`, `id`, `meta`, links to other resources) and what the
//! request leaves out.
//!
//! This module must not know how documents are found or changed.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::directory::{Document, Kind, Member, Membership};
use crate::error::ScimError;
use crate::http::Response;
use crate::request::Query;
use crate::resource::Projection;
use crate::resource::declared::extensions_if_declared;
use crate::resource::value::schemas_of;
use crate::response::{self, instant, location, tag};
use crate::schema::ResourceType;

/// The most bytes of one answer that holds a whole group: what the host takes.
pub(crate) const MAX_ANSWER: usize = 16 << 20;

/// What resources of one kind look like in the answer to one request.
pub(crate) struct Renderer<'a> {
    rt: &'a ResourceType,
    base_url: &'a str,
    projection: Projection,
    /// Is nothing left out.
    whole: bool,
    /// Does the client say what it wants, with `attributes`.
    pub chosen: bool,
    /// Which parts of `groups` or `members` are shown; none if they are left out,
    /// so that they need not be read.
    pub links: Option<LinkParts>,
}

/// The parts of a link that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkParts {
    value: bool,
    reference: bool,
    display: bool,
    kind: bool,
}

impl LinkParts {
    /// What is shown unless a request says otherwise.
    const ALL: Self = Self {
        value: true,
        reference: true,
        display: true,
        kind: true,
    };
}

impl<'a> Renderer<'a> {
    pub fn new(rt: &'a ResourceType, base_url: &'a str, query: &Query) -> Self {
        let projection =
            Projection::new(query.attributes.as_deref(), query.excluded.as_deref(), rt);
        let links = match (&query.attributes, &query.excluded) {
            (None, None) => Some(LinkParts::ALL),
            _ => link_parts(rt, &projection),
        };
        Self {
            rt,
            base_url,
            whole: projection.is_whole() && !rt.hides,
            chosen: query.attributes.is_some(),
            projection,
            links,
        }
    }

    /// The JSON text of a resource whose stored text is `json`. `links` is the text of
    /// its `groups` or `members`; an absent or empty one leaves them out.
    ///
    /// # Errors
    /// 500 if what is stored is not a JSON object: only a defect of the store or
    /// of this program can be the cause.
    pub fn show(
        &self,
        document: &Document,
        json: &[u8],
        links: Option<&Links>,
    ) -> Result<Vec<u8>, ScimError> {
        let whole = match self.whole {
            true => self.spliced(document, json),
            false => None,
        };
        let mut text = match whole {
            Some(text) => text,
            None => self.projected(document, json)?,
        };
        if let Some(links) = links.filter(|links| !links.is_empty()) {
            // Members are spliced in as text: a tree of 100,000 of them would not
            // fit into the memory of one request.
            text.pop();
            text.extend_from_slice(format!(",\"{}\":[", link_name(self.rt.kind)).as_bytes());
            text.extend_from_slice(&links.text);
            text.extend_from_slice(b"]}");
        }
        Ok(text)
    }

    /// The resource with nothing left out: what the store and the request add, then
    /// the stored text as it is, which is many times cheaper than a tree of it. None
    /// if that text cannot be taken as it is: what no schema declares is shown only where
    /// it is asked for.
    fn spliced(&self, document: &Document, json: &[u8]) -> Option<Vec<u8>> {
        let extensions = extensions_if_declared(json, self.rt)?;
        let inner = json.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")?;
        let mut schemas = vec![self.rt.core.id.as_str()];
        schemas.extend(extensions);
        let mut text = response::bytes(&Added {
            schemas,
            id: &document.id,
            meta: meta(document, self.rt, self.base_url),
        });
        if !inner.trim_ascii().is_empty() {
            text.reserve(inner.len() + 2);
            text.pop();
            text.push(b',');
            text.extend_from_slice(inner);
            text.push(b'}');
        }
        Some(text)
    }

    /// The resource cut down to what was chosen.
    fn projected(&self, document: &Document, json: &[u8]) -> Result<Vec<u8>, ScimError> {
        let mut content = read(json)?;
        content.insert("id".into(), document.id.as_str().into());
        let meta = serde_json::to_value(meta(document, self.rt, self.base_url));
        content.insert("meta".into(), meta.unwrap_or_default());
        self.projection.apply(&mut content, self.rt);
        // RFC 7643 3: the schemas of what is there.
        let schemas = json!(schemas_of(&content, self.rt));
        content.insert("schemas".into(), schemas);
        Ok(response::bytes(&content))
    }

    /// An answer with a resource, its version and where it is (RFC 7644 3.14: the
    /// tag is in the header and in `meta`).
    pub fn answer(&self, status: u16, document: &Document, body: Vec<u8>) -> Response {
        let mut answer = response::json(status, body);
        response::header(&mut answer, "etag", &tag(document.version));
        let location = location(self.base_url, document.kind, &document.id);
        if status == 201 {
            response::header(&mut answer, "location", &location);
        }
        // RFC 7643 3.1: `meta.location` is what this header says.
        response::header(&mut answer, "content-location", &location);
        answer
    }

    /// No link yet, for the parts that are asked for.
    pub fn no_links(&self) -> Option<Links<'_>> {
        self.links.map(|parts| Links {
            base_url: self.base_url,
            parts,
            text: Vec::new(),
        })
    }
}

/// What is stored of a document.
///
/// # Errors
/// 500, see [`Renderer::show`].
pub(crate) fn stored(document: &Document) -> Result<Map<String, Value>, ScimError> {
    read(&document.json)
}

fn read(json: &[u8]) -> Result<Map<String, Value>, ScimError> {
    serde_json::from_slice(json)
        .map_err(|_| ScimError::internal("the stored resource cannot be read"))
}

/// What an answer has besides the stored text.
#[derive(Serialize)]
struct Added<'a> {
    schemas: Vec<&'a str>,
    id: &'a str,
    meta: Meta<'a>,
}

/// `meta` (RFC 7643 3.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    resource_type: &'a str,
    created: String,
    last_modified: String,
    location: String,
    version: String,
}

fn meta<'a>(document: &Document, rt: &'a ResourceType, base_url: &str) -> Meta<'a> {
    Meta {
        resource_type: rt.name,
        created: instant(document.created),
        last_modified: instant(document.modified),
        location: location(base_url, document.kind, &document.id),
        version: tag(document.version),
    }
}

/// The attribute that links to other resources.
fn link_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

/// Asks the projection what it leaves of a link by showing it one.
fn link_parts(rt: &ResourceType, projection: &Projection) -> Option<LinkParts> {
    let name = link_name(rt.kind);
    let mut sample = Map::new();
    let link = json!({"value": "", "$ref": "", "display": "", "type": ""});
    sample.insert(name.into(), Value::Array(vec![link]));
    projection.apply(&mut sample, rt);
    let left = sample.get(name)?.get(0)?;
    Some(LinkParts {
        value: left.get("value").is_some(),
        reference: left.get("$ref").is_some(),
        display: left.get("display").is_some(),
        kind: left.get("type").is_some(),
    })
}

/// Links to other resources as JSON text, without the brackets around them.
pub(crate) struct Links<'a> {
    base_url: &'a str,
    parts: LinkParts,
    text: Vec<u8>,
}

/// One link (RFC 7643 4.1.2 `groups`, 4.2 `members`).
#[derive(Serialize)]
struct Link<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl Links<'_> {
    /// How many bytes they are.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a member of a group.
    pub fn member(&mut self, member: &Member) {
        let kind = match member.kind {
            Kind::User => "User",
            Kind::Group => "Group",
        };
        self.push(member.kind, &member.id, &member.label, kind);
    }

    /// Adds a group of a user.
    pub fn membership(&mut self, membership: &Membership) {
        let kind = if membership.direct {
            "direct"
        } else {
            "indirect"
        };
        self.push(Kind::Group, &membership.group, &membership.label, kind);
    }

    fn push(&mut self, target: Kind, id: &str, label: &str, kind: &'static str) {
        let parts = self.parts;
        let link = Link {
            value: parts.value.then_some(id),
            reference: parts.reference.then(|| location(self.base_url, target, id)),
            display: (parts.display && !label.is_empty()).then_some(label),
            kind: parts.kind.then_some(kind),
        };
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        self.text.extend_from_slice(&response::bytes(&link));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::schema::{ENTERPRISE_USER, Registry};
    use crate::write::blank;

    #[test]
    fn links_are_shown_whole_unless_a_request_says_otherwise() {
        for kind in [Kind::User, Kind::Group] {
            let rt = Registry::standard().resource_type(kind);
            let projection = Projection::new(None, None, rt);
            assert_eq!(link_parts(rt, &projection), Some(LinkParts::ALL));
        }
    }

    #[test]
    fn the_spliced_text_is_the_resource_a_tree_of_it_would_be() {
        let rt = Registry::standard().resource_type(Kind::User);
        let document = blank(Kind::User, "1");
        let renderer = Renderer::new(rt, "https://x.example", &Query::parse(None).unwrap());
        for json in [
            "{}",
            "{\"userName\":\"a\"}",
            " { } ",
            " { \"userName\" : \"\\u0041}\", \"title\": [{}] } ",
            "{\"name\":{\"givenName\":\"a\"},\"emails\":[{\"value\":\"a\",\"primary\":true}]}",
            &format!("{{\"{ENTERPRISE_USER}\":{{\"department\":\"IT\"}},\"userName\":\"a\"}}"),
        ] {
            let read = |text: &[u8]| -> Value { serde_json::from_slice(text).unwrap() };
            let spliced = renderer.spliced(&document, json.as_bytes()).unwrap();
            let projected = renderer.projected(&document, json.as_bytes()).unwrap();
            assert_eq!(read(&spliced), read(&projected), "{json}");
        }
        let undeclared = format!("{{\"{ENTERPRISE_USER}\":{{\"shoe\":1}}}}");
        for json in [
            "{\"id\":\"2\"}",
            "{\"x\":1}",
            "{\"name\":{\"givenName\":\"a\",\"shoe\":1}}",
            "{\"emails\":[{\"value\":\"a\"},{\"value\":\"b\",\"shoe\":1}]}",
            "{\"userName\":\"a\"} x",
            &undeclared,
            "{\"userName\":",
            "[]",
            "",
        ] {
            assert_eq!(renderer.spliced(&document, json.as_bytes()), None, "{json}");
        }
    }
}
