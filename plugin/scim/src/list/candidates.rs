//! Candidates for a list, and which of them match: one evaluator, under a budget.
//!
//! This module must not know how a page is filled.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::directory::{Detail, Document, Edge, Find, KeyRange, Kind, Timestamp};
use crate::error::ScimError;
use crate::filter::{Expr, Plan, Planned, View};
use crate::groups::MEMBER_PAGE;
use crate::render::{Renderer, stored};
use crate::response::{Failure, tag};
use crate::schema::ResourceType;
use crate::service::{Call, is_id};

use super::{BATCH, walk};

/// Edges that may be asked for per document of the scan budget. An edge is a tenth
/// of the work of a document.
const EDGES_PER_DOCUMENT: u64 = 10;

/// The most ids read at once when documents come by id: their size is not bounded
/// by the store as that of a walk is.
const ID_BATCH: usize = 100;

/// The most groups a store names of one member (`wit/user-store.wit`).
const MOST_GROUPS: usize = 10_000;

/// The resources of one type that are searched.
pub(super) struct Part<'p> {
    pub kind: Kind,
    pub rt: &'p ResourceType,
    pub renderer: Renderer<'p>,
    pub expr: Expr,
    pub planned: Planned,
    /// An index would help and is being filled.
    pub rebuilding: bool,
}

/// What one request may look at.
pub(super) struct Budget {
    limit: u32,
    pub documents: u64,
    edges: u64,
}

impl Budget {
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            documents: limit.into(),
            edges: u64::from(limit).saturating_mul(EDGES_PER_DOCUMENT),
        }
    }

    fn untouched(&self) -> bool {
        self.documents == u64::from(self.limit)
    }
}

/// The search through one part.
pub(super) struct Search<'s, 'c> {
    pub call: &'s mut Call<'c>,
    pub part: &'s Part<'s>,
    pub budget: &'s mut Budget,
}

/// Takes a document that matches: its place in the batch, itself, what it holds.
type Take<'t> = dyn FnMut(usize, Document, &Map<String, Value>) + 't;

impl Search<'_, '_> {
    /// Those of a batch that match, in order; none in the place of one that does not.
    /// With `exact` each of them matches.
    pub fn judge(
        &mut self,
        documents: Vec<Document>,
        exact: bool,
    ) -> Result<Vec<Option<Document>>, Failure> {
        if exact {
            self.charge(documents.len())?;
            return Ok(documents.into_iter().map(Some).collect());
        }
        let mut judged: Vec<Option<Document>> = documents.iter().map(|_| None).collect();
        self.each(documents, false, &mut |place, document, _| {
            if let Some(slot) = judged.get_mut(place) {
                *slot = Some(document);
            }
        })?;
        Ok(judged)
    }

    /// Gives what matches of a batch to `take`, with its place. What a document holds is
    /// a tree many times its size: there is never more than one.
    fn each(
        &mut self,
        documents: Vec<Document>,
        exact: bool,
        take: &mut Take<'_>,
    ) -> Result<(), Failure> {
        self.charge(documents.len())?;
        let related = match exact {
            true => BTreeMap::new(),
            false => self.related(&documents)?,
        };
        for (place, document) in documents.into_iter().enumerate() {
            let content = stored(&document)?;
            let candidate = Candidate {
                document: &document,
                content: &content,
                related: related.get(&place),
            };
            if exact || self.part.expr.matches(&candidate) {
                take(place, document, &content);
            }
        }
        Ok(())
    }

    fn charge(&mut self, documents: usize) -> Result<(), Failure> {
        self.budget.documents = self
            .budget
            .documents
            .checked_sub(documents as u64)
            .ok_or_else(|| self.too_many())?;
        Ok(())
    }

    /// How many more documents may be looked at.
    ///
    /// # Errors
    /// `tooMany` if a whole budget is too small for a single one.
    pub fn affordable(&self) -> Result<u64, Failure> {
        let atoms = self.part.expr.membership_atoms().len() as u64;
        let by_edges = self.budget.edges.checked_div(atoms).unwrap_or(u64::MAX);
        match self.budget.documents.min(by_edges) {
            0 if self.budget.untouched() => Err(self.too_many()),
            affordable => Ok(affordable),
        }
    }

    /// Gives everything that matches to `take`, in any order; false if that is more than
    /// the budget.
    pub fn each_match(
        &mut self,
        take: &mut dyn FnMut(Document, &Map<String, Value>),
    ) -> Result<bool, Failure> {
        let Planned { plan, exact } = self.part.planned.clone();
        let kind = self.part.kind;
        let mut take = |_: usize, document: Document, content: &Map<String, Value>| {
            take(document, content);
        };
        let mut find = match plan {
            Plan::Scan => walk(kind, String::new(), KeyRange::All),
            Plan::Index { index, range } => walk(kind, index, range),
            plan => {
                let Some(ids) = self.gather(plan)? else {
                    return Ok(false);
                };
                let ids: Vec<String> = ids.into_iter().collect();
                for batch in ids.chunks(ID_BATCH) {
                    let documents = self.read(batch)?;
                    self.each(documents, exact, &mut take)?;
                }
                return Ok(true);
            }
        };
        loop {
            let found = self.call.directory.find(&find)?;
            let too_many = |total| total > self.budget.documents;
            if find.after.is_none() && found.total.is_some_and(too_many)
                || found.hits.len() as u64 > self.budget.documents
            {
                return Ok(false);
            }
            let documents = found.hits.into_iter().filter_map(|hit| hit.document);
            self.each(documents.collect(), exact, &mut take)?;
            match found.next {
                Some(next) => find.after = Some(next),
                None => return Ok(true),
            }
        }
    }

