//! Sorting (RFC 7644 3.4.2.3): by which key, and what a resource's key is.
//!
//! Keys are bytes in the order of the values, so that they can be compared, and stand
//! in a cursor, without knowing what they were. An absent value comes last, and first in
//! descending order. Texts longer than a key come together if their beginnings are the
//! same.

use serde_json::{Map, Value};

use crate::directory::{BY_ID, BY_MODIFIED, Direction, Document, KeyRange, Kind};
use crate::error::{ScimError, quoted};
use crate::filter::is_login;
use crate::fold::key_bytes;
use crate::request::Query;
use crate::resource::AttrPath;
use crate::schema::index::{Form, ordered_float};
use crate::schema::{Attribute, ResourceType, Target, Type};

/// How a list is sorted.
pub(super) struct Sort {
    path: AttrPath,
    pub direction: Direction,
}

/// What a resource is sorted by, once the schema is known.
pub(super) enum Place<'r> {
    /// A value of the resource's document.
    Value(Steps<'r>),
    Id,
    Created,
    Modified,
    /// The same for all resources of this type.
    Named(&'r str),
    /// This type has no such attribute: all its resources come together.
    Nowhere,
}

/// The way to a value in a document.
pub(super) struct Steps<'r> {
    extension: Option<&'r str>,
    attribute: &'r Attribute,
    sub: Option<&'r Attribute>,
}

impl Sort {
    /// What a query asks for; none if it does not sort.
    ///
    /// # Errors
    /// `invalidValue` for what is no path, or no order.
    pub fn of(query: &Query) -> Result<Option<Self>, ScimError> {
        let direction = match query.sort_order.as_deref() {
            None => Direction::Ascending,
            Some(order) if order.eq_ignore_ascii_case("ascending") => Direction::Ascending,
            Some(order) if order.eq_ignore_ascii_case("descending") => Direction::Descending,
            Some(other) => {
                return Err(ScimError::invalid_value(format!(
                    "`sortOrder` has to be `ascending` or `descending`, not {}",
                    quoted(other)
                )));
            }
        };
        let Some(text) = query.sort_by.as_deref() else {
            return Ok(None);
        };
        let path = AttrPath::parse(text.trim()).map_err(|_| unsortable(text))?;
        Ok(Some(Self { path, direction }))
    }

    /// Where resources of a type have the value. `others` are the types that are listed
    /// together with it: what one of them declares is absent in the rest.
    ///
    /// # Errors
    /// `invalidValue` for what no type declares, or what nobody may read.
    pub fn place<'r>(
        &self,
        rt: &'r ResourceType,
        others: &[&ResourceType],
    ) -> Result<Place<'r>, ScimError> {
        let unsortable = || unsortable(&self.path.to_string());
        let Some(Target::Attribute {
            extension,
            attribute,
            sub,
        }) = rt.resolve(&self.path)
        else {
            let known = others
                .iter()
                .any(|other| matches!(other.resolve(&self.path), Some(Target::Attribute { .. })));
            return if known {
                Ok(Place::Nowhere)
            } else {
                Err(unsortable())
            };
        };
        if attribute.is_secret() || sub.is_some_and(Attribute::is_secret) {
            return Err(unsortable());
        }
        if extension.is_none() && rt.core.attribute(&attribute.name).is_none() {
            return match (attribute.name.as_str(), sub.map(|sub| sub.name.as_str())) {
                ("id", _) => Ok(Place::Id),
                ("meta", Some("created")) => Ok(Place::Created),
                ("meta", Some("lastModified")) => Ok(Place::Modified),
                ("meta", Some("resourceType")) => Ok(Place::Named(rt.name)),
                ("externalId", _) => Ok(value(extension, attribute, sub)),
                _ => Err(unsortable()),
            };
        }
        let links = match rt.kind {
            Kind::User => "groups",
            Kind::Group => "members",
        };
        if extension.is_none() && attribute.name == links {
            return Err(unsortable());
        }
        // RFC 7644 3.4.2.3: of a complex attribute a part has to be named. Clients leave
        // `value` out, as filters may.
        if attribute.is_complex() && sub.is_none() {
            let sub = attribute.sub("value").filter(|sub| !sub.is_secret());
            let sub = sub.ok_or_else(unsortable)?;
            return Ok(value(extension, attribute, Some(sub)));
        }
        Ok(value(extension, attribute, sub))
    }
}

