//! What of a resource an answer shows (RFC 7644 section 3.9): `attributes`,
//! `excludedAttributes` and each attribute's `returned`.

use super::path::AttrPath;
use crate::schema::{Attribute, Attributes, ResourceType, Returned, Schema};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A choice of attributes. Names that no resource has choose nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// None: what is returned by default.
    only: Option<Choice>,
    excluded: Choice,
}

/// Names in lower case: of the core and common schema, and of each extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Choice {
    core: Names,
    /// By canonical URN.
    extensions: BTreeMap<String, Extension>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extension {
    whole: bool,
    names: Names,
}

/// Attribute to what of it is meant.
type Names = BTreeMap<String, Part>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Subs(BTreeSet<String>),
}

impl Projection {
    /// From the comma-separated query parameters; a blank one counts as absent.
    pub fn new(attributes: Option<&str>, excluded: Option<&str>, rt: &ResourceType) -> Self {
        let attributes = attributes.filter(|list| !list.trim().is_empty());
        Self {
            only: attributes.map(|list| Choice::read(list, rt)),
            excluded: excluded
                .map(|list| Choice::read(list, rt))
                .unwrap_or_default(),
        }
    }

    /// Was nothing chosen, so that all of a resource is shown that is not hidden.
    pub fn is_whole(&self) -> bool {
        self.only.is_none() && self.excluded == Choice::default()
    }

    /// Cuts a whole answer, with `id` and `meta`, down to the choice.
    pub fn apply(&self, answer: &mut Map<String, Value>, rt: &ResourceType) {
        answer.retain(|name, value| match rt.extension(name) {
            Some(schema) => self.keep_extension(schema, value),
            None => {
                let only = self.only.as_ref().map(|choice| &choice.core);
                keep(name, value, rt.attribute(name), only, &self.excluded.core)
            }
        });
    }

    fn keep_extension(&self, schema: &Schema, value: &mut Value) -> bool {
        let excluded = self.excluded.extensions.get(&schema.id);
        let only = match &self.only {
            None => None,
            Some(choice) => match choice.extensions.get(&schema.id) {
                None => return keep_always(&schema.attributes, value),
                Some(choice) if choice.whole => None,
                Some(choice) => Some(&choice.names),
            },
        };
        if excluded.is_some_and(|choice| choice.whole) {
            return keep_always(&schema.attributes, value);
        }
        let none = Names::new();
        let excluded = excluded.map_or(&none, |choice| &choice.names);
        if let Value::Object(map) = value {
            map.retain(|name, value| keep(name, value, schema.attribute(name), only, excluded));
            return !map.is_empty();
        }
        true
    }
}

impl Choice {
    fn read(list: &str, rt: &ResourceType) -> Self {
        let mut choice = Self::default();
        for text in list.split(',').map(str::trim) {
            // A URN alone means the whole schema.
            match rt.schema(text) {
                Some(schema) if schema.id == rt.core.id => choice.add_core(schema),
                Some(schema) => choice.extension(&schema.id).whole = true,
                None => choice.add(text, rt),
            }
        }
        choice
    }

    fn add_core(&mut self, core: &Schema) {
        let shown = core.attributes.iter();
        let shown = shown.filter(|attribute| attribute.returned != Returned::Request);
        self.core
            .extend(shown.map(|attribute| (attribute.name.to_ascii_lowercase(), Part::Whole)));
    }

    /// A text that is no schema's URN: an attribute, a part of one, or the name of
    /// something that no schema declares, which may be any text.
    fn add(&mut self, text: &str, rt: &ResourceType) {
        let (extension, name) = rt.split_urn(text);
        let names = match extension {
            Some(urn) => &mut self.extension(urn).names,
            None => &mut self.core,
        };
        if let Ok(path) = AttrPath::parse(name) {
            match (path.schema, path.sub) {
                // What is in an extension that nobody declares.
                (Some(urn), _) => add_part(names, &urn, &path.attr),
                (None, Some(sub)) => add_part(names, &path.attr, &sub),
                (None, None) => {}
            }
        }
        if !name.is_empty() {
            names.insert(name.to_ascii_lowercase(), Part::Whole);
        }
    }

