//! The discovery endpoints (RFC 7644 4): what this service provider can do, its
//! resource types and its schemas, told from the same data that validates requests.
//!
//! This module must not know what is stored.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::error::{ScimError, quoted};
use crate::schema::{Registry, ResourceType, Schema};

const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// The schema of every list (RFC 7644 3.4.2).
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// `/ServiceProviderConfig` (RFC 7643 5): what is built, and nothing else.
pub fn service_provider_config(config: &Config, base_url: &str) -> Value {
    json!({
        "schemas": [CONFIG_URN],
        "patch": {"supported": true},
        "bulk": {
            "supported": config.bulk_max_operations > 0,
            "maxOperations": config.bulk_max_operations,
            "maxPayloadSize": config.large_body_limit,
        },
        "filter": {"supported": true, "maxResults": config.max_results},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        // RFC 9865 4. Cursors do not expire.
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": config.max_results,
            "maxPageSize": config.max_results,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A token of this connection in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    })
}

/// `/ResourceTypes` or one of them (RFC 7643 6).
///
/// # Errors
/// 404 for a name that is none; the known ones are named.
pub fn resource_types(
    registry: &Registry,
    name: Option<&str>,
    base_url: &str,
) -> Result<Value, ScimError> {
    let types = registry.resource_types();
    match name {
        None => Ok(list(
            types.iter().map(|rt| resource_type(rt, base_url)).collect(),
        )),
        Some(name) => types
            .iter()
            .find(|rt| rt.name == name)
            .map(|rt| resource_type(rt, base_url))
            .ok_or_else(|| {
                ScimError::not_found(format!(
                    "there is no resource type {}: `User` and `Group` exist",
                    quoted(name)
                ))
            }),
    }
}

fn resource_type(rt: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> = rt
        .extensions
        .iter()
        .map(|schema| json!({"schema": schema.id, "required": false}))
        .collect();
    json!({
        "schemas": [TYPE_URN],
        "id": rt.name,
        "name": rt.name,
        "endpoint": rt.endpoint,
        "description": rt.description,
        "schema": rt.core.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{}", rt.name),
        },
    })
}

/// `/Schemas` or one of them (RFC 7643 7). URNs are compared without case, as RFC
/// 8141 3.1 asks for their leading parts and clients do for the rest.
///
/// # Errors
/// 404 for a URN that is none; the list is named.
pub fn schemas(registry: &Registry, urn: Option<&str>, base_url: &str) -> Result<Value, ScimError> {
    let Some(urn) = urn else {
        let all = registry
            .schemas()
            .into_iter()
            .chain(Registry::of_discovery());
        return Ok(list(all.map(|s| schema(s, base_url)).collect()));
    };
    let of_discovery = || {
        let mut own = Registry::of_discovery().iter();
        own.find(|schema| schema.id.eq_ignore_ascii_case(urn))
    };
    registry
        .schema(urn)
        .or_else(of_discovery)
        .map(|s| schema(s, base_url))
        .ok_or_else(|| {
            ScimError::not_found(format!(
                "there is no schema {}: `/Schemas` lists those that exist",
                quoted(urn)
            ))
        })
}

fn schema(schema: &Schema, base_url: &str) -> Value {
    let mut map = match serde_json::to_value(schema) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    map.insert("schemas".into(), json!([SCHEMA_URN]));
    map.insert(
        "meta".into(),
        json!({
            "resourceType": "Schema",
            "location": format!("{base_url}/Schemas/{}", schema.id),
        }),
    );
    Value::Object(map)
}

/// A list of everything there is, on one page.
fn list(resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
