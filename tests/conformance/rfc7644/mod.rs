//! The protocol: what is refused and how, and what must not matter.

mod bulk;
mod discovery;
mod errors;
mod same;
