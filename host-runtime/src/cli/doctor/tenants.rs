//! Checks of what is in the database: tenants, their connections and tokens, what waits.

use nameplate_store::{
    ControlStore, StoreError, Tenant, Timestamp, Token, TokenScope, UserStore, WebhookStore,
};

use super::Finding;
use crate::auth::ENDS_SOON_MS;
use crate::http::ago;

const MINUTE: Timestamp = 60 * 1000;
const DAY: Timestamp = 24 * 60 * MINUTE;
/// A token nobody has used by then was perhaps never handed over.
const UNUSED: Timestamp = 7 * DAY;
/// Mapping is done within the request, and what is left over within seconds.
const BEHIND: Timestamp = 5 * MINUTE;
/// A clock that was late may have written what is yet to come.
const SKEW: Timestamp = 2 * MINUTE;

/// Checks every tenant, and what they share.
pub async fn check<S>(store: &S, now: Timestamp) -> Vec<Finding>
where
    S: ControlStore + UserStore + WebhookStore,
{
    match findings(store, now).await {
        Ok(findings) => findings,
        Err(error) => {
            let todo = "if it is damaged, `nameplate restore` a backup";
            vec![Finding::fail("database", error.to_string(), todo)]
        }
    }
}

async fn findings<S>(store: &S, now: Timestamp) -> Result<Vec<Finding>, StoreError>
where
    S: ControlStore + UserStore + WebhookStore,
{
    let mut findings = Vec::new();
    let tenants = store.tenants().await?;
    if tenants.is_empty() {
        let todo = "`nameplate serve` or `nameplate init` makes one";
        findings.push(Finding::warn("tenants", "there is no tenant", todo));
    }
    for tenant in &tenants {
        findings.extend(connections(store, tenant, now).await?);
        let tokens = store.tokens(tenant.id).await?;
        findings.extend(tokens.iter().filter_map(|known| token(tenant, known, now)));
        if let Some(last) = store.last_idp_request(tenant.id).await?
            && last.at > now + SKEW
        {
            let says = format!("tenant `{}` has a request from the future", tenant.name);
            let todo = "look at the clocks of all servers on this database";
            findings.push(Finding::warn("clock", says, todo));
        }
    }
    findings.push(backlog(store, now).await?);
    findings.extend(webhooks(store, &tenants).await?);
    Ok(findings)
}

