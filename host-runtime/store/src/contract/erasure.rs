//! What is kept of one person, and that nothing is once they are erased.

use super::Backend;
use super::hosts::{linked, record};
use super::place::{Place, delete, delta, group, tracked, unique, user};
use crate::{
    Assignment, Caller, Claim, Erased, HostName, HostStore, HostsErased, Key, Kind, LogNote,
    NoteLevel, Precondition, Promise, Put, Recorded, RequestEntry, RequestQuery, Retention, Source,
    Traces, Unit, UserStore,
};

const LOGIN: &str = "ana@x.test";

fn keys(login: &str) -> [Key; 2] {
    [tracked("userName", login), unique("id", login)]
}

fn ana(login: &str, json: &str) -> Put {
    Put {
        label: format!("Label of {login}"),
        ..user("u1").keys(&keys(login)).json(json)
    }
}

fn about(put: Put, name: &str, login: &str) -> Unit {
    let id = put.id.clone();
    Unit::from(crate::Change::from(put)).about(name, Kind::User, &id, &[login])
}

/// `u1` who was `old@x.test`, is `ana@x.test` and in two groups, and `u2` beside.
async fn people<S: Backend>(at: &Place<'_, S>) {
    for id in ["g1", "g2"] {
        at.done(1, group(id)).await;
    }
    at.unit(
        2,
        about(ana("old@x.test", "{\"a\":1}"), "user.created", "old@x.test"),
    )
    .await;
    let renamed = ana(LOGIN, "{\"a\":2}").over(Precondition::Exists);
    at.unit(5, about(renamed, "user.updated", LOGIN)).await;
    let bob = user("u2").keys(&keys("bob@x.test"));
    at.unit(6, about(bob, "user.created", "bob@x.test")).await;
    for id in ["g1", "g2"] {
        at.done(7, delta(id).add(&["u1", "u2"])).await;
    }
}

async fn traces<S: Backend>(at: &Place<'_, S>, id: &str) -> Traces {
    at.store.traces(at.tenant, id).await.unwrap()
}

async fn erase<S: Backend>(at: &Place<'_, S>, now: u64, id: &str) -> Erased {
    UserStore::erase(at.store, at.tenant, now, id)
        .await
        .unwrap()
}

async fn erase_hosts<S: Backend>(at: &Place<'_, S>, now: u64) -> HostsErased {
    let logins = ["ANA@x.test".to_owned(), String::new()];
    HostStore::erase(at.store, at.tenant, now, "u1", &logins)
        .await
        .unwrap()
}

