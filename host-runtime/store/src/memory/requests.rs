//! The request log and the audit log.

use std::collections::BTreeMap;

use super::{State, count};
use crate::{
    AuditEntry, Recorded, RequestEntry, RequestQuery, Retention, StoreError, TenantId, check,
    limits,
};

/// The request log of one tenant.
#[derive(Debug, Default)]
pub struct Requests {
    last: u64,
    lines: BTreeMap<u64, RequestEntry>,
}

impl Requests {
    pub(super) fn last_idp(&self) -> Option<&RequestEntry> {
        let lines = self.lines.values().filter(|line| line.from_idp);
        lines.max_by_key(|line| (line.at, line.id))
    }

    fn append(&mut self, entry: RequestEntry) {
        self.last += 1;
        let id = self.last;
        self.lines.insert(id, RequestEntry { id, ..entry });
    }

    /// Forgets lines; returns how many.
    pub(super) fn trim(&mut self, retention: &Retention) -> u64 {
        let kept = self.last_idp().map(|line| line.id);
        let oldest = self.last.saturating_sub(retention.lines);
        let by_number = self.lines.range(..=oldest).map(|(id, _)| *id);
        let mut gone: Vec<u64> = by_number.filter(|id| Some(*id) != kept).collect();
        gone.truncate(count(check::TRIMMED));
        let old = self.lines.values().filter(|line| line.at < retention.since);
        let mut old: Vec<_> = old.map(|line| (line.at, line.id)).collect();
        old.sort_unstable();
        let old = old.into_iter().map(|(_, id)| id);
        gone.extend(
            old.filter(|id| Some(*id) != kept)
                .take(count(check::TRIMMED)),
        );
        let before = self.lines.len();
        gone.iter().for_each(|id| _ = self.lines.remove(id));
        u64::try_from(before - self.lines.len()).unwrap_or(u64::MAX)
    }

    /// Forgets lines, and of others what was recorded; returns how many it touched.
    pub(super) fn erase(
        &mut self,
        line: impl Fn(&RequestEntry) -> bool,
        recorded: impl Fn(&Recorded) -> bool,
    ) -> u64 {
        let before = self.lines.len();
        self.lines.retain(|_, entry| !line(entry));
        let mut erased = before - self.lines.len();
        for entry in self.lines.values_mut() {
            if entry.recorded.take_if(|kept| recorded(kept)).is_some() {
                erased += 1;
            }
        }
        u64::try_from(erased).unwrap_or(u64::MAX)
    }

    pub(super) fn read(&self, query: &RequestQuery) -> Vec<RequestEntry> {
        let RequestQuery {
            before,
            after,
            connection,
            errors_only,
            limit,
        } = query;
        let fits = |line: &&RequestEntry| {
            before.is_none_or(|before| line.id < before)
                && after.is_none_or(|after| line.id > after)
                && (connection.is_none() || line.connection == *connection)
                && (!errors_only || line.failed())
        };
        let lines = self.lines.values().filter(fits);
        let bare = |line: &RequestEntry| RequestEntry {
            recorded: None,
            ..line.clone()
        };
        let limit = count((*limit).min(limits::PAGE));
        match after {
            Some(_) => lines.take(limit).map(bare).collect(),
            None => lines.rev().take(limit).map(bare).collect(),
        }
    }
}

impl State {
    pub(super) fn log_requests(
        &mut self,
        entries: Vec<RequestEntry>,
        retention: &Retention,
    ) -> Result<(), StoreError> {
        entries.iter().try_for_each(check::request)?;
        let mut tenants: Vec<TenantId> = entries.iter().map(|entry| entry.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants.iter().try_for_each(|tenant| self.known(*tenant))?;
        for entry in entries {
            self.requests.entry(entry.tenant).or_default().append(entry);
        }
        for tenant in tenants {
            self.requests.entry(tenant).or_default().trim(retention);
        }
        Ok(())
    }

    /// The newest line of a name.
    pub(super) fn request(
        &self,
        tenant: Option<TenantId>,
        request_id: &str,
    ) -> Option<RequestEntry> {
        let logs = self.requests.iter();
        let logs = logs.filter(|(of, _)| tenant.is_none_or(|tenant| **of == tenant));
        let lines = logs.flat_map(|(_, log)| log.lines.values());
        let named = lines.filter(|line| !request_id.is_empty() && line.request_id == request_id);
        named.max_by_key(|line| (line.at, line.id)).cloned()
    }

    pub(super) fn append_audit(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        check::audit(&entry)?;
        entry.tenant.map_or(Ok(()), |tenant| self.known(tenant))?;
        let id = self.audit.last_key_value().map_or(1, |(last, _)| last + 1);
        let tenant = entry.tenant;
        self.audit.insert(id, AuditEntry { id, ..entry });
        let of = self
            .audit
            .values()
            .rev()
            .filter(|line| line.tenant == tenant);
        let keep = usize::try_from(check::AUDIT).unwrap_or(usize::MAX);
        if let Some(old) = of.map(|line| line.id).nth(keep) {
            self.audit.remove(&old);
        }
        Ok(())
    }

    pub(super) fn audit(
        &self,
        tenant: Option<TenantId>,
        before: Option<u64>,
        limit: u32,
    ) -> Vec<AuditEntry> {
        let lines = self.audit.range(..before.unwrap_or(u64::MAX)).rev();
        let lines = lines.map(|(_, line)| line);
        let of = lines.filter(|line| tenant.is_none() || line.tenant == tenant);
        of.take(count(limit.min(limits::PAGE))).cloned().collect()
    }
}
