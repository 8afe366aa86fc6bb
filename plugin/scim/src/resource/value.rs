//! Small questions about JSON values that several modules ask.

use crate::schema::ResourceType;
use serde_json::{Map, Value};

/// Is it unassigned: `null`, an empty list or an empty object (RFC 7643 section
/// 2.5: null and an empty array are the same as absent).
pub fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// What JSON calls the value, for details.
pub fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The `schemas` of a document: the core schema and each extension it has data of.
pub fn schemas_of<'a>(document: &Map<String, Value>, rt: &'a ResourceType) -> Vec<&'a str> {
    let mut urns = vec![rt.core.id.as_str()];
    urns.extend(
        rt.extensions
            .iter()
            .map(|schema| schema.id.as_str())
            .filter(|urn| document.contains_key(*urn)),
    );
    urns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Kind;
    use crate::schema::{CORE_USER, ENTERPRISE_USER, Registry};
    use serde_json::json;

    #[test]
    fn schemas_name_the_extensions_with_data() {
        let user = Registry::standard().resource_type(Kind::User);
        let mut document = Map::new();
        assert_eq!(schemas_of(&document, user), [CORE_USER]);
        document.insert(ENTERPRISE_USER.to_owned(), json!({"department": "IT"}));
        assert_eq!(schemas_of(&document, user), [CORE_USER, ENTERPRISE_USER]);
    }
}
