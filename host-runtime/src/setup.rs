//! Making tenants and connections: the same steps for the first start, for
//! `nameplate init` and for a program that embeds the runtime.

use anyhow::{Result, anyhow, bail};
use nameplate_store::{Connection, ControlStore, Tenant, TenantId};

use crate::clock::Sources;
use crate::tokens::{TokenWish, add_token};

/// What a new connection needs to be used.
pub struct Credentials {
    /// For the identity provider. Shown once.
    pub scim_token: String,
    /// For the device-management server and for people. Shown once.
    pub admin_token: String,
}

/// Makes what is missing of a tenant and a connection, and tokens for both. None,
/// and nothing is changed, if both exist and the tenant has a token.
///
/// # Errors
/// A name that cannot be one, or trouble with the store.
pub async fn init(
    control: &dyn ControlStore,
    sources: &Sources,
    tenant: &str,
    connection: &str,
) -> Result<Option<Credentials>> {
    check_name("tenant", tenant)?;
    check_name("connection", connection)?;
    let tenant = match find_tenant(control, tenant).await? {
        Some(found) => found,
        None => add_tenant(control, sources, tenant).await?,
    };
    let connections = control.connections(tenant.id).await?;
    let found = connections
        .into_iter()
        .find(|known| known.name == connection);
    // Without a token nobody has been told of them: an earlier start was cut off.
    if found.is_some() && !control.tokens(tenant.id).await?.is_empty() {
        return Ok(None);
    }
    let connection = match found {
        Some(found) => found,
        None => add_connection(control, sources, tenant.id, connection, "auto").await?,
    };
    let token = async |connection| {
        let made = add_token(control, sources, TokenWish::new(tenant.id, connection)).await?;
        anyhow::Ok(made.text)
    };
    Ok(Some(Credentials {
        scim_token: token(Some(connection.id)).await?,
        admin_token: token(None).await?,
    }))
}

/// The tenant of that name.
///
/// # Errors
/// Trouble with the store.
pub async fn find_tenant(control: &dyn ControlStore, name: &str) -> Result<Option<Tenant>> {
    Ok(control.tenant_named(name).await?)
}

/// Adds a tenant.
///
/// # Errors
/// A name that cannot be one or is taken, or trouble with the store.
pub async fn add_tenant(
    control: &dyn ControlStore,
    sources: &Sources,
    name: &str,
) -> Result<Tenant> {
    check_name("tenant", name)?;
    let added = control.add_tenant(sources.clock.now(), name).await?;
    added.ok_or_else(|| anyhow!("there is a tenant `{name}` already"))
}

/// Adds a connection.
///
/// # Errors
/// A name that cannot be one or is taken, or trouble with the store.
pub async fn add_connection(
    control: &dyn ControlStore,
    sources: &Sources,
    tenant: TenantId,
    name: &str,
    dialect: &str,
) -> Result<Connection> {
    check_name("connection", name)?;
    check_name("dialect", dialect)?;
    let now = sources.clock.now();
    let added = control.add_connection(now, tenant, name, dialect).await?;
    added.ok_or_else(|| anyhow!("the tenant has a connection `{name}` already"))
}

/// Names stand in URLs of tools and on command lines: `[a-z0-9-]`, 1 to 63 bytes.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let fine = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fine {
        bail!("`{name}` cannot name a {what}: use 1 to 63 lower-case letters, digits and hyphens");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use nameplate_store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_second_init_changes_nothing() {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        let made = init(&store, &sources, "default", "okta").await.unwrap();
        assert!(made.is_some());
        assert!(
            init(&store, &sources, "default", "okta")
                .await
                .unwrap()
                .is_none()
        );
        let tenant = find_tenant(&store, "default").await.unwrap().unwrap();
        assert_eq!(store.tokens(tenant.id).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn another_connection_of_a_tenant_that_exists_is_made() {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        init(&store, &sources, "default", "okta").await.unwrap();
        let made = init(&store, &sources, "default", "entra").await.unwrap();
        assert!(made.is_some());
        assert_eq!(store.tenants().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn names_that_cannot_be_one_are_refused() {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        for name in ["", "Ana", "a b", "é", &"x".repeat(64)] {
            assert!(add_tenant(&store, &sources, name).await.is_err(), "{name}");
        }
        assert!(add_tenant(&store, &sources, "x").await.is_ok());
        let taken = add_tenant(&store, &sources, "x").await.unwrap_err();
        assert_eq!(taken.to_string(), "there is a tenant `x` already");
    }
}
