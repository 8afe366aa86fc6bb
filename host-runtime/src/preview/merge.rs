//! Lists by id, of which a preview knows some entries better than the store. It reads
//! nothing itself: the caller brings pages of the store as long as it asks for them.

use std::collections::BTreeMap;

/// One page of such a list.
pub(super) struct Merged<T> {
    after: Option<String>,
    wanted: usize,
    ours: BTreeMap<String, Option<T>>,
    found: BTreeMap<String, T>,
    /// Up to where the store was read; none before the first page.
    read_to: Option<String>,
    exhausted: bool,
}

impl<T> Merged<T> {
    /// At most `limit` entries after an id: `ours` in place of what the store has under
    /// these ids, none for what is not in the list.
    pub fn new(after: Option<&str>, limit: u32, ours: BTreeMap<String, Option<T>>) -> Self {
        Self {
            after: after.map(str::to_owned),
            wanted: usize::try_from(limit).unwrap_or(usize::MAX),
            ours,
            found: BTreeMap::new(),
            read_to: None,
            exhausted: false,
        }
    }

    /// After which id a page of the store is needed (as many entries as were asked for
    /// here); none if there is enough.
    pub fn needs(&self) -> Option<Option<String>> {
        let more = !self.exhausted && self.found.len() < self.wanted;
        more.then(|| self.read_to.clone().or_else(|| self.after.clone()))
    }

    /// Takes what the store has from there on; a page that is not full is its last.
    pub fn read(&mut self, page: Vec<T>, id: impl Fn(&T) -> &str) {
        self.exhausted = page.len() < self.wanted;
        for item in page {
            let key = id(&item).to_owned();
            self.read_to = Some(key.clone());
            if !self.ours.contains_key(&key) {
                self.found.insert(key, item);
            }
        }
    }

    /// The page, by id.
    pub fn page(self) -> Vec<T> {
        let Self {
            after,
            wanted,
            ours,
            mut found,
            read_to,
            exhausted,
        } = self;
        // What lies behind the part that was read comes on a later page.
        let end = read_to.filter(|_| !exhausted);
        let ours = ours.into_iter().filter(|(key, _)| {
            after.as_ref().is_none_or(|after| key > after)
                && end.as_ref().is_none_or(|end| key <= end)
        });
        found.extend(ours.filter_map(|(key, item)| Some((key, item?))));
        found.into_values().take(wanted).collect()
    }
}
