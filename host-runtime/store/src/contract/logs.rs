//! The request log and the audit log.

use super::Backend;
use super::place::Place;
use crate::{
    AuditEntry, Caller, LogNote, NoteLevel, Recorded, RequestEntry, RequestQuery, Retention,
    StoreError, TenantId,
};

const ALL: Retention = Retention {
    lines: u64::MAX,
    since: 0,
};

fn named(tenant: TenantId, at: u64, name: &str) -> RequestEntry {
    RequestEntry {
        request_id: name.to_owned(),
        path: format!("/{name}"),
        status: 200,
        ..RequestEntry::of(tenant, at)
    }
}

fn recorded() -> Recorded {
    Recorded {
        query: "filter=a".to_owned(),
        content_type: "application/scim+json".to_owned(),
        body: vec![0, 255, b'{'],
    }
}

async fn names<S: Backend>(store: &S, tenant: TenantId, query: &RequestQuery) -> Vec<String> {
    let lines = store.requests(tenant, query).await.unwrap();
    lines.into_iter().map(|line| line.request_id).collect()
}

pub async fn a_line_is_kept_without_loss<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let levels = [NoteLevel::Action, NoteLevel::Quirk, NoteLevel::Warning];
    let note = |level: NoteLevel| LogNote {
        level,
        code: level.as_str().to_owned(),
        text: "„größer“ \u{0}\n".to_owned(),
    };
    let callers = [
        Caller::Token("t".to_owned()),
        Caller::Subject("s\"".to_owned()),
        Caller::Stranger(String::new()),
        Caller::Nobody,
    ];
    for (number, caller) in callers.into_iter().enumerate() {
        let entry = RequestEntry {
            id: 0,
            request_id: format!("r{number}"),
            tenant: at.tenant,
            connection: at.okta.connection,
            at: 5,
            method: "PATCH".to_owned(),
            path: "/Users/ü".to_owned(),
            status: 503,
            micros: 7,
            guest_micros: 3,
            detail: "d".to_owned(),
            notes: levels.map(note).to_vec(),
            caller,
            user_agent: "okta".to_owned(),
            from_idp: true,
            recorded: None,
        };
        store.log_requests(vec![entry.clone()], &ALL).await.unwrap();
        let newest = RequestQuery::newest(1);
        let mut found = store.requests(at.tenant, &newest).await.unwrap();
        let line = found.remove(0);
        assert!(line.id > 0);
        assert_eq!(RequestEntry { id: 0, ..line }, entry);
    }
}

pub async fn a_recording_is_read_by_name_alone<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let entry = RequestEntry {
        recorded: Some(recorded()),
        from_idp: true,
        ..named(at.tenant, 1, "r")
    };
    store.log_requests(vec![entry], &ALL).await.unwrap();
    let found = store.request(None, "r").await.unwrap().unwrap();
    assert_eq!(found.recorded, Some(recorded()));
    let newest = RequestQuery::newest(9);
    let listed = store.requests(at.tenant, &newest).await.unwrap();
    assert_eq!(listed[0].recorded, None);
    let last = store.last_idp_request(at.tenant).await.unwrap().unwrap();
    assert_eq!(last.recorded, None);
    let keep = Retention { lines: 1, since: 0 };
    let next = RequestEntry {
        from_idp: true,
        ..named(at.tenant, 2, "next")
    };
    store.log_requests(vec![next], &keep).await.unwrap();
    assert_eq!(store.request(None, "r").await.unwrap(), None);
}

pub async fn a_line_is_found_by_its_name<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    let lines = vec![
        named(at.tenant, 1, "twice"),
        named(at.tenant, 3, "twice"),
        named(other.tenant, 2, "theirs"),
        named(other.tenant, 2, ""),
    ];
    store.log_requests(lines, &ALL).await.unwrap();
    let when = async |tenant, name| {
        let found = store.request(tenant, name).await.unwrap();
        found.map(|line| line.at)
    };
    assert_eq!(when(None, "twice").await, Some(3), "the newest");
    assert_eq!(when(Some(at.tenant), "twice").await, Some(3));
    assert_eq!(when(Some(at.tenant), "theirs").await, None);
    assert_eq!(when(None, "theirs").await, Some(2));
    assert_eq!(when(None, "").await, None);
    assert_eq!(when(None, "THEIRS").await, None);
}

