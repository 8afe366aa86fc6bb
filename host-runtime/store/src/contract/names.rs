//! Hosts by name, their number, and promises to names.

use super::Backend;
use super::hosts::record;
use super::place::Place;
use crate::{HostName, HostRecord, Promise, StoreError, TenantId};

fn serial(value: &str) -> HostName {
    HostName::Serial(value.to_owned())
}

fn name(value: &str) -> HostName {
    HostName::Name(value.to_owned())
}

fn promise(name: HostName, username: &str, since: u64) -> Promise {
    Promise {
        name,
        username: username.to_owned(),
        email: format!("{username}@example.com"),
        full_name: "Ana Díaz".to_owned(),
        since,
    }
}

async fn host<S: Backend>(at: &Place<'_, S>, id: &str, serial: &str, display_name: &str) {
    let host = HostRecord {
        serial: serial.to_owned(),
        display_name: display_name.to_owned(),
        ..record(id)
    };
    at.store.put_host(at.tenant, 1, host).await.unwrap();
}

async fn named<S: Backend>(at: &Place<'_, S>, name: HostName) -> Vec<String> {
    let found = at.store.hosts_named(at.tenant, &name, None, 10).await;
    found.unwrap()
}

pub async fn hosts_are_found_by_serial_and_by_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    host(&at, "h1", "C02XY", "Ana's Mac").await;
    host(&at, "h2", "5CG", "C02XY").await;
    assert_eq!(named(&at, serial("C02XY")).await, ["h1"]);
    assert_eq!(named(&at, name("C02XY")).await, ["h2"]);
    assert_eq!(named(&at, name("Ana's Mac")).await, ["h1"]);
    assert!(named(&at, serial("C02")).await.is_empty());
}

pub async fn names_are_compared_trimmed_and_without_ascii_case<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    host(&at, "h1", "  C02xy\t", "MÜLLER-pc").await;
    for same in ["C02XY", "c02xy", "\r\n c02Xy \x0c"] {
        assert_eq!(named(&at, serial(same)).await, ["h1"], "{same:?}");
    }
    assert_eq!(named(&at, name("mÜller-PC")).await, ["h1"]);
    assert!(
        named(&at, name("müller-pc")).await.is_empty(),
        "no case but that of ascii"
    );
    assert!(named(&at, serial("C02 XY")).await.is_empty());
}

pub async fn an_empty_name_is_no_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    host(&at, "h1", "", " \t ").await;
    for empty in ["", " ", "\n"] {
        assert!(named(&at, serial(empty)).await.is_empty());
        assert!(named(&at, name(empty)).await.is_empty());
    }
}

/// `%`, `_` and a quote are letters like others, and so is a byte of zero.
pub async fn a_name_is_no_pattern<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for (id, serial) in [("h1", "a%"), ("h2", "ab"), ("h3", "a\0b"), ("h4", "a'--")] {
        host(&at, id, serial, id).await;
    }
    assert_eq!(named(&at, serial("A%")).await, ["h1"]);
    assert!(named(&at, serial("a_")).await.is_empty());
    assert_eq!(named(&at, serial("A\0B")).await, ["h3"]);
    assert_eq!(named(&at, serial("A'--")).await, ["h4"]);
}

pub async fn a_renamed_host_is_found_by_its_new_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    host(&at, "h1", "S1", "old").await;
    host(&at, "h1", "S2", "new").await;
    assert!(named(&at, serial("S1")).await.is_empty() && named(&at, name("old")).await.is_empty());
    assert_eq!(named(&at, serial("s2")).await, ["h1"]);
    assert_eq!(named(&at, name("NEW")).await, ["h1"]);
    store.delete_host(at.tenant, 2, "h1").await.unwrap();
    assert!(named(&at, name("new")).await.is_empty());
}

pub async fn hosts_of_one_name_come_in_pages<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for id in ["h2", "h3", "h1"] {
        host(&at, id, "default string", id).await;
    }
    host(&other, "h9", "default string", "h9").await;
    let name = serial("Default String");
    let page = async |after, limit| {
        store
            .hosts_named(at.tenant, &name, after, limit)
            .await
            .unwrap()
    };
    assert_eq!(page(None, 2).await, ["h1", "h2"]);
    assert_eq!(page(Some("h2"), 2).await, ["h3"]);
    let beyond = store.hosts_named(at.tenant, &name, None, 1001).await;
    assert!(matches!(beyond, Err(StoreError::Invalid(_))));
}

pub async fn hosts_are_counted<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let count = async |tenant| store.host_count(tenant).await.unwrap();
    assert_eq!(count(at.tenant).await, 0);
    for id in ["h1", "h2", "h1"] {
        host(&at, id, "S", id).await;
    }
    assert_eq!(count(at.tenant).await, 2, "h1 was only described anew");
    assert_eq!(count(other.tenant).await, 0);
    for _ in 0..2 {
        store.delete_host(at.tenant, 2, "h1").await.unwrap();
    }
    assert_eq!(count(at.tenant).await, 1);
    assert_eq!(count(TenantId(9999)).await, 0);
}

