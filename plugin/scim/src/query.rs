//! Lists (RFC 7644 3.4.2): pages in the order of ids, with exact totals. A filter
//! is planned on an index where one is filled, and evaluated whole on whatever the
//! index brings: one evaluator, the same answers on every store.
//!
//! This module must not know what a filter means.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::directory::{Detail, Direction, Document, Edge, Find, KeyRange, Kind, Timestamp};
use crate::discovery::LIST_URN;
use crate::error::ScimError;
use crate::filter::{Expr, Filter, Plan, View, index_version, plan, resolve};
use crate::groups::{MEMBER_PAGE, read_members};
use crate::http::Response;
use crate::render::{Links, Renderer, stored};
use crate::request::Query;
use crate::response::{self, Failure, tag};
use crate::service::{Call, is_id};

/// A page ends before it is larger than this; fewer resources than asked for are
/// allowed (RFC 7644 3.4.2.4), an answer a client cannot take is not.
const MAX_PAGE: usize = 4 << 20;

/// The most hits, ids or edges of one call (`wit/user-store.wit`).
const BATCH: usize = 1000;

/// The most ids read at once when documents come by id: their size is not bounded
/// by the store as that of a walk is.
const ID_BATCH: usize = 100;

/// Edges that may be asked for per document of the scan budget. An edge is a tenth
/// of the work of a document.
const EDGES_PER_DOCUMENT: u64 = 10;

/// `GET /Users` and `GET /Groups`.
pub(crate) fn list(call: &mut Call<'_>, kind: Kind) -> Result<Response, Failure> {
    let query = call.query()?;
    let rt = call.resource_type(kind);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let mut page = Page::new(&query, call.config.max_results, &renderer);
    match &query.filter {
        None => everything(call, kind, &mut page)?,
        Some(text) => {
            let filter = Filter::parse(text)?;
            let expr = resolve(&filter, rt, call.config.dialect)?;
            let planned = plan(&expr, rt);
            let rebuilding = planned.plan.needs_index() && !index_ready(call)?;
            let mut search = Search::new(call, kind, &expr, &mut page);
            search.rebuilding = rebuilding;
            search.run(if rebuilding { Plan::Scan } else { planned.plan })?;
        }
    }
    Ok(page.answer())
}

/// The page without a filter: the store counts and passes over what comes before.
fn everything(call: &mut Call<'_>, kind: Kind, page: &mut Page<'_>) -> Result<(), Failure> {
    let mut find = walk(kind, String::new(), KeyRange::All);
    find.skip = page.start - 1;
    loop {
        let left = usize::try_from(page.left()).unwrap_or(BATCH).min(BATCH);
        find.limit = u32::try_from(left).unwrap_or_default();
        let found = call.directory.find(&find)?;
        if let Some(total) = found.total.filter(|_| find.after.is_none()) {
            page.total = total;
        }
        for document in found.hits.into_iter().filter_map(|hit| hit.document) {
            page.show(call, &document)?;
        }
        if found.next.is_none() || page.left() == 0 {
            return Ok(());
        }
        find.after = found.next;
        find.skip = 0;
    }
}

/// Is the index filled. A plan on one that is not would answer "nothing" for
/// something that exists, and an identity provider would create it again: then all
/// documents are looked at.
fn index_ready(call: &mut Call<'_>) -> Result<bool, Failure> {
    let ready = call.directory.index_ready(&index_version(call.config))?;
    if !ready {
        call.notes.warning(
            "index-not-ready",
            "the index is being filled: the filter looks at every resource",
        );
    }
    Ok(ready)
}

/// A walk over documents in the order of their ids or keys.
pub(crate) fn walk(kind: Kind, index: String, range: KeyRange) -> Find {
    Find {
        kind,
        index,
        range,
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: BATCH as u32,
        want: Detail::Documents,
    }
}