fn value<'r>(
    extension: Option<&'r crate::schema::Schema>,
    attribute: &'r Attribute,
    sub: Option<&'r Attribute>,
) -> Place<'r> {
    Place::Value(Steps {
        extension: extension.map(|schema| schema.id.as_str()),
        attribute,
        sub,
    })
}

fn unsortable(text: &str) -> ScimError {
    ScimError::invalid_value(format!(
        "`sortBy` has to be an attribute that can be read, such as `userName` or \
         `name.familyName`, not {}",
        quoted(text)
    ))
}

impl Place<'_> {
    /// The index whose walk is the order, if one holds every resource once.
    pub fn walk(&self, rt: &ResourceType) -> Option<(String, KeyRange)> {
        let whole = KeyRange::Between(None, None);
        match self {
            // The plain walk is in the order of ids.
            Self::Id => Some((BY_ID.to_owned(), whole)),
            Self::Modified => Some((BY_MODIFIED.to_owned(), whole)),
            Self::Value(steps) => {
                // RFC 7643 4.1 and 4.2: these two are required, and blank ones are refused.
                let required = match rt.kind {
                    Kind::User => "userName",
                    Kind::Group => "displayName",
                };
                let covered = steps.extension.is_none() && steps.attribute.name == required;
                covered.then(|| (required.to_owned(), whole))
            }
            Self::Created | Self::Named(_) | Self::Nowhere => None,
        }
    }

    /// The key of a resource.
    pub fn key(&self, document: &Document, content: &Map<String, Value>) -> Vec<u8> {
        let millis = |millis: u64| millis.to_be_bytes().to_vec();
        let value = match self {
            Self::Id => Some(document.id.clone().into_bytes()),
            Self::Created => Some(millis(document.created)),
            Self::Modified => Some(millis(document.modified)),
            Self::Named(name) => Some(name.as_bytes().to_vec()),
            Self::Nowhere => None,
            Self::Value(steps) => steps.value(content).and_then(|value| steps.key(value)),
        };
        match value {
            Some(value) => [vec![0], value].concat(),
            None => vec![1],
        }
    }
}

impl Steps<'_> {
    fn value<'v>(&self, content: &'v Map<String, Value>) -> Option<&'v Value> {
        let map = match self.extension {
            None => content,
            Some(urn) => content.get(urn)?.as_object()?,
        };
        let value = map.get(&self.attribute.name)?;
        // RFC 7644 3.4.2.3: of several values the primary one counts, or the first.
        let value = match value {
            Value::Array(list) => list
                .iter()
                .find(|element| element.get("primary") == Some(&Value::Bool(true)))
                .or(list.first())?,
            value => value,
        };
        match self.sub {
            Some(sub) => value.get(&sub.name),
            None => Some(value),
        }
    }

    /// As the key of an index would be, where there is one: a walk through it and a list
    /// that is sorted here are in one order.
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        let attribute = self.sub.unwrap_or(self.attribute);
        let sub = self.sub.map(|sub| sub.name.as_str());
        match (attribute.kind, value) {
            // Some clients send an empty text for what they have not.
            (_, Value::String(text)) if text.is_empty() => None,
            (Type::Decimal, Value::Number(number)) => Some(ordered_float(number.as_f64()?)),
            (Type::Binary, Value::String(text)) => Some(key_bytes(text)),
            _ if is_login(self.extension, &self.attribute.name, sub) => {
                Some(Form::Login.keyed(value)?.key)
            }
            _ => Some(Form::of(attribute)?.keyed(value)?.key),
        }
    }
}
