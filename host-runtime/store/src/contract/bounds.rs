//! Limits: each is violated, and the answer is `Invalid`.

use super::Backend;
use super::place::{Place, delete, delta, equal, group, key, user, walk};
use crate::{
    Claim, Edge, Find, HostRecord, KeyRange, Kind, NewMember, Precondition, Put, RequestEntry,
    Source, StoreError, Unit, limits,
};

fn invalid<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Invalid(_)))
}

pub async fn a_commit_over_a_limit_is_invalid_as_a_whole<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let long = |length: usize| "x".repeat(length);
    let mut absent = delete(Kind::User, "u1");
    absent.condition = Precondition::Absent;
    let mut login = delta("g1").add_login("x", "");
    login.add = vec![NewMember {
        login: Some(vec![0; limits::KEY + 1]),
        ..login.add.remove(0)
    }];
    let bad: Vec<Unit> = vec![
        user("").into(),
        user("a b").into(),
        user("ü").into(),
        user(&long(limits::ID + 1)).into(),
        Put {
            label: long(limits::LABEL + 1),
            ..user("u1")
        }
        .into(),
        Put {
            json: vec![0; limits::JSON + 1],
            ..user("u1")
        }
        .into(),
        Put {
            index_version: long(65),
            ..user("u1")
        }
        .into(),
        user("u1")
            .keys(&[key(&long(limits::ATTRIBUTE + 1), "")])
            .into(),
        user("u1").keys(&[key("a", &long(limits::KEY + 1))]).into(),
        absent.into(),
        delta("g1").add(&[""]).into(),
        delta("g1").add(&[&long(limits::MEMBER + 1)]).into(),
        login.into(),
        Unit::from(user("u1")).about(&long(65), Kind::User, "u1", &[]),
        Unit::from(user("u1")).about("x", Kind::User, "", &[]),
        Unit::from(user("u1")).about("x", Kind::User, "u1", &[&long(limits::KEY + 1)]),
    ];
    for unit in bad {
        let units = vec![user("good").into(), unit];
        assert!(
            invalid(
                store
                    .commit(at.okta, 1, at.fresh(), units.clone(), None)
                    .await
            ),
            "{:?}",
            units[1].event
        );
    }
    assert!(at.document(Kind::User, "good").await.is_none());
}

pub async fn what_just_fits_is_taken<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let id = "x".repeat(limits::ID);
    let mut put = user(&id).keys(&[key(
        &"a".repeat(limits::ATTRIBUTE),
        &"v".repeat(limits::KEY),
    )]);
    put.label = "l".repeat(limits::LABEL);
    put.json = vec![b'j'; limits::JSON];
    put.index_version = "i".repeat(64);
    let login = "k".repeat(limits::KEY);
    at.unit(
        1,
        Unit::from(put).about(&"e".repeat(64), Kind::User, &id, &[&login]),
    )
    .await;
    at.done(1, group("g1")).await;
    at.done(
        2,
        delta("g1").add_login(&"m".repeat(limits::MEMBER), &login),
    )
    .await;
    assert_eq!(at.held("g1").await.len(), 1);
    assert_eq!(
        at.ids(&equal(
            &"a".repeat(limits::ATTRIBUTE),
            &"v".repeat(limits::KEY)
        ))
        .await,
        [id]
    );
}

pub async fn a_read_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let page = usize::try_from(limits::PAGE).unwrap();
    let ids = vec!["u1".to_owned(); page + 1];
    assert!(invalid(store.get_many(at.okta, &ids).await));
    assert!(
        store
            .get_many(at.okta, &ids[..page])
            .await
            .unwrap()
            .is_empty()
    );
    let edge = Edge {
        group: "g".to_owned(),
        member: "u".to_owned(),
    };
    assert!(invalid(
        store
            .has_edges(at.okta, &vec![edge.clone(); page + 1])
            .await
    ));
    assert_eq!(
        store
            .has_edges(at.okta, &vec![edge; page])
            .await
            .unwrap()
            .len(),
        page
    );
    let over = Find {
        limit: limits::PAGE + 1,
        ..walk("", KeyRange::All)
    };
    assert!(invalid(store.find(at.okta, &over).await));
    let long = KeyRange::Contains(vec![0; limits::KEY + 1]);
    assert!(invalid(store.find(at.okta, &walk("n", long)).await));
    assert!(invalid(
        store
            .members(at.okta, "g", None, limits::MEMBERS_PAGE + 1)
            .await
    ));
    assert!(invalid(
        store
            .held_members(at.okta, "g", None, limits::PAGE + 1)
            .await
    ));
    assert!(invalid(store.holders(at.okta, &vec![Vec::new(); 17]).await));
    assert!(invalid(
        store
            .claimed_by(at.tenant, &vec![Vec::new(); 65], None, 1)
            .await
    ));
    assert!(invalid(store.with_host(at.tenant, &ids).await));
    let beyond = limits::PAGE + 1;
    assert!(invalid(store.users_of(at.okta, "g", None, beyond).await));
    assert!(invalid(store.departures(at.tenant, None, beyond).await));
    assert!(invalid(store.departures_of(at.tenant, &ids).await));
    assert!(invalid(store.index_ready(at.okta, &"x".repeat(65)).await));
}

