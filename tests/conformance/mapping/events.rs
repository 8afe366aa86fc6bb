//! The event log over HTTP: what happened, and which hosts it concerns.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nameplate_tests::App;
use nameplate_tests::shape::{Shape, redact};
use serde_json::{Value, json};

/// Far below the time a client is willing to wait, far above what a busy machine takes.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn events(app: &App, query: &str) -> Value {
    let target = format!("/api/v1/events{query}");
    app.admin().get(&target).await.expect(200).json
}

/// All events of a tenant so far, by name.
async fn names(app: &App, query: &str) -> Vec<String> {
    let page = events(app, query).await;
    let events = page["events"].as_array().unwrap();
    let name = |event: &Value| event["type"].as_str().unwrap().to_owned();
    events.iter().map(name).collect()
}

async fn newest(app: &App) -> u64 {
    events(app, "?limit=1").await["newest"].as_u64().unwrap()
}

/// The one event of this name after `after`.
async fn only(app: &App, after: u64, name: &str) -> Value {
    let page = events(app, &format!("?after={after}&types={name}")).await;
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{page:#}");
    events[0].clone()
}

/// The hosts of an event, page by page, and how many pages that took.
async fn hosts(app: &App, event: &Value, limit: usize) -> (BTreeSet<String>, usize) {
    let (mut hosts, mut pages, mut after) = (BTreeSet::new(), 0, String::new());
    loop {
        let target = format!("/api/v1/events/{}/hosts?limit={limit}{after}", event["seq"]);
        let page = app.admin().get(&target).await.expect(200);
        let found = page["hosts"].as_array().unwrap();
        assert!(found.len() <= limit, "{page}");
        hosts.extend(found.iter().map(|host| host.as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (hosts, pages),
        }
    }
}

fn set(hosts: &[&str]) -> BTreeSet<String> {
    hosts.iter().map(|host| (*host).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_changed_and_deleted_in_events_with_before_and_after() {
    let app = App::start().await;
    let okta = app.scim();
    let id = okta.user("ana@example.com").await;
    let change = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let _ = okta
        .patch(&format!("/Users/{id}"), &change)
        .await
        .expect(200);
    let _ = okta.delete(&format!("/Users/{id}")).await.expect(204);

    let mut page = events(&app, "?types=user.").await;
    assert_eq!(
        names(&app, "?types=user.").await,
        ["user.created", "user.updated", "user.deleted"]
    );
    assert_eq!(page["next"], page["newest"]);
    for at in 0..3 {
        redact(&mut page, &format!("/events/{at}/at"), Shape::Time);
        let event = &page["events"][at];
        assert_eq!(event["subject"], json!({"kind": "user", "id": id}));
        assert_eq!(event["connection"], "okta");
        assert_eq!(event["members"], json!({"added": [], "removed": []}));
        let mut fields: Vec<&String> = event.as_object().unwrap().keys().collect();
        fields.sort();
        let expected = [
            "after",
            "at",
            "before",
            "connection",
            "members",
            "profiles",
            "seq",
            "subject",
            "type",
            "variables",
        ];
        assert_eq!(fields, expected);
    }
    let [created, updated, deleted] = [0, 1, 2].map(|at| &page["events"][at]);
    assert_eq!(created["before"], Value::Null);
    assert_eq!(created["after"]["userName"], "ana@example.com");
    assert_eq!(updated["before"], created["after"]);
    assert_eq!(updated["after"]["title"], "Lead");
    assert_eq!(deleted["before"], updated["after"]);
    assert_eq!(deleted["after"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_name_the_variables_they_can_change_and_the_profiles_that_use_them() {
    let app = App::start().await;
    let settings = json!({"settings": {"profiles": {
        "wifi": ["NAMEPLATE_USERNAME", "NAMEPLATE_GROUPS"],
        "mail": ["FLEET_VAR_HOST_END_USER_IDP_FULL_NAME"],
        "vpn": ["NAMEPLATE_DEPARTMENT"],
    }}});
    let admin = app.admin();
    let changed = admin.with_json("PATCH", "/api/v1/tenant", &settings);
    let _ = changed.await.expect(200);
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    app.host("1").await;
    let before = newest(&app).await;
    let change = json!([{"op": "replace", "path": "name.formatted", "value": "Ana Díaz"}]);
    let _ = okta
        .patch(&format!("/Users/{ana}"), &change)
        .await
        .expect(200);
    let group = okta.group("Sales", &[&ana]).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Sales EMEA"}]);
    let _ = okta
        .patch(&format!("/Groups/{group}"), &rename)
        .await
        .expect(200);
    let _ = app.enroll("1", "ana@example.com").await;

    let page = events(&app, &format!("?after={before}")).await;
    let texts = |at: usize, name: &str| -> Vec<String> {
        let list = page["events"][at][name].as_array().unwrap().iter();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(&app, &format!("?after={before}")).await,
        [
            "user.updated",
            "group.created",
            "group.updated",
            "assignment.changed",
        ]
    );
    let of_name = texts(0, "variables");
    assert!(
        of_name.contains(&"NAMEPLATE_FULL_NAME".to_owned()),
        "{of_name:?}"
    );
    assert!(
        !of_name.contains(&"NAMEPLATE_USERNAME".to_owned()),
        "{of_name:?}"
    );
    assert_eq!(texts(0, "profiles"), ["mail"]);
    assert_eq!(texts(1, "profiles"), ["wifi"]);
    assert_eq!(texts(2, "profiles"), ["wifi"]);
    assert_eq!(texts(3, "profiles"), ["mail", "vpn", "wifi"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_gets_another_person_is_an_event_of_its_own() {
    let app = App::start().await;
    let id = app.scim().user("ana@example.com").await;
    app.host("1").await;
    let before = newest(&app).await;
    let _ = app.enroll("1", "ana@example.com").await;
    let event = only(&app, before, "assignment.changed").await;
    assert_eq!(event["subject"], json!({"kind": "host", "id": "1"}));
    assert_eq!(event["connection"], Value::Null);
    assert_eq!(event["before"]["outcome"], "unassigned");
    assert_eq!(event["after"]["outcome"], "linked");
    assert_eq!(event["after"]["user"], id);
    assert_eq!(hosts(&app, &event, 10).await.0, set(&["1"]));

    let gone = newest(&app).await;
    let _ = app.scim().delete(&format!("/Users/{id}")).await.expect(204);
    let event = only(&app, gone, "assignment.changed").await;
    assert_eq!(event["after"]["outcome"], "pending");

    let gone = newest(&app).await;
    let _ = app.admin().delete("/api/v1/hosts/1").await.expect(204);
    let event = only(&app, gone, "host.").await;
    assert_eq!(event["type"], "host.deleted");
    assert_eq!(event["after"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_concerns_the_hosts_they_have_now() {
    let app = App::start().await;
    let okta = app.scim();
    let id = okta.user("ana@example.com").await;
    for host in ["1", "2", "3"] {
        let _ = app.enrolled(host, "ana@example.com").await;
    }
    let before = newest(&app).await;
    let change = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let _ = okta
        .patch(&format!("/Users/{id}"), &change)
        .await
        .expect(200);
    let event = only(&app, before, "user.updated").await;
    let (found, pages) = hosts(&app, &event, 2).await;
    assert_eq!(found, set(&["1", "2", "3"]));
    assert_eq!(pages, 2);
    let _ = app.enrolled("4", "ana@example.com").await;
    assert_eq!(hosts(&app, &event, 10).await.0, set(&["1", "2", "3", "4"]));
}

/// People with a host each, `p0@…` on host `p0` and so on; their ids.
async fn people(app: &App, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(app.scim().user(&format!("p{n}@example.com")).await);
        let _ = app
            .enrolled(&format!("p{n}"), &format!("p{n}@example.com"))
            .await;
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_concerns_the_hosts_of_those_who_came_and_went() {
    let app = App::start().await;
    let okta = app.scim();
    let ids = people(&app, 5).await;
    let inner = okta.group("Inner", &[&ids[3], &ids[4]]).await;
    let group = okta.group("Sales", &[&ids[0], &ids[1]]).await;
    let before = newest(&app).await;
    let change = json!([
        {"op": "add", "path": "members", "value": [{"value": ids[2]}, {"value": inner}]},
        {"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])},
    ]);
    let _ = okta
        .patch(&format!("/Groups/{group}"), &change)
        .await
        .expect(200);
    let event = only(&app, before, "group.").await;
    let mut added = vec![ids[2].clone(), inner];
    added.sort();
    assert_eq!(
        event["members"],
        json!({"added": added, "removed": [ids[0]]})
    );
    for limit in [1, 2, 100] {
        let (found, _) = hosts(&app, &event, limit).await;
        assert_eq!(found, set(&["p0", "p2", "p3", "p4"]), "pages of {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_renamed_is_one_event_and_concerns_everybody_below_it() {
    let app = App::start().await;
    let okta = app.scim();
    let ids = people(&app, 12).await;
    let (direct, nested): (Vec<&str>, Vec<&str>) = (
        ids[..6].iter().map(String::as_str).collect(),
        ids[6..].iter().map(String::as_str).collect(),
    );
    let inner = okta.group("Inner", &nested).await;
    let mut members = direct.clone();
    members.push(&inner);
    let group = okta.group("Sales", &members).await;
    let before = newest(&app).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Sales EMEA"}]);
    let _ = okta
        .patch(&format!("/Groups/{group}"), &rename)
        .await
        .expect(200);
    assert_eq!(
        newest(&app).await,
        before + 1,
        "one row whatever the members"
    );
    let event = only(&app, before, "group.").await;
    assert_eq!(event["before"]["displayName"], "Sales");
    assert_eq!(event["after"]["displayName"], "Sales EMEA");
    assert_eq!(event["members"], json!({"added": [], "removed": []}));
    let everybody: BTreeSet<String> = (0..12).map(|n| format!("p{n}")).collect();
    for limit in [1, 5, 100] {
        let (found, _) = hosts(&app, &event, limit).await;
        assert_eq!(found, everybody, "pages of {limit}");
    }

    let _ = okta.delete(&format!("/Groups/{group}")).await.expect(204);
    let event = only(&app, before + 1, "group.").await;
    let (found, _) = hosts(&app, &event, 100).await;
    assert_eq!(
        found, everybody,
        "who is below a group that is gone lost it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_events_hold_each_once_and_in_order() {
    let app = App::start().await;
    for n in 0..7 {
        let _ = app.scim().user(&format!("p{n}@example.com")).await;
    }
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let page = events(&app, &format!("?limit=3&after={after}")).await;
        let found = page["events"].as_array().unwrap();
        if found.is_empty() {
            assert_eq!(page["next"], after);
            break;
        }
        seen.extend(found.iter().map(|event| event["seq"].as_u64().unwrap()));
        after = page["next"].as_u64().unwrap();
    }
    assert_eq!(seen, (1..=7).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_early_where_objects_are_large_and_the_next_goes_on() {
    let app = App::start().await;
    for n in 0..6 {
        let body = json!({"schemas": [nameplate_tests::names::USER],
            "userName": format!("p{n}"), "title": "x".repeat(900_000)});
        let _ = app.scim().post("/Users", &body).await.expect(201);
    }
    let first = events(&app, "").await;
    let found = first["events"].as_array().unwrap().len();
    assert!((1..6).contains(&found), "{found} events on a page");
    assert_eq!(first["newest"], 6);
    let rest = names(&app, &format!("?after={}", first["next"])).await;
    assert_eq!(found + rest.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_leaves_out_events_and_still_moves_on() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let _ = app.scim().group("Sales", &[]).await;
    assert_eq!(names(&app, "?types=group.").await, ["group.created"]);
    assert_eq!(
        names(&app, "?types=group.,%20user.created").await,
        ["user.created", "group.created"]
    );
    let page = events(&app, "?types=host.").await;
    assert_eq!(page["events"], json!([]));
    assert_eq!(page["next"], page["newest"]);
    let wrong = app.admin().get("/api/v1/events?types=user.*").await;
    wrong.expect(400).names("event type");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_as_soon_as_something_is_committed() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let after = newest(&app).await;
    let admin = app.admin();
    let waiting = tokio::spawn(async move {
        let began = Instant::now();
        let target = format!("/api/v1/events?after={after}&wait=60&types=group.");
        (admin.get(&target).await.expect(200), began.elapsed())
    });
    // What is not wanted wakes nobody for good.
    let _ = app.scim().user("bo@example.com").await;
    let _ = app.scim().group("Sales", &[]).await;
    let (page, took) = waiting.await.unwrap();
    assert_eq!(page["events"][0]["type"], "group.created");
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_commits_is_noticed_too() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let after = newest(&app).await;
    let admin = app.admin();
    let waiting = tokio::spawn(async move {
        let began = Instant::now();
        let target = format!("/api/v1/events?after={after}&wait=60");
        (admin.get(&target).await.expect(200), began.elapsed())
    });
    // A runtime of its own over the same database, as another server has.
    let other = app.another();
    let draft = nameplate_runtime::plugin::PluginRequest {
        method: "POST".to_owned(),
        path: "/Users".to_owned(),
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: json!({"schemas": [nameplate_tests::names::USER], "userName": "bo"})
            .to_string()
            .into(),
        ..Default::default()
    };
    let (tenant, connection) = app.scope().await;
    let answer = other.scim(tenant, connection, draft).await.unwrap();
    assert_eq!(answer.response.unwrap().status, 201);
    let (page, took) = waiting.await.unwrap();
    assert_eq!(page["events"][0]["after"]["userName"], "bo");
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_an_empty_page_after_the_wait() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let page = events(&app, "?after=1&wait=1").await;
    assert_eq!(page, json!({"events": [], "next": 1, "newest": 1}));
    let head = app.admin().send("HEAD", "/api/v1/events", &[], b"").await;
    assert!(head.expect(200).answer.body.is_empty());
    for query in ["wait=x", "after=-1", "after=x", "limit=0"] {
        let name = query.split('=').next().unwrap();
        let wrong = app.admin().get(&format!("/api/v1/events?{query}")).await;
        wrong.expect(400).names(&format!("`{name}`"));
    }
    let _ = app
        .admin()
        .post("/api/v1/events", &json!({}))
        .await
        .expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_lets_go_of_those_who_wait() {
    let app = App::start().await;
    let admin = app.admin();
    let waiting = tokio::spawn(async move { admin.get("/api/v1/events?wait=60").await });
    while app.runtime.waiting_for_events() == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    app.stop().await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(waiting.await.unwrap().expect(200)["events"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_128_who_wait_are_refused_and_others_are_answered() {
    let app = App::start().await;
    let waiting: Vec<_> = (0..128)
        .map(|_| {
            let admin = app.admin();
            tokio::spawn(async move { admin.get("/api/v1/events?wait=60").await })
        })
        .collect();
    while app.runtime.waiting_for_events() < 128 {
        tokio::task::yield_now().await;
    }
    let refused = app.admin().get("/api/v1/events?wait=60").await.expect(429);
    refused.names("`wait`");
    assert_eq!(refused.header("retry-after"), "1");
    let _ = app.admin().get("/api/v1/events").await.expect(200);
    let _ = app.scim().user("ana@example.com").await;
    for answer in waiting {
        assert_eq!(answer.await.unwrap().expect(200)["next"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_behind_what_is_kept_is_told_to_begin_anew() {
    let app = App::builder().events_kept(3).start().await;
    for n in 0..9 {
        let _ = app.scim().user(&format!("p{n}@example.com")).await;
        let _ = app.runtime.map_left_over(0).await.unwrap();
    }
    let gone = app.admin().get("/api/v1/events?after=1").await.expect(410);
    gone.names("after=9");
    let ahead = app.admin().get("/api/v1/events?after=10").await.expect(410);
    ahead.names("after=9");
    let kept = names(&app, "").await;
    assert!((1..9).contains(&kept.len()), "{kept:?}");
    assert_eq!(names(&app, "?after=8").await.len(), 1);
    let _ = app.admin().get("/api/v1/events/1/hosts").await.expect(410);
    let _ = app.admin().get("/api/v1/events/10/hosts").await.expect(404);
    let wrong = app.admin().get("/api/v1/events/9/hosts?after=x").await;
    wrong.expect(400).names("`after`");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_of_the_own_tenant_and_for_administrators() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let (scim, admin) = app.clients("other", "okta").await;
    let page = admin.get("/api/v1/events").await.expect(200);
    assert_eq!(page.json, json!({"events": [], "next": 0, "newest": 0}));
    let _ = admin.get("/api/v1/events/1/hosts").await.expect(404);
    let _ = scim.mounted("").get("/api/v1/events").await.expect(403);
}
