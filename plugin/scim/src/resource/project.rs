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

    /// Will an attribute of the core schema be shown, at least in part. To be asked
    /// before something expensive is read.
    pub fn wants(&self, attribute: &str, rt: &ResourceType) -> bool {
        let name = attribute.to_ascii_lowercase();
        let returned = rt
            .attribute(attribute)
            .map_or(Returned::Default, |it| it.returned);
        let only = self.only.as_ref().map(|choice| choice.core.get(&name));
        shows(returned, only, self.excluded.core.get(&name))
    }

    /// Cuts a whole answer, with `id`, `schemas` and `meta`, down to the choice.
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
            // A URN alone means the whole extension.
            if let Some(schema) = rt.extension(text) {
                choice.extension(&schema.id).whole = true;
            } else if let Ok(path) = AttrPath::parse(text) {
                choice.add(text, &path, rt);
            }
        }
        choice
    }

    fn add(&mut self, text: &str, path: &AttrPath, rt: &ResourceType) {
        let names = match path.schema.as_deref() {
            None => &mut self.core,
            Some(urn) if rt.core.id.eq_ignore_ascii_case(urn) => &mut self.core,
            Some(urn) => match rt.extension(urn) {
                Some(schema) => &mut self.extension(&schema.id).names,
                // Perhaps an extension that was received and that nobody declares.
                None => {
                    self.core.insert(text.to_ascii_lowercase(), Part::Whole);
                    return;
                }
            },
        };
        let attr = path.attr.to_ascii_lowercase();
        match &path.sub {
            None => {
                names.insert(attr, Part::Whole);
            }
            Some(sub) => {
                let part = names
                    .entry(attr)
                    .or_insert_with(|| Part::Subs(BTreeSet::new()));
                if let Part::Subs(subs) = part {
                    subs.insert(sub.to_ascii_lowercase());
                }
            }
        }
    }

    fn extension(&mut self, urn: &str) -> &mut Extension {
        self.extensions.entry(urn.to_owned()).or_default()
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
    let none = Attributes::default();
    let declared = attribute.map_or(&none, |it| &it.sub_attributes);
    let plain = only.is_none()
        && excluded.is_none()
        && declared
            .iter()
            .all(|sub| matches!(sub.returned, Returned::Default | Returned::Always));
    if plain {
        return true;
    }
    let cut = |map: &mut Map<String, Value>| {
        map.retain(|name, _| {
            let lower = name.to_ascii_lowercase();
            let returned = declared
                .get(name)
                .map_or(Returned::Default, |sub| sub.returned);
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

    #[test]
    fn members_are_wanted_only_where_they_will_be_shown() {
        let rt = Registry::standard().resource_type(Kind::Group);
        let wants = |only, excluded| Projection::new(only, excluded, rt).wants("members", rt);
        assert!(wants(None, None));
        assert!(wants(Some("Members.value"), None));
        assert!(wants(None, Some("members.display")));
        assert!(!wants(Some("id"), None));
        assert!(!wants(None, Some("MEMBERS")));
        assert!(!wants(Some("members"), Some("members")));
    }
}
