//! A directory in memory that keeps the contract of `wit/user-store.wit`: outcomes
//! as values, whole units or nothing, unique and tracked keys, edges, held edges,
//! puts that change nothing. One connection; simple rather than fast.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use nameplate_scim::directory::{
    Detail, Direction, Directory, DirectoryError, Document, Edge, EventDraft, Find, HeldMember,
    Hit, Holding, KeyRange, Kind, Member, MemberPage, Membership, Memberships, Outcome, Page, Unit,
};

use crate::state::{Refusal, State};
use crate::walk::{check_index, check_keys, hits_of, read_token, refused, reserved, token};

/// How often each kind of call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub get: u32,
    pub get_many: u32,
    pub find: u32,
    pub has_edges: u32,
    pub members: u32,
    pub groups_of: u32,
    pub commit: u32,
}

/// A change made by somebody else between two calls.
pub type Race = Box<dyn FnOnce(&mut State)>;

/// The directory of one connection.
#[derive(Default)]
pub struct Memory {
    pub state: State,
    pub now: Rc<Cell<u64>>,
    pub calls: Calls,
    pub events: Vec<EventDraft>,
    /// Run one before each commit.
    pub races: VecDeque<Race>,
    /// Run one before each walk.
    pub turns: VecDeque<Race>,
    /// Every call fails while set.
    pub down: bool,
    /// Every commit fails after so many.
    pub commits_left: Option<u32>,
    /// The most hits of one page, as a store may bound them.
    pub page_bound: Option<usize>,
    pub commits: BTreeMap<[u8; 16], Vec<Outcome>>,
}

impl Memory {
    fn up(&self) -> Result<(), DirectoryError> {
        if self.down {
            return Err(DirectoryError::Unavailable(
                "disk /secret/path is full".into(),
            ));
        }
        Ok(())
    }
}

