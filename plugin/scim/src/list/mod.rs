//! Lists (RFC 7644 3.4.2): found by a filter, sorted, and shown page by page, by index
//! or by cursor (RFC 9865). A filter is planned on an index where one is filled, and
//! evaluated whole on whatever the index brings unless the index says all: one
//! evaluator, the same answers on every store.
//!
//! Without `sortBy` the order is that of the walk that finds the resources; without a
//! filter that is the order in which they were made.
//!
//! This module must not know what a filter means.

mod candidates;
mod cursor;
mod gathered;
mod page;
mod search_request;
mod sort;
mod walked;

use crate::directory::{Detail, Direction, Find, KeyRange, Kind};
use crate::error::{ScimError, ScimType};
use crate::filter::loose::check_booleans;
use crate::filter::{Expr, Filter, Plan, Planned, index_version, plan, resolve_among};
use crate::http::Response;
use crate::render::Renderer;
use crate::request::Query;
use crate::response::Failure;
use crate::schema::ResourceType;
use crate::service::Call;

use candidates::{Budget, Part, Search};
use cursor::{At, Fingerprint, Position};
use gathered::Ranked;
use page::Page;
use sort::{Place, Sort};
use walked::Walk;

/// The most hits, ids or edges of one call (`wit/user-store.wit`).
pub(crate) const BATCH: usize = 1000;

/// `GET /Users`, `GET /Groups`, and `GET /` for both.
pub(crate) fn get(call: &mut Call<'_>, kinds: &[Kind]) -> Result<Response, Failure> {
    let query = call.query()?;
    list(call, &query, kinds)
}

/// `POST /.search`, `/Users/.search` and `/Groups/.search` (RFC 7644 3.4.3).
pub(crate) fn search(call: &mut Call<'_>, kinds: &[Kind]) -> Result<Response, Failure> {
    let body = call.body()?;
    let query = search_request::read(body, call.config.dialect, &mut call.notes)?;
    list(call, &query, kinds).map_err(|failure| match failure {
        // RFC 7644 table 9: `sensitive` is about what stands in a URL.
        Failure::Scim(error) if error.scim_type == Some(ScimType::Sensitive) => {
            ScimError::invalid_filter(error.detail).into()
        }
        other => other,
    })
}

fn list(call: &mut Call<'_>, query: &Query, kinds: &[Kind]) -> Result<Response, Failure> {
    let registry = call.registry;
    let types: Vec<&ResourceType> = kinds
        .iter()
        .map(|kind| registry.resource_type(*kind))
        .collect();
    let sort = Sort::of(query)?;
    let parts = parts(call, query, &types)?;
    let fingerprint = fingerprint(query, &parts);
    let mut page = Page::new(query, call.config.max_results);
    let from = match &query.cursor {
        None => None,
        // RFC 9865 2: a count of 0 asks for the total alone.
        Some(text) => Some(cursor::read(text, fingerprint)?).filter(|_| page.left() > 0),
    };
    let mut list = List {
        parts: &parts,
        from,
        budget: Budget::new(call.config.scan_budget),
    };
    match sort {
        None => list.one_after_the_other(call, None, &mut page)?,
        Some(sort) => list.sorted(call, &sort, &types, &mut page)?,
    }
    let next = page.next.take();
    let next = next.map(|position| cursor::write(&position, fingerprint));
    Ok(page.answer(next))
}

/// What is searched in each resource type, and how.
fn parts<'p>(
    call: &mut Call<'p>,
    query: &Query,
    types: &[&'p ResourceType],
) -> Result<Vec<Part<'p>>, Failure> {
    let filter = query.filter.as_deref().map(Filter::parse).transpose()?;
    if let (Some(text), Some(filter)) = (&query.filter, &filter) {
        let dialect = call.config.dialect;
        check_booleans(text, filter, types, dialect, &mut call.notes)?;
    }
    let mut ready = None;
    let mut parts = Vec::with_capacity(types.len());
    for rt in types.iter().copied() {
        let expr = match &filter {
            None => Expr::always(),
            Some(filter) => resolve_among(filter, rt, types, call.config.dialect)?,
        };
        let mut planned = plan(&expr, rt);
        let mut rebuilding = false;
        if planned.plan.needs_index() {
            let ready = match ready {
                Some(ready) => ready,
                None => *ready.insert(index_ready(call)?),
            };
            if !ready {
                rebuilding = true;
                planned = Planned {
                    plan: Plan::Scan,
                    exact: false,
                };
            }
        }
        parts.push(Part {
            kind: rt.kind,
            rt,
            renderer: Renderer::new(rt, &call.request.base_url, query),
            expr,
            planned,
            rebuilding,
        });
    }
    Ok(parts)
}

/// Is the index filled. A plan on one that is not would answer "nothing" for
/// something that exists, and an identity provider would create it again: then all
/// documents are looked at.
fn index_ready(call: &mut Call<'_>) -> Result<bool, Failure> {
    let ready = call.directory.index_ready(&index_version(call.config))?;
    if !ready {
        call.notes.warning(
            "index-not-ready",
            "the index is being filled: every resource is looked at",
        );
    }
    Ok(ready)
}

/// A cursor goes with the same query alone, and with the same way through the store:
/// that changes when an index has been filled meanwhile.
fn fingerprint(query: &Query, parts: &[Part<'_>]) -> Fingerprint {
    let mut texts: Vec<String> = [&query.filter, &query.sort_by, &query.sort_order]
        .into_iter()
        .map(|text| text.clone().unwrap_or_default())
        .collect();
    for part in parts {
        texts.push(format!("{:?} {:?}", part.kind, part.planned.plan));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Fingerprint::of(&texts)
}

struct List<'l> {
    parts: &'l [Part<'l>],
    /// Where the page begins, if it was asked for by cursor.
    from: Option<Position>,
    budget: Budget,
}

