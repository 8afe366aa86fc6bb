//! Every method of every store through the die: what reads, and what writes.

use async_trait::async_trait;
use nameplate_store::{
    Assignment, AssignmentOutcome, AuditEntry, Claim, Connection, ConnectionEdit, ConnectionId,
    ControlStore, DeadLetter, Departure, Document, Edge, Erased, Event, Find, HeldMember, Holding,
    Host, HostName, HostRecord, HostStore, HostSummary, HostWrite, HostsErased, Kind, MemberPage,
    Memberships, Outcome, Page, PastAssignment, Promise, Rehearsal, RequestEntry, RequestQuery,
    Retention, Scope, Source, StoreError, Tenant, TenantChange, TenantChanged, TenantId, Timestamp,
    Token, TokenAdded, TokenRotated, Traces, Unit, UserStore, Webhook, WebhookProgress,
    WebhookStore,
};

use super::FaultyStore;

/// A trait whose methods go to the store below, each as `read` or `write`.
macro_rules! through {
    ($store:ident: $($how:ident $name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $store for FaultyStore {
            $(async fn $name(&self $(, $arg: $kind)*) -> Result<$answer, StoreError> {
                // By its trait: two of them have methods of one name.
                self.$how($store::$name(&self.inner $(, $arg)*)).await
            })*
        }
    };
}

through! { UserStore:
    read get(scope: Scope, kind: Kind, id: &str) -> Option<Document>;
    read get_many(scope: Scope, ids: &[String]) -> Vec<Document>;
    read find(scope: Scope, find: &Find) -> Page;
    read index_ready(scope: Scope, index_version: &str) -> bool;
    read has_edges(scope: Scope, edges: &[Edge]) -> Vec<bool>;
    read members(scope: Scope, group: &str, after: Option<&str>, limit: u32) -> MemberPage;
    read groups_of(scope: Scope, member: &str, transitive: bool) -> Memberships;
    read users_of(scope: Scope, group: &str, after: Option<&str>, limit: u32) -> Vec<String>;
    read held_members(scope: Scope, group: &str, after: Option<&str>, limit: u32) -> Vec<HeldMember>;
    read holders(scope: Scope, values: &[Vec<u8>]) -> Vec<Holding>;
    write commit(scope: Scope, now: Timestamp, commit_id: [u8; 16], units: Vec<Unit>, stop_after: Option<u32>) -> Vec<Outcome>;
    read rehearse(scope: Scope, now: Timestamp, units: Vec<Unit>, stop_after: Option<u32>) -> Rehearsal;
    read events(tenant: TenantId, after: u64, limit: u32) -> Vec<Event>;
    read event_range(tenant: TenantId) -> (u64, u64);
    read unsettled(tenant: Option<TenantId>, limit: u32) -> Vec<(TenantId, Event)>;
    write settle(tenant: TenantId, seqs: &[u64]) -> ();
    read departures(tenant: TenantId, after: Option<&str>, limit: u32) -> Vec<Departure>;
    read departures_of(tenant: TenantId, ids: &[String]) -> Vec<Departure>;
    read traces(tenant: TenantId, id: &str) -> Traces;
    write erase(tenant: TenantId, now: Timestamp, id: &str) -> Erased;
    write forget_departure(tenant: TenantId, id: &str) -> bool;
}

through! { HostStore:
    write put_host(tenant: TenantId, now: Timestamp, host: HostRecord) -> bool;
    write delete_host(tenant: TenantId, now: Timestamp, host: &str) -> bool;
    read host(tenant: TenantId, host: &str) -> Option<Host>;
    read hosts(tenant: TenantId, outcome: Option<AssignmentOutcome>, after: Option<&str>, limit: u32) -> Vec<HostSummary>;
    read host_count(tenant: TenantId) -> u64;
    read hosts_named(tenant: TenantId, name: &HostName, after: Option<&str>, limit: u32) -> Vec<String>;
    read claimed_by(tenant: TenantId, logins: &[Vec<u8>], after: Option<&str>, limit: u32) -> Vec<String>;
    read assigned_to(tenant: TenantId, user: &str, after: Option<&str>, limit: u32) -> Vec<String>;
    read with_host(tenant: TenantId, users: &[String]) -> Vec<String>;
    write put_claim(tenant: TenantId, now: Timestamp, host: &str, claim: Claim) -> HostWrite;
    write withdraw(tenant: TenantId, host: &str, source: &Source, at: Timestamp) -> HostWrite;
    write put_assignment(tenant: TenantId, now: Timestamp, host: &str, expected: u64, assignment: Assignment) -> HostWrite;
    write erase(tenant: TenantId, now: Timestamp, user: &str, logins: &[String]) -> HostsErased;
    read history(tenant: TenantId, host: &str, limit: u32) -> Vec<PastAssignment>;
    write put_promise(tenant: TenantId, promise: Promise) -> bool;
    write drop_promise(tenant: TenantId, name: &HostName) -> bool;
    read promises(tenant: TenantId, after: Option<&HostName>, limit: u32) -> Vec<Promise>;
    read promises_for(tenant: TenantId, serial: &str, display_name: &str) -> Vec<Promise>;
}

through! { ControlStore:
    write add_tenant(now: Timestamp, name: &str) -> Option<Tenant>;
    read tenants() -> Vec<Tenant>;
    read tenant(tenant: TenantId) -> Option<Tenant>;
    read tenant_named(name: &str) -> Option<Tenant>;
    read tenant_of_host(host: &str) -> Option<Tenant>;
    write change_tenant(tenant: TenantId, change: TenantChange) -> TenantChanged;
    write add_connection(now: Timestamp, tenant: TenantId, name: &str, dialect: &str) -> Option<Connection>;
    read connections(tenant: TenantId) -> Vec<Connection>;
    read connections_of_issuer(issuer: &str) -> Vec<Connection>;
    write change_connection(connection: ConnectionId, edit: ConnectionEdit) -> bool;
    write add_token(token: Token, most_live: u32) -> TokenAdded;
    write rotate_token(tenant: TenantId, old: &str, new: Token, old_expires: Timestamp, most_live: u32) -> TokenRotated;
    read expiring_tokens(tenant: Option<TenantId>, now: Timestamp, until: Timestamp) -> Vec<Token>;
    read token(id: &str) -> Option<Token>;
    read tokens(tenant: TenantId) -> Vec<Token>;
    write revoke_token(tenant: TenantId, id: &str, at: Timestamp) -> bool;
    write touch_tokens(uses: &[(String, Timestamp)]) -> ();
    write log_requests(entries: Vec<RequestEntry>, retention: &Retention) -> ();
    write trim_requests(tenant: TenantId, retention: &Retention) -> u64;
    read requests(tenant: TenantId, query: &RequestQuery) -> Vec<RequestEntry>;
    read request(tenant: Option<TenantId>, request_id: &str) -> Option<RequestEntry>;
    read last_idp_request(tenant: TenantId) -> Option<RequestEntry>;
    write erase_requests(tenant: TenantId, needles: &[String]) -> u64;
    write append_audit(entry: AuditEntry) -> ();
    read audit(tenant: Option<TenantId>, before: Option<u64>, limit: u32) -> Vec<AuditEntry>;
}

through! { WebhookStore:
    write add_webhook(webhook: Webhook) -> bool;
    read webhooks(tenant: Option<TenantId>) -> Vec<Webhook>;
    read webhook(tenant: TenantId, id: &str) -> Option<Webhook>;
    write change_webhook(tenant: TenantId, id: &str, url: &str, events: &[String], paused: bool) -> bool;
    write set_webhook_secret(tenant: TenantId, id: &str, secret: &[u8]) -> bool;
    write remove_webhook(tenant: TenantId, id: &str) -> bool;
    write webhook_progress(tenant: TenantId, id: &str, expected: u64, progress: WebhookProgress) -> bool;
    write add_dead_letter(tenant: TenantId, webhook: &str, letter: DeadLetter) -> bool;
    read dead_letters(tenant: TenantId, webhook: &str, after: u64, limit: u32) -> Vec<DeadLetter>;
    write remove_dead_letters(tenant: TenantId, webhook: &str, seqs: &[u64]) -> u64;
}
