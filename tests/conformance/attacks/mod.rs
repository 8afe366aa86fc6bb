//! Attacks, tried over real sockets against the whole thing, one family a file.
//!
//! What is attacked elsewhere is not repeated here: `host-runtime/docs/security.md` is
//! the table of all of them, with the test of each, and names every test below.

mod bodies;
mod document;
mod filters;
mod headers;
mod http2;
mod json;
mod logs;
mod paths;
mod routing;
mod tenants;
mod tokens;
mod wire;