pub async fn lines_are_asked_for_by_connection_and_failure<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let line = |name: &str, connection, status| RequestEntry {
        connection,
        status,
        ..named(at.tenant, 1, name)
    };
    let (okta, entra) = (at.okta.connection, at.entra.connection);
    let lines = vec![
        line("1", okta, 200),
        line("2", entra, 400),
        line("3", okta, 399),
        line("4", okta, 503),
        line("5", None, 401),
    ];
    store.log_requests(lines, &ALL).await.unwrap();
    let ask = async |connection, errors_only| {
        let query = RequestQuery {
            connection,
            errors_only,
            ..RequestQuery::newest(9)
        };
        names(store, at.tenant, &query).await.concat()
    };
    assert_eq!(ask(None, false).await, "54321");
    assert_eq!(ask(okta, false).await, "431");
    assert_eq!(ask(None, true).await, "542");
    assert_eq!(ask(okta, true).await, "4");
    assert_eq!(ask(entra, true).await, "2");
}

pub async fn lines_after_one_are_read_oldest_first<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let lines = (1..=6).map(|n| named(at.tenant, 1, &n.to_string()));
    store.log_requests(lines.collect(), &ALL).await.unwrap();
    let newest = RequestQuery::newest(9);
    let all = store.requests(at.tenant, &newest).await.unwrap();
    let id = |name: &str| {
        let line = all.iter().find(|line| line.request_id == name);
        line.map(|line| line.id)
    };
    let ask = async |before, after, limit| {
        let query = RequestQuery {
            before,
            after,
            ..RequestQuery::newest(limit)
        };
        names(store, at.tenant, &query).await.concat()
    };
    assert_eq!(ask(None, id("2"), 3).await, "345");
    assert_eq!(ask(None, Some(0), 2).await, "12");
    assert_eq!(ask(id("5"), id("2"), 9).await, "34");
    assert_eq!(ask(id("3"), None, 9).await, "21");
    assert_eq!(ask(None, id("6"), 9).await, "");
    assert_eq!(ask(None, Some(u64::MAX), 9).await, "");
    assert_eq!(ask(Some(u64::MAX), None, 1).await, "6");
}

pub async fn lines_from_before_a_moment_are_forgotten<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let line = |at_ms, name: &str, from_idp| RequestEntry {
        from_idp,
        ..named(at.tenant, at_ms, name)
    };
    let lines = vec![
        line(10, "1", true),
        line(30, "2", false),
        // The clock was set back.
        line(15, "3", false),
        line(20, "4", true),
        line(40, "5", false),
    ];
    store.log_requests(lines, &ALL).await.unwrap();
    let trim = async |since| {
        let keep = Retention {
            lines: u64::MAX,
            since,
        };
        let forgotten = store.trim_requests(at.tenant, &keep).await.unwrap();
        (
            forgotten,
            names(store, at.tenant, &RequestQuery::newest(9))
                .await
                .concat(),
        )
    };
    assert_eq!(trim(10).await, (0, "54321".to_owned()));
    assert_eq!(trim(16).await, (2, "542".to_owned()));
    // The last of the provider stays, however old.
    assert_eq!(trim(99).await, (2, "4".to_owned()));
    assert_eq!(trim(99).await, (0, "4".to_owned()));
    assert_eq!(store.trim_requests(TenantId(9999), &ALL).await.unwrap(), 0);
    let keep = Retention {
        lines: 10,
        since: 50,
    };
    store
        .log_requests(vec![line(60, "6", false)], &keep)
        .await
        .unwrap();
    assert_eq!(
        names(store, at.tenant, &RequestQuery::newest(9))
            .await
            .concat(),
        "64"
    );
}

pub async fn at_most_1000_lines_are_forgotten_at_a_time<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let lines = (0..1500).map(|_| named(at.tenant, 1, "x")).collect();
    store.log_requests(lines, &ALL).await.unwrap();
    let keep = Retention { lines: 0, since: 0 };
    let trim = async || store.trim_requests(at.tenant, &keep).await.unwrap();
    assert_eq!(trim().await, 1000);
    assert_eq!(trim().await, 500);
    assert_eq!(trim().await, 0);
}

