//! Which resource types there are and what schemas they are made of. The standard
//! ones are JSON beside this file; others come as JSON in the same shape.

use super::index::{self, Form, Index};
use super::model::{Attribute, Attributes, Returned, Schema};
use crate::directory::Kind;
use crate::resource::coerce::is_stored;
use crate::resource::path::AttrPath;
use std::sync::OnceLock;
use thiserror::Error;

/// The URN of the core User schema.
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of the core Group schema.
pub const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of the Enterprise User extension.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A schema that cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It is not JSON in the shape of RFC 7643 section 7.
    #[error("the schema is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Two schemas of one resource type have the same URN.
    #[error("the schema `{0}` is declared twice")]
    Twice(String),
}

/// One resource type: a core schema, its extensions, and what all types share.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: &'static str,
    /// Relative to the SCIM base, e.g. `/Users`.
    pub endpoint: &'static str,
    /// For people.
    pub description: &'static str,
    /// What the directory calls it.
    pub kind: Kind,
    /// The core schema.
    pub core: Schema,
    /// Extensions, none of them required.
    pub extensions: Vec<Schema>,
    /// `id`, `externalId`, `meta`, `schemas` (RFC 7643 section 3.1).
    pub common: Attributes,
    /// Is there an attribute that is stored and yet not part of every answer.
    pub hides: bool,
    /// The attributes that are indexed.
    pub indexes: Vec<Index>,
}

/// What a name in a path, a filter or a projection stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// A schema's URN alone; for the core schema that means the whole resource.
    Schema(&'a Schema),
    /// An attribute, with its extension if it is not in the core or common schema.
    Attribute {
        /// The extension that declares it.
        extension: Option<&'a Schema>,
        /// The attribute.
        attribute: &'a Attribute,
        /// The sub-attribute.
        sub: Option<&'a Attribute>,
    },
}

impl ResourceType {
    /// An attribute of the core schema or a common one, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.core.attribute(name).or_else(|| self.common.get(name))
    }

    /// An extension by its URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// What a parsed path names, if the schemas declare it.
    pub fn resolve<'a>(&'a self, path: &AttrPath) -> Option<Target<'a>> {
        let (extension, attribute) = match path.schema.as_deref() {
            None => (None, self.attribute(&path.attr)?),
            Some(urn) if self.core.id.eq_ignore_ascii_case(urn) => {
                (None, self.attribute(&path.attr)?)
            }
            Some(urn) => {
                let schema = self.extension(urn)?;
                (Some(schema), schema.attribute(&path.attr)?)
            }
        };
        let sub = match path.sub.as_deref() {
            None => None,
            Some(sub) => Some(attribute.sub(sub)?),
        };
        Some(Target::Attribute {
            extension,
            attribute,
            sub,
        })
    }

    /// A name apart from the URN it begins with, if that is one of these schemas; of the
    /// core schema, the name alone. What follows the URN may be any text.
    pub(crate) fn split_urn<'a>(&'a self, text: &'a str) -> (Option<&'a str>, &'a str) {
        let rest = |schema: &Schema| {
            let (urn, rest) = text.split_at_checked(schema.id.len())?;
            let name = rest.strip_prefix(':')?;
            urn.eq_ignore_ascii_case(&schema.id).then_some(name)
        };
        if let Some(name) = rest(&self.core) {
            return (None, name);
        }
        let mut extensions = self.extensions.iter();
        let found = extensions.find_map(|schema| Some((Some(schema.id.as_str()), rest(schema)?)));
        found.unwrap_or((None, text))
    }

    /// The schema whose URN the text is, in any case.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        if self.core.id.eq_ignore_ascii_case(urn) {
            return Some(&self.core);
        }
        self.extension(urn)
    }
}

fn hides(attributes: &Attributes) -> bool {
    attributes.iter().any(|attribute| {
        let hidden = matches!(attribute.returned, Returned::Never | Returned::Request);
        is_stored(attribute) && (hidden || hides(&attribute.sub_attributes))
    })
}

/// The index of the login that no two users share.
pub(crate) const USER_NAME: &str = "userName";

/// Where a user's logins are. They are compared without case and without the white space
/// around them.
pub(crate) const LOGINS: [(&str, Option<&str>); 2] = [(USER_NAME, None), ("emails", Some("value"))];

/// A change here must change `RULES` in `filter::keys`.
fn user_indexes() -> Vec<Index> {
    let logins = LOGINS
        .map(|(attribute, sub)| Index::core(attribute, sub, Form::Login, attribute == USER_NAME));
    let others = [
        Index::core("externalId", None, Form::Exact, false),
        Index::core("displayName", None, Form::Folded, false),
        // RFC 7643 4.1.1 leaves open what an absent `active` means. We take the stance
        // that it is active: OneLogin never sends it.
        Index::core("active", None, Form::Flag(Some(true)), false),
    ];
    logins.into_iter().chain(others).collect()
}

