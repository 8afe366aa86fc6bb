//! What a host shows of a person, from the directory's document and groups.
//!
//! This module must not know who uses which host.

use std::collections::BTreeMap;

use nameplate_scim::directory::{Document, Memberships, Timestamp};
use serde_json::{Map, Value};

use crate::attributes::{AttributeMap, DEPARTMENT, FULL_NAME, Names};
use crate::json::{member, text};

/// A person as a host shows them. Empty texts mean "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The document.
    pub id: String,
    /// Its connection, by name.
    pub connection: String,
    /// `externalId`.
    pub external_id: String,
    /// `userName`.
    pub username: String,
    /// The attribute of this name; never empty where the username is not.
    pub full_name: String,
    /// The attribute of this name.
    pub department: String,
    /// Names of all groups, nested ones too, sorted.
    pub groups: Vec<String>,
    /// False only if the document says so.
    pub active: bool,
    /// The newest change of the person or of a membership.
    pub updated: Timestamp,
    /// All attributes of the tenant's map that are not empty, by name.
    pub attributes: Vec<(String, String)>,
}

impl Person {
    /// Reads a person by the tenant's map. `names` holds the full names of those that
    /// [`AttributeMap::people`] asks for.
    pub fn new(
        document: &Document,
        memberships: &Memberships,
        map: &AttributeMap,
        names: &Names,
    ) -> Self {
        let user = content(&document.json);
        let username = username_in(&user, &document.label);
        let attributes = map.values(&user, username, names);
        let value = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        Self {
            id: document.id.clone(),
            connection: document.connection.clone(),
            external_id: text(&user, "externalId").to_owned(),
            username: username.to_owned(),
            full_name: value(FULL_NAME),
            department: value(DEPARTMENT),
            groups: group_names(memberships),
            active: is_active(&user),
            updated: updated(document, memberships),
            attributes: attributes.into_iter().collect(),
        }
    }

    /// An attribute of the map by name; empty if there is none.
    pub fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// These attributes of a document, as far as they are not empty. None may depend on other
/// people.
pub(crate) fn attributes_of(
    user: &Map<String, Value>,
    names: &[String],
    map: &AttributeMap,
) -> Vec<(String, String)> {
    let (username, nobody) = (username_in(user, ""), Names::new());
    let values = names
        .iter()
        .map(|name| (name.clone(), map.value(name, user, username, &nobody)));
    values.filter(|(_, value)| !value.is_empty()).collect()
}

/// A document as it is stored; what cannot be read holds nothing.
pub(crate) fn content(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_default()
}

/// The username of a document.
pub(crate) fn username(document: &Document) -> String {
    username_in(&content(&document.json), &document.label).to_owned()
}

/// The username in a document's content, or what stands in for one.
pub(crate) fn username_in<'a>(user: &'a Map<String, Value>, label: &'a str) -> &'a str {
    match text(user, "userName") {
        "" => label,
        username => username,
    }
}

/// Is the person of this document active? RFC 7643 4.1.1 leaves an absent `active`
/// open; several identity providers never send it, so absent is active.
pub fn active(document: &Document) -> bool {
    is_active(&content(&document.json))
}

fn is_active(user: &Map<String, Value>) -> bool {
    member(user, "active").and_then(Value::as_bool) != Some(false)
}

fn group_names(memberships: &Memberships) -> Vec<String> {
    let by_id: BTreeMap<&str, &str> = memberships
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.label.as_str()))
        .collect();
    let mut names: Vec<(&str, &str)> = by_id.into_iter().map(|(id, name)| (name, id)).collect();
    names.sort_unstable();
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

fn updated(document: &Document, memberships: &Memberships) -> Timestamp {
    memberships
        .groups
        .iter()
        .map(|group| group.since)
        .chain(memberships.last_removed)
        .fold(document.modified, Timestamp::max)
}

#[cfg(test)]
mod tests {
    use nameplate_scim::directory::{Kind, Membership};
    use serde_json::json;

    use super::*;

