//! A directory of users in memory.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::config::Config;
use nameplate_scim::derived::Derived;
use nameplate_scim::directory::{Outcome as CommitOutcome, *};
use nameplate_scim::filter::keys_of;
use nameplate_scim::fold::login_key;
use serde_json::{Value, json};

use crate::directory::TenantDirectory;
use crate::resolve::{EMAIL, USER_NAME};

pub(crate) fn holding(attribute: &str, value: &str, user: &str, from: u64) -> Holding {
    Holding {
        attribute: attribute.to_owned(),
        value: login_key(value),
        document: user.to_owned(),
        connection: "okta".to_owned(),
        from,
        until: None,
        alive: true,
    }
}

/// What another process commits.
pub(crate) type Commit = Box<dyn FnOnce(&mut People)>;

#[derive(Default)]
pub(crate) struct People {
    pub(crate) documents: BTreeMap<String, Document>,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) groups: BTreeMap<String, Memberships>,
    /// Group and member; read where `groups` says nothing of a person.
    pub(crate) edges: BTreeSet<(String, String)>,
    /// What keys are made by besides the standard rules, from now on.
    pub(crate) derived: Option<Derived>,
    /// The keys of documents that were put.
    pub(crate) keys: BTreeMap<String, Vec<Key>>,
    /// How often documents were read.
    pub(crate) reads: usize,
    /// How often userNames were walked.
    pub(crate) walks: usize,
    /// A commit that lands right after the next reading of login facts.
    pub(crate) lands_next: Option<Commit>,
}

impl People {
    /// Creates or changes a user as a commit does: spans of logins that went are
    /// closed, spans of logins that came begin. Returns the event's logins:
    /// all the user ever held.
    pub(crate) fn put(&mut self, user: &User, at: u64) -> Vec<Vec<u8>> {
        let mut keys = BTreeSet::from([(USER_NAME.to_owned(), login_key(&user.name))]);
        keys.extend(
            user.emails
                .iter()
                .map(|mail| (EMAIL.to_owned(), login_key(mail))),
        );
        self.close(&user.id, at, &keys);
        for (attribute, value) in keys {
            let open = |one: &&Holding| {
                one.document == user.id
                    && one.until.is_none()
                    && one.attribute == attribute
                    && one.value == value
            };
            if self.holdings.iter().find(open).is_none() {
                self.holdings.push(Holding {
                    attribute,
                    value,
                    document: user.id.clone(),
                    connection: user.connection.clone(),
                    from: at,
                    until: None,
                    alive: true,
                });
            }
        }
        let version = self
            .documents
            .get(&user.id)
            .map_or(1, |old| old.version + 1);
        let mut json = json!({"userName": user.name, "active": user.active,
            "name": {"givenName": user.given, "familyName": "Díaz"}});
        if let (Some(json), Some(more)) = (json.as_object_mut(), user.more.as_object()) {
            json.extend(more.clone());
        }
        self.keys.insert(user.id.clone(), self.keys_of(&json));
        self.documents.insert(
            user.id.clone(),
            Document {
                kind: Kind::User,
                id: user.id.clone(),
                connection: user.connection.clone(),
                version,
                created: at,
                modified: at,
                label: user.name.clone(),
                json: json.to_string().into_bytes(),
                member_count: 0,
            },
        );
        self.ever_held(&user.id)
    }

    fn keys_of(&self, json: &Value) -> Vec<Key> {
        let config = Config {
            derived: self.derived.clone(),
            ..Config::default()
        };
        let rt = config.registry.resource_type(Kind::User);
        json.as_object()
            .map(|json| keys_of(rt, json, &config))
            .unwrap_or_default()
    }

    /// The keys of a document under an index.
    fn values(&self, document: &Document, index: &str) -> Vec<Vec<u8>> {
        let keys = self.keys.get(&document.id).into_iter().flatten();
        keys.filter(|key| key.attribute == index)
            .map(|key| key.value.clone())
            .collect()
    }

    pub(crate) fn delete(&mut self, user: &str, at: u64) -> Vec<Vec<u8>> {
        self.close(user, at, &BTreeSet::new());
        for one in self.holdings.iter_mut().filter(|one| one.document == user) {
            one.alive = false;
        }
        self.documents.remove(user);
        self.ever_held(user)
    }

    fn close(&mut self, user: &str, at: u64, keep: &BTreeSet<(String, Vec<u8>)>) {
        for one in &mut self.holdings {
            let key = (one.attribute.clone(), one.value.clone());
            if one.document == user && one.until.is_none() && !keep.contains(&key) {
                one.until = Some(at);
            }
        }
    }

    /// All groups above a member, by its edges.
    fn above(&self, member: &str) -> Memberships {
        let mut found = BTreeSet::new();
        let mut left = vec![member.to_owned()];
        while let Some(member) = left.pop() {
            for (group, _) in self.edges.iter().filter(|(_, one)| *one == member) {
                if found.insert(group.clone()) {
                    left.push(group.clone());
                }
            }
        }
        let groups = found.into_iter().map(|group| Membership {
            direct: self.edges.contains(&(group.clone(), member.to_owned())),
            label: group.clone(),
            group,
            since: 0,
        });
        Memberships {
            groups: groups.collect(),
            last_removed: None,
        }
    }

    fn ever_held(&self, user: &str) -> Vec<Vec<u8>> {
        let held: BTreeSet<_> = self
            .holdings
            .iter()
            .filter(|one| one.document == user)
            .map(|one| one.value.clone())
            .collect();
        held.into_iter().collect()
    }
}