impl List<'_> {
    fn sorted(
        &mut self,
        call: &mut Call<'_>,
        sort: &Sort,
        types: &[&ResourceType],
        page: &mut Page,
    ) -> Result<(), Failure> {
        let mut places = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            places.push(sort.place(part.rt, types)?);
        }
        let at = self.from.as_ref().map(|position| position.at.clone());
        let mut order = None;
        let mut waiting = false;
        if let ([part], [place]) = (self.parts, places.as_slice())
            && let Some((index, whole)) = place.walk(part.rt)
        {
            waiting = !index.starts_with('@') && !index_ready(call)?;
            let find = Find {
                direction: sort.direction,
                ..walk(part.kind, index, whole)
            };
            match &part.planned.plan {
                _ if waiting => {}
                Plan::Scan => return self.one_after_the_other(call, Some(&find), page),
                Plan::Index { index, range } if *index == find.index => {
                    let range = range.clone();
                    let find = Find { range, ..find };
                    return self.one_after_the_other(call, Some(&find), page);
                }
                _ => order = Some(find),
            }
        }
        // Others than the filter's index have this order: what it finds is sorted here,
        // unless it finds too much. By cursor a walk in order goes as far as it may.
        if let (Some(find), Some(At::Token(_))) = (&order, &at) {
            return self.looked_at(call, find, page);
        }
        match (self.rank(call, &places)?, order, &at) {
            (Ok(ranked), _, _) => {
                let at = at.as_ref();
                gathered::by_key(ranked, sort.direction, at, call, self.parts, page)
            }
            (Err(_), Some(find), Some(_)) => {
                self.budget = Budget::new(call.config.scan_budget);
                self.looked_at(call, &find, page)
            }
            (Err(_), None, _) if waiting => Err(candidates::rebuilding().into()),
            (Err(too_many), _, _) => Err(too_many),
        }
    }

    /// The only part in another order than its plan's, each resource looked at.
    fn looked_at(
        &mut self,
        call: &mut Call<'_>,
        find: &Find,
        page: &mut Page,
    ) -> Result<(), Failure> {
        let (Some(part), Some(from)) = (self.parts.first(), &self.from) else {
            return Err(cursor::invalid().into());
        };
        let walk = Walk {
            find: find.clone(),
            exact: false,
            part: 0,
            alone: true,
        };
        let mut search = gathered::search(call, part, &mut self.budget);
        walk.by_cursor(&from.at, &mut search, page)
    }

    /// Everything that matches, with its key; the refusal, if that is too much.
    fn rank(
        &mut self,
        call: &mut Call<'_>,
        places: &[Place<'_>],
    ) -> Result<Result<Vec<Ranked>, Failure>, Failure> {
        let mut ranked = Vec::new();
        for (n, (part, place)) in self.parts.iter().zip(places).enumerate() {
            let mut search = gathered::search(call, part, &mut self.budget);
            let complete = search.each_match(&mut |document, content| {
                ranked.push(Ranked {
                    key: place.key(&document, content),
                    id: document.id,
                    part: n,
                });
            })?;
            if !complete {
                return Ok(Err(search.too_many()));
            }
        }
        Ok(Ok(ranked))
    }

    /// The parts in turn, each in the order in which it is found; `walk` is another order
    /// for the only part.
    fn one_after_the_other(
        &mut self,
        call: &mut Call<'_>,
        walk: Option<&Find>,
        page: &mut Page,
    ) -> Result<(), Failure> {
        let first = self.from.as_ref().map_or(0, |position| position.part);
        if usize::from(first) >= self.parts.len() {
            return Err(cursor::invalid().into());
        }
        for (n, part) in (0_u8..).zip(self.parts).skip(usize::from(first)) {
            let at = match &self.from {
                None => None,
                Some(position) if position.part == n => Some(position.at.clone()),
                Some(_) => Some(At::Start),
            };
            if at.is_some() && page.left() == 0 {
                page.next = Some(Position {
                    part: n,
                    at: At::Start,
                });
                return Ok(());
            }
            let mut search = gathered::search(call, part, &mut self.budget);
            let alone = self.parts.len() == 1;
            part_of_page(&mut search, n, at, walk, alone, page)?;
            if page.next.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Adds what a part holds to the page.
fn part_of_page(
    search: &mut Search<'_, '_>,
    n: u8,
    at: Option<At>,
    order: Option<&Find>,
    alone: bool,
    page: &mut Page,
) -> Result<(), Failure> {
    let part = search.part;
    let all = || walk(part.kind, String::new(), KeyRange::All);
    let (find, exact) = match (order, &part.planned.plan) {
        (Some(find), _) => (find.clone(), part.planned.exact),
        (None, Plan::Scan) => (all(), part.planned.exact),
        (None, Plan::Index { index, range }) => (
            walk(part.kind, index.clone(), range.clone()),
            part.planned.exact,
        ),
        // Too many candidates for a plan: by cursor a walk through everything goes as far
        // as it may.
        (None, _) if matches!(at, Some(At::Token(_))) => (all(), false),
        (None, plan) => match (search.gather(plan.clone())?, &at) {
            (Some(ids), _) => {
                return gathered::by_id(ids.into_iter().collect(), n, at.as_ref(), search, page);
            }
            (None, Some(_)) => (all(), false),
            (None, None) => return Err(search.too_many()),
        },
    };
    let walk = Walk {
        find,
        exact,
        part: n,
        alone,
    };
    match at {
        None => walk.by_index(search, page),
        Some(at) => walk.by_cursor(&at, search, page),
    }
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