/// A filtered walk under a budget.
struct Search<'s, 'c, 'q> {
    call: &'s mut Call<'c>,
    kind: Kind,
    expr: &'s Expr,
    /// Ids the filter compares memberships with.
    atoms: Vec<&'s str>,
    page: &'s mut Page<'q>,
    /// An index would help and is being filled.
    rebuilding: bool,
    documents_left: u64,
    edges_left: u64,
}

impl<'s, 'c, 'q> Search<'s, 'c, 'q> {
    fn new(call: &'s mut Call<'c>, kind: Kind, expr: &'s Expr, page: &'s mut Page<'q>) -> Self {
        let budget = u64::from(call.config.scan_budget);
        let mut atoms = expr.membership_atoms();
        atoms.retain(|id| is_id(id));
        Self {
            kind,
            expr,
            atoms,
            page,
            rebuilding: false,
            documents_left: budget,
            edges_left: budget.saturating_mul(EDGES_PER_DOCUMENT),
            call,
        }
    }

    fn run(&mut self, plan: Plan) -> Result<(), Failure> {
        match plan {
            Plan::Scan => self.stream(walk(self.kind, String::new(), KeyRange::All)),
            Plan::Index {
                index,
                range: range @ KeyRange::Equal(_),
            } => self.stream(walk(self.kind, index, range)),
            other => {
                let mut ids = BTreeSet::new();
                self.gather(other, &mut ids)?;
                self.by_ids(ids)
            }
        }
    }

    /// Looks at the documents of a walk that is in the order of ids.
    fn stream(&mut self, mut find: Find) -> Result<(), Failure> {
        loop {
            let found = self.call.directory.find(&find)?;
            if found.total.is_some_and(|total| total > self.documents_left) && find.after.is_none()
            {
                return Err(self.too_many());
            }
            let documents = found.hits.into_iter().filter_map(|hit| hit.document);
            self.look_at(documents.collect())?;
            if found.next.is_none() {
                return Ok(());
            }
            find.after = found.next;
        }
    }

    /// Collects candidates whose order is not that of ids.
    fn gather(&mut self, plan: Plan, ids: &mut BTreeSet<String>) -> Result<(), Failure> {
        match plan {
            Plan::Ids(list) => ids.extend(list.into_iter().filter(|id| is_id(id))),
            Plan::Union(plans) => {
                for plan in plans {
                    self.gather(plan, ids)?;
                }
            }
            Plan::Index { index, range } => {
                self.gather_walk(walk(self.kind, index, range), ids)?;
            }
            Plan::GroupsOf(member) => self.gather_groups(&member, ids)?,
            Plan::UsersIn(group) => self.gather_users(group, ids)?,
            Plan::Scan => self.gather_walk(walk(self.kind, String::new(), KeyRange::All), ids)?,
        }
        if ids.len() as u64 > self.documents_left {
            return Err(self.too_many());
        }
        Ok(())
    }

    fn gather_walk(&mut self, mut find: Find, ids: &mut BTreeSet<String>) -> Result<(), Failure> {
        find.want = Detail::Ids;
        loop {
            let found = self.call.directory.find(&find)?;
            ids.extend(found.hits.into_iter().map(|hit| hit.id));
            if ids.len() as u64 > self.documents_left {
                return Err(self.too_many());
            }
            if found.next.is_none() {
                return Ok(());
            }
            find.after = found.next;
        }
    }

    fn gather_groups(&mut self, member: &str, ids: &mut BTreeSet<String>) -> Result<(), Failure> {
        if is_id(member) {
            let found = self.call.directory.groups_of(member, false)?;
            ids.extend(found.groups.into_iter().map(|membership| membership.group));
        }
        Ok(())
    }