/// All events of a tenant as text, in which nobody may be found.
async fn told<S: Backend>(at: &Place<'_, S>) -> String {
    let events = at.store.events(at.tenant, 0, 1000).await.unwrap();
    let text = |bytes: &Option<Vec<u8>>| {
        String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
    };
    let lines = events.iter().map(|event| {
        let logins = event
            .logins
            .iter()
            .map(|login| String::from_utf8_lossy(login));
        let logins: Vec<_> = logins.collect();
        format!(
            "{} {} {} {} {logins:?}",
            event.name,
            event.subject,
            text(&event.before),
            text(&event.after)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub async fn all_that_is_kept_of_a_person_is_read<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let Traces {
        document,
        connection,
        groups,
        logins,
        departure,
        events,
    } = traces(&at, "u1").await;
    assert_eq!(document, at.document(Kind::User, "u1").await);
    assert_eq!(connection, at.okta.connection);
    let pair = |id: &str| (id.to_owned(), id.to_owned());
    assert_eq!(groups, [pair("g1"), pair("g2")]);
    let spans: Vec<_> = logins
        .iter()
        .map(|span| (span.value.as_slice(), span.from, span.until, span.alive))
        .collect();
    assert_eq!(
        spans,
        [
            (LOGIN.as_bytes(), 5, None, true),
            (b"old@x.test".as_slice(), 2, Some(5), true)
        ]
    );
    assert_eq!(departure, None);
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["user.created", "user.updated"]);
    let gone = Unit::from(crate::Change::from(delete(Kind::User, "u1")));
    at.unit(9, gone.about("user.deleted", Kind::User, "u1", &[LOGIN]))
        .await;
    let after = traces(&at, "u1").await;
    assert_eq!(
        (after.document, after.connection),
        (None, at.okta.connection)
    );
    assert!(after.groups.is_empty());
    assert_eq!(after.departure.unwrap().deleted, Some(9));
    assert!(after.logins.iter().all(|span| !span.alive) && after.logins.len() == 2);
    assert_eq!(after.events.len(), 3);
}

pub async fn nothing_is_kept_of_a_stranger<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let other = Place::named(store, "other").await;
    assert!(traces(&at, "nobody").await.is_empty());
    assert!(traces(&other, "u1").await.is_empty());
    assert!(traces(&at, "g1").await.is_empty(), "a group is nobody");
    assert_eq!(erase(&other, 9, "u1").await, Erased::default());
    assert!(at.document(Kind::User, "u1").await.is_some());
}

pub async fn an_erased_person_leaves_nothing<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let erased = erase(&at, 20, "u1").await;
    let expected = Erased {
        document: true,
        keys: 2,
        edges: 2,
        logins: 2,
        events: erased.events,
        departures: 0,
    };
    assert_eq!(erased, expected);
    assert!(erased.events >= 2);
    let left = traces(&at, "u1").await;
    assert_eq!((left.document, left.departure), (None, None));
    assert!(left.groups.is_empty() && left.logins.is_empty());
    assert_eq!(at.document(Kind::User, "u1").await, None);
    let values = [LOGIN.into(), b"old@x.test".to_vec()];
    assert!(store.holders(at.whole, &values).await.unwrap().is_empty());
    assert!(
        store
            .departures(at.tenant, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let told = told(&at).await;
    for name in ["x.test\"", "ana", "old", "{\"a\""] {
        let of_u1 = told.lines().filter(|line| line.contains(" u1 "));
        assert!(of_u1.into_iter().all(|line| !line.contains(name)), "{told}");
    }
    assert_eq!(at.members("g1").await, ["u2"]);
    assert_eq!(at.group("g1").await.member_count, 1);
    // The login is free, and whoever takes it is somebody else.
    at.done(30, user("u3").keys(&keys(LOGIN))).await;
    let holders = store.holders(at.whole, &values).await.unwrap();
    assert_eq!(holders.len(), 1);
}

pub async fn an_erased_person_is_told_of_as_deleted<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let (_, newest) = store.event_range(at.tenant).await.unwrap();
    erase(&at, 20, "u1").await;
    let events = store.events(at.tenant, newest, 9).await.unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        (event.name.as_str(), event.subject.as_str()),
        ("user.deleted", "u1")
    );
    assert_eq!(
        (event.at, event.before.as_ref(), event.after.as_ref()),
        (20, None, None)
    );
    assert!(event.logins.is_empty() && event.settled);
    let open = store.unsettled(Some(at.tenant), 9).await.unwrap();
    assert!(open.iter().all(|(_, event)| event.subject != "u1"));
}

pub async fn a_deleted_person_is_erased_too<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let gone = Unit::from(crate::Change::from(delete(Kind::User, "u1")));
    at.unit(9, gone.about("user.deleted", Kind::User, "u1", &[LOGIN]))
        .await;
    let (_, newest) = store.event_range(at.tenant).await.unwrap();
    let erased = erase(&at, 20, "u1").await;
    let expected = Erased {
        logins: 2,
        events: 3,
        departures: 1,
        ..Erased::default()
    };
    assert_eq!(erased, expected);
    let range = store.event_range(at.tenant).await.unwrap();
    assert_eq!(range.1, newest, "there is nothing to tell");
    assert!(!told(&at).await.contains("Label"));
    assert!(
        store
            .departures(at.tenant, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn erasing_twice_is_harmless<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    erase(&at, 20, "u1").await;
    let before = store.events(at.tenant, 0, 99).await.unwrap();
    assert_eq!(erase(&at, 30, "u1").await, Erased::default());
    assert_eq!(store.events(at.tenant, 0, 99).await.unwrap(), before);
}

pub async fn the_others_stay_as_they_were<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let before = traces(&at, "u2").await;
    erase(&at, 20, "u1").await;
    assert_eq!(traces(&at, "u2").await, before);
}

