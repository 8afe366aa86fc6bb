//! What a component imports, read from its bytes rather than believed.

use anyhow::{Context, Result, bail};
use wit_component::DecodedWasm;
use wit_parser::WorldItem;

/// The instances a component of this world may import; each is `package/interface@version`.
pub const ALLOWED_IMPORTS: &[&str] = &[
    "nameplate:scim/config@0.1.0",
    "nameplate:scim/host-store@0.1.0",
    "nameplate:scim/journal@0.1.0",
    // Types only; holds no function.
    "nameplate:scim/types@0.1.0",
    "nameplate:scim/user-store@0.1.0",
    "wasi:clocks/wall-clock@0.2.12",
    "wasi:random/random@0.2.12",
];

/// Every function the component imports, as `package/interface@version#function`
/// (or the bare name of a function imported by the world itself).
///
/// # Errors
/// If the bytes are not a valid component.
pub fn imported_functions(component: &[u8]) -> Result<Vec<String>> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("this is a WIT package, not a component");
    };
    let mut functions = Vec::new();
    let world = resolve
        .worlds
        .get(world)
        .context("the world is not there")?;
    for (key, item) in &world.imports {
        let name = resolve.name_world_key(key);
        match item {
            WorldItem::Interface { id, .. } => functions.extend(
                resolve
                    .interfaces
                    .get(*id)
                    .into_iter()
                    .flat_map(|interface| interface.functions.keys())
                    .map(|function| format!("{name}#{function}")),
            ),
            WorldItem::Function(_) => functions.push(name),
            WorldItem::Type { .. } => {}
        }
    }
    functions.sort();
    Ok(functions)
}

/// Imported functions outside [`ALLOWED_IMPORTS`].
///
/// # Errors
/// If the bytes are not a valid component.
pub fn unexpected_imports(component: &[u8]) -> Result<Vec<String>> {
    Ok(imported_functions(component)?
        .into_iter()
        .filter(|function| {
            let instance = function.split('#').next().unwrap_or(function);
            !ALLOWED_IMPORTS.contains(&instance)
        })
        .collect())
}
