//! Lists for administrators, page by page: hosts, people.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use nameplate_store::{
    Assignment, AssignmentOutcome, Connection, Detail, Direction, Find, Hit, HostSummary, KeyRange,
    Kind, Page, Scope, StoreError, TenantId,
};
use serde_json::{Value, json};

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Query, shown};
use super::time::rfc3339;
use super::{Front, shapes};
use crate::hex::{hex, unhex};
use crate::paged::cut;

/// Pages of people looked through for one answer: people without a host may be few
/// among many, and an answer must not walk a whole directory.
const STEPS: usize = 50;

impl Front {
    pub(super) async fn list_hosts(&self, tenant: TenantId, query: &Query) -> Answer {
        let outcome = query.get("assignment").map(outcome).transpose()?;
        let limit = query.limit()?;
        let hosts = &self.runtime.stores().hosts;
        // One more than wanted tells whether there is a next page.
        let mut found = hosts
            .hosts(tenant, outcome, query.get("after"), limit + 1)
            .await?;
        let next = cut(&mut found, limit, |host| host.record.id.clone());
        let people = found.iter().map(|host| &host.assignment);
        let names = self.names_of(tenant, people).await?;
        let shape = |host: &HostSummary| {
            let user = host.assignment.user.as_ref();
            let name = user.and_then(|user| names.get(user));
            shapes::summary(host, name.map(String::as_str))
        };
        let shapes: Vec<Value> = found.iter().map(shape).collect();
        Ok((StatusCode::OK, json!({ "hosts": shapes, "next": next })))
    }

    /// What the people of assignments are called now, by their ids; those who are gone
    /// are left out.
    pub(super) async fn names_of(
        &self,
        tenant: TenantId,
        assignments: impl Iterator<Item = &Assignment>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let people: BTreeSet<String> = assignments.filter_map(|one| one.user.clone()).collect();
        let people: Vec<String> = people.into_iter().collect();
        let users = &self.runtime.stores().users;
        let found = users.get_many(Scope::whole(tenant), &people).await?;
        Ok(found
            .into_iter()
            .map(|document| (document.id, document.label))
            .collect())
    }

    /// People, one connection after the other. A page may hold fewer than `limit`;
    /// `next` says whether there is more.
    pub(super) async fn list_users(&self, tenant: TenantId, query: &Query) -> Answer {
        if query.get("status").is_some() {
            return self.list_departed(tenant, query).await;
        }
        let without_host = match query.get("host") {
            None => false,
            Some("none") => true,
            Some(other) => {
                return Err(Failure::bad(
                    "host",
                    format!("`host` is `{}`; it can be `none` alone", shown(other)),
                )
                .into());
            }
        };
        let limit = query.limit()? as usize;
        let mut place = query
            .get("after")
            .map(Place::parse)
            .transpose()?
            .unwrap_or_default();
        let connections = self.runtime.connections(tenant).await?;
        let mut shapes = Vec::new();
        for _ in 0..STEPS {
            let Some(connection) = place.connection(&connections) else {
                return Ok((StatusCode::OK, json!({ "users": shapes, "next": null })));
            };
            let wanted = limit.saturating_sub(shapes.len());
            if wanted == 0 {
                break;
            }
            let page = self.people(connection, place.after.take(), wanted).await?;
            let hits = if without_host {
                self.without_host(tenant, page.hits).await?
            } else {
                page.hits
            };
            shapes.extend(hits.iter().filter_map(|hit| user(hit, connection)));
            place = place.next(connection, page.next);
        }
        let next = place.connection(&connections).map(|_| place.text());
        Ok((StatusCode::OK, json!({ "users": shapes, "next": next })))
    }

