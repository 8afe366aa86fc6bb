//! Tenants, connections, tokens and the request log.

use super::Backend;
use super::place::Place;
use crate::{RequestEntry, StoreError, TenantId, Token, TokenScope};

pub async fn names_are_taken_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    assert!(store.add_tenant(5, "acme").await.unwrap().is_none());
    let beta = store.add_tenant(5, "aaa").await.unwrap().unwrap();
    assert_eq!((beta.name.as_str(), beta.created), ("aaa", 5));
    let names: Vec<String> = store
        .tenants()
        .await
        .unwrap()
        .into_iter()
        .map(|tenant| tenant.name)
        .collect();
    assert_eq!(names, ["aaa", "acme"]);
    assert!(
        store
            .add_connection(5, at.tenant, "okta", "auto")
            .await
            .unwrap()
            .is_none()
    );
    let okta = store
        .add_connection(5, beta.id, "okta", "entra")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (okta.tenant, okta.dialect.as_str(), okta.created),
        (beta.id, "entra", 5)
    );
    assert!(okta.reactivate_inactive);
    assert_eq!(okta.settings, "{}");
    assert_eq!(store.connections(beta.id).await.unwrap(), [okta]);
    let order: Vec<String> = store
        .connections(at.tenant)
        .await
        .unwrap()
        .into_iter()
        .map(|connection| connection.name)
        .collect();
    assert_eq!(order, ["okta", "entra"], "oldest first");
}

pub async fn a_tenant_keeps_its_settings<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let read = async || store.tenant(at.tenant).await.unwrap().unwrap();
    assert_eq!(read().await.settings, "{}");
    assert!(store.set_tenant(at.tenant, "{\"a\":1}").await.unwrap());
    assert_eq!(read().await.settings, "{\"a\":1}");
    let all = store.tenants().await.unwrap();
    assert!(all.contains(&read().await));
    let nobody = TenantId(9999);
    assert_eq!(store.tenant(nobody).await.unwrap(), None);
    assert!(!store.set_tenant(nobody, "{}").await.unwrap());
    assert!(matches!(
        store.set_tenant(at.tenant, "[]").await,
        Err(StoreError::Invalid(_))
    ));
}

pub async fn the_revision_goes_up_with_every_change<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let id = at.okta.connection.unwrap();
    let read = async || store.connections(at.tenant).await.unwrap().remove(0);
    let first = read().await.revision;
    assert!(store.set_connection(id, "auto", true, "{}").await.unwrap());
    assert_eq!(read().await.revision, first);
    assert!(
        store
            .set_connection(id, "entra", false, "{\"a\":1}")
            .await
            .unwrap()
    );
    let changed = read().await;
    assert_eq!(
        (changed.dialect.as_str(), changed.reactivate_inactive),
        ("entra", false)
    );
    assert_eq!(
        (changed.settings.as_str(), changed.revision),
        ("{\"a\":1}", first + 1)
    );
    assert!(
        !store
            .set_connection(crate::ConnectionId(9999), "auto", true, "{}")
            .await
            .unwrap()
    );
}

fn token<S>(at: &Place<'_, S>, id: &str) -> Token {
    Token {
        id: id.to_owned(),
        tenant: at.tenant,
        connection: at.okta.connection,
        scope: TokenScope::Scim,
        secret_sha256: [7; 32],
        created: 10,
        expires: Some(99),
        revoked: None,
        last_used: None,
    }
}

pub async fn a_token_is_kept_without_loss<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let scim = token(&at, "t1");
    let admin = Token {
        connection: None,
        scope: TokenScope::Admin,
        expires: None,
        created: 5,
        ..token(&at, "t2")
    };
    assert!(store.add_token(scim.clone()).await.unwrap());
    assert!(store.add_token(admin.clone()).await.unwrap());
    assert!(
        !store
            .add_token(Token {
                created: 1,
                ..scim.clone()
            })
            .await
            .unwrap()
    );
    assert_eq!(store.token("t1").await.unwrap().as_ref(), Some(&scim));
    assert_eq!(store.token("T1").await.unwrap(), None);
    assert_eq!(store.tokens(at.tenant).await.unwrap(), [admin, scim]);
}

