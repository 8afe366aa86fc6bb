//! Walks: every hit in order, and a page of them.

use super::count;
use super::directory::Directory;
use crate::reserved::Reserved;
use crate::walk::{self, Mark};
use crate::{ConnectionId, Detail, Direction, Find, Hit, KeyRange, Page, limits};

/// A page of a walk.
pub fn page(
    directory: &Directory,
    connection: ConnectionId,
    find: &Find,
    after: Option<Mark>,
) -> Page {
    let mut marks = matches(directory, connection, find);
    // Later pages go without, as where counting costs something: whoever builds on
    // this store should not come to rely on it.
    let counted = after.is_none() || find.range == KeyRange::All;
    let total = u64::try_from(marks.len()).ok().filter(|_| counted);
    if find.direction == Direction::Descending {
        marks.reverse();
    }
    let passed = |mark: &Mark| match (&after, find.direction) {
        (None, _) => false,
        (Some(after), Direction::Ascending) => (&mark.value, &mark.id) <= (&after.value, &after.id),
        (Some(after), Direction::Descending) => {
            (&mark.value, &mark.id) >= (&after.value, &after.id)
        }
    };
    let skip = usize::try_from(find.skip).unwrap_or(usize::MAX);
    let mut rest = marks.into_iter().skip_while(passed).skip(skip).peekable();
    let mut page = Page {
        hits: Vec::new(),
        next: None,
        total,
    };
    let mut bytes = 0;
    while page.hits.len() < count(find.limit) && bytes < limits::PAGE_BYTES {
        let Some(mark) = rest.next() else { break };
        let document = directory
            .documents
            .get(&mark.id)
            .map(|row| row.document.clone());
        let document = document.filter(|_| find.want == Detail::Documents);
        bytes += document.as_ref().map_or(0, |document| document.json.len());
        page.next = rest.peek().is_some().then(|| mark.encode(connection, find));
        let key = (find.want == Detail::Keys && find.range != KeyRange::All).then_some(mark.value);
        page.hits.push(Hit {
            id: mark.id,
            key,
            document,
        });
    }
    page
}

/// Every hit in ascending order, each document once.
fn matches(directory: &Directory, connection: ConnectionId, find: &Find) -> Vec<Mark> {
    let reserved = Reserved::of(find);
    if reserved.is_some() || find.range == KeyRange::All {
        let rows = directory.documents.values().map(|row| &row.document);
        let rows =
            rows.filter(|document| document.connection == connection && document.kind == find.kind);
        let marks = rows.map(|document| Mark {
            value: reserved.map_or_else(Vec::new, |index| index.value(document)),
            id: document.id.clone(),
        });
        let mut marks: Vec<Mark> = marks
            .filter(|mark| walk::holds(&find.range, &mark.value))
            .collect();
        marks.sort_by(|one, other| (&one.value, &one.id).cmp(&(&other.value, &other.id)));
        return marks;
    }
    let from = (
        connection,
        find.kind,
        find.index.clone(),
        Vec::new(),
        String::new(),
    );
    let entries = directory
        .index
        .range(from..)
        .take_while(|((at, kind, attribute, _, _), ())| {
            *at == connection && *kind == find.kind && *attribute == find.index
        });
    entries
        .filter(|((_, _, _, value, id), ())| {
            let keys = directory
                .documents
                .get(id)
                .map(|row| row.keys.as_slice())
                .unwrap_or_default();
            walk::holds(&find.range, value) && walk::met_first(find, keys, value)
        })
        .map(|((_, _, _, value, id), ())| Mark {
            value: value.clone(),
            id: id.clone(),
        })
        .collect()
}
