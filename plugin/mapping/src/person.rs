//! What a host shows of a person, from the directory's document and groups.
//!
//! This module must not know who uses which host.

use std::collections::BTreeMap;

use nameplate_scim::directory::{Document, Memberships, Timestamp};
use serde_json::{Map, Value};

use crate::json::{member, object, text};

/// RFC 7643 4.3.
const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

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
    /// See [`Person::new`].
    pub full_name: String,
    /// Of the enterprise extension.
    pub department: String,
    /// Names of all groups, nested ones too, sorted.
    pub groups: Vec<String>,
    /// False only if the document says so.
    pub active: bool,
    /// The newest change of the person or of a membership.
    pub updated: Timestamp,
    /// Further attributes by configuration.
    pub attributes: Vec<(String, String)>,
}

impl Person {
    /// Reads a person. The full name is given and family name, or either alone; then
    /// `name.formatted`, `displayName`, `userName`. Parts come first because identity
    /// providers update them and leave a `formatted` they once sent to rot.
    pub fn new(document: &Document, memberships: &Memberships) -> Self {
        let json: Value = serde_json::from_slice(&document.json).unwrap_or_default();
        let none = Map::new();
        let user = json.as_object().unwrap_or(&none);
        let mut username = text(user, "userName");
        if username.is_empty() {
            username = &document.label;
        }
        Self {
            id: document.id.clone(),
            connection: document.connection.clone(),
            external_id: text(user, "externalId").to_owned(),
            username: username.to_owned(),
            full_name: full_name(user, username),
            department: object(user, ENTERPRISE_USER)
                .map_or("", |extension| text(extension, "department"))
                .to_owned(),
            groups: group_names(memberships),
            active: is_active(user),
            updated: updated(document, memberships),
            attributes: Vec::new(),
        }
    }
}

/// Is the person of this document active? RFC 7643 4.1.1 leaves an absent `active`
/// open; several identity providers never send it, so absent is active.
pub fn active(document: &Document) -> bool {
    let json: Value = serde_json::from_slice(&document.json).unwrap_or_default();
    json.as_object().is_none_or(is_active)
}

fn is_active(user: &Map<String, Value>) -> bool {
    member(user, "active").and_then(Value::as_bool) != Some(false)
}

fn full_name(user: &Map<String, Value>, username: &str) -> String {
    let (mut parts, mut formatted) = (String::new(), "");
    if let Some(name) = object(user, "name") {
        parts = format!("{} {}", text(name, "givenName"), text(name, "familyName"));
        formatted = text(name, "formatted");
    }
    [parts.trim(), formatted, text(user, "displayName"), username]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default()
        .to_owned()
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

    fn person(json: &Value) -> Person {
        Person::new(&document(json), &Memberships::default())
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
        let person = Person::new(&document(&json!({})), &memberships);
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
            Person::new(&document(&json!({})), &memberships).updated
        };
        assert_eq!(at(Vec::new(), None), 20);
        assert_eq!(at(vec![group("g", "G", 30)], Some(25)), 30);
        assert_eq!(at(vec![group("g", "G", 30)], Some(35)), 35);
    }

    #[test]
    fn a_document_that_cannot_be_read_still_has_its_label() {
        let mut broken = document(&json!({}));
        broken.json = b"[1".to_vec();
        let person = Person::new(&broken, &Memberships::default());
        assert_eq!(
            (person.username.as_str(), person.full_name.as_str()),
            ("the label", "the label")
        );
        assert!(person.active);
    }
}
