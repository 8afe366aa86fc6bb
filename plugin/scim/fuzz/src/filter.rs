//! `users` or `groups` and perhaps a dialect, then a filter. It prints as what it was,
//! no plan misses a match, and a list holds the matches and nothing else.

use std::collections::BTreeSet;

use nameplate_scim::config::Dialect;
use nameplate_scim::directory::{Detail, Direction, Directory, Document, Find, Kind, Timestamp};
use nameplate_scim::error::ScimType;
use nameplate_scim::filter::{Expr, Filter, Plan, View, plan, resolve};
use serde_json::{Map, Value};

use crate::client::{Answer, Client, encoded};
use crate::directory::Memory;
use crate::stage::{dialect, get, head, named, with_client};
use crate::walk::hits_of;

pub fn check(data: &[u8]) {
    let (head, text) = head(data);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let kind = if head.contains("group") {
        Kind::Group
    } else {
        Kind::User
    };
    with_client(dialect(&head), |client, at| {
        let text = &*named(text, at);
        let read = Filter::parse(text);
        match &read {
            Ok(filter) => check_print(filter),
            Err(error) => {
                assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{error}");
                assert!(!error.detail.contains('\n'), "{error}");
            }
        }
        if text.trim().is_empty() {
            // No filter at all.
            return;
        }
        let endpoint = match kind {
            Kind::User => "/Users",
            Kind::Group => "/Groups",
        };
        let rt = client.config.registry.resource_type(kind);
        let resolved = read.and_then(|filter| resolve(&filter, rt, client.config.dialect));
        match resolved {
            Err(error) => {
                let answer = filtered(client, endpoint, text).expect(error.status);
                let keyword = error.scim_type.map(ScimType::as_str);
                assert_eq!(answer.body["scimType"].as_str(), keyword, "{}", answer.body);
            }
            Ok(expr) => {
                let planned = plan(&expr, rt);
                let matches = matches(&mut client.directory, kind, &expr);
                let candidates = candidates(&mut client.directory, kind, &planned.plan);
                assert!(matches.is_subset(&candidates), "{planned:?} of {expr:?}");
                assert!(
                    !planned.exact || matches == candidates,
                    "{planned:?} of {expr:?}"
                );
                let listed = listed(client, endpoint, text);
                assert!(
                    listed.is_none_or(|listed| listed == matches),
                    "{planned:?} of {expr:?}"
                );
            }
        }
    });
}

/// What is printed reads as what it was, if it is not too long to be read.
fn check_print(filter: &Filter) {
    let printed = filter.to_string();
    match Filter::parse(&printed) {
        Ok(again) => assert_eq!(&again, filter, "{printed}"),
        // A number may be longer as it is printed.
        Err(error) => assert!(printed.len() > 8 * 1024, "{printed}: {error}"),
    }
}

fn filtered(client: &mut Client, endpoint: &str, filter: &str) -> Answer {
    get(
        client,
        endpoint,
        Some(format!("filter={}", encoded(filter))),
    )
}

/// What a list holds; none if it refuses what could be resolved.
fn listed(client: &mut Client, endpoint: &str, filter: &str) -> Option<BTreeSet<String>> {
    let answer = filtered(client, endpoint, filter);
    if answer.status == 400 {
        // A boolean may be written so that only the strict dialect minds.
        assert_eq!(client.config.dialect, Dialect::Strict, "{}", answer.body);
        let _ = answer.refused(400, "invalidFilter");
        return None;
    }
    let answer = answer.expect(200);
    let ids = answer.ids();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(answer.total(), ids.len() as u64);
    Some(ids.into_iter().collect())
}

/// The resources of which a filter holds, each looked at.
fn matches(directory: &mut Memory, kind: Kind, expr: &Expr) -> BTreeSet<String> {
    let documents: Vec<Document> = directory.state.documents().cloned().collect();
    let documents = documents
        .into_iter()
        .filter(|document| document.kind == kind);
    let seen = documents.map(|document| Seen::new(directory, document));
    let seen: Vec<Seen> = seen.collect();
    let matching = seen.iter().filter(|seen| expr.matches(*seen));
    matching.map(|seen| seen.document.id.clone()).collect()
}

/// What a plan finds.
fn candidates(directory: &mut Memory, kind: Kind, plan: &Plan) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = match plan {
        Plan::Ids(ids) => ids.iter().cloned().collect(),
        Plan::Index { index, range } => {
            let find = Find {
                kind,
                index: index.clone(),
                range: range.clone(),
                direction: Direction::Ascending,
                skip: 0,
                after: None,
                limit: 1000,
                want: Detail::Ids,
            };
            let hits = hits_of(&directory.state, &find);
            hits.into_iter().map(|(_, id)| id).collect()
        }
        Plan::GroupsOf(member) => groups_of(directory, member, false),
        Plan::UsersIn(group) => {
            let users: Vec<String> = directory.state.stored.keys().cloned().collect();
            let inside = |user: &String| groups_of(directory, user, true).contains(group);
            users.into_iter().filter(inside).collect()
        }
        Plan::Union(plans) => {
            let found = plans.iter().map(|plan| candidates(directory, kind, plan));
            found.flatten().collect()
        }
        Plan::Scan => directory.state.stored.keys().cloned().collect(),
    };
    let there = &directory.state.stored;
    found.retain(|id| {
        there
            .get(id)
            .is_some_and(|stored| stored.document.kind == kind)
    });
    found
}

fn groups_of(directory: &mut Memory, member: &str, transitive: bool) -> BTreeSet<String> {
    let found = directory.groups_of(member, transitive).unwrap();
    found
        .groups
        .into_iter()
        .map(|membership| membership.group)
        .collect()
}

/// A resource as the evaluator sees it.
struct Seen {
    document: Document,
    content: Map<String, Value>,
    /// Of a user the groups, of a group the members.
    edges: BTreeSet<String>,
}

impl Seen {
    fn new(directory: &mut Memory, document: Document) -> Self {
        let edges = match document.kind {
            Kind::User => groups_of(directory, &document.id, true),
            Kind::Group => directory.state.members(&document.id).into_iter().collect(),
        };
        Self {
            content: serde_json::from_slice(&document.json).unwrap(),
            document,
            edges,
        }
    }
}

impl View for Seen {
    fn document(&self) -> &Map<String, Value> {
        &self.content
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
        format!("W/\"{}\"", self.document.version)
    }

    fn has_edge(&self, id: &str) -> bool {
        self.edges.contains(id)
    }

    fn member_count(&self) -> u64 {
        self.document.member_count
    }
}