pub async fn a_group_is_no_person<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    assert_eq!(erase(&at, 20, "g1").await, Erased::default());
    assert_eq!(at.members("g1").await, ["u1", "u2"]);
}

pub async fn held_edges_that_name_a_person_go<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    at.done(8, delete(Kind::User, "u1")).await;
    at.done(9, delta("g1").add(&["u1", "stranger"])).await;
    at.done(9, delta("g2").add_login("x9", LOGIN)).await;
    at.done(9, delta("g2").add_login("x8", "carl@x.test")).await;
    assert_eq!(erase(&at, 20, "u1").await.edges, 2);
    assert_eq!(at.held("g1").await, ["stranger"]);
    assert_eq!(at.held("g2").await, ["x8"]);
    // What waited for the person waits no more.
    assert!(at.done(30, user("u1")).await.attached_to.is_empty());
}

fn claim(id: &str, username: &str, email: &str) -> Claim {
    let logins = [username, email]
        .into_iter()
        .filter(|login| !login.is_empty());
    Claim {
        id: id.to_owned(),
        source: Source::Custom,
        username: username.to_owned(),
        email: email.to_owned(),
        full_name: "Ana".to_owned(),
        logins: logins
            .map(|login| login.to_ascii_lowercase().into())
            .collect(),
        since: 1,
        withdrawn: None,
    }
}

async fn assign<S: Backend>(at: &Place<'_, S>, host: &str, now: u64, assignment: Assignment) {
    let version = at
        .store
        .host(at.tenant, host)
        .await
        .unwrap()
        .unwrap()
        .version;
    let written = at
        .store
        .put_assignment(at.tenant, now, host, version, assignment);
    assert!(matches!(
        written.await.unwrap(),
        crate::HostWrite::Written(_)
    ));
}

/// `h1` and `h2` are Ana's, the second by a withdrawn claim; `h3` is Bob's.
async fn hosts<S: Backend>(at: &Place<'_, S>) {
    for host in ["h1", "h2", "h3"] {
        at.store.put_host(at.tenant, 1, record(host)).await.unwrap();
    }
    let put = async |host, claim| {
        at.store.put_claim(at.tenant, 1, host, claim).await.unwrap();
    };
    put("h1", claim("c1", "Ana@X.test", "")).await;
    put("h1", claim("c2", "bob@x.test", "")).await;
    put("h2", claim("c1", "", LOGIN)).await;
    put("h3", claim("c1", "bob@x.test", "banana@x.test")).await;
    let withdrawn = at.store.withdraw(at.tenant, "h2", &Source::Custom, 5).await;
    assert!(matches!(withdrawn.unwrap(), crate::HostWrite::Written(_)));
    assign(at, "h1", 10, linked("u1", "claimed by ana@x.test")).await;
    assign(at, "h3", 10, linked("u2", "claimed by bob@x.test")).await;
}

pub async fn hosts_forget_who_used_them<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    hosts(&at).await;
    let bobs = store.host(at.tenant, "h3").await.unwrap();
    let before = store.host(at.tenant, "h1").await.unwrap().unwrap();
    let (_, newest) = store.event_range(at.tenant).await.unwrap();
    let erased = erase_hosts(&at, 20).await;
    assert_eq!(
        (erased.claims, erased.hosts.as_slice()),
        (2, &["h1".to_owned(), "h2".to_owned()][..])
    );
    let host = store.host(at.tenant, "h1").await.unwrap().unwrap();
    assert!(host.assignment.never_found());
    assert_eq!((host.version, host.assigned), (before.version + 1, 20));
    let left: Vec<&str> = host.claims.iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(left, ["c2"]);
    assert!(
        store
            .host(at.tenant, "h2")
            .await
            .unwrap()
            .unwrap()
            .claims
            .is_empty()
    );
    assert_eq!(store.host(at.tenant, "h3").await.unwrap(), bobs);
    assert!(store.history(at.tenant, "h1", 9).await.unwrap().is_empty());
    let logins = [LOGIN.into()];
    assert!(
        store
            .claimed_by(at.tenant, &logins, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .assigned_to(at.tenant, "u1", None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    // Whoever listens is told, and not of whom.
    let events = store.events(at.tenant, newest, 9).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].subject.as_str(), events[0].before.as_ref()),
        ("h1", None)
    );
    assert_eq!(events[0].after, Some(Assignment::default().json()));
    let again = erase_hosts(&at, 30).await;
    assert_eq!(again, HostsErased::default());
}

