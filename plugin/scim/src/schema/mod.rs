//! Schemas as data (RFC 7643 sections 7 and 8.7): the same description drives
//! validation, PATCH, filters, projection and discovery. Nothing here knows what an
//! attribute is for.

mod declared;
pub mod index;
mod model;
mod registry;

pub use declared::Misconfigured;
pub(crate) use declared::read;
pub use index::Index;
pub use model::{Attribute, Attributes, Mutability, Returned, Schema, Type, Uniqueness};
pub use registry::{
    CORE_GROUP, CORE_USER, ENTERPRISE_USER, Registry, ResourceType, SchemaError, Target,
};
pub(crate) use registry::{LOGINS, USER_NAME};