    /// Users of the group and of the groups in it, each group once.
    fn gather_users(&mut self, group: String, ids: &mut BTreeSet<String>) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            if !is_id(&group) || !seen.insert(group.clone()) {
                continue;
            }
            let mut after = None;
            loop {
                let page = self
                    .call
                    .directory
                    .members(&group, after.as_deref(), MEMBER_PAGE)?;
                for member in page.members {
                    match member.kind {
                        Kind::User => drop(ids.insert(member.id)),
                        Kind::Group => waiting.push(member.id),
                    }
                }
                if (ids.len() + seen.len() + waiting.len()) as u64 > self.documents_left {
                    return Err(self.too_many());
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn by_ids(&mut self, ids: BTreeSet<String>) -> Result<(), Failure> {
        if ids.len() == 1 {
            let found = match ids.first() {
                Some(id) => self.call.directory.get(self.kind, id)?,
                None => None,
            };
            return self.look_at(found.into_iter().collect());
        }
        let ids: Vec<String> = ids.into_iter().collect();
        for batch in ids.chunks(ID_BATCH) {
            let mut documents = self.call.directory.get_many(batch)?;
            documents.retain(|document| document.kind == self.kind);
            documents.sort_by(|a, b| a.id.cmp(&b.id));
            self.look_at(documents)?;
        }
        Ok(())
    }

    /// Evaluates the filter on a batch of documents, in order.
    fn look_at(&mut self, documents: Vec<Document>) -> Result<(), Failure> {
        self.documents_left = self
            .documents_left
            .checked_sub(documents.len() as u64)
            .ok_or_else(|| self.too_many())?;
        let related = self.related(&documents)?;
        for (place, document) in documents.iter().enumerate() {
            let content = stored(document)?;
            let candidate = Candidate {
                document,
                content: &content,
                related: related.get(&place),
            };
            if self.expr.matches(&candidate) {
                self.page.hit(self.call, document)?;
            }
        }
        Ok(())
    }

    /// Which of the ids the filter compares memberships with each document is
    /// related to, by its place in the batch.
    fn related(
        &mut self,
        documents: &[Document],
    ) -> Result<BTreeMap<usize, BTreeSet<String>>, Failure> {
        let mut related: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        if self.atoms.is_empty() {
            return Ok(related);
        }
        let asked = documents.len().saturating_mul(self.atoms.len()) as u64;
        self.edges_left = self
            .edges_left
            .checked_sub(asked)
            .ok_or_else(|| self.too_many())?;
        match self.kind {
            // A user's `groups` are indirect ones too (RFC 7643 4.1.2).
            Kind::User => {
                for (place, user) in documents.iter().enumerate() {
                    let memberships = self.call.directory.groups_of(&user.id, true)?;
                    let groups = memberships.groups.into_iter().map(|m| m.group);
                    related.insert(place, groups.collect());
                }
            }
            Kind::Group => {
                let pairs: Vec<(usize, Edge)> = documents
                    .iter()
                    .enumerate()
                    .flat_map(|(place, group)| {
                        self.atoms.iter().map(move |member| {
                            let edge = Edge {
                                group: group.id.clone(),
                                member: (*member).to_owned(),
                            };
                            (place, edge)
                        })
                    })
                    .collect();
                for batch in pairs.chunks(BATCH) {
                    let edges: Vec<Edge> = batch.iter().map(|(_, edge)| edge.clone()).collect();
                    let exist = self.call.directory.has_edges(&edges)?;
                    for ((place, edge), _) in batch.iter().zip(exist).filter(|(_, exists)| *exists)
                    {
                        related
                            .entry(*place)
                            .or_default()
                            .insert(edge.member.clone());
                    }
                }
            }
        }
        Ok(related)
    }

    fn too_many(&self) -> Failure {
        if self.rebuilding {
            // The same filter is cheap in a while; a 400 would be final to a client.
            return ScimError::unavailable("the index is being rebuilt: try again").into();
        }
        ScimError::too_many(format!(
            "the filter would look at more than {} resources: compare an indexed attribute \
             with `eq`, such as `id`, `externalId`, `displayName` or, for users, `userName` \
             or `emails.value`",
            self.call.config.scan_budget
        ))
        .into()
    }
}

/// A document as the evaluator sees it.
struct Candidate<'a> {
    document: &'a Document,
    content: &'a Map<String, Value>,
    related: Option<&'a BTreeSet<String>>,
}

impl View for Candidate<'_> {
    fn document(&self) -> &Map<String, Value> {
        self.content
    }

