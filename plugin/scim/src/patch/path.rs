//! What the path of an operation names in a resource.

use crate::config::Dialect;
use crate::error::{ScimError, quoted};
use crate::filter::parser::value_path;
use crate::filter::{Filter, resolve_elements};
use crate::resource::AttrPath;
use crate::schema::{Attribute, ResourceType, Schema, Target};

/// A path, resolved.
#[derive(Clone, Debug)]
pub(crate) enum PatchPath<'a> {
    /// The core schema's URN: the whole resource.
    Resource,
    /// An extension's URN.
    Extension(&'a Schema),
    /// An attribute or part of one.
    Attribute(AttributePath<'a>),
    /// No schema declares it. None if it chooses elements, or is a name but no path.
    Undeclared(Option<AttrPath>),
}

/// An attribute or part of one.
#[derive(Clone, Debug)]
pub(crate) struct AttributePath<'a> {
    /// The extension that declares it.
    pub(crate) extension: Option<&'a Schema>,
    /// The attribute.
    pub(crate) attribute: &'a Attribute,
    /// Which elements of it, if it is a list; known to resolve.
    pub(crate) filter: Option<Filter>,
    /// Which part of the value or the elements.
    pub(crate) sub: Option<&'a Attribute>,
}

impl<'a> PatchPath<'a> {
    /// Reads a path. Fails with `invalidPath` if it is malformed (whether or not the
    /// attribute is known) or its brackets do not suit the attribute.
    pub(crate) fn read(
        text: &str,
        rt: &'a ResourceType,
        dialect: Dialect,
    ) -> Result<Self, ScimError> {
        // A URN alone looks like an attribute of a shorter URN, so it goes first.
        match rt.schema(text) {
            Some(schema) if schema.id == rt.core.id => return Ok(Self::Resource),
            Some(schema) => return Ok(Self::Extension(schema)),
            None => {}
        }
        let parsed = value_path(text).map_err(|error| {
            ScimError::invalid_path(format!("the path {} is malformed: {error}", quoted(text)))
        })?;
        let path = AttrPath {
            sub: parsed.tail.or(parsed.path.sub),
            ..parsed.path
        };
        let Some(Target::Attribute {
            extension,
            attribute,
            sub,
        }) = rt.resolve(&path)
        else {
            return Ok(Self::Undeclared(parsed.filter.is_none().then_some(path)));
        };
        if let Some(filter) = &parsed.filter {
            if !attribute.multi_valued {
                return Err(ScimError::invalid_path(format!(
                    "`{}` is not a list and takes no brackets",
                    attribute.name
                )));
            }
            resolve_elements(filter, extension, attribute, dialect)
                .map_err(|error| ScimError::invalid_path(error.detail))?;
        }
        Ok(Self::Attribute(AttributePath {
            extension,
            attribute,
            filter: parsed.filter,
            sub,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::directory::Kind;
    use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<PatchPath<'static>, ScimError> {
        let rt = Registry::standard().resource_type(Kind::User);
        PatchPath::read(text, rt, Dialect::Auto)
    }

    fn shown(text: &str) -> String {
        match read(text).unwrap() {
            PatchPath::Resource => "resource".to_owned(),
            PatchPath::Extension(schema) => schema.name.clone(),
            PatchPath::Undeclared(_) => "undeclared".to_owned(),
            PatchPath::Attribute(path) => format!(
                "{}/{}/{}/{}",
                path.extension.map_or("", |schema| schema.name.as_str()),
                path.attribute.name,
                path.filter
                    .map_or_else(String::new, |filter| filter.to_string()),
                path.sub.map_or("", |sub| sub.name.as_str())
            ),
        }
    }

    #[test]
    fn every_form_of_path_is_resolved() {
        let cases = [
            ("USERNAME", "/userName//".to_owned()),
            ("name.givenname", "/name//givenName".to_owned()),
            (
                "emails[TYPE eq \"work\"]",
                "/emails/TYPE eq \"work\"/".to_owned(),
            ),
            (
                "emails[type eq \"work\"].Value",
                "/emails/type eq \"work\"/value".to_owned(),
            ),
            (CORE_USER, "resource".to_owned()),
            (&ENTERPRISE_USER.to_lowercase(), "EnterpriseUser".to_owned()),
            (&format!("{CORE_USER}:title"), "/title//".to_owned()),
            (
                &format!("{ENTERPRISE_USER}:department"),
                "EnterpriseUser/department//".to_owned(),
            ),
            (
                &format!("{ENTERPRISE_USER}:manager.value"),
                "EnterpriseUser/manager//value".to_owned(),
            ),
            ("shoeSize", "undeclared".to_owned()),
            ("name.shoe", "undeclared".to_owned()),
            ("shoes[size eq 5].left", "undeclared".to_owned()),
            ("urn:example:x:y", "undeclared".to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn malformed_paths_are_invalid_path_even_for_unknown_attributes() {
        for text in [
            "emails[",
            "shoes[",
            "a b",
            "emails[type eq work]",
            "emails[shoe eq \"x\"]",
            "name[givenName eq \"x\"]",
            "emails[primary gt true]",
            ".",
            "[]",
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(
                error.scim_type,
                Some(crate::error::ScimType::InvalidPath),
                "{text}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
