//! URNs as they go over the wire.

/// RFC 7643 4.1.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7643 4.2.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// RFC 7643 4.3.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// RFC 7644 3.4.2.
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// RFC 7644 3.5.2.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// RFC 7644 3.12.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
