//! The request log: every request in words, who sent it, and what to do about errors.

use nameplate_tests::names::{GROUP, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

/// The newest line of a request that was answered with this id.
async fn line(app: &App, id: &str) -> Value {
    let target = format!("/api/v1/requests/{id}");
    app.admin().get(&target).await.expect(200)["request"].clone()
}

async fn list(app: &App, query: &str) -> Vec<Value> {
    let answer = app.admin().get(&format!("/api/v1/requests?{query}")).await;
    let answer = answer.expect(200);
    answer["requests"].as_array().cloned().unwrap()
}

fn statuses(lines: &[Value]) -> Vec<u64> {
    lines
        .iter()
        .map(|line| line["status"].as_u64().unwrap())
        .collect()
}

async fn record(app: &App, minutes: u64) {
    let body = json!({"connection": "okta", "minutes": minutes});
    let target = "/api/v1/requests/recording";
    let _ = app.admin().put(target, &body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_says_who_asked_for_what_and_what_happened() {
    let app = App::start().await;
    let user = json!({"schemas": [USER], "userName": "ana@example.com"}).to_string();
    let headers = [
        ("content-type", "application/scim+json"),
        ("user-agent", "Okta SCIM Client 1.0.0"),
    ];
    let made = app
        .scim()
        .send("POST", "/Users", &headers, user.as_bytes())
        .await;
    let line = line(&app, made.expect(201).header("x-request-id")).await;
    let token = app.tokens().scim_token.split('_').nth(2).unwrap();
    assert_eq!(line["caller"], json!({"token": token}));
    assert_eq!(line["user_agent"], "Okta SCIM Client 1.0.0");
    assert_eq!(line["connection"], "okta");
    assert_eq!(line["path"], "/scim/v2/Users");
    assert_eq!(line["explanation"], Value::Null);
    assert_eq!(line["recorded"], Value::Null, "nobody asked for it");
    let remarks = line["remarks"].as_array().unwrap();
    assert!(
        remarks.iter().any(|remark| remark["level"] == "action"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_added_are_told_with_the_id_of_their_group() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let group = okta.group("Sales", &[]).await;
    let operation = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    let changed = okta.patch(&format!("/Groups/{group}"), &operation).await;
    let id = changed.header("x-request-id").unwrap().to_owned();
    let told = line(&app, &id).await["notes"].to_string();
    assert!(
        told.contains(&format!("added 1 member to group {group}")),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_explained_in_the_menus_of_its_identity_provider() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let again = json!({"schemas": [USER], "userName": "ana@example.com"});
    let taken = okta.post("/Users", &again).await.refused(409, "uniqueness");
    let line = line(&app, taken.header("x-request-id")).await;
    assert_eq!(line["explanation"]["kind"], "uniqueness");
    let fix = line["explanation"]["fix"].as_str().unwrap();
    assert!(
        fix.contains("Applications > your app > Assignments"),
        "{fix}"
    );
    assert!(line["detail"].as_str().unwrap().contains("userName"));
}

/// Everything a client of a connection can be refused with, and its explanation.
#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_an_explanation_of_its_own() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let group = json!({"schemas": [GROUP], "displayName": "Sales"});
    let _ = okta.post("/Groups", &group).await.expect(201);
    let (user, token) = (format!("/Users/{ana}"), &app.tokens().scim_token);
    let patch = |operation: Value| {
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation]})
        .to_string()
    };
    let old = [
        ("content-type", "application/scim+json"),
        ("if-match", "W/\"none\""),
    ];
    let plain = &old[..1];
    let send = |client: Client,
                method: &'static str,
                target: String,
                headers: Vec<(&'static str, &'static str)>,
                body: String| async move {
        client
            .send(method, &target, &headers, body.as_bytes())
            .await
    };
    let cases = [
        (
            okta.authorized(Some(&format!("Bearer {token}x"))),
            "GET",
            "/Users".to_owned(),
            plain,
            String::new(),
            "mistyped-token",
        ),
        (
            okta.authorized(Some(&format!("Bearer {}", app.tokens().admin_token))),
            "GET",
            "/Users".to_owned(),
            plain,
            String::new(),
            "admin-token",
        ),
        (
            okta.clone(),
            "GET",
            "/Users/none".to_owned(),
            plain,
            String::new(),
            "no-resource",
        ),
        (
            okta.clone(),
            "GET",
            "/Nothing".to_owned(),
            plain,
            String::new(),
            "no-path",
        ),
        (
            okta.mounted("/scim/v3"),
            "GET",
            "/Users".to_owned(),
            plain,
            String::new(),
            "no-path",
        ),
        (
            okta.clone(),
            "DELETE",
            "/Users".to_owned(),
            plain,
            String::new(),
            "wrong-method",
        ),
        (
            okta.clone(),
            "POST",
            "/Groups".to_owned(),
            plain,
            group.to_string(),
            "uniqueness",
        ),
        (
            okta.clone(),
            "PUT",
            user.clone(),
            &old,
            json!({"schemas": [USER], "userName": "b"}).to_string(),
            "changed-meanwhile",
        ),
        (
            okta.clone(),
            "POST",
            "/Users".to_owned(),
            plain,
            "x".repeat(2 << 20),
            "too-large",
        ),
        (
            okta.clone(),
            "GET",
            "/Users?filter=x".to_owned(),
            plain,
            String::new(),
            "filter",
        ),
        (
            okta.clone(),
            "GET",
            "/Schemas?filter=x".to_owned(),
            plain,
            String::new(),
            "forbidden",
        ),
        (
            okta.clone(),
            "GET",
            "/Users?cursor=x".to_owned(),
            plain,
            String::new(),
            "cursor",
        ),
        (
            okta.clone(),
            "PATCH",
            user.clone(),
            plain,
            patch(json!({"op": "replace", "path": "userName[", "value": "x"})),
            "path",
        ),
        (
            okta.clone(),
            "PATCH",
            user.clone(),
            plain,
            patch(json!({"op": "remove"})),
            "no-target",
        ),
        (
            okta.clone(),
            "PATCH",
            user.clone(),
            plain,
            patch(json!({"op": "remove", "path": "userName"})),
            "mutability",
        ),
        (
            okta.clone(),
            "PATCH",
            user.clone(),
            plain,
            patch(json!({"op": "jump", "path": "title", "value": "x"})),
            "value",
        ),
        (
            okta.clone(),
            "POST",
            "/Users".to_owned(),
            plain,
            "{".to_owned(),
            "syntax",
        ),
        (
            okta.clone(),
            "GET",
            "/Me".to_owned(),
            plain,
            String::new(),
            "not-offered",
        ),
    ];
    for (client, method, target, headers, body, kind) in cases {
        let what = format!("{method} {target}");
        let answer = send(client, method, target, headers.to_vec(), body).await;
        assert!(answer.status >= 400, "{what} is no error");
        let id = answer.header("x-request-id").unwrap().to_owned();
        let line = line(&app, &id).await;
        assert_eq!(line["explanation"]["kind"], kind, "{what}: {line}");
        assert!(!line["explanation"]["fix"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_of_and_do_not_turn_the_page_red() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let _ = app.init("acme", "entra").await;
    let id = app
        .tokens()
        .scim_token
        .split('_')
        .nth(2)
        .unwrap()
        .to_owned();
    let wrong = format!("Bearer np_scim_{id}_wrong");
    let _ = okta
        .authorized(Some(&wrong))
        .get("/Users")
        .await
        .expect(401);
    let bound = okta.mounted("/t/default/scim/v2");
    let _ = bound.authorized(None).get("/Users").await.expect(401);
    // Nobody's: no address and no token says whose.
    let _ = okta
        .authorized(Some("Bearer x"))
        .get("/Users")
        .await
        .expect(401);
    let lines = list(&app, "errors=true").await;
    assert_eq!(statuses(&lines), [401, 401]);
    assert_eq!(lines[1]["caller"], json!({"stranger": id}));
    assert_eq!(lines[1]["kind"], "mistyped-token");
    assert_eq!(lines[0]["caller"], Value::Null);
    assert_eq!(lines[0]["kind"], "no-token");
    let details = app
        .admin()
        .get("/api/v1/fleet/scim/details")
        .await
        .expect(200);
    assert_eq!(details["last_request"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_on_another_tenants_address_is_told_there_alone() {
    let app = App::start().await;
    let acme = app.init("acme", "entra").await;
    let there = app.client("/t/acme/scim/v2", &app.tokens().scim_token);
    let _ = there.get("/Users").await.expect(401);
    assert!(list(&app, "errors=true").await.is_empty());
    let lines = app
        .client("", &acme.admin_token)
        .get("/api/v1/requests")
        .await
        .expect(200);
    let line = &lines["requests"][0];
    assert_eq!(
        (&line["status"], &line["connection"]),
        (&json!(401), &Value::Null)
    );
    assert_eq!(line["kind"], "unknown-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_by_page_by_connection_and_by_error() {
    let app = App::start().await;
    let (other, _) = (app.init("default", "entra").await, ());
    let entra = app.client("/scim/v2", &other.scim_token);
    for _ in 0..2 {
        let _ = app.scim().get("/Users").await.expect(200);
        let _ = entra.get("/Users/none").await.expect(404);
    }
    assert_eq!(statuses(&list(&app, "").await), [404, 200, 404, 200]);
    assert_eq!(statuses(&list(&app, "errors=true").await), [404, 404]);
    assert_eq!(statuses(&list(&app, "connection=okta").await), [200, 200]);
    let first = app
        .admin()
        .get("/api/v1/requests?limit=3")
        .await
        .expect(200);
    let next = first["next"].as_str().unwrap();
    assert_eq!(list(&app, &format!("before={next}")).await.len(), 1);
    let oldest = list(&app, "after=0&limit=1").await;
    assert_eq!(
        statuses(&oldest),
        [200],
        "after a place the oldest comes first"
    );
    for query in [
        "errors=x",
        "before=x",
        "after=x",
        "wait=1",
        "connection=none",
    ] {
        let answer = app.admin().get(&format!("/api/v1/requests?{query}")).await;
        assert!(matches!(answer.status, 400 | 404), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_for_what_comes() {
    let app = App::start().await;
    let admin = app.admin();
    let waiting = tokio::spawn(async move { admin.get("/api/v1/requests?after=0&wait=60").await });
    // Whether it comes before or after the reader does not matter.
    let _ = app.scim().get("/Users").await.expect(200);
    let lines = waiting.await.unwrap().expect(200);
    assert_eq!(lines["requests"][0]["path"], "/scim/v2/Users");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_kept_while_asked_for_and_without_secrets() {
    let app = App::start().await;
    let okta = app.scim();
    record(&app, 30).await;
    let user = json!({"schemas": [USER], "userName": "ana@example.com",
        "password": "1mz050nq-Correct.Horse"});
    let taken = okta.post("/Users", &user).await.expect(201);
    let kept = line(&app, taken.header("x-request-id")).await["recorded"].clone();
    assert_eq!(
        kept["body"],
        json!({"schemas": [USER], "userName": "ana@example.com"})
    );
    app.clock.advance(31 * 60 * 1000);
    let later = okta.get("/Users").await.expect(200);
    let kept = line(&app, later.header("x-request-id")).await["recorded"].clone();
    assert_eq!(kept, Value::Null, "its time is over");
    let files = app.stop_and_read_files().await;
    let holds = |text: &[u8]| files.windows(text.len()).any(|window| window == text);
    assert!(
        !holds(b"1mz050nq-Correct"),
        "the password is in the database"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_says_what_would_happen_now_and_writes_nothing() {
    let app = App::start().await;
    let okta = app.scim();
    record(&app, 30).await;
    let user = json!({"schemas": [USER], "userName": "ana@example.com"});
    let made = okta.post("/Users", &user).await.expect(201);
    let request = made.header("x-request-id").to_owned();
    let target = format!("/api/v1/requests/{request}/replay");
    let again = app.admin().post(&target, &json!({})).await.expect(200);
    assert_eq!(again["answered_then"], 201);
    assert_eq!(again["status"], 409, "the name is taken now: {again}");
    let _ = okta
        .delete(&format!("/Users/{}", made.id()))
        .await
        .expect(204);
    let again = app.admin().post(&target, &json!({})).await.expect(200);
    assert_eq!(again["status"], 201, "{again}");
    assert_eq!(
        okta.get("/Users").await.expect(200).total(),
        0,
        "nothing was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_not_kept_is_not_replayed() {
    let app = App::start().await;
    let made = app
        .scim()
        .post("/Users", &json!({"schemas": [USER], "userName": "a"}))
        .await;
    let request = made.expect(201).header("x-request-id").to_owned();
    let target = format!("/api/v1/requests/{request}/replay");
    let refused = app.admin().post(&target, &json!({})).await.expect(409);
    refused.names("requests record");
    let nowhere = app
        .admin()
        .post("/api/v1/requests/none/replay", &json!({}))
        .await;
    nowhere.expect(404).names("`none`");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_request_is_not_there() {
    let app = App::start().await;
    let (_, stranger) = app.clients("acme", "entra").await;
    let made = app.scim().get("/Users").await.expect(200);
    let target = format!("/api/v1/requests/{}", made.header("x-request-id"));
    let _ = stranger.get(&target).await.expect(404);
    let _ = stranger
        .post(&format!("{target}/replay"), &json!({}))
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cannot_be_forged_and_holds_no_token() {
    let app = App::start().await;
    let okta = app.scim();
    let token = app.tokens().admin_token.clone();
    let secret = token.split('_').nth(3).unwrap();
    let agent = format!("x {token} \t200 GET /forged");
    let body = json!({"schemas": [USER], "userName": "a", "active": token});
    let targets = [
        format!("/Users/{token}"),
        format!("/Users?filter={token}"),
        format!("/{token}/%0A401%20forged"),
    ];
    for target in &targets {
        let _ = okta
            .send("GET", target, &[("user-agent", &agent)], b"")
            .await;
        let _ = okta.with_json("POST", target, &body).await;
    }
    let shown = app.admin().get("/api/v1/requests").await;
    let page = app
        .admin()
        .get("/settings/integrations/identity-provider")
        .await;
    assert!(!shown.text().contains(secret) && !page.text().contains(secret));
    for line in list(&app, "").await {
        let text = line.to_string();
        assert!(!text.contains("\\n") && !text.contains("\\t"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_errors_with_what_to_do() {
    let app = App::start().await;
    let _ = app.scim().get("/Users/none").await.expect(404);
    let page = app
        .admin()
        .get("/settings/integrations/identity-provider")
        .await;
    let text = page.text();
    assert!(
        text.contains("What to do") && text.contains("unlink it in"),
        "{text}"
    );
}