async fn connections<S: ControlStore>(
    store: &S,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<Vec<Finding>, StoreError> {
    const CHECK: &str = "connections";
    let name = &tenant.name;
    if store.connections(tenant.id).await?.is_empty() {
        let says = format!("tenant `{name}` has no connection");
        let todo = format!("`nameplate connection add --tenant {name} okta`");
        return Ok(vec![Finding::warn(CHECK, says, todo)]);
    }
    let finding = match store.last_idp_request(tenant.id).await? {
        None => {
            let says = format!("no identity provider was ever heard for tenant `{name}`");
            let todo = "give it the base url and a scim token, and let it test the connection";
            Finding::warn(CHECK, says, todo)
        }
        Some(last) if last.at + DAY < now => {
            let says = format!(
                "the identity provider of tenant `{name}` was last heard {}",
                ago(now, last.at)
            );
            let todo = "see whether provisioning is on there, and the log of refusals here \
                        (`nameplate requests`)";
            Finding::warn(CHECK, says, todo)
        }
        Some(last) => Finding::ok(
            CHECK,
            format!(
                "the identity provider of tenant `{name}` was heard {}",
                ago(now, last.at)
            ),
        ),
    };
    Ok(vec![finding])
}

/// What is to be said of a token, if anything.
fn token(tenant: &Tenant, token: &Token, now: Timestamp) -> Option<Finding> {
    const CHECK: &str = "tokens";
    if token.revoked.is_some() {
        return None;
    }
    let what = match token.scope {
        TokenScope::Scim => "scim token",
        TokenScope::Admin => "admin token",
    };
    let what = format!("{what} `{}` of tenant `{}`", token.id, tenant.name);
    let replace = "make another one with `nameplate token create` and hand it over";
    match token.expires {
        Some(end) if end <= now => {
            let used_after = token.last_used.is_some_and(|used| used + DAY > end);
            // One that was replaced in time is of no interest.
            return used_after.then(|| Finding::fail(CHECK, format!("{what} has ended"), replace));
        }
        Some(end) if end <= now + ENDS_SOON_MS => {
            let days = (end - now) / DAY;
            let says = format!("{what} ends in {days} days");
            return Some(Finding::warn(CHECK, says, replace));
        }
        _ => {}
    }
    (token.last_used.is_none() && token.created + UNUSED < now).then(|| {
        let says = format!(
            "{what} was never used since it was made {}",
            ago(now, token.created)
        );
        let todo = format!("hand it over, or `nameplate token revoke {}`", token.id);
        Finding::warn(CHECK, says, todo)
    })
}

async fn backlog<S: UserStore>(store: &S, now: Timestamp) -> Result<Finding, StoreError> {
    const CHECK: &str = "events";
    let oldest = store.unsettled(None, 1).await?;
    Ok(match oldest.first() {
        Some((_, event)) if event.at + BEHIND < now => {
            let says = format!("a change of {} is not mapped yet", ago(now, event.at));
            let todo = "start the server if it is stopped; its log says why mapping fails";
            Finding::warn(CHECK, says, todo)
        }
        _ => Finding::ok(CHECK, "every change is mapped"),
    })
}

async fn webhooks<S: WebhookStore>(
    store: &S,
    tenants: &[Tenant],
) -> Result<Vec<Finding>, StoreError> {
    const CHECK: &str = "webhooks";
    let mut findings = Vec::new();
    for webhook in store.webhooks(None).await? {
        let tenant = tenants.iter().find(|tenant| tenant.id == webhook.tenant);
        let tenant = tenant.map_or("?", |tenant| tenant.name.as_str());
        let what = format!("webhook `{}` of tenant `{tenant}`", webhook.id);
        if webhook.paused {
            let todo = "resume it once its receiver wants events again, or remove it";
            findings.push(Finding::warn(CHECK, format!("{what} is paused"), todo));
        } else if webhook.failures > 0 {
            let says = format!(
                "{what} failed {} times in a row: {}",
                webhook.failures, webhook.last_error
            );
            let todo = "look at its receiver; it is tried again by itself";
            findings.push(Finding::warn(CHECK, says, todo));
        }
        if !store
            .dead_letters(webhook.tenant, &webhook.id, 0, 1)
            .await?
            .is_empty()
        {
            let says = format!("{what} has events that were given up");
            let todo = "`nameplate webhook redeliver` sends them again";
            findings.push(Finding::warn(CHECK, says, todo));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use nameplate_store::memory::MemoryStore;

    use super::super::State;
    use super::*;
    use crate::clock::Sources;
    use crate::setup;

    async fn store() -> (MemoryStore, Timestamp) {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        setup::init(&store, &sources, "acme", "okta").await.unwrap();
        (store, sources.clock.now())
    }

    async fn worst(store: &MemoryStore, name: &str, now: Timestamp) -> Option<State> {
        let findings = check(store, now).await;
        let of = findings.iter().filter(|finding| finding.check == name);
        of.map(|finding| finding.state).max()
    }

    #[tokio::test]
    async fn a_fresh_installation_waits_for_its_identity_provider_and_nothing_else() {
        let (store, now) = store().await;
        let findings = check(&store, now).await;
        let told = findings.iter().filter(|finding| finding.state > State::Ok);
        let told: Vec<_> = told.map(|finding| finding.check).collect();
        assert_eq!(told, ["connections"], "{findings:?}");
    }

    #[tokio::test]
    async fn a_token_that_nobody_uses_is_told_after_a_week() {
        let (store, now) = store().await;
        assert_eq!(worst(&store, "tokens", now + 6 * DAY).await, None);
        let after = worst(&store, "tokens", now + 8 * DAY).await;
        assert_eq!(after, Some(State::Warn));
    }

    #[tokio::test]
    async fn a_token_is_told_before_it_ends_and_when_it_has_while_in_use() {
        let (store, now) = store().await;
        let tenant = store.tenants().await.unwrap().remove(0);
        let mut used = store.tokens(tenant.id).await.unwrap().remove(0);
        used.last_used = Some(now);
        let mut at = |expires: Timestamp| {
            used.expires = Some(expires);
            token(&tenant, &used, now).map(|finding| finding.state)
        };
        assert_eq!(at(now + 31 * DAY), None);
        assert_eq!(at(now + 29 * DAY), Some(State::Warn));
        assert_eq!(at(now - 1), Some(State::Fail));
        used.last_used = Some(now - 9 * DAY);
        used.expires = Some(now - 2 * DAY);
        assert_eq!(token(&tenant, &used, now), None, "it was replaced in time");
    }

    #[tokio::test]
    async fn a_tenant_without_a_connection_is_told() {
        let (store, now) = store().await;
        setup::add_tenant(&store, &Sources::default(), "empty")
            .await
            .unwrap();
        let findings = check(&store, now).await;
        assert!(
            findings
                .iter()
                .any(|finding| finding.says.contains("`empty` has no connection"))
        );
    }
}
