//! The same for tenants, tokens and the two logs.

use nameplate_store::{
    Access, AuditEntry, RequestEntry, RequestQuery, Retention, Token, TokenAdded, TokenScope, check,
};

use super::*;
use crate::sqlite::control::{audit, requests, tenants, tokens};

/// `count` tenants with as many host names, issuers, tokens that end, lines of the request
/// log and of the audit log.
fn filled(count: usize) -> Directory {
    let directory = Directory::of(20);
    let rows = format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM n WHERE n < {count})
             SELECT n, printf('t%06d', n) AS name FROM n;
         INSERT INTO tenants (id, name, created) SELECT n, name, 1 FROM n;
         INSERT INTO host_names (name, tenant) SELECT name || '.test', n FROM n;
         INSERT INTO connections (id, tenant, name, created, issuer) SELECT n, n, 'okta', 1, name FROM n;
         INSERT INTO tokens (id, tenant, connection, scope, secret_sha256, created, expires)
             SELECT name, n, n, 'scim', zeroblob(32), 1, 1000 + n FROM n;
         INSERT INTO requests (tenant, id, at, method, path, status, micros, detail, notes, from_idp, request_id)
             SELECT 1, n, 1000 + n, 'GET', '/', 200 + 300 * (n % 20 = 0), 1, '', '[]', n % 2, name FROM n;
         UPDATE tenants SET request_seq = {count} WHERE id = 1;
         INSERT INTO audit (tenant, number, at, actor, action, subject, detail)
             SELECT 1, n, 1, 'a', 'b', 'c', '{{}}' FROM n;
         DROP TABLE n;"
    );
    directory.connection.execute_batch(&rows).unwrap();
    directory
}

fn token() -> Token {
    Token {
        id: "new".to_owned(),
        tenant: TENANT,
        connection: Some(OKTA),
        scope: TokenScope::Scim,
        access: Access::Write,
        note: String::new(),
        secret_sha256: [0; 32],
        created: 1,
        expires: None,
        revoked: None,
        last_used: None,
    }
}

fn line() -> AuditEntry {
    AuditEntry {
        id: 0,
        tenant: Some(TENANT),
        at: 1,
        actor: "a".to_owned(),
        action: "b".to_owned(),
        subject: "c".to_owned(),
        detail: "{}".to_owned(),
    }
}

fn lines(query: RequestQuery) -> Operation {
    Box::new(move |at| {
        let found = requests::requests(&at.connection, TENANT, &query).unwrap();
        assert!(!found.is_empty());
    })
}

fn operations(last: usize) -> Vec<(&'static str, Operation)> {
    let name = format!("t{last:06}");
    let (host, issuer, request) = (format!("{name}.test"), name.clone(), name.clone());
    let host_of = "id = (SELECT tenant FROM host_names WHERE name = ?1)";
    let errors = RequestQuery {
        errors_only: true,
        ..RequestQuery::newest(5)
    };
    let keep = Retention {
        lines: u64::MAX,
        since: 0,
    };
    vec![
        (
            "tenant by name",
            Box::new(move |at| {
                let found = tenants::one(&at.connection, "name = ?1", &name).unwrap();
                assert!(found.is_some());
            }),
        ),
        (
            "tenant by host name",
            Box::new(move |at| {
                assert!(
                    tenants::one(&at.connection, host_of, &host)
                        .unwrap()
                        .is_some()
                );
            }),
        ),
        (
            "connections of an issuer",
            Box::new(move |at| {
                let of = "issuer = ?1 AND issuer <> ''";
                let found = tenants::connections(&at.connection, of, &issuer).unwrap();
                assert_eq!(found.len(), 1);
            }),
        ),
        (
            "tokens that end soon",
            Box::new(|at| {
                let found = tokens::expiring(&at.connection, None, 1, 1002).unwrap();
                assert_eq!(found.len(), 1);
            }),
        ),
        (
            "add a token",
            Box::new(|at| {
                let added = tokens::add(&at.connection, &token(), 2).unwrap();
                assert_eq!(added, TokenAdded::Added);
            }),
        ),
        ("newest lines", lines(RequestQuery::newest(5))),
        ("newest failures", lines(errors)),
        (
            "line by name",
            Box::new(move |at| {
                let found = requests::request(&at.connection, None, &request).unwrap();
                assert!(found.is_some());
            }),
        ),
        (
            "last request of the provider",
            Box::new(|at| {
                assert!(
                    requests::last_idp(&at.connection, TENANT)
                        .unwrap()
                        .is_some()
                );
            }),
        ),
        (
            "log a line",
            Box::new(move |at| {
                let entry = RequestEntry::of(TENANT, 1);
                requests::log(&at.connection, &[entry], &keep).unwrap();
            }),
        ),
        (
            "audit a line",
            Box::new(|at| audit::append(&at.connection, &line()).unwrap()),
        ),
        (
            "newest audit lines",
            Box::new(|at| {
                let found = audit::audit(&at.connection, Some(TENANT), None, 5).unwrap();
                assert_eq!(found.len(), 5);
            }),
        ),
    ]
}

#[test]
fn nothing_about_tenants_and_logs_costs_more_among_many() {
    let costs = |count: usize| {
        let mut directory = filled(count);
        directory.count();
        let cost = |(name, operation): (&'static str, Operation)| {
            let before = directory.steps();
            operation(&directory);
            (name, directory.steps() - before)
        };
        operations(count).into_iter().map(cost).collect::<Vec<_>>()
    };
    for ((name, few), (_, many)) in costs(LARGE / 50).into_iter().zip(costs(LARGE)) {
        assert!(few > 0, "{name} was not counted");
        assert!(
            many * 10 <= few * 11,
            "{name}: {few} steps among a few, {many} among many"
        );
    }
}

#[test]
fn the_newest_100000_audit_lines_of_a_tenant_are_kept() {
    let directory = Directory::of(20);
    let full = format!(
        "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {})
         INSERT INTO audit (tenant, number, at, actor, action, subject, detail)
             SELECT 1, n, 1, '', '', '', '{{}}' FROM n;
         INSERT INTO audit (tenant, number, at, actor, action, subject, detail)
             VALUES (0, 1, 1, '', '', '', '{{}}');",
        check::AUDIT
    );
    directory.connection.execute_batch(&full).unwrap();
    for _ in 0..2 {
        audit::append(&directory.connection, &line()).unwrap();
    }
    let (lines, oldest, others): (u64, u64, u64) = directory
        .connection
        .query_row(
            "SELECT count(*) FILTER (WHERE tenant = 1), min(number) FILTER (WHERE tenant = 1),
                 count(*) FILTER (WHERE tenant = 0) FROM audit",
            [],
            |row| {
                let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok((number(0)?, number(1)?, number(2)?))
            },
        )
        .unwrap();
    assert_eq!((lines, oldest, others), (check::AUDIT, 3, 1));
}
