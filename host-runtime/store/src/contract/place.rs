//! What the checks build on: a tenant with two connections, and short ways to
//! write changes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use super::Backend;
use crate::{
    Change, ChangeResult, ConnectionId, Delete, Detail, Direction, Document, EventDraft, Find,
    IfMissing, Key, KeyRange, Kind, MemberDelta, NewMember, Outcome, Page, Precondition, Put,
    Rekey, Scope, StoreError, TenantId, Timestamp, Unit,
};

/// A tenant `acme` with the connections `okta` and `entra`.
pub struct Place<'s, S> {
    pub store: &'s S,
    pub tenant: TenantId,
    /// Bound to `okta`.
    pub okta: Scope,
    /// Bound to `entra`.
    pub entra: Scope,
    /// Bound to the tenant alone.
    pub whole: Scope,
    commits: AtomicU64,
}

impl<'s, S: Backend> Place<'s, S> {
    pub async fn new(store: &'s S) -> Self {
        Self::named(store, "acme").await
    }

    pub async fn named(store: &'s S, name: &str) -> Self {
        let tenant = store.add_tenant(1, name).await.unwrap().unwrap().id;
        let okta = store
            .add_connection(1, tenant, "okta", "auto")
            .await
            .unwrap()
            .unwrap()
            .id;
        let entra = store
            .add_connection(2, tenant, "entra", "auto")
            .await
            .unwrap()
            .unwrap()
            .id;
        let scope = |connection: Option<ConnectionId>| Scope { tenant, connection };
        Self {
            store,
            tenant,
            okta: scope(Some(okta)),
            entra: scope(Some(entra)),
            whole: scope(None),
            commits: AtomicU64::new(1),
        }
    }

    /// A commit-id not used before.
    pub fn fresh(&self) -> [u8; 16] {
        u128::from(self.commits.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }

    pub async fn outcome_at(&self, scope: Scope, now: Timestamp, unit: Unit) -> Outcome {
        let mut outcomes = self
            .store
            .commit(scope, now, self.fresh(), vec![unit], None)
            .await
            .unwrap();
        assert_eq!(outcomes.len(), 1, "one outcome for one unit");
        outcomes.remove(0)
    }

    pub async fn outcome(&self, now: Timestamp, unit: impl Into<Unit>) -> Outcome {
        self.outcome_at(self.okta, now, unit.into()).await
    }

    /// Commits a unit that must succeed.
    pub async fn unit(
        &self,
        now: Timestamp,
        unit: impl Into<Unit>,
    ) -> (Vec<ChangeResult>, Option<u64>) {
        match self.outcome(now, unit).await {
            Outcome::Committed { results, seq } => (results, seq),
            other => panic!("not committed: {other:?}"),
        }
    }

    /// Commits one change that must succeed.
    pub async fn done(&self, now: Timestamp, change: impl Into<Change>) -> ChangeResult {
        let (mut results, _) = self.unit(now, change.into()).await;
        results.remove(0)
    }

    pub async fn users(&self, now: Timestamp, ids: &[&str]) {
        for id in ids {
            self.done(now, user(id)).await;
        }
    }

    pub async fn document(&self, kind: Kind, id: &str) -> Option<Document> {
        self.store.get(self.okta, kind, id).await.unwrap()
    }

    pub async fn group(&self, id: &str) -> Document {
        self.document(Kind::Group, id).await.unwrap()
    }

    pub async fn members(&self, group: &str) -> Vec<String> {
        let page = self
            .store
            .members(self.okta, group, None, 100)
            .await
            .unwrap();
        page.members.into_iter().map(|member| member.id).collect()
    }

    pub async fn held(&self, group: &str) -> Vec<String> {
        let held = self
            .store
            .held_members(self.okta, group, None, 100)
            .await
            .unwrap();
        held.into_iter().map(|member| member.id).collect()
    }

    pub async fn find(&self, find: &Find) -> Page {
        self.store.find(self.okta, find).await.unwrap()
    }

    pub async fn ids(&self, find: &Find) -> Vec<String> {
        self.find(find)
            .await
            .hits
            .into_iter()
            .map(|hit| hit.id)
            .collect()
    }

    /// The ids of a walk to its end, a page at a time.
    pub async fn pages(&self, find: &Find) -> Vec<String> {
        let mut find = find.clone();
        let mut ids = Vec::new();
        loop {
            let page = self.find(&find).await;
            assert!(page.hits.len() <= usize::try_from(find.limit).unwrap());
            ids.extend(page.hits.into_iter().map(|hit| hit.id));
            if page.next.is_none() {
                return ids;
            }
            find.after = page.next;
            find.skip = 0;
        }
    }

    /// Is the walk refused as a breach of the contract.
    pub async fn refuses(&self, scope: Scope, find: &Find) -> bool {
        let answer = self.store.find(scope, find).await;
        matches!(answer, Err(StoreError::Invalid(_)))
    }
}

/// Begins all of them before it waits for any, so that they race; the answers in order.
pub async fn race<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        let open = running.iter_mut().zip(&mut answers);
        for (future, answer) in open.filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                *answer = Some(output);
            }
        }
        match answers.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

