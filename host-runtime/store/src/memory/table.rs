//! A map that can take back what was done since the last settled point.

use std::collections::BTreeMap;
use std::ops::Deref;

/// An ordered map with a way back. Reads go through [`Deref`].
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            undo: Vec::new(),
        }
    }
}

impl<K, V> Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    /// Writes a row; true if there was none.
    pub fn put(&mut self, key: K, value: V) -> bool {
        let before = self.rows.insert(key.clone(), value);
        let new = before.is_none();
        self.undo.push((key, before));
        new
    }

    /// Removes a row and returns it.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let before = self.rows.remove(key)?;
        self.undo.push((key.clone(), Some(before.clone())));
        Some(before)
    }

    /// Keeps what was done.
    pub fn settle(&mut self) {
        self.undo.clear();
    }

    /// Takes it back.
    pub fn revert(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}
