//! What a component says of itself, and whether this runtime takes it.
//!
//! Names are read from the component's type, and what does not fit is told by name and
//! with what to do; the types behind the names are for the linker to check.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::engine::Engine;

/// The package of the contract, and the version spoken here.
const PACKAGE: &str = "nameplate:scim/";
const SPOKEN: &str = "0.1";

/// What a component may import, without the version.
const IMPORTS: [&str; 7] = [
    "nameplate:scim/config",
    "nameplate:scim/host-store",
    "nameplate:scim/journal",
    "nameplate:scim/types",
    "nameplate:scim/user-store",
    "wasi:clocks/wall-clock",
    "wasi:random/random",
];

/// What a component has to export.
const EXPORTS: [&str; 4] = ["http-handler", "mapping", "reindex", "settings"];

/// What bytes are, by their first eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A WebAssembly component.
    Component,
    /// A core module, as compilers make one.
    Module,
    /// Something else.
    Other,
}

impl Form {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes.get(..8) {
            Some(b"\0asm\x0d\0\x01\0") => Self::Component,
            Some(b"\0asm\x01\0\0\0") => Self::Module,
            _ => Self::Other,
        }
    }

    /// Why bytes of this form cannot be loaded, if so.
    pub(super) fn misfit(self) -> Option<&'static str> {
        match self {
            Self::Component => None,
            Self::Module => Some(
                "this is a core module and no component; wrap it with `plugin-build encode` or \
                 `wasm-tools component new`",
            ),
            Self::Other => Some(
                "these bytes are no WebAssembly component of a version known here; give the file \
                 that `plugin-build encode` or `wasm-tools component new` wrote",
            ),
        }
    }
}

/// What a component says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What the bytes are.
    pub form: Form,
    /// Versions of `nameplate:scim` it speaks; one, if it is sane.
    pub versions: Vec<String>,
    /// What it imports: `package/interface@version#function`, sorted.
    pub imports: Vec<String>,
    /// What it exports, likewise.
    pub exports: Vec<String>,
    /// Why this runtime would not take it, and what to do; none if it would.
    pub refused: Option<String>,
}

impl Inspection {
    /// Of bytes that are no component at all.
    pub(super) fn of_none(form: Form, refused: String) -> Self {
        Self {
            form,
            versions: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            refused: Some(refused),
        }
    }

    pub(super) fn of(engine: &Engine, component: &Component, refused: Option<String>) -> Self {
        let names = Names::of(engine, component);
        Self {
            form: Form::Component,
            versions: names.versions().into_iter().map(str::to_owned).collect(),
            imports: names
                .imports
                .into_iter()
                .flat_map(Item::functions)
                .collect(),
            exports: names
                .exports
                .into_iter()
                .flat_map(Item::functions)
                .collect(),
            refused,
        }
    }
}

/// Why the names of a component do not fit, and what to do.
pub(super) fn misfit(engine: &Engine, component: &Component) -> Option<String> {
    let names = Names::of(engine, component);
    if let Some(version) = names
        .versions()
        .into_iter()
        .find(|version| !spoken(version))
    {
        return Some(format!(
            "this component speaks {}@{version}, this runtime {SPOKEN}: build it against the \
             `wit/` of this runtime, or use a runtime that speaks its version",
            PACKAGE.trim_end_matches('/')
        ));
    }
    let offered = |item: &&Item| IMPORTS.contains(&item.interface());
    if let Some(foreign) = names.imports.iter().find(|item| !offered(item)) {
        return Some(format!(
            "it imports `{}`, which no plugin may reach; build it for `wasm32-unknown-unknown` \
             and without what needs this",
            foreign.name
        ));
    }
    let exported = |name: &&str| {
        let wanted = |item: &Item| item.interface().strip_prefix(PACKAGE) == Some(*name);
        names.exports.iter().any(wanted)
    };
    let missing = EXPORTS.iter().find(|name| !exported(name))?;
    Some(format!(
        "it does not export `{PACKAGE}{missing}@{SPOKEN}`; a plugin exports all of the world \
         `{PACKAGE}plugin`"
    ))
}

/// Before 1.0 the minor version is the one that breaks.
fn spoken(version: &str) -> bool {
    let rest = version.strip_prefix(SPOKEN);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// An import or export of a component and the functions in it.
struct Item {
    name: String,
    functions: Vec<String>,
}

impl Item {
    fn interface(&self) -> &str {
        self.name.split('@').next().unwrap_or(&self.name)
    }

    fn version(&self) -> Option<&str> {
        let (_, version) = self.name.split_once('@')?;
        self.name.starts_with(PACKAGE).then_some(version)
    }

    fn functions(self) -> Vec<String> {
        let Self { name, functions } = self;
        if functions.is_empty() {
            return vec![name];
        }
        let named = functions.into_iter().map(|item| format!("{name}#{item}"));
        named.collect()
    }
}

struct Names {
    imports: Vec<Item>,
    exports: Vec<Item>,
}

impl Names {
    fn of(engine: &Engine, component: &Component) -> Self {
        let engine = engine.wasmtime();
        let shape = component.component_type();
        let item = |(name, item): (&str, wasmtime::component::types::ComponentExtern<'_>)| Item {
            name: name.to_owned(),
            functions: match &item.ty {
                ComponentItem::ComponentInstance(instance) => {
                    let functions = instance.exports(engine);
                    let mut functions: Vec<_> = functions
                        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                        .map(|(name, _)| name.to_owned())
                        .collect();
                    functions.sort();
                    functions
                }
                _ => Vec::new(),
            },
        };
        let sorted = |mut items: Vec<Item>| {
            items.sort_by(|one, other| one.name.cmp(&other.name));
            items
        };
        Self {
            imports: sorted(shape.imports(engine).map(item).collect()),
            exports: sorted(shape.exports(engine).map(item).collect()),
        }
    }

    fn versions(&self) -> Vec<&str> {
        let items = self.imports.iter().chain(&self.exports);
        let mut versions: Vec<_> = items.filter_map(Item::version).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }
}
