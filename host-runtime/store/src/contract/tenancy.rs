//! What an operator sets of tenants and connections, and which tokens are live.

use super::Backend;
use super::place::{Place, race};
use crate::{
    Access, ConnectionEdit, StoreError, TenantChange, TenantChanged, TenantId, Token, TokenAdded,
    TokenRotated, TokenScope,
};

fn hosts(names: &[&str]) -> TenantChange {
    TenantChange {
        host_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..TenantChange::default()
    }
}

fn plugin(hash: Option<[u8; 32]>) -> TenantChange {
    TenantChange {
        plugin: Some(hash),
        ..TenantChange::default()
    }
}

pub async fn a_tenant_is_found_by_name_and_by_host_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let change = store.change_tenant(at.tenant, hosts(&["scim.acme.test", "a.test"]));
    assert_eq!(change.await.unwrap(), TenantChanged::Changed);
    let acme = store.tenant(at.tenant).await.unwrap();
    assert_eq!(
        acme.as_ref().unwrap().host_names,
        ["a.test", "scim.acme.test"]
    );
    assert_eq!(store.tenant_named("acme").await.unwrap(), acme);
    assert_eq!(store.tenant_of_host("a.test").await.unwrap(), acme);
    assert_eq!(store.tenants().await.unwrap(), [acme.unwrap()]);
    for nobody in ["", "A.test", "test", "acme"] {
        assert_eq!(store.tenant_of_host(nobody).await.unwrap(), None);
    }
    assert_eq!(store.tenant_named("a.test").await.unwrap(), None);
}

pub async fn a_host_name_belongs_to_one_tenant<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let set = async |tenant, names: &[&str]| store.change_tenant(tenant, hosts(names)).await;
    let changed = TenantChanged::Changed;
    assert_eq!(
        set(at.tenant, &["a.test", "b.test"]).await.unwrap(),
        changed
    );
    // A name of its own may be given again.
    assert_eq!(set(at.tenant, &["b.test"]).await.unwrap(), changed);
    assert_eq!(
        set(other.tenant, &["c.test", "b.test"]).await.unwrap(),
        TenantChanged::HostTaken("b.test".to_owned())
    );
    assert_eq!(set(other.tenant, &["a.test"]).await.unwrap(), changed);
    assert_eq!(store.tenant_of_host("c.test").await.unwrap(), None);
    let found = store.tenant_of_host("a.test").await.unwrap().unwrap();
    assert_eq!(found.id, other.tenant);
}

pub async fn a_refused_change_leaves_the_tenant_as_it_was<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store
        .change_tenant(at.tenant, hosts(&["a.test"]))
        .await
        .unwrap();
    let before = store.tenant(other.tenant).await.unwrap();
    let change = TenantChange {
        suspended: Some(true),
        limits: Some("{\"users\":1}".to_owned()),
        ..hosts(&["a.test"])
    };
    let refused = store.change_tenant(other.tenant, change).await.unwrap();
    assert_eq!(refused, TenantChanged::HostTaken("a.test".to_owned()));
    assert_eq!(store.tenant(other.tenant).await.unwrap(), before);
    let unknown = store
        .change_tenant(TenantId(9999), hosts(&["a.test"]))
        .await;
    assert_eq!(unknown.unwrap(), TenantChanged::Unknown);
}

pub async fn another_plugin_makes_the_old_one_the_previous<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let (one, two) = (Some([1; 32]), Some([2; 32]));
    let set = async |hash| {
        let changed = store.change_tenant(at.tenant, plugin(hash)).await;
        assert_eq!(changed.unwrap(), TenantChanged::Changed);
        let tenant = store.tenant(at.tenant).await.unwrap().unwrap();
        (tenant.plugin, tenant.previous_plugin)
    };
    assert_eq!(set(one).await, (one, None));
    assert_eq!(set(two).await, (two, one));
    assert_eq!(set(two).await, (two, one), "the same again");
    assert_eq!(set(None).await, (None, two));
    assert_eq!(set(two).await, (two, None));
}

pub async fn what_a_change_does_not_name_stays<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let all = TenantChange {
        settings: Some("{\"a\":1}".to_owned()),
        limits: Some("{\"users\":5}".to_owned()),
        suspended: Some(true),
        plugin: Some(Some([7; 32])),
        ..hosts(&["a.test"])
    };
    store.change_tenant(at.tenant, all).await.unwrap();
    let set = store.tenant(at.tenant).await.unwrap().unwrap();
    assert_eq!(
        (set.settings.as_str(), set.limits.as_str(), set.suspended),
        ("{\"a\":1}", "{\"users\":5}", true)
    );
    let nothing = TenantChange::default();
    store.change_tenant(at.tenant, nothing).await.unwrap();
    assert_eq!(store.tenant(at.tenant).await.unwrap().unwrap(), set);
}

