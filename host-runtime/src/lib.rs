//! nameplate-runtime