pub async fn a_line_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let fine = named(at.tenant, 1, "fine");
    let note = LogNote {
        level: NoteLevel::Action,
        code: String::new(),
        text: String::new(),
    };
    let noted = |note: LogNote| RequestEntry {
        notes: vec![note],
        ..fine.clone()
    };
    let kept = |change: fn(&mut Recorded)| {
        let mut recorded = recorded();
        change(&mut recorded);
        RequestEntry {
            recorded: Some(recorded),
            ..fine.clone()
        }
    };
    let long = "x".repeat(9000);
    for entry in [
        named(at.tenant, 1, &"x".repeat(65)),
        RequestEntry {
            user_agent: "x".repeat(201),
            ..fine.clone()
        },
        RequestEntry {
            notes: vec![note.clone(); 65],
            ..fine.clone()
        },
        noted(LogNote {
            text: long.clone(),
            ..note.clone()
        }),
        noted(LogNote { code: long, ..note }),
        kept(|recorded| recorded.query = "x".repeat(8193)),
        kept(|recorded| recorded.content_type = "x".repeat(257)),
        kept(|recorded| recorded.body = vec![0; (1 << 20) + 1]),
    ] {
        let answer = store.log_requests(vec![fine.clone(), entry], &ALL).await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))));
    }
    assert!(
        names(store, at.tenant, &RequestQuery::newest(9))
            .await
            .is_empty()
    );
}

fn audit(tenant: Option<TenantId>, action: &str) -> AuditEntry {
    AuditEntry {
        id: 0,
        tenant,
        at: 7,
        actor: "token:t1".to_owned(),
        action: action.to_owned(),
        subject: "connection ü".to_owned(),
        detail: "{\"a\":1}".to_owned(),
    }
}

pub async fn audit_lines_are_read_newest_first<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let other = Place::named(store, "other").await;
    for action in ["1", "2", "3"] {
        store
            .append_audit(audit(Some(at.tenant), action))
            .await
            .unwrap();
        store
            .append_audit(audit(Some(other.tenant), "o"))
            .await
            .unwrap();
    }
    let read = async |before, limit| store.audit(Some(at.tenant), before, limit).await.unwrap();
    let lines = read(None, 9).await;
    let actions: String = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, "321");
    let expected = AuditEntry {
        id: lines[2].id,
        ..audit(Some(at.tenant), "1")
    };
    assert_eq!(lines[2], expected);
    assert_eq!(read(Some(lines[0].id), 1).await, lines[1..2]);
    assert!(read(Some(lines[2].id), 9).await.is_empty());
}

pub async fn the_installation_has_an_audit_log_too<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    store.append_audit(audit(None, "1")).await.unwrap();
    store
        .append_audit(audit(Some(at.tenant), "2"))
        .await
        .unwrap();
    store.append_audit(audit(None, "3")).await.unwrap();
    let all = store.audit(None, None, 9).await.unwrap();
    let found: Vec<_> = all
        .iter()
        .map(|line| (line.tenant, line.action.as_str()))
        .collect();
    assert_eq!(found, [(None, "3"), (Some(at.tenant), "2"), (None, "1")]);
    assert_eq!(
        store.audit(None, Some(all[0].id), 1).await.unwrap(),
        all[1..2]
    );
    assert_eq!(
        store.audit(Some(at.tenant), None, 9).await.unwrap(),
        all[1..2]
    );
}

pub async fn an_audit_line_over_a_limit_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let fine = audit(Some(at.tenant), "a");
    for entry in [
        audit(Some(TenantId(9999)), "a"),
        audit(None, &"x".repeat(256)),
        AuditEntry {
            detail: "[]".to_owned(),
            ..fine.clone()
        },
        AuditEntry {
            detail: format!("{{\"a\":\"{}\"}}", "x".repeat(16 << 10)),
            ..fine.clone()
        },
        AuditEntry {
            actor: "x".repeat(256),
            ..fine
        },
    ] {
        let answer = store.append_audit(entry).await;
        assert!(matches!(answer, Err(StoreError::Invalid(_))));
    }
    assert!(store.audit(None, None, 9).await.unwrap().is_empty());
}
