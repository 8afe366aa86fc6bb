//! Users in a group and in the groups below it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use nameplate_store::{Scope, TenantId, check};
use rusqlite::{Connection, params};

use super::errors::Fault;
use super::rows;

/// Nested groups one question follows at most: with [`check::GROUPS`] it bounds what a
/// thicket of groups may cost.
const NESTED: usize = 100_000;

/// Users read at once of each of many groups: few, for most are far from the page.
const FEW: usize = 16;

/// The users below a group by id, each once.
pub fn users(
    connection: &Connection,
    scope: Scope,
    group: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Fault> {
    let snapshot = connection.unchecked_transaction()?;
    if !rows::seen(&snapshot, scope, group)? {
        return Ok(Vec::new());
    }
    let groups = groups(&snapshot, scope.tenant, group)?;
    let merge = Merge {
        db: &snapshot,
        tenant: scope.tenant,
        at_once: (limit / groups.len().max(1) + 1).max(FEW),
    };
    merge.users(groups, after.unwrap_or_default(), limit)
}

/// A group and all below it, level by level: a cycle ends where it was met before.
fn groups(connection: &Connection, tenant: TenantId, top: &str) -> Result<Vec<String>, Fault> {
    let mut below = connection.prepare_cached(
        "SELECT member_id FROM edges INDEXED BY edges_nested
         WHERE tenant = ?1 AND group_id = ?2 AND nested = 1 ORDER BY member_id LIMIT ?3",
    )?;
    let mut left = NESTED;
    let mut known = BTreeSet::from([top.to_owned()]);
    let mut open = VecDeque::from([top.to_owned()]);
    while let Some(group) = open.pop_front() {
        let most = i64::try_from(left).unwrap_or(i64::MAX);
        let mut rows = below.query(params![tenant.0, group, most])?;
        while known.len() < check::GROUPS
            && let Some(row) = rows.next()?
        {
            left = left.saturating_sub(1);
            let nested: String = row.get(0)?;
            if known.insert(nested.clone()) {
                open.push_back(nested);
            }
        }
    }
    Ok(known.into_iter().collect())
}

/// The users of many groups as one walk.
struct Merge<'c> {
    db: &'c Connection,
    tenant: TenantId,
    /// Users read of a group at a time.
    at_once: usize,
}

/// Users of one group that were read and not yet shown.
struct Ahead {
    group: String,
    users: VecDeque<String>,
    /// There may be more in the group.
    more: bool,
}

impl Merge<'_> {
    fn users(&self, groups: Vec<String>, after: &str, limit: usize) -> Result<Vec<String>, Fault> {
        let mut ahead = Vec::with_capacity(groups.len());
        for group in groups {
            ahead.push(self.read(group, after)?);
        }
        // The next user of each group, the smallest on top.
        let mut next: BinaryHeap<Reverse<(String, usize)>> = BinaryHeap::new();
        for (place, group) in ahead.iter_mut().enumerate() {
            next.extend(group.users.pop_front().map(|user| Reverse((user, place))));
        }
        let mut users: Vec<String> = Vec::new();
        while users.len() < limit
            && let Some(Reverse((user, place))) = next.pop()
        {
            if let Some(group) = ahead.get_mut(place) {
                if group.users.is_empty() && group.more {
                    *group = self.read(std::mem::take(&mut group.group), &user)?;
                }
                next.extend(group.users.pop_front().map(|user| Reverse((user, place))));
            }
            // One in several groups comes several times in a row.
            if users.last() != Some(&user) {
                users.push(user);
            }
        }
        Ok(users)
    }

    /// The next users of a group after this one.
    fn read(&self, group: String, after: &str) -> Result<Ahead, Fault> {
        let mut statement = self.db.prepare_cached(
            "SELECT member_id FROM edges
             WHERE tenant = ?1 AND group_id = ?2 AND member_id > ?3 AND nested = 0 ORDER BY member_id LIMIT ?4",
        )?;
        let most = i64::try_from(self.at_once).unwrap_or(i64::MAX);
        let found =
            statement.query_map(params![self.tenant.0, group, after, most], |row| row.get(0))?;
        let users = found.collect::<rusqlite::Result<VecDeque<String>>>()?;
        let more = users.len() == self.at_once;
        Ok(Ahead { group, users, more })
    }
}
