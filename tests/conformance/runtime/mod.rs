//! The sandbox, its limits, tenants and what must never be kept.

mod imports;
mod large;
mod limits;
mod misbehaving;
mod mounts;
mod secrets;
mod switches;
mod tenants;