impl Directory for Memory {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        self.up()?;
        self.calls.get += 1;
        assert!(
            id.len() <= 64 && !id.is_empty(),
            "an id outside the contract"
        );
        let found = self.state.stored.get(id).map(|s| s.document.clone());
        Ok(found.filter(|d| d.kind == kind))
    }

    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        self.up()?;
        self.calls.get_many += 1;
        assert!(ids.len() <= 1000, "more ids than the contract allows");
        // Any order is allowed, so the tests get an unexpected one.
        let found = ids.iter().rev().filter_map(|id| self.state.stored.get(id));
        Ok(found.map(|s| s.document.clone()).collect())
    }

    fn find(&mut self, find: &Find) -> Result<Page, DirectoryError> {
        self.up()?;
        self.calls.find += 1;
        assert!(find.limit <= 1000, "a larger page than the contract allows");
        check_index(find)?;
        if let Some(turn) = self.turns.pop_front() {
            turn(&mut self.state);
        }
        let mut hits = hits_of(&self.state, find);
        // As a store does that keeps a counter per kind and counts nothing else twice.
        let total = match find.range {
            KeyRange::All => true,
            KeyRange::Equal(_) => find.after.is_none(),
            _ => find.after.is_none() && reserved(find),
        }
        .then_some(hits.len() as u64);
        if let Some(after) = &find.after {
            let Some(last) = read_token(find, after) else {
                return refused("`after` was not made by this walk");
            };
            hits.retain(|hit| match find.direction {
                Direction::Ascending => *hit > last,
                Direction::Descending => *hit < last,
            });
        }
        let skip = usize::try_from(find.skip).unwrap().min(hits.len());
        let page = hits.get(skip..).unwrap_or_default();
        let limit = self.page_bound.unwrap_or(1000).min(find.limit as usize);
        let taken = page.get(..limit.min(page.len())).unwrap_or_default();
        let next = (taken.len() < page.len())
            .then(|| taken.last().map(|hit| token(find, hit)))
            .flatten();
        let keyed = find.want == Detail::Keys && find.range != KeyRange::All;
        let hits = taken.iter().map(|(key, id)| Hit {
            id: id.clone(),
            key: keyed.then(|| key.clone()),
            document: (find.want == Detail::Documents)
                .then(|| self.state.stored.get(id).unwrap().document.clone()),
        });
        Ok(Page {
            hits: hits.collect(),
            next,
            total,
        })
    }

    fn index_ready(&mut self, index_version: &str) -> Result<bool, DirectoryError> {
        self.up()?;
        Ok(self
            .state
            .stored
            .values()
            .all(|s| s.index_version == index_version))
    }

    fn has_edges(&mut self, edges: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        self.up()?;
        self.calls.has_edges += 1;
        assert!(edges.len() <= 1000, "more edges than the contract allows");
        Ok(edges
            .iter()
            .map(|e| {
                self.state
                    .edges
                    .contains_key(&(e.group.clone(), e.member.clone()))
            })
            .collect())
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, DirectoryError> {
        self.up()?;
        self.calls.members += 1;
        assert!(limit <= 10_000, "a larger page than the contract allows");
        let mut ids = self.state.members(group);
        ids.retain(|id| after.is_none_or(|a| id.as_str() > a));
        let more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        let members: Vec<Member> = ids
            .into_iter()
            .map(|id| {
                let d = &self.state.stored.get(&id).unwrap().document;
                Member {
                    kind: d.kind,
                    label: d.label.clone(),
                    id,
                }
            })
            .collect();
        let next = if more {
            members.last().map(|m| m.id.clone())
        } else {
            None
        };
        Ok(MemberPage { members, next })
    }

    fn groups_of(&mut self, member: &str, transitive: bool) -> Result<Memberships, DirectoryError> {
        self.up()?;
        self.calls.groups_of += 1;
        let mut found: BTreeMap<String, Membership> = BTreeMap::new();
        let mut wave = vec![(member.to_owned(), 0)];
        let mut direct = true;
        while !wave.is_empty() {
            let mut next = Vec::new();
            for (below, since) in wave {
                for ((group, _), at) in self.state.edges.iter().filter(|((_, m), _)| *m == below) {
                    if found.contains_key(group) {
                        continue;
                    }
                    let label = self.state.stored.get(group).unwrap().document.label.clone();
                    let since = since.max(*at);
                    found.insert(
                        group.clone(),
                        Membership {
                            group: group.clone(),
                            label,
                            direct,
                            since,
                        },
                    );
                    next.push((group.clone(), since));
                }
            }
            direct = false;
            wave = if transitive { next } else { Vec::new() };
        }
        Ok(Memberships {
            groups: found.into_values().collect(),
            last_removed: self.state.departures.get(member).copied(),
        })
    }

    fn held_members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        self.up()?;
        Ok(self
            .state
            .held
            .iter()
            .filter(|((g, id), _)| g == group && after.is_none_or(|a| id.as_str() > a))
            .take(limit as usize)
            .map(|((group, id), held)| HeldMember {
                group: group.clone(),
                id: id.clone(),
                display: held.display.clone(),
                since: held.since,
            })
            .collect())
    }

    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        self.up()?;
        Ok(self
            .state
            .holdings
            .iter()
            .filter(|h| values.contains(&h.value))
            .cloned()
            .collect())
    }

    fn commit(
        &mut self,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, DirectoryError> {
        self.up()?;
        self.calls.commit += 1;
        if let Some(left) = &mut self.commits_left {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| DirectoryError::Unavailable("the disk is full".into()))?;
        }
        check_keys(&units)?;
        if let Some(first) = self.commits.get(&commit_id) {
            return Ok(first.clone());
        }
        if let Some(race) = self.races.pop_front() {
            race(&mut self.state);
        }
        let (mut outcomes, mut failed) = (Vec::new(), 0);
        for unit in units {
            if stop_after.is_some_and(|most| failed >= most) {
                outcomes.push(Outcome::NotTried);
                continue;
            }
            let before = self.state.clone();
            let event = unit.event.clone();
            let outcome = match self.state.unit(unit, self.now.get()) {
                Ok(results) => {
                    let kept = event.filter(|_| results.iter().any(|r| r.changed));
                    self.events.extend(kept.clone());
                    let seq = kept.map(|_| self.events.len() as u64);
                    Outcome::Committed { results, seq }
                }
                Err((change, refusal)) => {
                    self.state = before;
                    failed += 1;
                    match refusal {
                        Refusal::Stale(current) => Outcome::Stale { change, current },
                        Refusal::Taken(attribute, owner) => Outcome::KeyTaken {
                            change,
                            attribute,
                            owner,
                        },
                        Refusal::Missing(ids) => Outcome::Missing(ids),
                    }
                }
            };
            outcomes.push(outcome);
        }
        self.commits.insert(commit_id, outcomes.clone());
        Ok(outcomes)
    }
}