pub fn key(attribute: &str, value: &str) -> Key {
    Key {
        attribute: attribute.to_owned(),
        value: value.into(),
        unique: false,
        tracked: false,
    }
}

pub fn unique(attribute: &str, value: &str) -> Key {
    Key {
        unique: true,
        ..key(attribute, value)
    }
}

pub fn tracked(attribute: &str, value: &str) -> Key {
    Key {
        tracked: true,
        ..key(attribute, value)
    }
}

/// A new user without keys.
pub fn user(id: &str) -> Put {
    Put {
        kind: Kind::User,
        id: id.to_owned(),
        condition: Precondition::Absent,
        label: id.to_owned(),
        json: b"{}".to_vec(),
        keys: Vec::new(),
        index_version: "v1".to_owned(),
    }
}

/// A new group without keys.
pub fn group(id: &str) -> Put {
    Put {
        kind: Kind::Group,
        ..user(id)
    }
}

impl Put {
    pub(super) fn over(self, condition: Precondition) -> Self {
        Self { condition, ..self }
    }

    pub(super) fn keys(self, keys: &[Key]) -> Self {
        Self {
            keys: keys.to_vec(),
            ..self
        }
    }

    pub(super) fn json(self, json: &str) -> Self {
        Self {
            json: json.into(),
            ..self
        }
    }
}

pub fn delete(kind: Kind, id: &str) -> Delete {
    Delete {
        kind,
        id: id.to_owned(),
        condition: Precondition::Exists,
    }
}

/// Nothing to add or remove yet; unknown members are held.
pub fn delta(group: &str) -> MemberDelta {
    MemberDelta {
        group: group.to_owned(),
        condition: Precondition::Exists,
        replace: false,
        add: Vec::new(),
        remove: Vec::new(),
        if_missing: IfMissing::Hold,
    }
}

impl MemberDelta {
    pub(super) fn add(self, ids: &[&str]) -> Self {
        let member = |id: &&str| NewMember {
            id: (*id).to_owned(),
            display: Some(format!("<{id}>")),
            login: None,
        };
        Self {
            add: ids.iter().map(member).collect(),
            ..self
        }
    }

    pub(super) fn add_login(self, id: &str, login: &str) -> Self {
        let member = NewMember {
            id: id.to_owned(),
            display: None,
            login: Some(login.into()),
        };
        Self {
            add: vec![member],
            ..self
        }
    }

    pub(super) fn remove(self, ids: &[&str]) -> Self {
        Self {
            remove: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..self
        }
    }

    pub(super) fn replacing(self) -> Self {
        Self {
            replace: true,
            ..self
        }
    }

    pub(super) fn missing(self, if_missing: IfMissing) -> Self {
        Self { if_missing, ..self }
    }
}

impl From<Put> for Change {
    fn from(put: Put) -> Self {
        Self::Put(put)
    }
}

impl From<Delete> for Change {
    fn from(delete: Delete) -> Self {
        Self::Delete(delete)
    }
}

impl From<MemberDelta> for Change {
    fn from(delta: MemberDelta) -> Self {
        Self::Members(delta)
    }
}

impl From<Rekey> for Change {
    fn from(rekey: Rekey) -> Self {
        Self::Rekey(rekey)
    }
}

impl<C: Into<Change>> From<C> for Unit {
    fn from(change: C) -> Self {
        Self {
            changes: vec![change.into()],
            event: None,
            quota: Default::default(),
        }
    }
}

pub fn both(first: impl Into<Change>, second: impl Into<Change>) -> Unit {
    Unit {
        quota: Default::default(),
        changes: vec![first.into(), second.into()],
        event: None,
    }
}

impl Unit {
    pub(super) fn about(self, name: &str, kind: Kind, subject: &str, logins: &[&str]) -> Self {
        let logins = logins
            .iter()
            .map(|login| login.as_bytes().to_vec())
            .collect();
        let event = EventDraft {
            name: name.to_owned(),
            subject_kind: kind,
            subject: subject.to_owned(),
            logins,
        };
        Self {
            event: Some(event),
            ..self
        }
    }
}

/// A walk over users for ids, from the start.
pub fn walk(index: &str, range: KeyRange) -> Find {
    Find {
        kind: Kind::User,
        index: index.to_owned(),
        range,
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: 100,
        want: Detail::Ids,
    }
}

pub fn equal(index: &str, value: &str) -> Find {
    walk(index, KeyRange::Equal(value.into()))
}