pub async fn connections_are_found_by_issuer<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let issuer = |name: &str| ConnectionEdit {
        issuer: Some(name.to_owned()),
        ..ConnectionEdit::default()
    };
    let set = async |scope: crate::Scope, name| {
        let connection = scope.connection.unwrap();
        assert!(
            store
                .change_connection(connection, issuer(name))
                .await
                .unwrap()
        );
        connection
    };
    let entra = set(at.entra, "https://a.test").await;
    let okta = set(other.okta, "https://a.test").await;
    set(at.okta, "https://b.test").await;
    let of = async |issuer| -> Vec<_> {
        let found = store.connections_of_issuer(issuer).await.unwrap();
        found.iter().map(|connection| connection.id).collect()
    };
    let mut found = of("https://a.test").await;
    found.sort();
    assert_eq!(found, [entra, okta]);
    assert!(of("").await.is_empty());
    assert!(of("https://A.test").await.is_empty());
}

pub async fn what_the_plugin_never_sees_raises_no_revision<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let id = at.okta.connection.unwrap();
    let read = async || store.connections(at.tenant).await.unwrap().remove(0);
    let before = read().await;
    assert_eq!(
        (
            before.auth.as_str(),
            before.issuer.as_str(),
            before.record_until
        ),
        ("{}", "", None)
    );
    let edit = ConnectionEdit {
        auth: Some("{\"audience\":\"x\"}".to_owned()),
        issuer: Some("https://a.test".to_owned()),
        record_until: Some(Some(99)),
        ..ConnectionEdit::default()
    };
    assert!(store.change_connection(id, edit).await.unwrap());
    let after = read().await;
    assert_eq!(after.revision, before.revision);
    assert_eq!(
        (
            after.auth.as_str(),
            after.issuer.as_str(),
            after.record_until
        ),
        ("{\"audience\":\"x\"}", "https://a.test", Some(99))
    );
    let stop = ConnectionEdit {
        record_until: Some(None),
        ..ConnectionEdit::default()
    };
    assert!(store.change_connection(id, stop).await.unwrap());
    let expected = crate::Connection {
        record_until: None,
        ..after
    };
    assert_eq!(read().await, expected);
}

pub async fn names_of_hosts_and_objects_are_checked<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let refused = async |change| {
        let answer = store.change_tenant(at.tenant, change).await;
        matches!(answer, Err(StoreError::Invalid(_)))
    };
    let long = "a".repeat(254);
    for name in ["", "A.test", "a.test:443", "a test", "ä.test", &long] {
        assert!(refused(hosts(&[name])).await, "{name}");
    }
    assert!(refused(hosts(&["a.test", "a.test"])).await);
    let many: Vec<String> = (0..65).map(|n| format!("h{n}.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(refused(hosts(&many)).await);
    assert!(!refused(hosts(&many[..64])).await);
    for json in ["", "[]", "1"] {
        let limits = TenantChange {
            limits: Some(json.to_owned()),
            ..TenantChange::default()
        };
        assert!(refused(limits).await, "{json}");
        let auth = ConnectionEdit {
            auth: Some(json.to_owned()),
            ..ConnectionEdit::default()
        };
        let answer = store
            .change_connection(at.okta.connection.unwrap(), auth)
            .await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))), "{json}");
    }
}

fn token<S>(at: &Place<'_, S>, id: &str, created: u64, expires: Option<u64>) -> Token {
    Token {
        id: id.to_owned(),
        tenant: at.tenant,
        connection: at.okta.connection,
        scope: TokenScope::Scim,
        access: Access::Write,
        note: String::new(),
        secret_sha256: [7; 32],
        created,
        expires,
        revoked: None,
        last_used: None,
    }
}

pub async fn as_many_tokens_are_live_as_may_be<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let add = async |token| store.add_token(token, 2).await.unwrap();
    assert_eq!(add(token(&at, "a", 10, None)).await, TokenAdded::Added);
    assert_eq!(add(token(&at, "b", 10, Some(50))).await, TokenAdded::Added);
    assert_eq!(add(token(&at, "c", 49, None)).await, TokenAdded::TooMany);
    assert_eq!(store.token("c").await.unwrap(), None);
    // Another connection and another scope have their own.
    let entra = Token {
        connection: at.entra.connection,
        ..token(&at, "d", 10, None)
    };
    let admin = Token {
        connection: None,
        scope: TokenScope::Admin,
        ..token(&at, "e", 10, None)
    };
    assert_eq!(add(entra).await, TokenAdded::Added);
    assert_eq!(add(admin).await, TokenAdded::Added);
    // At 50 `b` is not accepted any more.
    assert_eq!(add(token(&at, "c", 50, None)).await, TokenAdded::Added);
    assert_eq!(add(token(&at, "f", 60, None)).await, TokenAdded::TooMany);
    assert!(store.revoke_token(at.tenant, "a", 60).await.unwrap());
    assert_eq!(add(token(&at, "f", 60, None)).await, TokenAdded::Added);
}

