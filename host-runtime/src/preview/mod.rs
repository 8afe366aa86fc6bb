//! What a SCIM request, or other settings, would do to hosts: answered without writing.
//!
//! The plugin does what it always does, over stores that keep what is written to
//! themselves. So a preview cannot differ from the real thing by being written twice;
//! and what it must not know is what a user is, as everywhere in the runtime.

mod changed;
mod hosts;
mod merge;
mod users;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use nameplate_store::{
    ConnectionId, Event, HostRecord, Kind, Scope, StoreError, Subject, TenantId, UserStore, limits,
};
use serde_json::{Map, Value};

use crate::Runtime;
use crate::connections::{ChangeError, mapping_config};
use crate::paged::cut;
use crate::plugin::{
    Call, DirectoryChange, EndUser, MappingError, MappingEvent, Note, Person, PluginRequest,
    PluginResponse,
};
pub(crate) use hosts::HostPreview;
use users::DirectoryPreview;

/// Hosts of one preview: as many as one real request maps before it is answered.
pub const HOSTS: u32 = 1000;

/// People whose hosts are looked for: the members of a large group, say. Beyond it a
/// preview says that there is more.
const PEOPLE: usize = 20_000;

/// What would happen.
#[derive(Debug, Default)]
pub struct Preview {
    /// The answer to the request; none for settings.
    pub response: Option<PluginResponse>,
    /// Remarks of the plugin.
    pub notes: Vec<Note>,
    /// Hosts that would show somebody or something else, by id.
    pub hosts: Vec<PreviewedHost>,
    /// More hosts may change than were looked at.
    pub more: bool,
    /// For settings: the host to go on after.
    pub next: Option<String>,
}

/// A host that would change.
#[derive(Debug)]
pub struct PreviewedHost {
    /// The host.
    pub record: HostRecord,
    /// Who uses it now.
    pub before: EndUser,
    /// Who would use it.
    pub after: EndUser,
}

impl Runtime {
    /// What a SCIM request of a connection would come to, and which hosts would change.
    /// Nothing is written, and no event is told.
    ///
    /// # Errors
    /// Trouble with the store or the plugin.
    pub async fn preview_request(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        request: PluginRequest,
    ) -> Result<Preview, MappingError> {
        let scope = Scope {
            tenant,
            connection: Some(connection),
        };
        let base = &self.stores().users;
        let directory = DirectoryPreview::new(base.clone(), scope, self.now())?;
        let directory = Arc::new(directory);
        let hosts = Arc::new(HostPreview::new(self.stores().hosts.clone()));
        let call = self
            .call_on(tenant, Some(connection), directory.clone(), hosts.clone())
            .await?;
        let (response, report) = self.plugin().handle(call, request).await;
        let mut preview = Preview {
            response: Some(response?),
            notes: report.notes,
            ..Preview::default()
        };
        let after = self
            .call_on(tenant, None, directory.clone(), hosts.clone())
            .await?;
        let changed = directory.changed();
        let mut left = HOSTS;
        for change in report.changes {
            let (seen, more) = self
                .map_previewed(&after, &changed.events, change, left)
                .await?;
            left = left.saturating_sub(seen);
            preview.more |= more;
        }
        let (touched, more) = self.touched(tenant, &changed.events, &hosts).await?;
        preview.more |= more;
        let before = self.call_before(tenant).await?;
        for host in touched {
            let found = self.compare(&before, &after, &host).await?;
            preview.hosts.extend(found);
        }
        Ok(preview)
    }