    /// Which of the ids the filter compares memberships with each document is
    /// related to, by its place in the batch.
    fn related(
        &mut self,
        documents: &[Document],
    ) -> Result<BTreeMap<usize, BTreeSet<String>>, Failure> {
        let mut related: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        let mut atoms = self.part.expr.membership_atoms();
        atoms.retain(|id| is_id(id));
        if atoms.is_empty() {
            return Ok(related);
        }
        let asked = documents.len().saturating_mul(atoms.len()) as u64;
        self.budget.edges = self
            .budget
            .edges
            .checked_sub(asked)
            .ok_or_else(|| self.too_many())?;
        match self.part.kind {
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
                        atoms.iter().map(move |member| {
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
                        let found = related.entry(*place).or_default();
                        found.insert(edge.member.clone());
                    }
                }
            }
        }
        Ok(related)
    }

    /// Collects candidates that no single walk yields; none if they are more than the
    /// budget.
    pub fn gather(&mut self, plan: Plan) -> Result<Option<BTreeSet<String>>, Failure> {
        let mut ids = BTreeSet::new();
        let complete = self.gather_into(plan, &mut ids)?;
        Ok(complete.then_some(ids))
    }

    fn gather_into(&mut self, plan: Plan, ids: &mut BTreeSet<String>) -> Result<bool, Failure> {
        match plan {
            Plan::Ids(list) => ids.extend(list.into_iter().filter(|id| is_id(id))),
            Plan::Union(plans) => {
                for plan in plans {
                    if !self.gather_into(plan, ids)? {
                        return Ok(false);
                    }
                }
            }
            Plan::Index { index, range } => {
                return self.gather_walk(walk(self.part.kind, index, range), ids);
            }
            Plan::GroupsOf(member) => {
                if is_id(&member) {
                    let found = self.call.directory.groups_of(&member, false)?;
                    // There may be more that the store does not name.
                    if found.groups.len() >= MOST_GROUPS {
                        return Ok(false);
                    }
                    ids.extend(found.groups.into_iter().map(|membership| membership.group));
                }
            }
            Plan::UsersIn(group) => return self.gather_users(group, ids),
            Plan::Scan => {
                let all = walk(self.part.kind, String::new(), KeyRange::All);
                return self.gather_walk(all, ids);
            }
        }
        Ok(self.affords(ids.len()))
    }

    fn affords(&self, candidates: usize) -> bool {
        candidates as u64 <= self.budget.documents
    }

    fn gather_walk(&mut self, mut find: Find, ids: &mut BTreeSet<String>) -> Result<bool, Failure> {
        find.want = Detail::Ids;
        loop {
            let found = self.call.directory.find(&find)?;
            ids.extend(found.hits.into_iter().map(|hit| hit.id));
            if !self.affords(ids.len()) {
                return Ok(false);
            }
            match found.next {
                Some(next) => find.after = Some(next),
                None => return Ok(true),
            }
        }
    }

    /// Users of the group and of the groups in it, each group once.
    fn gather_users(&mut self, group: String, ids: &mut BTreeSet<String>) -> Result<bool, Failure> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            if !is_id(&group) || !seen.insert(group.clone()) {
                continue;
            }
            let mut after: Option<String> = None;
            loop {
                let directory = &mut self.call.directory;
                let page = directory.members(&group, after.as_deref(), MEMBER_PAGE)?;
                for member in page.members {
                    match member.kind {
                        Kind::User => drop(ids.insert(member.id)),
                        Kind::Group => waiting.push(member.id),
                    }
                }
                if !self.affords(ids.len() + seen.len() + waiting.len()) {
                    return Ok(false);
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(true)
    }

    /// Reads documents of the part's type by id, in the order of `ids`, some at a time.
    /// Those that are gone are left out.
    pub fn read(&mut self, ids: &[String]) -> Result<Vec<Document>, Failure> {
        if let [id] = ids {
            let found = self.call.directory.get(self.part.kind, id)?;
            return Ok(found.into_iter().collect());
        }
        let mut read = Vec::with_capacity(ids.len());
        for batch in ids.chunks(ID_BATCH) {
            let found = self.call.directory.get_many(batch)?;
            let mut by_id: BTreeMap<String, Document> = found
                .into_iter()
                .filter(|document| document.kind == self.part.kind)
                .map(|document| (document.id.clone(), document))
                .collect();
            read.extend(batch.iter().filter_map(|id| by_id.remove(id)));
        }
        Ok(read)
    }

    pub fn too_many(&self) -> Failure {
        if self.part.rebuilding {
            return rebuilding().into();
        }
        ScimError::too_many(format!(
            "the request would look at more than {} resources: page by `cursor`, or compare an \
             indexed attribute with `eq`, such as `id`, `externalId`, `displayName` or, for \
             users, `userName` or `emails.value`",
            self.budget.limit
        ))
        .into()
    }
}

/// The same request is cheap in a while; a 400 would be final to a client.
pub(super) fn rebuilding() -> ScimError {
    ScimError::unavailable("the index is being rebuilt: try again")
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