pub async fn a_host_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let host = |id: &str| HostRecord {
        id: id.to_owned(),
        ..HostRecord::default()
    };
    assert!(invalid(store.put_host(at.tenant, 1, host("")).await));
    assert!(invalid(
        store.put_host(at.tenant, 1, host(&"x".repeat(256))).await
    ));
    assert!(
        store
            .put_host(at.tenant, 1, host(&"x".repeat(255)))
            .await
            .unwrap()
    );
    let serial = HostRecord {
        serial: "x".repeat(256),
        ..host("h")
    };
    assert!(invalid(store.put_host(at.tenant, 1, serial).await));
    assert!(invalid(
        store.put_host(crate::TenantId(9999), 1, host("h")).await
    ));
    let claim = |id: &str, logins| Claim {
        id: id.to_owned(),
        source: Source::Manual,
        username: String::new(),
        email: String::new(),
        full_name: String::new(),
        logins,
        since: 1,
        withdrawn: None,
    };
    assert!(invalid(
        store
            .put_claim(at.tenant, 1, "h", claim("", Vec::new()))
            .await
    ));
    assert!(invalid(
        store
            .put_claim(at.tenant, 1, "h", claim(&"x".repeat(129), Vec::new()))
            .await
    ));
    assert!(invalid(
        store
            .put_claim(at.tenant, 1, "h", claim("c", vec![Vec::new(); 9]))
            .await
    ));
    assert!(invalid(
        store
            .put_claim(at.tenant, 1, "h", claim("c", vec![vec![0; 513]]))
            .await
    ));
    let long = "x".repeat(1025);
    for long in [
        Claim {
            username: long.clone(),
            ..claim("c", Vec::new())
        },
        Claim {
            email: long.clone(),
            ..claim("c", Vec::new())
        },
        Claim {
            full_name: long.clone(),
            ..claim("c", Vec::new())
        },
        Claim {
            since: u64::MAX,
            ..claim("c", Vec::new())
        },
        Claim {
            withdrawn: Some(u64::MAX),
            ..claim("c", Vec::new())
        },
    ] {
        assert!(invalid(store.put_claim(at.tenant, 1, "h", long).await));
    }
    for long in [
        crate::Assignment {
            reason: "x".repeat(513),
            ..crate::Assignment::default()
        },
        crate::Assignment {
            login: long,
            ..crate::Assignment::default()
        },
    ] {
        assert!(invalid(
            store.put_assignment(at.tenant, 1, "h", 1, long).await
        ));
    }
}

pub async fn names_and_settings_are_checked<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for name in ["", "Acme", "a_b", "ä", &"x".repeat(64)] {
        assert!(invalid(store.add_tenant(1, name).await), "{name}");
        assert!(
            invalid(store.add_connection(1, at.tenant, name, "auto").await),
            "{name}"
        );
    }
    assert!(invalid(
        store
            .add_connection(1, crate::TenantId(9999), "okta", "auto")
            .await
    ));
    let okta = at.okta.connection.unwrap();
    for settings in ["", "[]", "{", "1"] {
        let text = || Some(settings.to_owned());
        let edit = crate::ConnectionEdit {
            settings: text(),
            ..crate::ConnectionEdit::default()
        };
        assert!(
            invalid(store.change_connection(okta, edit).await),
            "{settings}"
        );
    }
    let keep = crate::Retention {
        lines: 10,
        since: 0,
    };
    let log = async |entry| invalid(store.log_requests(vec![entry], &keep).await);
    let entry = RequestEntry::of(at.tenant, 1);
    assert!(
        log(RequestEntry {
            path: "x".repeat(1025),
            ..entry.clone()
        })
        .await
    );
    assert!(
        log(RequestEntry {
            detail: "ü".repeat(256),
            ..entry.clone()
        })
        .await
    );
    let tenant = crate::TenantId(9999);
    assert!(log(RequestEntry { tenant, ..entry }).await);
}
