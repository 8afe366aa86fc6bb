//! Filters (RFC 7644 section 3.4.2.2) in visible stages: text to tokens ([`lexer`]),
//! tokens to a tree ([`parser`], [`ast`]), the tree against the schema
//! ([`mod@resolve`]), then evaluation ([`eval`]) and the choice of an index
//! ([`mod@plan`]).

pub mod ast;
mod compare;
pub mod eval;
pub mod expr;
pub mod keys;
pub mod lexer;
pub(crate) mod loose;
pub mod parser;
pub mod plan;
pub mod resolve;

pub use ast::Filter;
pub use eval::View;
pub use expr::Expr;
pub(crate) use keys::is_login;
pub use keys::{index_version, keys_of};
pub use plan::{Plan, Planned, plan};
pub use resolve::{resolve, resolve_among, resolve_elements};
