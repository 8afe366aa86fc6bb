//! Generated from `wit/`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    imports: {
        // Answered from memory.
        "nameplate:scim/config": trappable,
        "nameplate:scim/journal": trappable,
        "wasi:clocks/wall-clock@0.2.12": trappable,
        "wasi:random/random@0.2.12": trappable,
        // A database round trip parks the guest's stack and not a thread.
        default: async | trappable,
    },
    exports: { default: async },
    anyhow: false,
});