    fn id(&self) -> &str {
        &self.document.id
    }

    fn created(&self) -> Timestamp {
        self.document.created
    }

    fn modified(&self) -> Timestamp {
        self.document.modified
    }

    fn version(&self) -> String {
        tag(self.document.version)
    }

    fn has_edge(&self, id: &str) -> bool {
        self.related.is_some_and(|related| related.contains(id))
    }

    fn member_count(&self) -> u64 {
        self.document.member_count
    }
}

/// The page asked for, as it fills.
struct Page<'q> {
    renderer: &'q Renderer<'q>,
    /// From 1.
    start: u64,
    count: u64,
    total: u64,
    returned: u64,
    /// No more resources fit.
    full: bool,
    /// Resources as JSON text, without the brackets around them.
    text: Vec<u8>,
}

impl<'q> Page<'q> {
    fn new(query: &Query, max: u32, renderer: &'q Renderer<'q>) -> Self {
        let max = u64::from(max);
        Self {
            renderer,
            start: query.start_index,
            // RFC 7644 3.4.2.4: not more than `count`; over the maximum: clamped.
            count: query.count.unwrap_or(max).min(max),
            total: 0,
            returned: 0,
            full: false,
            text: Vec::new(),
        }
    }

    /// How many more resources are wanted.
    fn left(&self) -> u64 {
        match self.full {
            true => 0,
            false => self.count - self.returned,
        }
    }

    /// One more resource matches; shown if it is on this page.
    fn hit(&mut self, call: &mut Call<'_>, document: &Document) -> Result<(), Failure> {
        self.total += 1;
        if self.total >= self.start && self.left() > 0 {
            self.show(call, document)?;
        }
        Ok(())
    }

    fn show(&mut self, call: &mut Call<'_>, document: &Document) -> Result<(), Failure> {
        if self.left() == 0 {
            return Ok(());
        }
        let links = read_links(call, self.renderer, document)?;
        let resource = self
            .renderer
            .show(document, &document.json, links.as_ref())?;
        if self.returned > 0 && self.text.len() + resource.len() > MAX_PAGE {
            self.full = true;
            return Ok(());
        }
        if self.returned > 0 {
            self.text.push(b',');
        }
        self.text.extend_from_slice(&resource);
        self.returned += 1;
        Ok(())
    }

    fn answer(self) -> Response {
        let mut body = format!(
            "{{\"schemas\":[\"{LIST_URN}\"],\"totalResults\":{},\"startIndex\":{},\
             \"itemsPerPage\":{},\"Resources\":[",
            self.total, self.start, self.returned
        )
        .into_bytes();
        body.extend_from_slice(&self.text);
        body.extend_from_slice(b"]}");
        response::json(200, body)
    }
}

/// The groups of a user, or the members of a group that has not too many.
fn read_links<'q>(
    call: &mut Call<'_>,
    renderer: &'q Renderer<'q>,
    document: &Document,
) -> Result<Option<Links<'q>>, Failure> {
    let Some(mut links) = renderer.no_links() else {
        return Ok(None);
    };
    match document.kind {
        Kind::User => {
            let memberships = call.directory.groups_of(&document.id, true)?;
            memberships.groups.iter().for_each(|m| links.membership(m));
        }
        Kind::Group => {
            let most = call.config.max_members_inline;
            if document.member_count == 0
                || document.member_count > most
                || !read_members(call, &document.id, most, &mut links)?
            {
                return Ok(None);
            }
        }
    }
    Ok(Some(links))
}
