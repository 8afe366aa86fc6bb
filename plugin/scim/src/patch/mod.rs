//! PATCH (RFC 7644 section 3.5.2): reading the request (`parse`), its paths (`path`),
//! what it does to a document (`apply`, `edit`, `elements`, `undeclared`) and to a
//! group's members (`members`, `member_list`).

mod apply;
mod edit;
mod elements;
mod member_list;
mod members;
mod parse;
mod path;
#[cfg(test)]
mod testing;
mod undeclared;

pub use apply::{Patched, apply};
pub use members::{MemberChange, MemberFilter};
pub use parse::{Op, Operation, PATCH_URN, parse};

pub(crate) use elements::join_equal;
pub(crate) use member_list::{BY_LOGIN, looks_like_uuid, read_members};
pub(crate) use members::check_target;
pub(crate) use parse::{Members, check_schemas, find, is_null, read_list, read_object};
