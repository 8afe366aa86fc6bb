//! POST and PUT bodies from their bytes. Reads a group's members straight into a
//! list: 50,000 of them as a tree would be ten times their size.

use super::coerce::Checker;
use super::notes::Notes;
use super::room::Room;
use super::tree::read_tree;
use super::validate::{MEMBERS, normalize};
use crate::config::Config;
use crate::directory::{Kind, NewMember};
use crate::error::{ScimError, quoted};
use crate::patch::{is_null, read_members, read_object};
use crate::schema::ResourceType;
use serde_json::{Map, Value};

/// A POST or PUT body, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The document to store: see [`normalize`]. Holds no `members`.
    pub document: Map<String, Value>,
    /// Of a group, the members sent; none if there was no such attribute or null.
    pub members: Option<Vec<NewMember>>,
}

impl Body {
    /// Reads a body. Fails as [`normalize`] does, with `invalidSyntax` if it is not
    /// JSON, and with `invalidValue` if a member is not one.
    pub fn read(
        bytes: &[u8],
        rt: &ResourceType,
        config: &Config,
        notes: &mut Notes,
    ) -> Result<Self, ScimError> {
        let sent = read_object(bytes)?.0;
        let mut map = Map::new();
        let mut members = None;
        let mut room = Room::new();
        for (name, raw) in sent {
            if rt.kind == Kind::Group && name.eq_ignore_ascii_case(MEMBERS) {
                if !is_null(raw) {
                    members = Some(read_members(raw, &mut Checker::new(config.dialect, notes))?);
                }
                continue;
            }
            room.take(raw.get().len(), &quoted(&name))?;
            let value = read_tree(raw, &quoted(&name))?;
            map.insert(name.into_owned(), value);
        }
        let document = normalize(Value::Object(map), rt, config, notes)?;
        Ok(Self { document, members })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::ScimType;
    use crate::schema::Registry;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(kind: Kind, body: &str) -> Result<Body, ScimError> {
        let rt = Registry::standard().resource_type(kind);
        Body::read(body.as_bytes(), rt, &Config::default(), &mut Notes::new())
    }

    #[test]
    fn members_are_read_beside_the_document() {
        let body = read(
            Kind::Group,
            r#"{"displayName": "g", "MEMBERS": [{"value": "1", "display": "a"}]}"#,
        )
        .unwrap();
        assert_eq!(Value::Object(body.document), json!({"displayName": "g"}));
        let members = body.members.unwrap();
        assert_eq!(members.len(), 1);
        assert_eq!(members.first().unwrap().display.as_deref(), Some("a"));
        for (members, expected) in [("null", None), ("[]", Some(Vec::new()))] {
            let text = format!(r#"{{"displayName": "g", "members": {members}}}"#);
            assert_eq!(read(Kind::Group, &text).unwrap().members, expected);
        }
    }

    #[test]
    fn a_name_sent_twice_is_invalid_syntax() {
        for text in [
            r#"{"userName": "a", "userName": "b"}"#,
            r#"{"userName": "a", "USERNAME": "b"}"#,
        ] {
            let error = read(Kind::User, text).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        }
    }

    #[test]
    fn what_is_not_json_is_invalid_syntax() {
        let deep = format!(
            r#"{{"userName": "a", "x": {}1{}}}"#,
            "[".repeat(5000),
            "]".repeat(5000)
        );
        for text in ["", "{", "[]", "null", r#"{"userName": "a"} x"#, &deep] {
            let error = read(Kind::User, text).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for rt in Registry::standard().resource_types() {
                let _ = Body::read(&bytes, rt, &Config::default(), &mut Notes::new());
            }
        }
    }
}
