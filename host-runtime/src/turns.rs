//! Turns for those who change one document at the same time.
//!
//! A change names the version it was made from, so of several at once one wins and the
//! others try again on what it left. Left to chance, one of them may lose for ever. So
//! who has lost gets a turn: those who want to change the same document wait in line,
//! and the first of them is told how the document is once its turn has come.
//!
//! Only for fairness: what is right is decided by the store, and several nodes on one
//! database need no agreement about turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nameplate_store::{Change, Outcome, Precondition, StoreError, TenantId, Unit};
use tokio::sync::OwnedMutexGuard;

use crate::plugin::{Call, DirectoryChange};

/// Whoever has waited so long goes on without a turn: who has it may be stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// One document of one tenant.
type Place = (TenantId, String);

/// The lines in front of all documents; nearly always there are none.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Place, Arc<tokio::sync::Mutex<()>>>>>);

/// The turn of one call, which ends with the call at the latest.
#[derive(Default)]
pub(crate) struct Turn {
    held: Mutex<Option<Held>>,
    turns: Turns,
}

struct Held {
    place: Place,
    turns: Turns,
    // An option, to be given up before the line is looked at.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.guard = None;
        let mut lines = self.turns.lines();
        // Nobody is in the line: this map alone knows it.
        if lines
            .get(&self.place)
            .is_some_and(|line| Arc::strong_count(line) == 1)
        {
            lines.remove(&self.place);
        }
    }
}

impl Turns {
    /// For one call.
    pub(crate) fn turn(&self) -> Turn {
        Turn {
            held: Mutex::default(),
            turns: self.clone(),
        }
    }

    /// The turn at what is neither written in one go nor by its version alone, e.g. the
    /// claims of a host that keep promises.
    pub(crate) async fn at(&self, tenant: TenantId, name: String) -> Turn {
        let turn = self.turn();
        turn.wait(&(tenant, name), true).await;
        turn
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Place, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_at(&self, place: &Place) -> bool {
        self.held()
            .as_ref()
            .is_some_and(|held| held.place == *place)
    }

    /// Ends the turn. Nobody waits while having one, so nobody waits for ever.
    fn end(&self) {
        let ended = self.held().take();
        drop(ended);
    }

    /// Waits in line, `open`ing one if there is none.
    async fn wait(&self, place: &Place, open: bool) {
        if self.is_at(place) {
            return;
        }
        self.end();
        let line = {
            let mut lines = self.turns.lines();
            match lines.get(place) {
                Some(line) => line.clone(),
                None if open => lines.entry(place.clone()).or_default().clone(),
                None => return,
            }
        };
        let guard = tokio::time::timeout(PATIENCE, line.lock_owned()).await;
        if let Ok(guard) = guard {
            *self.held() = Some(Held {
                place: place.clone(),
                turns: self.turns.clone(),
                guard: Some(guard),
            });
        }
    }
}

/// The document of which one version is changed, if it is one unit about one.
fn contended(units: &[Unit]) -> Option<&str> {
    let [unit] = units else { return None };
    let mut ids = unit.changes.iter().filter_map(|change| {
        let (id, condition) = match change {
            Change::Put(put) => (&put.id, &put.condition),
            Change::Delete(delete) => (&delete.id, &delete.condition),
            Change::Members(delta) => (&delta.group, &delta.condition),
            Change::Rekey(_) => return None,
        };
        matches!(condition, Precondition::Version(_)).then_some(id.as_str())
    });
    let id = ids.next()?;
    ids.all(|other| other == id).then_some(id)
}

impl Call {
    /// Writes units for the plugin (see [`UserStore::commit`]), and says which changes
    /// mapping has to look at. A plugin that is told `stale` has the next turn at that
    /// document.
    ///
    /// # Errors
    /// The store's.
    ///
    /// [`UserStore::commit`]: nameplate_store::UserStore::commit
    pub async fn commit(
        &self,
        commit_id: [u8; 16],
        mut units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<(Vec<Outcome>, Vec<DirectoryChange>), StoreError> {
        for unit in &mut units {
            unit.quota = self.limits.quota();
        }
        // Kept aside: the store takes the units.
        let drafts: Vec<_> = units
            .iter()
            .map(|unit| unit.event.clone().filter(|event| !event.logins.is_empty()))
            .collect();
        let place = contended(&units).map(|id| (self.scope.tenant, id.to_owned()));
        if let Some(place) = &place {
            self.turn.wait(place, false).await;
        }
        let now = self.sources.clock.now();
        let outcomes = self
            .users
            .commit(self.scope, now, commit_id, units, stop_after)
            .await;
        self.commits.count(&outcomes);
        let mut outcomes = outcomes?;
        match (&place, outcomes.as_mut_slice()) {
            (
                Some(place),
                [
                    Outcome::Stale {
                        current: Some(current),
                        ..
                    },
                ],
            ) => {
                self.turn.wait(place, true).await;
                // Others had their turn meanwhile.
                if let Some(now) = self
                    .users
                    .get(self.scope, current.kind, &current.id)
                    .await?
                {
                    *current = now;
                }
            }
            _ => self.turn.end(),
        }
        let changes = outcomes.iter().zip(drafts).filter_map(|pair| match pair {
            (Outcome::Committed { seq: Some(seq), .. }, Some(draft)) => Some(DirectoryChange {
                seq: *seq,
                name: draft.name,
                subject_kind: draft.subject_kind,
                subject: draft.subject,
                logins: draft.logins,
            }),
            _ => None,
        });
        let changes = changes.collect();
        Ok((outcomes, changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str) -> Place {
        (TenantId(1), id.to_owned())
    }

    #[tokio::test]
    async fn a_line_is_gone_when_nobody_is_in_it() {
        let turns = Turns::default();
        let (first, second) = (turns.turn(), turns.turn());
        first.wait(&place("a"), false).await;
        assert!(turns.lines().is_empty(), "nobody opened a line");
        first.wait(&place("a"), true).await;
        assert!(first.is_at(&place("a")));
        let waiting = tokio::spawn(async move {
            second.wait(&place("a"), false).await;
            second
        });
        while turns.lines().get(&place("a")).map(Arc::strong_count) != Some(3) {
            tokio::task::yield_now().await;
        }
        drop(first);
        let second = waiting.await.unwrap_or_default();
        assert!(second.is_at(&place("a")));
        second.end();
        assert!(turns.lines().is_empty());
    }

    #[tokio::test]
    async fn who_goes_to_another_document_ends_the_turn_first() {
        let turns = Turns::default();
        let (first, second) = (turns.turn(), turns.turn());
        let (a, b) = (place("a"), place("b"));
        first.wait(&a, true).await;
        second.wait(&b, true).await;
        // Each wants the other's: without ending its own first they would wait for ever.
        tokio::join!(first.wait(&b, true), second.wait(&a, true));
        assert!(first.is_at(&b) && second.is_at(&a));
    }
}