/// A user as tests write one.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) connection: String,
    pub(crate) name: String,
    pub(crate) emails: Vec<String>,
    pub(crate) given: String,
    pub(crate) active: bool,
    /// Further attributes, an object.
    pub(crate) more: Value,
}

pub(crate) fn user(id: &str, name: &str, emails: &[&str]) -> User {
    User {
        id: id.to_owned(),
        connection: "okta".to_owned(),
        name: name.to_owned(),
        emails: emails.iter().map(|&mail| mail.to_owned()).collect(),
        given: "Ana".to_owned(),
        active: true,
        more: Value::Null,
    }
}

fn unused<T>() -> Result<T, DirectoryError> {
    Err(DirectoryError::Refused(
        "not in scope of mapping".to_owned(),
    ))
}

impl Directory for People {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        self.reads += 1;
        let found = self.documents.get(id).cloned();
        Ok(found.filter(|found| found.kind == kind))
    }
    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        self.reads += 1;
        let visible = |id: &String| id.bytes().all(|byte| byte.is_ascii_graphic());
        let allowed = |id: &String| (1..=64).contains(&id.len()) && visible(id);
        assert!(
            ids.iter().all(allowed),
            "an id outside the contract: {ids:?}"
        );
        Ok(ids
            .iter()
            .rev()
            .filter_map(|id| self.documents.get(id))
            .cloned()
            .collect())
    }
    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        if values.len() > 16 {
            return Err(DirectoryError::Refused("too many values".to_owned()));
        }
        let mut held: Vec<Holding> = self
            .holdings
            .iter()
            .filter(|one| values.contains(&one.value))
            .cloned()
            .collect();
        held.sort_by_key(|one| one.from);
        held.truncate(1000);
        if let Some(commit) = self.lands_next.take() {
            commit(self);
        }
        Ok(held)
    }
    fn groups_of(&mut self, member: &str, _: bool) -> Result<Memberships, DirectoryError> {
        Ok(match self.groups.get(member) {
            Some(memberships) => memberships.clone(),
            None => self.above(member),
        })
    }
    fn find(&mut self, _: &Find) -> Result<Page, DirectoryError> {
        unused()
    }
    fn index_ready(&mut self, _: &str) -> Result<bool, DirectoryError> {
        unused()
    }
    fn has_edges(&mut self, _: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        unused()
    }
    fn members(&mut self, _: &str, _: Option<&str>, _: u32) -> Result<MemberPage, DirectoryError> {
        unused()
    }
    fn held_members(
        &mut self,
        _: &str,
        _: Option<&str>,
        _: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        unused()
    }
    fn commit(
        &mut self,
        _: [u8; 16],
        _: Vec<Unit>,
        _: Option<u32>,
    ) -> Result<Vec<CommitOutcome>, DirectoryError> {
        unused()
    }
}

impl TenantDirectory for People {
    fn find_in(&mut self, connection: &str, find: &Find) -> Result<Page, DirectoryError> {
        self.walks += 1;
        assert!(find.limit <= 1000, "a larger page than the contract allows");
        let wanted = |value: &[u8]| match &find.range {
            KeyRange::All => true,
            KeyRange::Equal(key) => value == key,
            KeyRange::Prefix(key) => value.starts_with(key),
            KeyRange::Between(from, to) => {
                from.as_deref().is_none_or(|from| value >= from)
                    && to.as_deref().is_none_or(|to| value <= to)
            }
            KeyRange::Contains(_) => false,
        };
        let mut hits: Vec<(Vec<u8>, &Document)> = self
            .documents
            .values()
            .filter(|found| found.connection == connection && found.kind == find.kind)
            .flat_map(|found| {
                let values = match find.range {
                    KeyRange::All => vec![Vec::new()],
                    _ => self.values(found, &find.index),
                };
                values.into_iter().map(move |value| (value, found))
            })
            .filter(|(value, _)| wanted(value))
            .collect();
        hits.sort_by(|(a, one), (b, two)| (a, &one.id).cmp(&(b, &two.id)));
        let total = find.after.is_none().then_some(hits.len() as u64);
        let place = |value: &[u8], id: &str| [value, b"\0", id.as_bytes()].concat();
        if let Some(after) = &find.after {
            if !hits
                .iter()
                .any(|(value, found)| place(value, &found.id) == *after)
            {
                return Err(DirectoryError::Refused("no page ended there".to_owned()));
            }
            hits.retain(|(value, found)| place(value, &found.id) > *after);
        }
        let limit = usize::try_from(find.limit).unwrap_or(usize::MAX);
        let next = (hits.len() > limit).then(|| hits.get(limit.saturating_sub(1)));
        let next = next.flatten().map(|(value, found)| place(value, &found.id));
        let hits = hits.into_iter().take(limit).map(|(value, found)| Hit {
            id: found.id.clone(),
            key: (find.want == Detail::Keys).then_some(value),
            document: (find.want == Detail::Documents).then(|| found.clone()),
        });
        Ok(Page {
            hits: hits.collect(),
            next,
            total,
        })
    }
    fn users_of(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, DirectoryError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self
            .groups
            .iter()
            .filter(|(_, memberships)| memberships.groups.iter().any(|one| one.group == group))
            .map(|(user, _)| user.clone())
            .filter(|user| after.is_none_or(|after| user.as_str() > after))
            .take(limit)
            .collect())
    }
}
