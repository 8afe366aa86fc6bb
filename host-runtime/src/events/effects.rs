//! What events mean for profiles, as far as the plugin can tell.

use nameplate_store::{Event, Kind, TenantId};

use super::{EventsError, weight};
use crate::Runtime;
use crate::plugin::{Effect, MappingError, ObjectChange, PluginError};

/// Objects handed to the plugin at a time, in bytes: parsed they are many times that.
const BYTES: usize = 512 << 10;

impl Runtime {
    /// What each event means for profiles, in order; none for one that the plugin fails
    /// on: an event is told all the same.
    pub(super) async fn effects(
        &self,
        tenant: TenantId,
        events: &[Event],
    ) -> Result<Vec<Option<Effect>>, EventsError> {
        let mut effects = Vec::new();
        let mut rest = events;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(within(rest, BYTES));
            match self
                .affected(tenant, now.iter().map(change).collect())
                .await
            {
                Ok(found) => effects.extend(found.into_iter().map(Some)),
                Err(error) if passes(&error) => return Err(error.into()),
                Err(_) if now.len() > 1 => {
                    for event in now {
                        effects.push(self.effect(tenant, event).await?);
                    }
                }
                Err(error) => effects.push(failed(tenant, now, &error)),
            }
            rest = later;
        }
        Ok(effects)
    }

    async fn effect(&self, tenant: TenantId, event: &Event) -> Result<Option<Effect>, EventsError> {
        match self.affected(tenant, vec![change(event)]).await {
            Ok(found) => Ok(found.into_iter().next()),
            Err(error) if passes(&error) => Err(error.into()),
            Err(error) => Ok(failed(tenant, std::slice::from_ref(event), &error)),
        }
    }
}

/// How many events come before `bytes` are reached, one at least.
fn within(events: &[Event], bytes: usize) -> usize {
    let mut sum = 0_usize;
    let fitting = events.iter().take_while(|event| {
        sum = sum.saturating_add(weight(event));
        sum <= bytes
    });
    fitting.count().max(1)
}

fn failed(tenant: TenantId, events: &[Event], error: &MappingError) -> Option<Effect> {
    let seq = events.first().map(|event| event.seq);
    tracing::warn!(tenant = tenant.0, seq, %error, "cannot tell what an event means for profiles");
    None
}

/// Trouble that is over sooner or later and has nothing to do with the event.
fn passes(error: &MappingError) -> bool {
    matches!(
        error,
        MappingError::Store(_)
            | MappingError::Busy
            | MappingError::Plugin(PluginError::Busy | PluginError::Timeout(_))
    )
}

fn change(event: &Event) -> ObjectChange {
    ObjectChange {
        name: event.name.clone(),
        kind: event.subject_kind.kind().unwrap_or(Kind::User),
        before: event.before.clone(),
        after: event.after.clone(),
    }
}
