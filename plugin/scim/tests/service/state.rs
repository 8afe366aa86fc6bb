//! What the directory in memory stores, and what a change does to it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::directory::{
    Change, ChangeResult, Delete, Document, Holding, IfMissing, Key, Kind, MemberDelta,
    Precondition, Put, Rekey, Unit,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub document: Document,
    pub keys: BTreeSet<Key>,
    pub index_version: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub display: Option<String>,
    pub login: Option<Vec<u8>>,
    pub since: u64,
}

/// What is stored; copied before each unit and put back if the unit fails.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub stored: BTreeMap<String, Stored>,
    pub edges: BTreeMap<(String, String), u64>,
    pub held: BTreeMap<(String, String), Held>,
    pub holdings: Vec<Holding>,
    pub departures: BTreeMap<String, u64>,
}

impl State {
    /// Counts a change of a document by another writer.
    pub fn touch(&mut self, id: &str) {
        if let Some(stored) = self.stored.get_mut(id) {
            stored.document.version += 1;
        }
    }

    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let stored = self.stored.get_mut(id).unwrap();
        let mut json = serde_json::from_slice(&stored.document.json).unwrap();
        change(&mut json);
        stored.document.json = serde_json::to_vec(&json).unwrap();
        stored.document.version += 1;
    }

    /// A user that is there without a request.
    pub fn seed_user(&mut self, id: &str, user_name: &str) {
        let index_version = self.stored.values().next().unwrap().index_version.clone();
        let document = Document {
            kind: Kind::User,
            id: id.to_owned(),
            connection: "test".into(),
            version: 1,
            created: 0,
            modified: 0,
            label: user_name.to_owned(),
            json: serde_json::to_vec(&serde_json::json!({"userName": user_name})).unwrap(),
            member_count: 0,
        };
        let keys = BTreeSet::new();
        self.stored.insert(
            id.to_owned(),
            Stored {
                document,
                keys,
                index_version,
            },
        );
    }

    pub fn delete(&mut self, id: &str) {
        self.stored.remove(id);
        self.edges.retain(|(g, m), _| g != id && m != id);
    }

    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.stored.values().map(|s| &s.document)
    }

    pub fn keys(&self, id: &str) -> Vec<Key> {
        self.stored.get(id).unwrap().keys.iter().cloned().collect()
    }

    pub fn forget_keys(&mut self, index_version: &str) {
        for stored in self.stored.values_mut() {
            stored.keys.clear();
            stored.index_version = index_version.to_owned();
        }
    }

    pub fn members(&self, group: &str) -> Vec<String> {
        self.edges
            .keys()
            .filter(|(g, _)| g == group)
            .map(|(_, m)| m.clone())
            .collect()
    }

    fn condition(
        &self,
        kind: Kind,
        id: &str,
        condition: Precondition,
    ) -> Result<(), Option<Document>> {
        let current = self.stored.get(id).map(|s| &s.document);
        let holds = match (condition, current) {
            (Precondition::Absent, current) => current.is_none(),
            (_, None) => false,
            (Precondition::Exists, Some(d)) => d.kind == kind,
            (Precondition::Version(v), Some(d)) => d.kind == kind && d.version == v,
        };
        if holds { Ok(()) } else { Err(current.cloned()) }
    }

    fn result(&self, id: &str, changed: bool) -> ChangeResult {
        let d = &self.stored.get(id).unwrap().document;
        ChangeResult {
            changed,
            version: d.version,
            created: d.created,
            modified: d.modified,
            ..ChangeResult::default()
        }
    }

    fn put(
        &mut self,
        put: Put,
        now: u64,
        bumped: &mut BTreeSet<String>,
    ) -> Result<ChangeResult, Refusal> {
        self.condition(put.kind, &put.id, put.condition)
            .map_err(Refusal::Stale)?;
        let keys: BTreeSet<Key> = put.keys.into_iter().collect();
        self.free(put.kind, &put.id, &keys)?;
        let old = self.stored.get(&put.id).cloned();
        self.track(&put.id, old.as_ref().map(|s| &s.keys), &keys, now);
        let document = match &old {
            None => Document {
                kind: put.kind,
                id: put.id.clone(),
                connection: "test".into(),
                version: 1,
                created: now,
                modified: now,
                label: put.label,
                json: put.json,
                member_count: 0,
            },
            Some(old) if old.document.label == put.label && old.document.json == put.json => {
                old.document.clone()
            }
            Some(old) => {
                let mut document = old.document.clone();
                document.label = put.label;
                document.json = put.json;
                document.modified = now;
                if bumped.insert(put.id.clone()) {
                    document.version += 1;
                }
                document
            }
        };
        let changed = old.is_none_or(|old| old.document != document);
        if changed {
            bumped.insert(put.id.clone());
        }
        self.stored.insert(
            put.id.clone(),
            Stored {
                document,
                keys: keys.clone(),
                index_version: put.index_version,
            },
        );
        let attached_to = self.attach(put.kind, &put.id, &keys, now, bumped);
        Ok(ChangeResult {
            attached_to,
            ..self.result(&put.id, changed)
        })
    }

    fn track(&mut self, id: &str, old: Option<&BTreeSet<Key>>, new: &BTreeSet<Key>, now: u64) {
        let none = BTreeSet::new();
        let old = old.unwrap_or(&none);
        for key in old.difference(new).filter(|k| k.tracked) {
            for holding in &mut self.holdings {
                if holding.document == id
                    && holding.until.is_none()
                    && holding.attribute == key.attribute
                    && holding.value == key.value
                {
                    holding.until = Some(now);
                }
            }
        }
        for key in new.difference(old).filter(|k| k.tracked) {
            self.holdings.push(Holding {
                attribute: key.attribute.clone(),
                value: key.value.clone(),
                document: id.to_owned(),
                connection: "test".into(),
                from: now,
                until: None,
                alive: true,
            });
        }
    }

    /// Held members that turn out to be this document become edges.
    fn attach(
        &mut self,
        kind: Kind,
        id: &str,
        keys: &BTreeSet<Key>,
        now: u64,
        bumped: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let found: Vec<(String, String)> =
            self.held
                .iter()
                .filter(|((_, held), value)| {
                    held == id
                        || kind == Kind::User
                            && value.login.as_ref().is_some_and(|login| {
                                keys.iter().any(|k| k.unique && &k.value == login)
                            })
                })
                .map(|(edge, _)| edge.clone())
                .collect();
        for edge in &found {
            self.held.remove(edge);
            self.edges.insert((edge.0.clone(), id.to_owned()), now);
            self.bump_members(&edge.0, 1, now, bumped);
        }
        found.into_iter().map(|(group, _)| group).collect()
    }

    fn bump_members(&mut self, group: &str, by: i64, now: u64, bumped: &mut BTreeSet<String>) {
        if let Some(stored) = self.stored.get_mut(group) {
            let count = stored.document.member_count;
            stored.document.member_count = count.checked_add_signed(by).unwrap();
            stored.document.modified = now;
            if bumped.insert(group.to_owned()) {
                stored.document.version += 1;
            }
        }
    }

    fn delete_checked(
        &mut self,
        delete: &Delete,
        now: u64,
        bumped: &mut BTreeSet<String>,
    ) -> Result<ChangeResult, Refusal> {
        self.condition(delete.kind, &delete.id, delete.condition)
            .map_err(Refusal::Stale)?;
        let result = self.result(&delete.id, true);
        let keys = self.stored.get(&delete.id).unwrap().keys.clone();
        self.track(&delete.id, Some(&keys), &BTreeSet::new(), now);
        for holding in self.holdings.iter_mut().filter(|h| h.document == delete.id) {
            holding.alive = false;
        }
        let groups: Vec<String> = self
            .edges
            .keys()
            .filter(|(_, member)| *member == delete.id)
            .map(|(group, _)| group.clone())
            .collect();
        for group in groups {
            self.edges.remove(&(group.clone(), delete.id.clone()));
            self.bump_members(&group, -1, now, bumped);
        }
        self.edges.retain(|(group, _), _| *group != delete.id);
        self.held.retain(|(group, _), _| *group != delete.id);
        self.stored.remove(&delete.id);
        Ok(result)
    }

    fn delta(
        &mut self,
        delta: MemberDelta,
        now: u64,
        bumped: &mut BTreeSet<String>,
    ) -> Result<ChangeResult, Refusal> {
        self.condition(Kind::Group, &delta.group, delta.condition)
            .map_err(Refusal::Stale)?;
        let group = delta.group;
        let mut gone: BTreeSet<String> = delta.remove.into_iter().collect();
        if delta.replace {
            let kept: BTreeSet<&String> = delta.add.iter().map(|m| &m.id).collect();
            let all = self.members(&group).into_iter().chain(
                self.held
                    .keys()
                    .filter(|(g, _)| *g == group)
                    .map(|(_, m)| m.clone()),
            );
            gone.extend(all.filter(|m| !kept.contains(m)));
        }
        let mut removed = 0_u32;
        for id in gone {
            self.held.remove(&(group.clone(), id.clone()));
            if self.edges.remove(&(group.clone(), id.clone())).is_some() {
                self.departures.insert(id, now);
                removed += 1;
            }
        }
        let (mut added, mut absent) = (0_u32, Vec::new());
        for member in delta.add {
            let edge = (group.clone(), member.id.clone());
            if self.stored.contains_key(&member.id) {
                if let Entry::Vacant(place) = self.edges.entry(edge) {
                    place.insert(now);
                    added += 1;
                }
                continue;
            }
            absent.push(member.id);
            if delta.if_missing == IfMissing::Hold {
                self.held.entry(edge).or_insert(Held {
                    display: member.display,
                    login: member.login,
                    since: now,
                });
            }
        }
        absent.truncate(100);
        if delta.if_missing == IfMissing::Fail && !absent.is_empty() {
            return Err(Refusal::Missing(absent));
        }
        let changed = added + removed > 0;
        if changed {
            self.bump_members(&group, i64::from(added) - i64::from(removed), now, bumped);
        }
        Ok(ChangeResult {
            members_added: u64::from(added),
            members_removed: u64::from(removed),
            absent_members: absent,
            ..self.result(&group, changed)
        })
    }

    fn rekey(&mut self, rekey: Rekey) -> Result<ChangeResult, Refusal> {
        let keys: BTreeSet<Key> = rekey.keys.into_iter().collect();
        self.free(rekey.kind, &rekey.id, &keys)?;
        Ok(match self.stored.get_mut(&rekey.id) {
            Some(stored) if stored.document.version == rekey.version => {
                stored.keys = keys;
                stored.index_version = rekey.index_version;
                self.result(&rekey.id, true)
            }
            _ => ChangeResult::default(),
        })
    }

    /// Does no other document hold one of the unique keys.
    fn free(&self, kind: Kind, id: &str, keys: &BTreeSet<Key>) -> Result<(), Refusal> {
        for key in keys.iter().filter(|k| k.unique) {
            let owner = self.stored.values().find(|s| {
                s.document.kind == kind
                    && s.document.id != id
                    && s.keys
                        .iter()
                        .any(|k| k.unique && k.attribute == key.attribute && k.value == key.value)
            });
            if let Some(owner) = owner {
                let owner = owner.document.id.clone();
                return Err(Refusal::Taken(key.attribute.clone(), owner));
            }
        }
        Ok(())
    }

    pub fn unit(&mut self, unit: Unit, now: u64) -> Result<Vec<ChangeResult>, (u32, Refusal)> {
        let mut bumped = BTreeSet::new();
        let mut results = Vec::new();
        for (index, change) in unit.changes.into_iter().enumerate() {
            let result = match change {
                Change::Put(put) => self.put(put, now, &mut bumped),
                Change::Delete(delete) => self.delete_checked(&delete, now, &mut bumped),
                Change::Members(delta) => self.delta(delta, now, &mut bumped),
                Change::Rekey(rekey) => self.rekey(rekey),
            };
            results.push(result.map_err(|refusal| (u32::try_from(index).unwrap(), refusal))?);
        }
        Ok(results)
    }
}

pub enum Refusal {
    Stale(Option<Document>),
    Taken(String, String),
    Missing(Vec<String>),
}
