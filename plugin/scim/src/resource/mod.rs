//! Resources as documents: how names are read, what a body may hold, what an answer
//! shows. Works on `serde_json` maps so that nothing a client sends is lost.

pub mod body;
pub(crate) mod coerce;
pub(crate) mod declared;
mod format;
pub mod notes;
pub mod path;
pub mod project;
pub(crate) mod room;
#[doc = include_str!("../../docs/dialects.md")]
pub mod rules;
mod text_path;
pub(crate) mod tree;
pub mod validate;
pub mod value;

pub use body::Body;
pub(crate) use coerce::{Checker, Trail, parse_boolean};
pub use notes::Notes;
pub use path::AttrPath;
pub use project::Projection;
pub use rules::Rule;
pub use text_path::TextPath;