pub async fn there_is_one_promise_to_a_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let put = async |promise| store.put_promise(at.tenant, promise).await.unwrap();
    let all = async || store.promises(at.tenant, None, 10).await.unwrap();
    let first = promise(serial("C02xy"), "ana", 5);
    assert!(put(first.clone()).await);
    assert!(!put(promise(serial(" c02XY "), "ana", 9)).await, "no news");
    assert_eq!(all().await, [first]);
    let second = promise(serial("c02xy "), "bob", 9);
    assert!(put(second.clone()).await);
    assert_eq!(all().await, [second]);
    assert!(put(promise(name("C02xy"), "eve", 9)).await);
    assert_eq!(all().await.len(), 2, "a display name is another name");
}

pub async fn a_promise_that_differs_in_anything_is_news<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let first = promise(serial("S1"), "ana", 5);
    let changed = [
        first.clone(),
        Promise {
            email: "a@b.c".to_owned(),
            ..first.clone()
        },
        Promise {
            full_name: String::new(),
            ..first.clone()
        },
        Promise {
            username: String::new(),
            ..first.clone()
        },
        first,
    ];
    for promise in changed {
        assert!(store.put_promise(at.tenant, promise.clone()).await.unwrap());
        let kept = store.promises(at.tenant, None, 10).await.unwrap();
        assert_eq!(kept, [promise]);
    }
}

pub async fn a_promise_is_dropped_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    store
        .put_promise(at.tenant, promise(serial("C02xy"), "ana", 5))
        .await
        .unwrap();
    let drop = async |tenant, name| store.drop_promise(tenant, &name).await.unwrap();
    assert!(!drop(other.tenant, serial("C02xy")).await);
    assert!(!drop(at.tenant, name("C02xy")).await);
    assert!(drop(at.tenant, serial(" c02XY")).await);
    assert!(!drop(at.tenant, serial("C02xy")).await);
}

pub async fn promises_are_listed_by_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let names = [serial("b"), name("A"), serial("A"), name("c"), serial("C")];
    for its in &names {
        let promise = promise(its.clone(), "ana", 1);
        store.put_promise(at.tenant, promise).await.unwrap();
    }
    let page = async |after: Option<HostName>, limit| -> Vec<HostName> {
        let found = store.promises(at.tenant, after.as_ref(), limit).await;
        found.unwrap().into_iter().map(|its| its.name).collect()
    };
    let all = [serial("A"), serial("b"), serial("C"), name("A"), name("c")];
    assert_eq!(page(None, 10).await, all);
    assert_eq!(page(None, 2).await, all[..2]);
    assert_eq!(page(Some(serial(" B")), 2).await, all[2..4]);
    assert_eq!(page(Some(serial("zzz")), 9).await, all[3..]);
    assert_eq!(page(Some(name("a")), 9).await, all[4..]);
    assert!(page(Some(name("C")), 9).await.is_empty());
    let foreign = store.promises(other.tenant, None, 10).await.unwrap();
    assert!(foreign.is_empty());
}

pub async fn a_host_gets_what_its_names_were_promised<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let by_name = promise(name("ana-mac"), "ana", 1);
    let by_serial = promise(serial("C02XY"), "bob", 2);
    for promise in [&by_name, &by_serial] {
        let news = store.put_promise(at.tenant, promise.clone()).await;
        assert!(news.unwrap());
    }
    let to = async |serial, name| store.promises_for(at.tenant, serial, name).await.unwrap();
    assert_eq!(
        to("c02xy ", " ANA-MAC").await,
        [by_serial.clone(), by_name.clone()]
    );
    assert_eq!(to("c02xy", "").await, [by_serial]);
    assert_eq!(to("", "ana-mac").await, [by_name]);
    assert!(to("ana-mac", "c02xy").await.is_empty());
    assert!(to("", " ").await.is_empty());
    let foreign = store.promises_for(other.tenant, "c02xy", "ana-mac").await;
    assert!(foreign.unwrap().is_empty());
}

pub async fn a_promise_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let fits = promise(serial(&"x".repeat(255)), "ana", 1);
    let long = "x".repeat(1025);
    let bad = [
        promise(serial(""), "ana", 1),
        promise(name(" \t"), "ana", 1),
        promise(serial(&"x".repeat(256)), "ana", 1),
        Promise {
            username: String::new(),
            email: String::new(),
            ..fits.clone()
        },
        Promise {
            username: long.clone(),
            ..fits.clone()
        },
        Promise {
            email: long.clone(),
            ..fits.clone()
        },
        Promise {
            full_name: long,
            ..fits.clone()
        },
        promise(serial("S1"), "ana", u64::MAX),
    ];
    for promise in bad {
        let answer = store.put_promise(at.tenant, promise.clone()).await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))), "{promise:?}");
    }
    let unknown = store.put_promise(TenantId(9999), fits.clone()).await;
    assert!(matches!(unknown, Err(StoreError::Invalid(_))));
    let page = store.promises(at.tenant, None, 1001).await;
    assert!(matches!(page, Err(StoreError::Invalid(_))));
    assert!(store.put_promise(at.tenant, fits).await.unwrap());
}
