//! nameplate-plugin