pub async fn histories_and_promises_forget_a_person<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    hosts(&at).await;
    assign(&at, "h1", 20, linked("u2", "ana@x.test left")).await;
    assign(&at, "h1", 30, linked("u3", "enrolled")).await;
    let promise = |name: &str, email: &str| Promise {
        name: HostName::Serial(name.to_owned()),
        username: String::new(),
        email: email.to_owned(),
        full_name: "Ana".to_owned(),
        since: 1,
    };
    for promise in [promise("s1", "ANA@x.test"), promise("s2", "bob@x.test")] {
        assert!(store.put_promise(at.tenant, promise).await.unwrap());
    }
    let erased = erase_hosts(&at, 40).await;
    assert_eq!((erased.history, erased.promises), (2, 1));
    assert!(store.history(at.tenant, "h1", 9).await.unwrap().is_empty());
    let host = store.host(at.tenant, "h1").await.unwrap().unwrap();
    assert_eq!(
        host.assignment,
        linked("u3", "enrolled"),
        "of somebody else"
    );
    let left = store.promises(at.tenant, None, 9).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].email, "bob@x.test");
}

pub async fn events_of_hosts_forget_a_person<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    hosts(&at).await;
    // The host is gone, and its events are not.
    assert!(store.delete_host(at.tenant, 15, "h1").await.unwrap());
    assert!(told(&at).await.contains(LOGIN));
    let erased = erase_hosts(&at, 20).await;
    assert_eq!(erased.events, 2);
    let told = told(&at).await;
    assert!(!told.contains("ana@") && !told.contains("\"u1\""), "{told}");
    assert!(told.contains("bob@x.test"), "{told}");
}

pub async fn lines_that_name_a_person_go<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let line = |name: &str| RequestEntry {
        request_id: name.to_owned(),
        caller: Caller::Nobody,
        ..RequestEntry::of(at.tenant, 1)
    };
    let note = LogNote {
        level: NoteLevel::Action,
        code: String::new(),
        text: "created ANA@x.test".to_owned(),
    };
    let kept = |query: &str, body: &str| {
        Some(Recorded {
            query: query.to_owned(),
            content_type: String::new(),
            body: body.into(),
        })
    };
    let lines = vec![
        RequestEntry {
            path: "/Users/u1".to_owned(),
            recorded: kept("", ""),
            ..line("path")
        },
        RequestEntry {
            detail: "`ana@x.test` is taken".to_owned(),
            ..line("detail")
        },
        RequestEntry {
            notes: vec![note],
            ..line("note")
        },
        RequestEntry {
            recorded: kept("filter=userName%20eq%20%22ana%40x.test%22", ""),
            ..line("query")
        },
        RequestEntry {
            recorded: kept("", "{\"userName\":\"Ana@x.test\"}"),
            ..line("body")
        },
        RequestEntry {
            recorded: kept("", "bob"),
            ..line("other")
        },
        RequestEntry {
            detail: "ana@x.test".to_owned(),
            ..RequestEntry::of(other.tenant, 1)
        },
    ];
    let keep = Retention {
        lines: 100,
        since: 0,
    };
    store.log_requests(lines, &keep).await.unwrap();
    let needles = ["/Users/u1".to_owned(), LOGIN.to_owned(), String::new()];
    let erase = async || store.erase_requests(at.tenant, &needles).await.unwrap();
    assert_eq!(erase().await, 5);
    assert_eq!(erase().await, 0);
    let newest = RequestQuery::newest(9);
    let left = store.requests(at.tenant, &newest).await.unwrap();
    let names: Vec<&str> = left.iter().map(|line| line.request_id.as_str()).collect();
    assert_eq!(names, ["other", "body", "query"]);
    let recorded = async |name| store.request(None, name).await.unwrap().unwrap().recorded;
    assert_eq!(recorded("query").await, None);
    assert_eq!(recorded("body").await, None);
    assert_eq!(recorded("other").await, kept("", "bob"));
    assert_eq!(
        store.requests(other.tenant, &newest).await.unwrap().len(),
        1
    );
}
