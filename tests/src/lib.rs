//! nameplate-tests
