//! Components that do what no plugin should, written by hand in WebAssembly text.

use std::fmt::Write;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldId, WorldItem};

/// Answers 200 with `{}`, but for paths that start with
/// `/l`: loops for ever; `/t`: traps; `/m`: takes memory until it gets no more;
/// `/r`: recurses for ever. Every other export traps.
pub fn component() -> Vec<u8> {
    let (resolve, world) = world("plugin", "");
    encode(&resolve, world, "")
}

/// The same with an import that no host offers.
pub fn with_an_import() -> Vec<u8> {
    let extra = "package evil:x;
        interface net { reach: func(); }
        world w { include nameplate:scim/plugin@0.1.0; import net; }";
    let (resolve, world) = world("w", extra);
    encode(&resolve, world, "(import \"evil:x/net\" \"reach\" (func))")
}

fn world(name: &str, extra: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = plugin_build::workspace_root().join("wit");
    let (mut package, _) = resolve.push_dir(folder).unwrap();
    if !extra.is_empty() {
        package = resolve.push_str("extra.wit", extra).unwrap();
    }
    let world = resolve.select_world(&[package], Some(name)).unwrap();
    (resolve, world)
}

fn encode(resolve: &Resolve, world: WorldId, import: &str) -> Vec<u8> {
    let text = module(resolve, world, import);
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    plugin_build::encode(&module).unwrap()
}

/// What every export has around it: memory, an allocator that never frees but starts
/// anew with each request, and the answer.
const FRAME: &str = r#"
  (memory (export "memory") 32)
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $recurse (result i32) (i32.add (call $recurse) (call $recurse)))
  ;; status, headers, body, extras
  (data (i32.const 1024) "\c8\00\00\00" "\00\00\00\00\00\00\00\00"
    "\4c\04\00\00\02\00\00\00" "\00\00\00\00\00\00\00\00")
  (data (i32.const 1100) "{}")
"#;

/// The path is the second text of the request: parameters 2 and 3.
const HANDLE: &str = r#"
    (local $what i32)
    (global.set $next (i32.const 65536))
    (if (i32.gt_u (local.get 3) (i32.const 1))
      (then (local.set $what (i32.load8_u offset=1 (local.get 2)))))
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x6d)) (then
      (loop $more
        (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x72)) (then (drop (call $recurse))))
    (i32.const 1024)
"#;

fn module(resolve: &Resolve, world: WorldId, import: &str) -> String {
    let mut text = format!("(module {import} {FRAME}");
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for (name, function) in &resolve.interfaces[*id].functions {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            write!(text, "\n(func (export \"{interface}#{name}\")").unwrap();
            for parameter in &signature.params {
                write!(text, " (param {})", core_type(*parameter)).unwrap();
            }
            for result in &signature.results {
                write!(text, " (result {})", core_type(*result)).unwrap();
            }
            if name == "handle" {
                assert!(!signature.indirect_params && signature.retptr);
                text.push_str(HANDLE);
            } else {
                text.push_str(" unreachable");
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
