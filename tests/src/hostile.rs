//! Components that do what no plugin should, written by hand in WebAssembly text.
//!
//! What [`component`] does is chosen by the second character of a request's path; each
//! way is a [`Misdeed`]. They speak the contract of `wit/` and know nothing of SCIM.

use std::fmt::Write;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldId, WorldItem};

/// What a request can make [`component`] do. Every other path is answered with 200 and
/// `{}`; it takes all settings, and its further exports trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Computes for ever.
    Loop,
    /// Traps.
    Trap,
    /// Takes memory until it gets no more.
    Memory,
    /// Calls itself for ever.
    Recurse,
    /// Answers with all of its memory, grown as far as it goes.
    Answer,
    /// Answers with a million headers, each of them all over the same megabyte.
    Headers,
    /// Calls the host for ever.
    Calls,
    /// Hands the host remarks of a megabyte for ever.
    Remarks,
}

impl Misdeed {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Loop,
        Self::Trap,
        Self::Memory,
        Self::Recurse,
        Self::Answer,
        Self::Headers,
        Self::Calls,
        Self::Remarks,
    ];

    /// The path that makes it do so.
    pub fn path(self) -> &'static str {
        match self {
            Self::Loop => "/loop",
            Self::Trap => "/trap",
            Self::Memory => "/memory",
            Self::Recurse => "/recurse",
            Self::Answer => "/answer",
            Self::Headers => "/headers",
            Self::Calls => "/calls",
            Self::Remarks => "/notes",
        }
    }
}

/// Fills memory with a secret.
pub const KEEP: &str = "/keep";

/// Looks for the secret in all of its memory; `{"found":1}` if it is anywhere.
pub const SEARCH: &str = "/search";

/// Does as its requests say.
pub fn component() -> Vec<u8> {
    let (resolve, world) = world("plugin", "");
    encode(&resolve, world, &Ways::default())
}

/// Another one that behaves alike, of another hash.
pub fn another() -> Vec<u8> {
    let (resolve, world) = world("plugin", "");
    let ways = Ways {
        more: "(func $nothing)",
        ..Ways::default()
    };
    encode(&resolve, world, &ways)
}

/// Traps in every export.
pub fn that_traps() -> Vec<u8> {
    let (resolve, world) = world("plugin", "");
    let ways = Ways {
        traps: true,
        ..Ways::default()
    };
    encode(&resolve, world, &ways)
}

/// Never gets as far as serving: it loops while it is started.
pub fn that_never_starts() -> Vec<u8> {
    let (resolve, world) = world("plugin", "");
    let ways = Ways {
        more: "(func $start (loop $for_ever (br $for_ever))) (start $start)",
        ..Ways::default()
    };
    encode(&resolve, world, &ways)
}

/// Has an import that no host offers.
pub fn with_an_import() -> Vec<u8> {
    let extra = "package evil:x;
        interface net { reach: func(); }
        world w { include nameplate:scim/plugin@0.1.0; import net; }";
    let (resolve, world) = world("w", extra);
    let ways = Ways {
        import: "(import \"evil:x/net\" \"reach\" (func))",
        ..Ways::default()
    };
    encode(&resolve, world, &ways)
}

/// Speaks another version of the contract.
pub fn of_version(version: &str) -> Vec<u8> {
    let folder = plugin_build::workspace_root().join("wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).expect("hand-written");
    let version = version.parse().expect("hand-written");
    resolve.packages[package].name.version = Some(version);
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .expect("hand-written");
    encode(&resolve, world, &Ways::default())
}

/// Lacks an export.
pub fn without_export(interface: &str) -> Vec<u8> {
    let (mut resolve, world) = world("plugin", "");
    let lacking = resolve.worlds[world]
        .exports
        .keys()
        .find(|key| resolve.name_world_key(key).contains(interface))
        .cloned()
        .expect("hand-written");
    resolve.worlds[world].exports.shift_remove(&lacking);
    encode(&resolve, world, &Ways::default())
}

/// How a component differs from the one that does as its requests say.
#[derive(Default)]
struct Ways {
    import: &'static str,
    more: &'static str,
    traps: bool,
}

fn world(name: &str, extra: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = plugin_build::workspace_root().join("wit");
    let (mut package, _) = resolve.push_dir(folder).expect("hand-written");
    if !extra.is_empty() {
        package = resolve.push_str("extra.wit", extra).expect("hand-written");
    }
    let world = resolve
        .select_world(&[package], Some(name))
        .expect("hand-written");
    (resolve, world)
}

fn encode(resolve: &Resolve, world: WorldId, ways: &Ways) -> Vec<u8> {
    let text = module(resolve, world, ways);
    let mut module = wat::parse_str(text).expect("hand-written");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false)
        .expect("hand-written");
    plugin_build::encode(&module).expect("hand-written")
}