    fn extension(&mut self, urn: &str) -> &mut Extension {
        self.extensions.entry(urn.to_owned()).or_default()
    }
}

fn add_part(names: &mut Names, attribute: &str, sub: &str) {
    let part = names
        .entry(attribute.to_ascii_lowercase())
        .or_insert_with(|| Part::Subs(BTreeSet::new()));
    if let Part::Subs(subs) = part {
        subs.insert(sub.to_ascii_lowercase());
    }
}

/// Is an attribute shown at least in part. `only` is none if there is no list of
/// attributes, and some(none) if there is one that does not name it.
fn shows(returned: Returned, only: Option<Option<&Part>>, excluded: Option<&Part>) -> bool {
    match (returned, only) {
        (Returned::Never, _) => false,
        (Returned::Always, _) => true,
        // RFC 7643 7: `request` is shown only where it is asked for.
        (Returned::Request, None) | (_, Some(None)) => false,
        _ => excluded != Some(&Part::Whole),
    }
}

/// Decides on one attribute and cuts its value down.
fn keep(
    name: &str,
    value: &mut Value,
    attribute: Option<&Attribute>,
    only: Option<&Names>,
    excluded: &Names,
) -> bool {
    let lower = name.to_ascii_lowercase();
    // We take the stance that what no schema declares is shown to those who ask for it:
    // a client may refuse an answer with attributes it cannot know of.
    let returned = attribute.map_or(Returned::Request, |it| it.returned);
    let only = only.map(|names| names.get(&lower));
    let excluded = excluded.get(&lower);
    if !shows(returned, only, excluded) {
        return false;
    }
    let only = match only {
        Some(Some(Part::Subs(subs))) => Some(subs),
        _ => None,
    };
    let excluded = match excluded {
        Some(Part::Subs(subs)) => Some(subs),
        _ => None,
    };
    if attribute.map_or(only.is_none(), |attribute| !attribute.is_complex()) {
        return true;
    }
    let cut = |map: &mut Map<String, Value>| {
        map.retain(|name, _| {
            let lower = name.to_ascii_lowercase();
            let returned = match attribute {
                Some(attribute) => attribute
                    .sub(name)
                    .map_or(Returned::Request, |sub| sub.returned),
                // It was asked for, with all that is in it.
                None => Returned::Default,
            };
            let only = only.map(|subs| subs.contains(&lower).then_some(&Part::Whole));
            let excluded = excluded.and_then(|subs| subs.contains(&lower).then_some(&Part::Whole));
            shows(returned, only, excluded)
        });
    };
    match value {
        Value::Object(map) => {
            cut(map);
            !map.is_empty()
        }
        Value::Array(list) => {
            list.iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(cut);
            list.retain(|element| element.as_object().is_none_or(|map| !map.is_empty()));
            !list.is_empty()
        }
        _ => true,
    }
}

