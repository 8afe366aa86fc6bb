//! What the fuzz targets check of an input, over the directory in memory that the
//! service's tests use. An input is a text that can be read: a line that says what is
//! tried, then what is tried.

#![expect(
    dead_code,
    unused_imports,
    reason = "what is shared with the service's tests is more than is needed here"
)]

pub mod filter;
pub mod path;
pub mod request;
mod stage;

#[path = "../../tests/service/client.rs"]
mod client;
#[path = "../../tests/service/directory.rs"]
mod directory;
#[path = "../../tests/service/state.rs"]
mod state;
#[path = "../../tests/service/properties/traffic.rs"]
mod traffic;
#[path = "../../tests/service/walk.rs"]
mod walk;