pub async fn a_token_belongs_to_its_tenant<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let crossed = Token {
        connection: other.okta.connection,
        ..token(&at, "t1")
    };
    let unknown = Token {
        tenant: TenantId(9999),
        ..token(&at, "t1")
    };
    let loose = Token {
        connection: None,
        ..token(&at, "t1")
    };
    for bad in [crossed, unknown, loose] {
        assert!(matches!(
            store.add_token(bad).await,
            Err(StoreError::Invalid(_))
        ));
    }
    store.add_token(token(&at, "t1")).await.unwrap();
    assert!(!store.revoke_token(other.tenant, "t1", 20).await.unwrap());
    assert!(store.tokens(other.tenant).await.unwrap().is_empty());
}

pub async fn a_token_is_revoked_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "t1")).await.unwrap();
    assert!(store.revoke_token(at.tenant, "t1", 20).await.unwrap());
    assert!(!store.revoke_token(at.tenant, "t1", 30).await.unwrap());
    assert!(!store.revoke_token(at.tenant, "t2", 30).await.unwrap());
    assert_eq!(store.token("t1").await.unwrap().unwrap().revoked, Some(20));
}

pub async fn the_last_use_never_goes_backwards<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "t1")).await.unwrap();
    let uses = [
        ("t1".to_owned(), 50),
        ("t1".to_owned(), 40),
        ("nope".to_owned(), 9),
    ];
    store.touch_tokens(&uses).await.unwrap();
    assert_eq!(
        store.token("t1").await.unwrap().unwrap().last_used,
        Some(50)
    );
}

fn entry(tenant: TenantId, at: u64, path: &str, from_idp: bool) -> RequestEntry {
    RequestEntry {
        id: 0,
        tenant,
        connection: None,
        at,
        method: "PATCH".to_owned(),
        path: path.to_owned(),
        status: 413,
        micros: 42,
        detail: "too large, größer".to_owned(),
        notes: vec!["one".to_owned(), "\"two\"".to_owned()],
        from_idp,
    }
}

pub async fn the_request_log_keeps_the_newest_lines<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store
        .log_requests(vec![entry(other.tenant, 1, "/other", true)], 3)
        .await
        .unwrap();
    for batch in [&["/1", "/2"][..], &["/3", "/4", "/5"]] {
        let entries = batch
            .iter()
            .map(|path| entry(at.tenant, 10, path, true))
            .collect();
        store.log_requests(entries, 3).await.unwrap();
    }
    let lines = store.requests(at.tenant, None, 10).await.unwrap();
    let paths: Vec<&str> = lines.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(paths, ["/5", "/4", "/3"]);
    assert!(lines[0].id > lines[1].id && lines[1].id > lines[2].id && lines[2].id > 0);
    let expected = RequestEntry {
        id: lines[2].id,
        ..entry(at.tenant, 10, "/3", true)
    };
    assert_eq!(lines[2], expected);
    let below = store
        .requests(at.tenant, Some(lines[0].id), 1)
        .await
        .unwrap();
    assert_eq!(below, lines[1..2]);
    assert_eq!(
        store.requests(other.tenant, None, 10).await.unwrap().len(),
        1
    );
}

pub async fn the_last_request_is_the_newest_of_the_provider<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    assert!(store.last_idp_request(at.tenant).await.unwrap().is_none());
    let entries = vec![
        entry(at.tenant, 30, "/newest-first-stored", true),
        entry(at.tenant, 20, "/older", true),
        entry(at.tenant, 30, "/newest", true),
        entry(at.tenant, 99, "/admin", false),
        entry(other.tenant, 99, "/other", true),
    ];
    store.log_requests(entries, 100).await.unwrap();
    let last = store.last_idp_request(at.tenant).await.unwrap().unwrap();
    assert_eq!(last.path, "/newest");
}

pub async fn the_last_request_of_the_provider_is_never_trimmed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let log = async |lines: Vec<RequestEntry>| store.log_requests(lines, 2).await.unwrap();
    let paths = async || -> Vec<String> {
        let lines = store.requests(at.tenant, None, 10).await.unwrap();
        lines.into_iter().map(|line| line.path).collect()
    };
    // The newest by time came first: the clock may have been set back.
    log(vec![
        entry(at.tenant, 30, "/idp", true),
        entry(at.tenant, 20, "/older", true),
    ])
    .await;
    for number in 0..5 {
        let path = format!("/admin{number}");
        log(vec![entry(at.tenant, 40 + number, &path, false)]).await;
    }
    let last = store.last_idp_request(at.tenant).await.unwrap().unwrap();
    assert_eq!((last.path.as_str(), last.at), ("/idp", 30));
    assert_eq!(paths().await, ["/admin4", "/admin3", "/idp"]);
    log(vec![entry(at.tenant, 50, "/newer", true)]).await;
    assert_eq!(paths().await, ["/newer", "/admin4"]);
}
