//! nameplate-mapping