/// See [`user_indexes`].
fn group_indexes() -> Vec<Index> {
    vec![
        Index::core("displayName", None, Form::Folded, true),
        Index::core("externalId", None, Form::Exact, false),
    ]
}

/// All resource types of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    user: ResourceType,
    group: ResourceType,
    /// Names the indexes of declared schemas; empty if there are none.
    digest: String,
}

impl Registry {
    /// What RFC 7643 defines: User with Enterprise User, and Group. Parsed once.
    #[expect(
        clippy::expect_used,
        reason = "the data is part of the program, and every test parses it"
    )]
    pub fn standard() -> &'static Self {
        static STANDARD: OnceLock<Registry> = OnceLock::new();
        STANDARD.get_or_init(|| {
            Self::from_json(
                include_str!("data/user.json"),
                include_str!("data/group.json"),
                &[(Kind::User, include_str!("data/enterprise-user.json"))],
            )
            .expect("the embedded schemas are readable")
        })
    }

    /// The schemas of the discovery documents themselves (RFC 7643 8.7.2), parsed once.
    #[expect(
        clippy::expect_used,
        reason = "the data is part of the program, and every test parses it"
    )]
    pub fn of_discovery() -> &'static [Schema] {
        static SCHEMAS: OnceLock<Vec<Schema>> = OnceLock::new();
        SCHEMAS.get_or_init(|| {
            [
                include_str!("data/service-provider-config.json"),
                include_str!("data/resource-type.json"),
                include_str!("data/schema.json"),
            ]
            .iter()
            .map(|json| serde_json::from_str(json).expect("the embedded schemas are readable"))
            .collect()
        })
    }

    /// From the JSON of the two core schemas and any extensions.
    pub fn from_json(
        user: &str,
        group: &str,
        extensions: &[(Kind, &str)],
    ) -> Result<Self, SchemaError> {
        let common: Attributes = serde_json::from_str(include_str!("data/common.json"))?;
        let mut registry = Self {
            user: ResourceType {
                name: "User",
                endpoint: "/Users",
                description: "User Account",
                kind: Kind::User,
                core: serde_json::from_str(user)?,
                extensions: Vec::new(),
                common: common.clone(),
                hides: false,
                indexes: user_indexes(),
            },
            group: ResourceType {
                name: "Group",
                endpoint: "/Groups",
                description: "Group",
                kind: Kind::Group,
                core: serde_json::from_str(group)?,
                extensions: Vec::new(),
                common,
                hides: false,
                indexes: group_indexes(),
            },
            digest: String::new(),
        };
        for target in [&mut registry.user, &mut registry.group] {
            target.hides = hides(&target.core.attributes);
        }
        for (kind, json) in extensions {
            registry.extend(*kind, serde_json::from_str(json)?)?;
        }
        Ok(registry)
    }

    /// Adds an extension to a resource type.
    pub fn extend(&mut self, kind: Kind, schema: Schema) -> Result<(), SchemaError> {
        self.extend_indexed(kind, schema, Vec::new())
    }

    /// Adds an extension whose attributes are indexed so.
    pub(crate) fn extend_indexed(
        &mut self,
        kind: Kind,
        schema: Schema,
        indexes: Vec<Index>,
    ) -> Result<(), SchemaError> {
        let target = match kind {
            Kind::User => &mut self.user,
            Kind::Group => &mut self.group,
        };
        if target.schema(&schema.id).is_some() {
            return Err(SchemaError::Twice(schema.id));
        }
        target.hides |= hides(&schema.attributes);
        target.extensions.push(schema);
        if !indexes.is_empty() {
            target.indexes.extend(indexes);
            let rules = [&self.user.indexes, &self.group.indexes];
            self.digest = index::digest(&format!("{rules:?}"));
        }
        Ok(())
    }

    /// Names the rules by which keys are made besides the standard ones; empty if there
    /// are none.
    pub fn index_digest(&self) -> &str {
        &self.digest
    }

    /// The resource type of a kind.
    pub fn resource_type(&self, kind: Kind) -> &ResourceType {
        match kind {
            Kind::User => &self.user,
            Kind::Group => &self.group,
        }
    }

    /// Both resource types.
    pub fn resource_types(&self) -> [&ResourceType; 2] {
        [&self.user, &self.group]
    }

    /// Every schema once, cores first within their type.
    pub fn schemas(&self) -> Vec<&Schema> {
        let mut all: Vec<&Schema> = Vec::new();
        for resource_type in self.resource_types() {
            let own = std::iter::once(&resource_type.core).chain(&resource_type.extensions);
            for schema in own {
                if !all
                    .iter()
                    .any(|known| known.id.eq_ignore_ascii_case(&schema.id))
                {
                    all.push(schema);
                }
            }
        }
        all
    }

    /// A schema by its URN, in any case.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.user.schema(urn).or_else(|| self.group.schema(urn))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::schema::{Mutability, Returned, Type, Uniqueness};

    fn user() -> &'static ResourceType {
        Registry::standard().resource_type(Kind::User)
    }

    fn resolved(text: &str) -> Option<String> {
        match user().resolve(&AttrPath::parse(text).unwrap())? {
            Target::Attribute {
                extension,
                attribute,
                sub,
            } => {
                let extension = extension.map_or("", |schema| schema.name.as_str());
                let sub = sub.map_or("", |sub| sub.name.as_str());
                Some(format!("{extension}/{}/{sub}", attribute.name))
            }
            Target::Schema(schema) => Some(schema.name.clone()),
        }
    }

    #[test]
    fn the_user_has_every_attribute_of_rfc_7643() {
        let names: Vec<&str> = user()
            .core
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "userName",
                "name",
                "displayName",
                "nickName",
                "profileUrl",
                "title",
                "userType",
                "preferredLanguage",
                "locale",
                "timezone",
                "active",
                "password",
                "emails",
                "phoneNumbers",
                "ims",
                "photos",
                "addresses",
                "groups",
                "entitlements",
                "roles",
                "x509Certificates"
            ]
        );
        let extension: Vec<&str> = user()
            .extension(ENTERPRISE_USER)
            .unwrap()
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
            .collect();
        assert_eq!(
            extension,
            [
                "employeeNumber",
                "costCenter",
                "organization",
                "division",
                "department",
                "manager"
            ]
        );
    }

    #[test]
    fn characteristics_are_those_we_keep_to() {
        let user_name = user().attribute("username").unwrap();
        assert!(user_name.required && !user_name.case_exact);
        assert_eq!(user_name.uniqueness, Uniqueness::Server);
        let password = user().attribute("password").unwrap();
        assert_eq!(password.mutability, Mutability::WriteOnly);
        assert_eq!(password.returned, Returned::Never);
        assert_eq!(
            user().attribute("groups").unwrap().mutability,
            Mutability::ReadOnly
        );
        assert!(user().attribute("EXTERNALID").unwrap().case_exact);
        let group = Registry::standard().resource_type(Kind::Group);
        let name = group.attribute("displayName").unwrap();
        assert!(name.required && name.uniqueness == Uniqueness::Server);
        let members = group.attribute("members").unwrap();
        assert_eq!(
            members.sub("value").unwrap().mutability,
            Mutability::Immutable
        );
        assert_eq!(
            members.sub("display").unwrap().mutability,
            Mutability::ReadOnly
        );
    }

    #[test]
    fn complex_attributes_alone_have_parts() {
        for schema in Registry::standard().schemas() {
            for attribute in schema.attributes.iter() {
                assert_eq!(
                    attribute.kind == Type::Complex,
                    !attribute.sub_attributes.is_empty(),
                    "{}",
                    attribute.name
                );
            }
        }
    }

    #[test]
    fn a_schema_prints_as_the_json_it_was_read_from() {
        let printed = serde_json::to_value(&user().core).unwrap();
        let source: serde_json::Value =
            serde_json::from_str(include_str!("data/user.json")).unwrap();
        assert_eq!(printed, source);
    }

    #[test]
    fn paths_find_core_common_and_extension_attributes() {
        let cases = [
            ("USERNAME", Some("/userName/")),
            ("name.GivenName", Some("/name/givenName")),
            ("meta.lastModified", Some("/meta/lastModified")),
            ("id", Some("/id/")),
            (
                "urn:ietf:params:scim:schemas:core:2.0:user:active",
                Some("/active/"),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.VALUE",
                Some("EnterpriseUser/manager/value"),
            ),
            ("department", None),
            ("name.shoe", None),
            ("urn:example:x:userName", None),
        ];
        for (text, expected) in cases {
            assert_eq!(resolved(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_schema_can_be_added_once() {
        let mut registry = Registry::standard().clone();
        let schema: Schema = serde_json::from_str(
            r#"{"id": "urn:example:badge", "name": "Badge", "attributes": [{"name": "no"}]}"#,
        )
        .unwrap();
        registry.extend(Kind::User, schema.clone()).unwrap();
        assert_eq!(registry.schema("URN:example:BADGE"), Some(&schema));
        assert_eq!(registry.schemas().len(), 4);
        let error = registry.extend(Kind::User, schema).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`urn:example:badge` is declared twice")
        );
    }
}