/// What every export has around it: memory, an allocator that never frees but starts
/// anew with each request, and the answers.
const FRAME: &str = r#"
  (memory (export "memory") 32)
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $recurse (result i32) (i32.add (call $recurse) (call $recurse)))
  (func $take_all
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
  (func $bytes (result i32) (i32.mul (memory.size) (i32.const 65536)))
  ;; Is the secret anywhere above the requests' own place.
  (func $found (result i32)
    (local $at i32)
    (drop (memory.grow (i32.const 64)))
    (local.set $at (i32.const 131072))
    (loop $on
      (if (i64.eq (i64.load (local.get $at)) (i64.const 0x5ec2e75ec2e75ec2))
        (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $on (i32.lt_u (local.get $at) (call $bytes))))
    (i32.const 0))
  (func $keep
    (local $at i32)
    (drop (memory.grow (i32.const 64)))
    (local.set $at (i32.const 131072))
    (loop $on
      (i64.store (local.get $at) (i64.const 0x5ec2e75ec2e75ec2))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $on (i32.lt_u (local.get $at) (call $bytes)))))
  ;; A million headers, each with all of one megabyte as its value.
  (func $headers
    (local $at i32)
    (drop (memory.grow (i32.const 300)))
    (local.set $at (i32.const 2097152))
    (loop $on
      (i32.store (local.get $at) (i32.const 1100))
      (i32.store offset=4 (local.get $at) (i32.const 2))
      (i32.store offset=8 (local.get $at) (i32.const 65536))
      (i32.store offset=12 (local.get $at) (i32.const 1048576))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $on (i32.lt_u (local.get $at) (i32.const 18097152)))))
  ;; status, headers, body, extras
  (data (i32.const 1024) "\c8\00\00\00" "\00\00\00\00\00\00\00\00"
    "\4c\04\00\00\02\00\00\00" "\00\00\00\00\00\00\00\00")
  (data (i32.const 1100) "{}")
  (data (i32.const 1110) "{\22found\22:1}")
"#;

/// Imports that a guest may have, for those who misuse them.
const IMPORTS: &str = r#"
  (import "USERS" "index-ready" (func $index_ready (param i32 i32 i32)))
  (import "JOURNAL" "add" (func $note (param i32 i32 i32 i32 i32)))
"#;

/// The path is the second text of the request: parameters 2 and 3.
const HANDLE: &str = r#"
    (local $what i32)
    (global.set $next (i32.const 65536))
    (i32.store (i32.const 1028) (i32.const 0))
    (i32.store (i32.const 1032) (i32.const 0))
    (i32.store (i32.const 1036) (i32.const 1100))
    (i32.store (i32.const 1040) (i32.const 2))
    (if (i32.gt_u (local.get 3) (i32.const 1))
      (then (local.set $what (i32.load8_u offset=1 (local.get 2)))))
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x6d)) (then (call $take_all) (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x72)) (then (drop (call $recurse))))
    (if (i32.eq (local.get $what) (i32.const 0x6b)) (then (call $keep)))
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then
      (if (call $found) (then
        (i32.store (i32.const 1036) (i32.const 1110))
        (i32.store (i32.const 1040) (i32.const 11))))))
    (if (i32.eq (local.get $what) (i32.const 0x61)) (then
      (loop $more
        (br_if $more (i32.and
          (i32.lt_u (memory.size) (i32.const 4000))
          (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
      (i32.store (i32.const 1036) (i32.const 0))
      (i32.store (i32.const 1040) (call $bytes))))
    (if (i32.eq (local.get $what) (i32.const 0x68)) (then
      (call $headers)
      (i32.store (i32.const 1028) (i32.const 2097152))
      (i32.store (i32.const 1032) (i32.const 1000000))))
    (if (i32.eq (local.get $what) (i32.const 0x63)) (then
      (loop $for_ever
        (call $index_ready (i32.const 1100) (i32.const 2) (i32.const 2048))
        (br $for_ever))))
    (if (i32.eq (local.get $what) (i32.const 0x6e)) (then
      (loop $for_ever
        (call $note (i32.const 0) (i32.const 1100) (i32.const 2) (i32.const 65536)
          (i32.const 1048576))
        (br $for_ever))))
    (i32.const 1024)
"#;

fn module(resolve: &Resolve, world: WorldId, ways: &Ways) -> String {
    let Ways {
        import,
        more,
        traps,
    } = ways;
    let named = |interface: &str| {
        let imports = resolve.worlds[world].imports.keys();
        let mut names = imports.map(|key| resolve.name_world_key(key));
        names
            .find(|name| name.contains(interface))
            .expect("hand-written")
    };
    let imports = IMPORTS
        .replace("USERS", &named("/user-store"))
        .replace("JOURNAL", &named("/journal"));
    let mut text = format!("(module {import} {imports} {FRAME} {more}");
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for (name, function) in &resolve.interfaces[*id].functions {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            write!(text, "\n(func (export \"{interface}#{name}\")").expect("hand-written");
            for parameter in &signature.params {
                write!(text, " (param {})", core_type(*parameter)).expect("hand-written");
            }
            for result in &signature.results {
                write!(text, " (result {})", core_type(*result)).expect("hand-written");
            }
            match name.as_str() {
                "handle" if !traps => {
                    assert!(!signature.indirect_params && signature.retptr);
                    text.push_str(HANDLE);
                }
                // No objection: the place is never written.
                "check" if !traps => text.push_str("(i32.const 3072)"),
                _ => text.push_str(" unreachable"),
            }
            text.push(')');
        }
    }
    text.push(')');
    text
}

fn core_type(of: WasmType) -> &'static str {
    match of {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}