    async fn people(
        &self,
        connection: &Connection,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Page, AdminError> {
        let scope = Scope {
            tenant: connection.tenant,
            connection: Some(connection.id),
        };
        let find = Find {
            kind: Kind::User,
            index: String::new(),
            range: KeyRange::All,
            direction: Direction::Ascending,
            skip: 0,
            after,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            want: Detail::Documents,
        };
        match self.runtime.stores().users.find(scope, &find).await {
            Ok(page) => Ok(page),
            // The only argument that comes from outside is the cursor.
            Err(StoreError::Invalid(_)) => Err(cursor("").into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn without_host(
        &self,
        tenant: TenantId,
        mut hits: Vec<Hit>,
    ) -> Result<Vec<Hit>, AdminError> {
        let ids: Vec<String> = hits.iter().map(|hit| hit.id.clone()).collect();
        let hosts = &self.runtime.stores().hosts;
        let with: std::collections::HashSet<String> =
            hosts.with_host(tenant, &ids).await?.into_iter().collect();
        hits.retain(|hit| !with.contains(&hit.id));
        Ok(hits)
    }
}

fn user(hit: &Hit, connection: &Connection) -> Option<Value> {
    let document = hit.document.as_ref()?;
    Some(json!({
        "id": document.id,
        "connection": connection.name,
        "username": document.label,
        "created": rfc3339(document.created),
    }))
}

fn outcome(name: &str) -> Result<AssignmentOutcome, Failure> {
    AssignmentOutcome::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = AssignmentOutcome::ALL
            .iter()
            .map(|known| known.as_str())
            .collect();
        Failure::bad(
            "assignment",
            format!(
                "`assignment` is `{}`; it can be one of {}",
                shown(name),
                known.join(", ")
            ),
        )
    })
}

fn cursor(text: &str) -> Failure {
    let given = if text.is_empty() {
        String::new()
    } else {
        format!("`{}` ", shown(text))
    };
    Failure::bad(
        "after",
        format!("`after` {given}is not from a list; pass the `next` of the page before"),
    )
}

/// Where a walk over all connections stands: `<connection>` or
/// `<connection>.<cursor in hex>`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    /// The connection's number; connections below it are done.
    from: i64,
    after: Option<Vec<u8>>,
}

impl Place {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (from, after) = match text.split_once('.') {
            Some((from, hex)) => (from, Some(unhex(hex).ok_or_else(|| cursor(text))?)),
            None => (text, None),
        };
        let from = from.parse().map_err(|_| cursor(text))?;
        Ok(Self { from, after })
    }

    fn text(&self) -> String {
        match &self.after {
            Some(after) => format!("{}.{}", self.from, hex(after)),
            None => self.from.to_string(),
        }
    }

    /// The connection to look at. By number and not by precedence, so that a change of
    /// precedence between two pages loses nobody.
    fn connection<'a>(&self, connections: &'a [Connection]) -> Option<&'a Connection> {
        connections
            .iter()
            .filter(|connection| connection.id.0 >= self.from)
            .min_by_key(|connection| connection.id)
    }

    fn next(self, connection: &Connection, after: Option<Vec<u8>>) -> Self {
        let from = connection.id.0;
        match after {
            Some(after) => Self {
                from,
                after: Some(after),
            },
            None => Self {
                from: from.saturating_add(1),
                after: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read() {
        for place in [
            Place {
                from: 3,
                after: None,
            },
            Place {
                from: 0,
                after: Some(b"\x00\xffab".to_vec()),
            },
        ] {
            assert_eq!(Place::parse(&place.text()).unwrap(), place);
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["x", "1.xyz", "1.abc", "", ".", "1.é"] {
            assert_eq!(Place::parse(text).unwrap_err().name, "after", "{text}");
        }
    }

    #[test]
    fn an_unknown_outcome_is_refused_with_those_that_exist() {
        assert_eq!(outcome("pending").unwrap(), AssignmentOutcome::Pending);
        let failure = outcome("none").unwrap_err();
        assert!(
            failure.message.contains("linked, pending"),
            "{}",
            failure.message
        );
    }
}
