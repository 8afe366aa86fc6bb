//! A component reaches what it is offered and nothing else.

use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::PluginError;
use nameplate_runtime::wasm::EMBEDDED;
use nameplate_tests::{component, hostile};

fn refused(bytes: &[u8]) -> String {
    match component(bytes, &Limits::default()) {
        Ok(_) => panic!("the component was loaded"),
        Err(PluginError::Load(why)) => why,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_embedded_component_imports_what_the_contract_lists_and_nothing_else() {
    let imports = plugin_build::imported_functions(EMBEDDED).unwrap();
    for import in &imports {
        let (interface, function) = import.split_once('#').unwrap();
        assert!(
            plugin_build::ALLOWED_IMPORTS.contains(&interface),
            "{import}"
        );
        assert!(!function.is_empty(), "{import}");
    }
    for needed in [
        "nameplate:scim/user-store@0.1.0#commit",
        "nameplate:scim/config@0.1.0#get",
        "nameplate:scim/journal@0.1.0#add",
        "wasi:clocks/wall-clock@0.2.12#now",
    ] {
        assert!(
            imports.iter().any(|import| import == needed),
            "{needed}: {imports:?}"
        );
    }
    let wasi: Vec<&String> = imports
        .iter()
        .filter(|import| import.starts_with("wasi:"))
        .collect();
    assert!(
        wasi.iter()
            .all(|import| import.contains("clocks") || import.contains("random"))
    );
    assert_eq!(
        plugin_build::unexpected_imports(EMBEDDED).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn a_component_with_a_further_import_is_refused_by_name() {
    let evil = hostile::with_an_import();
    assert_eq!(
        plugin_build::unexpected_imports(&evil).unwrap(),
        ["evil:x/net#reach"]
    );
    let why = refused(&evil);
    assert!(why.contains("evil:x/net"), "{why}");
}

#[test]
fn a_component_without_the_exports_is_refused() {
    let empty = wat::parse_str("(component)").unwrap();
    let why = refused(&empty);
    assert!(why.contains("nameplate:scim/"), "{why}");
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    for bytes in [&module[..], b"", b"\0asm", b"no wasm at all"] {
        assert!(!refused(bytes).is_empty());
    }
}
