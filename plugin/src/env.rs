//! Time, chance and the journal, from the host.

use std::sync::Once;

use nameplate_scim::env::{Env, Level};

use crate::bindings::nameplate::scim::journal;
use crate::bindings::wasi::clocks::wall_clock;
use crate::bindings::wasi::random::random::get_random_bytes;

/// The host's clock, random source and journal.
pub(crate) struct HostEnv;

impl Env for HostEnv {
    fn now(&mut self) -> u64 {
        let now = wall_clock::now();
        now.seconds
            .saturating_mul(1000)
            .saturating_add(u64::from(now.nanoseconds / 1_000_000))
    }

    fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // A host that gives fewer bytes leaves zeros; ids then collide and the
        // store refuses them: a clear error rather than a silent overwrite.
        for (to, from) in bytes.iter_mut().zip(get_random_bytes(16)) {
            *to = from;
        }
        bytes
    }

    fn note(&mut self, level: Level, code: &str, text: &str) {
        journal::add(&journal::Note {
            level: match level {
                Level::Action => journal::Level::Action,
                Level::Quirk => journal::Level::Quirk,
                Level::Warning => journal::Level::Warning,
            },
            code: code.to_owned(),
            text: text.to_owned(),
        });
    }
}

/// A warning outside of any request's own flow.
pub(crate) fn note_warning(code: &str, text: &str) {
    HostEnv.note(Level::Warning, code, text);
}

/// Without this a panic's message is lost: the trap that follows carries none.
pub(crate) fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            // The place alone: a message may quote what the client sent.
            let place = panic
                .location()
                .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            note_warning("plugin-panic", &format!("the plugin stopped at {place}"));
        }));
    });
}
