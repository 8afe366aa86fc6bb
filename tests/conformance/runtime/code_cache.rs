//! Compiled code is run only if this installation made it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nameplate_runtime::wasm::{CodeCache, EngineOptions, Sandbox, WasmOptions};
use nameplate_runtime::{limits::Limits, wasm::Engine};
use nameplate_tests::hostile;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    engine: Engine,
    component: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        let limits = Limits {
            instances: 2,
            memory: 4 << 20,
            ..Limits::default()
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            engine: Engine::new(&EngineOptions::from(&limits)).unwrap(),
            component: hostile::component(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Loads a component with a cache and a key of these names.
    fn load(&self, component: &[u8], cache: &str, key: &str) {
        let options = WasmOptions {
            cache: Some(CodeCache {
                folder: self.path(cache),
                key: self.path(key),
            }),
            ..WasmOptions::default()
        };
        let sandbox = Sandbox::within(self.engine.clone(), options);
        drop(sandbox.load(component).unwrap());
    }

    /// The one file of a cache that holds one component.
    fn compiled(&self, cache: &str) -> PathBuf {
        let mut files = files(&self.path(cache));
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    }
}

/// Puts other bytes in the place of compiled code, loads, and looks what is there then.
#[track_caller]
fn replaced(place: &Place, forged: &[u8]) {
    let file = place.compiled("cache");
    let good = fs::read(&file).unwrap();
    assert_ne!(good, forged, "the forgery differs");
    fs::write(&file, forged).unwrap();
    place.load(&place.component, "cache", "key");
    assert!(fs::read(&file).unwrap() == good, "made anew");
}

#[test]
fn code_is_kept_for_its_owner_alone_and_used_again() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    let file = place.compiled("cache");
    for private in [&file, &place.path("key")] {
        let mode = fs::metadata(private).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", private.display());
    }
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&file);
    place.load(&place.component, "cache", "key");
    assert_eq!(inode(&place.compiled("cache")), before, "not written again");
}

#[test]
fn code_that_was_changed_is_not_run_but_made_anew() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    let good = fs::read(place.compiled("cache")).unwrap();
    for at in [0, 31, 32, good.len() / 2, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        replaced(&place, &changed);
    }
}

#[test]
fn code_that_is_cut_off_or_longer_is_not_run_but_made_anew() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    let good = fs::read(place.compiled("cache")).unwrap();
    for length in [0, 1, 31, 32, 100, good.len() - 1] {
        replaced(&place, &good[..length]);
    }
    replaced(&place, &[&good[..], b"more"].concat());
}

#[test]
fn code_that_another_installation_sealed_is_not_run() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    place.load(&place.component, "theirs", "their-key");
    let theirs = fs::read(place.compiled("theirs")).unwrap();
    replaced(&place, &theirs);
}

#[test]
fn code_of_another_component_under_this_ones_name_is_not_run() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    place.load(&hostile::that_never_starts(), "other", "key");
    let other = fs::read(place.compiled("other")).unwrap();
    replaced(&place, &other);
}

#[test]
fn installations_that_share_a_folder_do_not_undo_each_others_code() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    place.load(&place.component, "cache", "their-key");
    assert_eq!(files(&place.path("cache")).len(), 2);
}

#[test]
fn nothing_is_kept_under_a_key_that_others_can_read_or_that_lies_with_the_code() {
    let place = Place::new();
    place.load(&place.component, "first", "key");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(place.path("key"), open).unwrap();
    place.load(&place.component, "cache", "key");
    assert_eq!(files(&place.path("cache")), Vec::<PathBuf>::new());
    fs::create_dir(place.path("cache")).ok();
    place.load(&place.component, "cache", "cache/key");
    assert_eq!(files(&place.path("cache")), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_that_others_can_write_is_not_used() {
    let place = Place::new();
    place.load(&place.component, "cache", "key");
    let before = fs::read(place.compiled("cache")).unwrap();
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(place.path("cache"), open).unwrap();
    fs::write(place.compiled("cache"), b"forged").unwrap();
    place.load(&place.component, "cache", "key");
    assert_ne!(fs::read(place.compiled("cache")).unwrap(), before);
}
