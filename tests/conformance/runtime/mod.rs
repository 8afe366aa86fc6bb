//! The sandbox, its limits, tenants and what must never be kept.

mod audit;
#[cfg(unix)]
mod code_cache;
mod concurrency;
mod imports;
mod isolation;
mod large;
mod limits;
mod mounts;
mod oauth;
mod plugins;
mod privacy;
mod quota;
mod rate;
mod reindex;
mod requests;
mod routing;
mod secrets;
mod settings;
mod soak;
mod switches;
mod tenants;
mod tokens;
mod webhooks;