    fn document(json: &Value) -> Document {
        Document {
            kind: Kind::User,
            id: "u1".to_owned(),
            connection: "okta".to_owned(),
            version: 1,
            created: 10,
            modified: 20,
            label: "the label".to_owned(),
            json: json.to_string().into_bytes(),
            member_count: 0,
        }
    }

    fn read(document: &Document, memberships: &Memberships) -> Person {
        Person::new(
            document,
            memberships,
            AttributeMap::standard(),
            &Names::new(),
        )
    }

    fn person(json: &Value) -> Person {
        read(&document(json), &Memberships::default())
    }

    fn group(id: &str, label: &str, since: Timestamp) -> Membership {
        Membership {
            group: id.to_owned(),
            label: label.to_owned(),
            direct: true,
            since,
        }
    }

    #[test]
    fn full_name_is_given_and_family_name_or_either_alone() {
        let name = |name: Value| person(&json!({"userName": "u", "name": name})).full_name;
        assert_eq!(
            name(json!({"givenName": " Ana ", "familyName": "Díaz"})),
            "Ana Díaz"
        );
        assert_eq!(name(json!({"givenName": "Ana", "familyName": ""})), "Ana");
        assert_eq!(
            name(json!({"familyName": "Díaz", "formatted": "x"})),
            "Díaz"
        );
        assert_eq!(
            name(json!({"givenName": null, "formatted": "A. Díaz"})),
            "A. Díaz"
        );
    }

    #[test]
    fn full_name_falls_back_to_display_name_and_then_user_name() {
        let user = json!({"userName": "ana", "displayName": "Ana D.", "name": {"givenName": " "}});
        assert_eq!(person(&user).full_name, "Ana D.");
        assert_eq!(person(&json!({"userName": "ana"})).full_name, "ana");
    }

    #[test]
    fn full_name_follows_when_entra_changes_the_given_name_alone() {
        let mut user = json!({"userName": "j", "displayName": "Joy Young",
            "name": {"formatted": "Joy Young", "givenName": "Joy", "familyName": "Young"}});
        if let Some(given) = user.pointer_mut("/name/givenName") {
            *given = json!("Joyce");
        }
        assert_eq!(person(&user).full_name, "Joyce Young");
    }

    #[test]
    fn department_is_found_whatever_the_case_of_the_extension() {
        let user = json!({"URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User":
            {"Department": " IT "}});
        assert_eq!(person(&user).department, "IT");
    }

    #[test]
    fn only_false_is_inactive() {
        assert!(person(&json!({})).active);
        assert!(person(&json!({"active": null})).active);
        assert!(!person(&json!({"Active": false})).active);
        assert!(!active(&document(&json!({"active": false}))));
    }

    #[test]
    fn groups_are_named_once_each_and_sorted_by_name() {
        let memberships = Memberships {
            groups: vec![
                group("g3", "Alpha", 1),
                group("g1", "Zeta", 1),
                group("g2", "Alpha", 1),
                group("g1", "Zeta", 2),
            ],
            last_removed: None,
        };
        let person = read(&document(&json!({})), &memberships);
        assert_eq!(
            person.groups,
            ["Alpha", "Alpha", "Zeta"],
            "two groups may share a name"
        );
    }

    #[test]
    fn updated_is_the_newest_of_person_and_memberships() {
        let at = |groups, last_removed| {
            let memberships = Memberships {
                groups,
                last_removed,
            };
            read(&document(&json!({})), &memberships).updated
        };
        assert_eq!(at(Vec::new(), None), 20);
        assert_eq!(at(vec![group("g", "G", 30)], Some(25)), 30);
        assert_eq!(at(vec![group("g", "G", 30)], Some(35)), 35);
    }

    #[test]
    fn a_document_that_cannot_be_read_still_has_its_label() {
        let mut broken = document(&json!({}));
        broken.json = b"[1".to_vec();
        let person = read(&broken, &Memberships::default());
        assert_eq!(
            (person.username.as_str(), person.full_name.as_str()),
            ("the label", "the label")
        );
        assert!(person.active);
    }
}
