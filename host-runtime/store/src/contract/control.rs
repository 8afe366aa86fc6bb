//! Tenants, connections, tokens and the request log.

use super::Backend;
use super::place::Place;
use crate::{
    Access, Caller, ConnectionEdit, LogNote, NoteLevel, RequestEntry, RequestQuery, Retention,
    StoreError, TenantChange, TenantChanged, TenantId, Token, TokenAdded, TokenScope,
};

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
    let set = |settings: &str| TenantChange {
        settings: Some(settings.to_owned()),
        ..TenantChange::default()
    };
    let changed = store.change_tenant(at.tenant, set("{\"a\":1}")).await;
    assert_eq!(changed.unwrap(), TenantChanged::Changed);
    assert_eq!(read().await.settings, "{\"a\":1}");
    let all = store.tenants().await.unwrap();
    assert!(all.contains(&read().await));
    let nobody = TenantId(9999);
    assert_eq!(store.tenant(nobody).await.unwrap(), None);
    let unknown = store.change_tenant(nobody, set("{}")).await.unwrap();
    assert_eq!(unknown, TenantChanged::Unknown);
    assert!(matches!(
        store.change_tenant(at.tenant, set("[]")).await,
        Err(StoreError::Invalid(_))
    ));
}

pub async fn the_revision_goes_up_with_every_change<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let id = at.okta.connection.unwrap();
    let read = async || store.connections(at.tenant).await.unwrap().remove(0);
    let first = read().await.revision;
    let edit = |dialect: &str, reactivate, settings: &str| ConnectionEdit {
        dialect: Some(dialect.to_owned()),
        reactivate_inactive: Some(reactivate),
        settings: Some(settings.to_owned()),
        ..ConnectionEdit::default()
    };
    let change = async |edit| store.change_connection(id, edit).await.unwrap();
    assert!(change(edit("auto", true, "{}")).await);
    assert!(change(ConnectionEdit::default()).await);
    assert_eq!(read().await.revision, first);
    assert!(change(edit("entra", false, "{\"a\":1}")).await);
    let changed = read().await;
    assert_eq!(
        (changed.dialect.as_str(), changed.reactivate_inactive),
        ("entra", false)
    );
    assert_eq!(
        (changed.settings.as_str(), changed.revision),
        ("{\"a\":1}", first + 1)
    );
    let unknown = crate::ConnectionId(9999);
    assert!(
        !store
            .change_connection(unknown, edit("auto", true, "{}"))
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
        access: Access::Read,
        note: "für Okta".to_owned(),
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
    let add = async |token| store.add_token(token, 2).await.unwrap();
    assert_eq!(add(scim.clone()).await, TokenAdded::Added);
    assert_eq!(add(admin.clone()).await, TokenAdded::Added);
    let again = Token {
        created: 1,
        ..scim.clone()
    };
    assert_eq!(add(again).await, TokenAdded::IdTaken);
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
            store.add_token(bad, 2).await,
            Err(StoreError::Invalid(_))
        ));
    }
    store.add_token(token(&at, "t1"), 2).await.unwrap();
    assert!(!store.revoke_token(other.tenant, "t1", 20).await.unwrap());
    assert!(store.tokens(other.tenant).await.unwrap().is_empty());
}

pub async fn a_token_is_revoked_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "t1"), 2).await.unwrap();
    assert!(store.revoke_token(at.tenant, "t1", 20).await.unwrap());
    assert!(!store.revoke_token(at.tenant, "t1", 30).await.unwrap());
    assert!(!store.revoke_token(at.tenant, "t2", 30).await.unwrap());
    assert_eq!(store.token("t1").await.unwrap().unwrap().revoked, Some(20));
}

pub async fn the_last_use_never_goes_backwards<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.add_token(token(&at, "t1"), 2).await.unwrap();
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
    let note = |level, code: &str| LogNote {
        level,
        code: code.to_owned(),
        text: format!("\"{code}\", größer"),
    };
    RequestEntry {
        request_id: format!("r{path}"),
        method: "PATCH".to_owned(),
        path: path.to_owned(),
        status: 413,
        micros: 42,
        guest_micros: 7,
        detail: "too large, größer".to_owned(),
        notes: vec![note(NoteLevel::Action, "a"), note(NoteLevel::Warning, "b")],
        caller: Caller::Token("t1".to_owned()),
        user_agent: "okta/1".to_owned(),
        from_idp,
        ..RequestEntry::of(tenant, at)
    }
}

/// The newest lines are kept, however old they are.
fn lines(lines: u64) -> Retention {
    Retention { lines, since: 0 }
}

pub async fn the_request_log_keeps_the_newest_lines<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store
        .log_requests(vec![entry(other.tenant, 1, "/other", true)], &lines(3))
        .await
        .unwrap();
    for batch in [&["/1", "/2"][..], &["/3", "/4", "/5"]] {
        let entries = batch
            .iter()
            .map(|path| entry(at.tenant, 10, path, true))
            .collect();
        store.log_requests(entries, &lines(3)).await.unwrap();
    }
    let found = store
        .requests(at.tenant, &RequestQuery::newest(10))
        .await
        .unwrap();
    let paths: Vec<&str> = found.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(paths, ["/5", "/4", "/3"]);
    assert!(found[0].id > found[1].id && found[1].id > found[2].id && found[2].id > 0);
    let expected = RequestEntry {
        id: found[2].id,
        ..entry(at.tenant, 10, "/3", true)
    };
    assert_eq!(found[2], expected);
    let query = RequestQuery {
        before: Some(found[0].id),
        ..RequestQuery::newest(1)
    };
    let below = store.requests(at.tenant, &query).await.unwrap();
    assert_eq!(below, found[1..2]);
    assert_eq!(
        store
            .requests(other.tenant, &RequestQuery::newest(10))
            .await
            .unwrap()
            .len(),
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
    store.log_requests(entries, &lines(100)).await.unwrap();
    let last = store.last_idp_request(at.tenant).await.unwrap().unwrap();
    assert_eq!(last.path, "/newest");
}

pub async fn the_last_request_of_the_provider_is_never_trimmed<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let log = async |new| store.log_requests(new, &lines(2)).await.unwrap();
    let paths = async || -> Vec<String> {
        let found = store
            .requests(at.tenant, &RequestQuery::newest(10))
            .await
            .unwrap();
        found.into_iter().map(|line| line.path).collect()
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
