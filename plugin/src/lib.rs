//! The component: WIT on the outside, `nameplate-scim` and `nameplate-mapping` on
//! the inside.
//!
//! Only glue lives here: it converts between the generated types and the crates'
//! own, and keeps the parsed configuration of the connection. No rule of SCIM or
//! of mapping may be decided here.

mod config;
mod convert;
mod directory;
mod env;
mod exports;
mod hosts;
mod labels;

/// Generated from `wit/`.
#[expect(
    unsafe_code,
    reason = "generated: the canonical ABI passes pointers between guest and host"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "plugin",
        generate_all,
    });

    export!(Component with_types_in self);

    use crate::exports::Component;
}
