//! nameplate-store-sql