pub async fn of_many_who_add_a_token_no_more_get_in<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let ids: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    let adds = ids
        .iter()
        .map(|id| store.add_token(token(&at, id, 1, None), 2));
    let answers = race(adds).await;
    let added = answers
        .into_iter()
        .filter(|answer| matches!(answer, Ok(TokenAdded::Added)));
    assert_eq!(added.count(), 2);
    assert_eq!(store.tokens(at.tenant).await.unwrap().len(), 2);
}

pub async fn a_token_and_its_successor_are_live_together<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "a", 10, None), 2).await.unwrap();
    let rotate = async |old: &'static str, new: Token, ends| {
        store
            .rotate_token(at.tenant, old, new, ends, 2)
            .await
            .unwrap()
    };
    let expires = async |id| store.token(id).await.unwrap().unwrap().expires;
    let next = token(&at, "b", 20, None);
    assert_eq!(rotate("a", next.clone(), 100).await, TokenRotated::Rotated);
    assert_eq!(expires("a").await, Some(100));
    assert_eq!(store.token("b").await.unwrap(), Some(next));
    // No second successor while both are live, but one when the old one has ended.
    let third = token(&at, "c", 99, None);
    assert_eq!(rotate("b", third.clone(), 200).await, TokenRotated::TooMany);
    let third = Token {
        created: 100,
        ..third
    };
    assert_eq!(rotate("b", third, 200).await, TokenRotated::Rotated);
    // An end that is earlier already stays; one at once makes room.
    let fourth = token(&at, "d", 150, None);
    assert_eq!(rotate("b", fourth, 150).await, TokenRotated::Rotated);
    assert_eq!(expires("b").await, Some(150));
    store.revoke_token(at.tenant, "c", 151).await.unwrap();
    store.revoke_token(at.tenant, "d", 151).await.unwrap();
    store
        .add_token(token(&at, "e", 160, Some(170)), 2)
        .await
        .unwrap();
    let last = token(&at, "f", 165, None);
    assert_eq!(rotate("e", last, 900).await, TokenRotated::Rotated);
    assert_eq!(expires("e").await, Some(170));
}

pub async fn a_rotation_that_is_refused_changes_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "a", 10, None), 2).await.unwrap();
    store.add_token(token(&at, "b", 10, None), 2).await.unwrap();
    let before = store.tokens(at.tenant).await.unwrap();
    for (new, expected) in [
        (token(&at, "c", 20, None), TokenRotated::TooMany),
        (token(&at, "b", 20, None), TokenRotated::IdTaken),
    ] {
        let answer = store.rotate_token(at.tenant, "a", new, 30, 2).await;
        assert_eq!(answer.unwrap(), expected);
        assert_eq!(store.tokens(at.tenant).await.unwrap(), before);
    }
}

pub async fn only_a_live_token_of_the_tenant_is_rotated<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for (id, expires) in [("a", None), ("gone", Some(15))] {
        store
            .add_token(token(&at, id, 10, expires), 9)
            .await
            .unwrap();
    }
    store
        .add_token(token(&at, "off", 10, None), 9)
        .await
        .unwrap();
    store.revoke_token(at.tenant, "off", 11).await.unwrap();
    let entra = Token {
        connection: at.entra.connection,
        ..token(&at, "n", 20, None)
    };
    let new = || token(&at, "n", 20, None);
    for (tenant, old, new) in [
        (at.tenant, "nope", new()),
        (at.tenant, "gone", new()),
        (at.tenant, "off", new()),
        (at.tenant, "a", entra),
        (other.tenant, "a", new()),
        (other.tenant, "a", token(&other, "n", 20, None)),
    ] {
        let answer = store.rotate_token(tenant, old, new, 30, 9).await.unwrap();
        assert_eq!(answer, TokenRotated::Unknown, "{old}");
    }
    assert_eq!(store.token("a").await.unwrap().unwrap().expires, None);
    assert_eq!(store.token("n").await.unwrap(), None);
}

pub async fn tokens_that_end_soon_are_found<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let all = [
        token(&at, "later", 1, Some(90)),
        token(&at, "never", 1, None),
        token(&at, "past", 1, Some(20)),
        token(&at, "soon", 1, Some(30)),
        token(&at, "off", 1, Some(40)),
        token(&other, "theirs", 1, Some(25)),
    ];
    for token in all {
        assert_eq!(store.add_token(token, 9).await.unwrap(), TokenAdded::Added);
    }
    store.revoke_token(at.tenant, "off", 2).await.unwrap();
    let ending = async |tenant, until| -> Vec<String> {
        let found = store.expiring_tokens(tenant, 20, until).await.unwrap();
        found.into_iter().map(|token| token.id).collect()
    };
    assert_eq!(ending(Some(at.tenant), 89).await, ["soon"]);
    assert_eq!(ending(Some(at.tenant), 90).await, ["soon", "later"]);
    assert_eq!(ending(None, 30).await, ["theirs", "soon"]);
    assert!(ending(None, 24).await.is_empty());
    assert_eq!(ending(Some(at.tenant), u64::MAX).await, ["soon", "later"]);
}