/// What of an extension that was not chosen is shown all the same.
fn keep_always(declared: &Attributes, value: &mut Value) -> bool {
    let Value::Object(map) = value else {
        return false;
    };
    map.retain(|name, _| {
        declared
            .get(name)
            .is_some_and(|it| it.returned == Returned::Always)
    });
    !map.is_empty()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::directory::Kind;
    use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
    use serde_json::json;

    fn answer() -> Value {
        json!({
            "schemas": [CORE_USER, ENTERPRISE_USER], "id": "1",
            "meta": {"resourceType": "User", "version": "W/\"1\""},
            "userName": "a", "favouriteColour": "blue", "password": "never",
            "name": {"givenName": "b", "familyName": "c"},
            "emails": [{"value": "d", "type": "work"}, {"type": "home"}],
            ENTERPRISE_USER: {"department": "e", "manager": {"value": "f", "$ref": "g"}}})
    }

    fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let rt = Registry::standard().resource_type(Kind::User);
        let mut map = answer().as_object().unwrap().clone();
        Projection::new(attributes, excluded, rt).apply(&mut map, rt);
        Value::Object(map)
    }

    /// The answer to a choice of attributes, without what is always there.
    fn only(attributes: &str) -> Value {
        let mut value = projected(Some(attributes), None);
        let map = value.as_object_mut().unwrap();
        assert_eq!(map.remove("id"), Some(json!("1")));
        assert!(map.remove("schemas").is_some());
        value
    }

    fn without(excluded: &str) -> Value {
        let mut expected = projected(None, None);
        let kept = projected(None, Some(excluded));
        // What remains of the whole answer once what was kept is taken away.
        let map = expected.as_object_mut().unwrap();
        map.retain(|name, value| kept.get(name) != Some(value));
        for (name, value) in map.iter_mut() {
            *value = kept.get(name).cloned().unwrap_or_default();
        }
        expected
    }

    #[test]
    fn by_default_everything_declared_but_secrets_is_shown() {
        let mut expected = answer();
        let map = expected.as_object_mut().unwrap();
        map.retain(|name, _| name != "password" && name != "favouriteColour");
        assert_eq!(projected(None, None), expected);
        assert_eq!(projected(Some(" "), Some("")), expected);
    }

    #[test]
    fn attributes_choose_in_any_case_and_unknown_ones_choose_nothing() {
        assert_eq!(
            only("USERNAME, nonsense,,a b,urn:x:y"),
            json!({"userName": "a"})
        );
        assert_eq!(only("favouritecolour"), json!({"favouriteColour": "blue"}));
        assert_eq!(only("password"), json!({}));
        assert_eq!(only("nonsense"), json!({}));
    }

    #[test]
    fn attributes_choose_parts() {
        assert_eq!(only("name.GIVENNAME"), json!({"name": {"givenName": "b"}}));
        assert_eq!(only("emails.value"), json!({"emails": [{"value": "d"}]}));
        assert_eq!(only("name.givenName,name"), only("name"));
        assert_eq!(only("name,name.givenName"), only("name"));
        assert_eq!(
            only("meta.version"),
            json!({"meta": {"version": "W/\"1\""}})
        );
    }

    #[test]
    fn attributes_choose_extensions_whole_and_in_part() {
        let whole = json!({ENTERPRISE_USER:
            {"department": "e", "manager": {"value": "f", "$ref": "g"}}});
        assert_eq!(only(&ENTERPRISE_USER.to_uppercase()), whole);
        assert_eq!(
            only(&format!("{ENTERPRISE_USER}:Department")),
            json!({ENTERPRISE_USER: {"department": "e"}})
        );
        assert_eq!(
            only(&format!("{ENTERPRISE_USER}:manager.value")),
            json!({ENTERPRISE_USER: {"manager": {"value": "f"}}})
        );
        assert_eq!(
            only(&format!("{CORE_USER}:userName")),
            json!({"userName": "a"})
        );
        assert_eq!(only("department"), json!({}));
    }

    #[test]
    fn excluded_attributes_are_left_out_but_not_what_is_always_shown() {
        assert_eq!(without("userName"), json!({"userName": null}));
        assert_eq!(without("id,schemas,nonsense"), json!({}));
        assert_eq!(
            without("name.familyName"),
            json!({"name": {"givenName": "b"}})
        );
        assert_eq!(without(ENTERPRISE_USER), json!({ENTERPRISE_USER: null}));
        assert_eq!(
            without(&format!("{ENTERPRISE_USER}:manager")),
            json!({ENTERPRISE_USER: {"department": "e"}})
        );
        assert_eq!(
            without("emails.value"),
            json!({"emails": [{"type": "work"}, {"type": "home"}]})
        );
    }
}
