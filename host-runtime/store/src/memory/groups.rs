//! Groups above a document, and users below a group.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::Directory;
use crate::{Kind, Membership, Memberships, Timestamp, check};

/// The users in a group and in those below it, whatever the cycles.
pub fn users_below(directory: &Directory, group: &str) -> BTreeSet<String> {
    let mut groups = BTreeSet::from([group.to_owned()]);
    let mut users = BTreeSet::new();
    let mut open = vec![group.to_owned()];
    while let Some(group) = open.pop() {
        for member in directory.member_ids(&group) {
            let kind = directory
                .documents
                .get(&member)
                .map(|row| row.document.kind);
            match kind {
                Some(Kind::Group) if groups.insert(member.clone()) => open.push(member),
                Some(Kind::User) => _ = users.insert(member),
                Some(Kind::Group) | None => {}
            }
        }
    }
    users
}

/// Level by level, so that a group is met on a shortest way first; of several
/// shortest ways the one that was complete earliest counts.
pub fn memberships(directory: &Directory, member: &str, transitive: bool) -> Memberships {
    let mut found: BTreeMap<String, Membership> = BTreeMap::new();
    let mut level: BTreeMap<String, Timestamp> = BTreeMap::from([(member.to_owned(), 0)]);
    let mut direct = true;
    while !level.is_empty() && found.len() < check::GROUPS && (direct || transitive) {
        let mut above: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (id, since) in &level {
            for group in directory.groups_over(id) {
                if group == member || found.contains_key(&group) {
                    continue;
                }
                let edge = directory
                    .edges
                    .get(&(group.clone(), id.clone()))
                    .copied()
                    .unwrap_or_default();
                let way = edge.max(*since);
                above
                    .entry(group)
                    .and_modify(|other| *other = way.min(*other))
                    .or_insert(way);
            }
        }
        for (group, since) in &above {
            let label = directory
                .documents
                .get(group)
                .map(|row| row.document.label.clone())
                .unwrap_or_default();
            found.insert(
                group.clone(),
                Membership {
                    group: group.clone(),
                    label,
                    direct,
                    since: *since,
                },
            );
        }
        level = above;
        direct = false;
    }
    Memberships {
        groups: found.into_values().take(check::GROUPS).collect(),
        last_removed: directory.removals.get(member).copied(),
    }
}
