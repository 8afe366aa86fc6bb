//! Promises to hosts that are not there yet, of one tenant.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::count;
use crate::{HostName, Promise};

/// By folded name.
#[derive(Debug, Default)]
pub struct Promises(BTreeMap<HostName, Promise>);

impl Promises {
    pub fn put(&mut self, promise: Promise) -> bool {
        let place = promise.name.folded();
        let news = self.0.get(&place).is_none_or(|old| !promise.repeats(old));
        if news {
            self.0.insert(place, promise);
        }
        news
    }

    pub fn drop(&mut self, name: &HostName) -> bool {
        self.0.remove(&name.folded()).is_some()
    }

    /// Drops those that fit; returns how many.
    pub fn drop_if(&mut self, fits: impl Fn(&Promise) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|_, promise| !fits(promise));
        before - self.0.len()
    }

    pub fn after(&self, after: Option<&HostName>, limit: u32) -> Vec<Promise> {
        let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.folded()));
        let rows = self.0.range((from, Bound::Unbounded));
        rows.take(count(limit))
            .map(|(_, promise)| promise.clone())
            .collect()
    }

    pub fn to(&self, serial: &str, display_name: &str) -> Vec<Promise> {
        let names = [
            HostName::Serial(serial.to_owned()),
            HostName::Name(display_name.to_owned()),
        ];
        names
            .iter()
            .filter_map(|name| self.0.get(&name.folded()).cloned())
            .collect()
    }
}
