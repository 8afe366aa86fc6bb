//! Walks over an index that a preview has changed.
//!
//! Before anything is changed walks are the store's own. Afterwards the hits of the
//! store are read together and put in order with those of the preview: a plugin looks
//! then for who has a login, which are few.

use std::collections::BTreeMap;

use nameplate_store::reserved::Reserved;
use nameplate_store::walk::{self, Mark};
use nameplate_store::{
    Detail, Direction, Document, Find, Hit, KeyRange, Page, Scope, StoreError, UserStore, check,
    limits,
};

use super::changed::Changed;
use super::users::DirectoryPreview;

/// Hits read together at most, about 6 MB; a preview that has to walk over more says so.
const MOST: usize = 10_000;

impl DirectoryPreview {
    pub(super) async fn walk(
        &self,
        scope: Scope,
        find: &Find,
        changed: &Changed,
    ) -> Result<Page, StoreError> {
        let connection = check::bound(scope)?;
        check::find(find)?;
        let after = match &find.after {
            Some(after) => Some(Mark::decode(connection, find, after)?),
            None => None,
        };
        let mut marks = self.stored(scope, find, changed).await?;
        marks.extend(ours(scope, find, changed));
        marks.sort_by(|one, other| (&one.value, &one.id).cmp(&(&other.value, &other.id)));
        if find.direction == Direction::Descending {
            marks.reverse();
        }
        let total = u64::try_from(marks.len()).ok();
        let start = match &after {
            None => 0,
            Some(after) => marks
                .iter()
                .position(|mark| follows(mark, after, find.direction))
                .unwrap_or(marks.len()),
        };
        let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
        let start = start.saturating_add(skip).min(marks.len());
        let limit = usize::try_from(find.limit).unwrap_or(usize::MAX);
        let rest = marks.split_off(start);
        let more = rest.len() > limit;
        let shown: Vec<Mark> = rest.into_iter().take(limit).collect();
        let mut page = Page {
            hits: self.hits(scope, find, &shown).await?,
            next: None,
            total,
        };
        let cut = page.hits.len() < shown.len();
        let last = page.hits.len().checked_sub(1).and_then(|at| shown.get(at));
        page.next = last
            .filter(|_| more || cut)
            .map(|mark| mark.encode(connection, find));
        Ok(page)
    }

    /// What the store finds, without what the preview knows better.
    async fn stored(
        &self,
        scope: Scope,
        find: &Find,
        changed: &Changed,
    ) -> Result<Vec<Mark>, StoreError> {
        let by_document = find.range == KeyRange::All || Reserved::of(find).is_some();
        let mut step = Find {
            skip: 0,
            after: None,
            limit: limits::PAGE,
            want: Detail::Keys,
            ..find.clone()
        };
        let mut marks = Vec::new();
        loop {
            let page = self.base.find(scope, &step).await?;
            for hit in page.hits {
                let better = match changed.document(&hit.id) {
                    None => false,
                    Some(None) => true,
                    // A group whose members changed has the keys it had.
                    Some(Some(_)) => by_document || changed.keyed.contains_key(&hit.id),
                };
                if !better {
                    marks.push(Mark {
                        value: hit.key.unwrap_or_default(),
                        id: hit.id,
                    });
                }
            }
            if marks.len() > MOST {
                return Err(StoreError::Other(format!(
                    "a preview cannot walk over more than {MOST} resources; try a request that \
                     names the one it is about"
                )));
            }
            match page.next {
                Some(next) => step.after = Some(next),
                None => return Ok(marks),
            }
        }
    }

    async fn hits(
        &self,
        scope: Scope,
        find: &Find,
        marks: &[Mark],
    ) -> Result<Vec<Hit>, StoreError> {
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        if find.want == Detail::Documents {
            let ids: Vec<String> = marks.iter().map(|mark| mark.id.clone()).collect();
            let read = self.get_many(scope, &ids).await?.into_iter();
            documents.extend(read.map(|document| (document.id.clone(), document)));
        }
        let mut bytes = 0;
        let mut hits = Vec::new();
        for mark in marks {
            if bytes >= limits::PAGE_BYTES {
                break;
            }
            let document = documents.remove(&mark.id);
            bytes += document.as_ref().map_or(0, |document| document.json.len());
            let key = find.want == Detail::Keys && find.range != KeyRange::All;
            hits.push(Hit {
                id: mark.id.clone(),
                key: key.then(|| mark.value.clone()),
                document,
            });
        }
        Ok(hits)
    }
}

fn follows(mark: &Mark, after: &Mark, direction: Direction) -> bool {
    let (this, that) = ((&mark.value, &mark.id), (&after.value, &after.id));
    match direction {
        Direction::Ascending => this > that,
        Direction::Descending => this < that,
    }
}

/// What the preview itself adds to a walk.
fn ours(scope: Scope, find: &Find, changed: &Changed) -> Vec<Mark> {
    let mut marks = Vec::new();
    for document in changed.documents.values().flatten() {
        if Some(document.connection) != scope.connection || document.kind != find.kind {
            continue;
        }
        let mark = |value: Vec<u8>| Mark {
            value,
            id: document.id.clone(),
        };
        if find.range == KeyRange::All {
            marks.push(mark(Vec::new()));
        } else if let Some(index) = Reserved::of(find) {
            let value = index.value(document);
            marks.extend(walk::holds(&find.range, &value).then(|| mark(value)));
        } else if let Some(keyed) = changed.keyed.get(&document.id) {
            let found = keyed.keys.iter().filter(|key| {
                key.attribute == find.index
                    && walk::holds(&find.range, &key.value)
                    && walk::met_first(find, &keyed.keys, &key.value)
            });
            marks.extend(found.map(|key| mark(key.value.clone())));
        }
    }
    marks
}
