//! The contract in `wit/` says of each item since when it exists and what it means;
//! the parser insists on neither.

#![expect(clippy::unwrap_used, reason = "tests")]

use plugin_build::workspace_root;
use wit_parser::{Docs, Resolve, Stability};

/// Collects what is wrong with one item.
fn check(name: String, stability: &Stability, docs: Option<&Docs>, wrong: &mut Vec<String>) {
    if !matches!(stability, Stability::Stable { .. }) {
        wrong.push(format!("{name} lacks @since"));
    }
    if docs.is_some_and(|docs| docs.contents.as_deref().unwrap_or("").trim().is_empty()) {
        wrong.push(format!("{name} lacks documentation"));
    }
}

#[test]
fn every_item_says_since_when_it_exists_and_what_it_means() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(workspace_root().join("wit")).unwrap();
    let mut wrong = Vec::new();
    let package = resolve.packages.get(package).unwrap();
    for (name, world) in &package.worlds {
        let world = resolve.worlds.get(*world).unwrap();
        check(
            name.clone(),
            &world.stability,
            Some(&world.docs),
            &mut wrong,
        );
    }
    let mut seen = 0;
    for (name, interface) in &package.interfaces {
        let interface = resolve.interfaces.get(*interface).unwrap();
        check(
            name.clone(),
            &interface.stability,
            Some(&interface.docs),
            &mut wrong,
        );
        for (item, function) in &interface.functions {
            seen += 1;
            let name = format!("{name}.{item}");
            check(name, &function.stability, Some(&function.docs), &mut wrong);
        }
        for (item, id) in &interface.types {
            let used = resolve.types.get(*id).unwrap();
            // A name taken from another interface is documented there.
            let borrowed = matches!(
                used.kind,
                wit_parser::TypeDefKind::Type(wit_parser::Type::Id(_))
            );
            let docs = (!borrowed).then_some(&used.docs);
            check(format!("{name}.{item}"), &used.stability, docs, &mut wrong);
        }
    }
    assert!(seen > 20, "only {seen} functions were looked at");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