    /// Which hosts would change under other settings of the tenant: looks at `limit`
    /// hosts from `after` on, and `next` is where to go on.
    ///
    /// # Errors
    /// [`ChangeError::Unusable`] if the plugin cannot use the settings, or trouble.
    pub async fn preview_settings(
        &self,
        tenant: TenantId,
        settings: Map<String, Value>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Preview, ChangeError> {
        let text = Value::Object(settings).to_string();
        let config = mapping_config(Some(&text), &self.connections(tenant).await?);
        if let Some(reason) = self.check_settings(tenant, config.json.clone()).await? {
            return Err(ChangeError::Unusable(reason));
        }
        let limit = limit.clamp(1, HOSTS);
        let store = &self.stores().hosts;
        let mut found = store.hosts(tenant, None, after, limit + 1).await?;
        let mut preview = Preview {
            next: cut(&mut found, limit, |host| host.record.id.clone()),
            ..Preview::default()
        };
        let before = self.call_before(tenant).await?;
        let after = Call {
            config: Arc::new(config),
            ..self.call_before(tenant).await?
        };
        for host in found {
            let found = self.compare(&before, &after, &host.record.id).await?;
            preview.hosts.extend(found);
        }
        Ok(preview)
    }

    /// A call that sees the directory as it is, and writes no host: reading one may
    /// settle it.
    async fn call_before(&self, tenant: TenantId) -> Result<Call, StoreError> {
        let stores = self.stores();
        let hosts = Arc::new(HostPreview::new(stores.hosts.clone()));
        self.call_on(tenant, None, stores.users.clone(), hosts)
            .await
    }

    /// Maps one change at most `limit` hosts far; how many, and whether there are more.
    async fn map_previewed(
        &self,
        call: &Call,
        events: &[Event],
        mut change: DirectoryChange,
        limit: u32,
    ) -> Result<(u32, bool), MappingError> {
        // The store knows more logins of the subject than the change itself names.
        if let Some(event) = events.iter().find(|event| event.seq == change.seq) {
            change.logins.clone_from(&event.logins);
        }
        if limit == 0 {
            return Ok((0, true));
        }
        let event = MappingEvent::Directory(change);
        let progress = self
            .plugin()
            .apply(call.clone(), event, None, limit)
            .await?;
        Ok((progress.seen, progress.next.is_some()))
    }

    /// The hosts to compare: those that were assigned anew, and those of everybody whom
    /// an event is about.
    async fn touched(
        &self,
        tenant: TenantId,
        events: &[Event],
        hosts: &HostPreview,
    ) -> Result<(BTreeSet<String>, bool), StoreError> {
        use nameplate_store::HostStore;

        let most = HOSTS as usize;
        let mut touched: BTreeSet<String> = hosts.touched().into_iter().collect();
        let (people, mut more) = self.people(tenant, events).await?;
        let people: Vec<String> = people.into_iter().collect();
        for chunk in people.chunks(limits::PAGE as usize) {
            for person in hosts.with_host(tenant, chunk).await? {
                if touched.len() > most {
                    break;
                }
                let own = hosts.assigned_to(tenant, &person, None, HOSTS).await?;
                touched.extend(own);
            }
        }
        more |= touched.len() > most;
        Ok((touched.into_iter().take(most).collect(), more))
    }

    /// Whom the events are about, at most [`PEOPLE`], and whether there are more.
    async fn people(
        &self,
        tenant: TenantId,
        events: &[Event],
    ) -> Result<(BTreeSet<String>, bool), StoreError> {
        let users = &self.stores().users;
        let whole = Scope::whole(tenant);
        let mut people = BTreeSet::new();
        for event in events {
            if event.subject_kind == Subject::User {
                people.insert(event.subject.clone());
                continue;
            }
            // A group that is made or goes is about its members; one that is renamed,
            // about everybody below it.
            if event.before.is_some() && event.after.is_some() && event.before != event.after {
                add_below(users, whole, &event.subject, &mut people).await?;
            }
            let members: Vec<String> = event.added.iter().chain(&event.removed).cloned().collect();
            for chunk in members.chunks(limits::PAGE as usize) {
                people.extend(chunk.iter().cloned());
                // Somebody of a group that comes with its own event is found by that.
                let groups = users.get_many(whole, chunk).await?.into_iter();
                for group in groups.filter(|document| document.kind == Kind::Group) {
                    add_below(users, whole, &group.id, &mut people).await?;
                }
                if people.len() > PEOPLE {
                    return Ok((people.into_iter().take(PEOPLE).collect(), true));
                }
            }
        }
        let more = people.len() > PEOPLE;
        Ok((people.into_iter().take(PEOPLE).collect(), more))
    }

    /// The host, if it would show something else; none if it is deleted meanwhile.
    async fn compare(
        &self,
        before: &Call,
        after: &Call,
        host: &str,
    ) -> Result<Option<PreviewedHost>, MappingError> {
        let read = async {
            let found = before.hosts.host(before.scope.tenant, host).await?;
            let record = found.ok_or(MappingError::NoHost)?.record;
            let before = self.plugin().end_user(before.clone(), host.to_owned());
            let after = self.plugin().end_user(after.clone(), host.to_owned());
            Ok(PreviewedHost {
                record,
                before: before.await?,
                after: after.await?,
            })
        };
        match read.await {
            Ok(found) => Ok(Some(found).filter(|found| differs(&found.before, &found.after))),
            Err(MappingError::NoHost) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Adds everybody below a group, as the store has it, until there are too many.
async fn add_below(
    users: &Arc<dyn UserStore>,
    scope: Scope,
    group: &str,
    people: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut after = None;
    while people.len() <= PEOPLE {
        let page = users
            .users_of(scope, group, after.as_deref(), limits::PAGE)
            .await?;
        after = page.last().cloned();
        let full = page.len() >= limits::PAGE as usize;
        people.extend(page);
        if !full {
            break;
        }
    }
    Ok(())
}

/// Does a host show something else? When a person was last updated is no difference by
/// itself: it moves with every change, whether a host shows it or not.
fn differs(before: &EndUser, after: &EndUser) -> bool {
    let still = |user: &EndUser| EndUser {
        person: user.person.clone().map(|person| Person {
            updated: 0,
            ..person
        }),
        ..user.clone()
    };
    still(before) != still(after)
}

#[cfg(test)]
mod tests;
