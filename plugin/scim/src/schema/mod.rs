//! Schemas as data (RFC 7643 sections 7 and 8.7): the same description drives
//! validation, PATCH, filters, projection and discovery. Nothing here knows what an
//! attribute is for.

mod model;
mod registry;

pub use model::{Attribute, Attributes, Mutability, Returned, Schema, Type, Uniqueness};
pub use registry::{
    CORE_GROUP, CORE_USER, ENTERPRISE_USER, Registry, ResourceType, SchemaError, Target,
};
