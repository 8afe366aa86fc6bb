//! The configuration, parsed once per revision.
//!
//! An instance serves one tenant but, over its life, several of its connections, and
//! mapping in between; a revision names one state of one of them, so it alone is the
//! key.

use std::cell::RefCell;
use std::rc::Rc;

use nameplate_mapping::rules::Rules;
use nameplate_scim::config::Config;

use crate::bindings::nameplate::scim::config::{State, get};
use crate::env::note_warning;

/// What one configuration document says to either crate.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) scim: Config,
    pub(crate) rules: Rules,
}

/// Configurations kept parsed: a write of a connection is mapped right after it, and few
/// tenants have more connections.
const KEPT: usize = 4;

thread_local! {
    /// The one used last comes first.
    static KNOWN: RefCell<Vec<(u64, Rc<Settings>)>> = const { RefCell::new(Vec::new()) };
}

/// The configuration in force.
pub(crate) fn current() -> Rc<Settings> {
    let last = KNOWN.with_borrow(|known| known.first().map(|(revision, _)| *revision));
    match get(last) {
        State::Unchanged => KNOWN
            .with_borrow(|known| known.first().map(|(_, settings)| Rc::clone(settings)))
            // A host that says "unchanged" to someone who knows nothing is wrong,
            // and the defaults are the safest reading.
            .unwrap_or_default(),
        State::Current(document) => KNOWN.with_borrow_mut(|known| {
            let kept = known
                .iter()
                .position(|(revision, _)| *revision == document.revision);
            let settings = match kept.map(|place| known.remove(place)) {
                Some((_, settings)) => settings,
                None => Rc::new(parse(&document.json)),
            };
            known.truncate(KEPT - 1);
            known.insert(0, (document.revision, Rc::clone(&settings)));
            settings
        }),
    }
}

/// What cannot be used counts as its default and is noted: a typo in a setting must
/// not stop an identity provider.
fn parse(json: &[u8]) -> Settings {
    let (mut scim, wrong) = Config::usable(json);
    for wrong in wrong {
        note_warning(
            "bad-configuration",
            &format!("a setting of the connection is not usable, its default applies: {wrong}"),
        );
    }
    let (rules, wrong) = Rules::usable(json);
    if let Some(wrong) = wrong {
        note_warning("bad-configuration", &wrong);
    }
    // What people are found by follows the tenant's words, in every connection.
    scim.derived = Some(rules.derived());
    Settings { rules, scim }
}

/// Can these settings be used: none, or what to change.
pub(crate) fn check(json: &[u8]) -> Option<String> {
    match Config::from_json(json) {
        Err(wrong) => Some(wrong.to_string()),
        Ok(_) => Rules::usable(json).1,
    }
}
