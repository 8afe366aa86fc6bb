//! Lists for administrators: hosts by assignment, people without a host, requests.

use nameplate_tests::App;
use nameplate_tests::names::USER;
use nameplate_tests::shape::{Shape, redact};
use serde_json::{Value, json};

async fn ids(app: &App, query: &str) -> Vec<String> {
    let answer = app
        .admin()
        .get(&format!("/api/v1/hosts{query}"))
        .await
        .expect(200);
    let hosts = answer["hosts"].as_array().unwrap();
    hosts
        .iter()
        .map(|host| host["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn one_of_each() -> App {
    let app = App::start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    for name in ["twin1", "twin2"] {
        let body = json!({"schemas": [USER], "userName": name,
            "emails": [{"value": "twins@example.com"}]});
        let _ = okta.post("/Users", &body).await.expect(201);
    }
    let _ = app.enrolled("linked", "ana@example.com").await;
    let _ = app.enrolled("pending", "late@example.com").await;
    let _ = app.enrolled("ambiguous", "twins@example.com").await;
    app.host("unassigned").await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_listed_by_assignment() {
    let app = one_of_each().await;
    assert_eq!(
        ids(&app, "").await,
        ["ambiguous", "linked", "pending", "unassigned"]
    );
    for outcome in ["ambiguous", "linked", "pending", "unassigned"] {
        assert_eq!(
            ids(&app, &format!("?assignment={outcome}")).await,
            [outcome]
        );
    }
    let _ = app.scim().user("late@example.com").await;
    assert_eq!(ids(&app, "?assignment=linked").await, ["linked", "pending"]);
    assert_eq!(ids(&app, "?assignment=pending").await, Vec::<String>::new());
    let wrong = app
        .admin()
        .get("/api/v1/hosts?assignment=none")
        .await
        .expect(400);
    wrong.names("`assignment`");
    let mut list = app
        .admin()
        .get("/api/v1/hosts?assignment=unassigned")
        .await
        .expect(200)
        .json;
    redact(&mut list, "/hosts/0/assignment/reason", Shape::Line);
    let expected = json!({"next": null, "hosts": [{"id": "unassigned",
        "display_name": "Laptop unassigned", "platform": "darwin", "serial": "C02unassigned",
        "uuid": "u-unassigned", "assignment": {"outcome": "unassigned", "username": "",
        "user_id": null, "reason": "[line]"}}]});
    assert_eq!(list, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_hosts_show_each_once() {
    let app = App::start().await;
    let mut made = Vec::new();
    for n in 10..17 {
        app.host(&n.to_string()).await;
        made.push(n.to_string());
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let target = format!("/api/v1/hosts?limit=3{after}");
        let page = app.admin().get(&target).await.expect(200);
        let hosts = page["hosts"].as_array().unwrap();
        seen.extend(
            hosts
                .iter()
                .map(|host| host["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let _ = app.admin().get("/api/v1/hosts?limit=0").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_created_changed_and_deleted() {
    let app = App::start().await;
    let admin = app.admin();
    let id = "C02/é 1";
    let target = "/api/v1/hosts/C02%2F%C3%A9%201";
    let body = json!({"id": id, "display_name": "One"});
    let _ = admin.post("/api/v1/hosts", &body).await.expect(201);
    let body = json!({"id": id, "display_name": "Two", "platform": "windows"});
    let changed = admin.post("/api/v1/hosts", &body).await.expect(200);
    assert_eq!(changed["host"]["display_name"], "Two");
    let fleet = admin
        .get("/api/v1/fleet/hosts/C02%2F%C3%A9%201")
        .await
        .expect(200);
    assert_eq!(fleet["host"]["id"], id);
    for (body, name) in [
        (json!({"display_name": "x"}), "`id`"),
        (json!({"id": ""}), "`id`"),
        (json!({"id": "x".repeat(256)}), "`id`"),
        (json!({"id": "1", "platform": 7}), "`platform`"),
    ] {
        admin
            .post("/api/v1/hosts", &body)
            .await
            .expect(400)
            .names(name);
    }
    let _ = admin.delete(target).await.expect(204);
    let _ = admin.get(target).await.expect(404);
    let _ = admin.delete(target).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_all_digit_id_is_a_number_in_fleets_shapes_and_a_text_in_ours() {
    let app = App::start().await;
    for (id, fleet) in [
        ("42", json!(42)),
        ("9007199254740991", json!(9_007_199_254_740_991_u64)),
        ("9007199254740993", json!("9007199254740993")),
        ("007", json!("007")),
        ("C02X", json!("C02X")),
    ] {
        app.host(id).await;
        let host = app
            .admin()
            .get(&format!("/api/v1/fleet/hosts/{id}"))
            .await
            .expect(200);
        assert_eq!(host["host"]["id"], fleet);
        assert_eq!(app.mapping(id).await["host_id"], fleet);
        let ours = app
            .admin()
            .get(&format!("/api/v1/hosts/{id}"))
            .await
            .expect(200);
        assert_eq!(ours["host"]["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_host_are_listed() {
    let app = one_of_each().await;
    let names = async |query: &str| -> Vec<String> {
        let answer = app
            .admin()
            .get(&format!("/api/v1/users{query}"))
            .await
            .expect(200);
        let users = answer["users"].as_array().unwrap().clone();
        let name = |user: &Value| user["username"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = users.iter().map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names("").await, ["ana@example.com", "twin1", "twin2"]);
    assert_eq!(names("?host=none").await, ["twin1", "twin2"]);
    let _ = app.admin().delete("/api/v1/hosts/linked").await.expect(204);
    assert_eq!(
        names("?host=none").await,
        ["ana@example.com", "twin1", "twin2"]
    );
    app.admin()
        .get("/api/v1/users?host=all")
        .await
        .expect(400)
        .names("`host`");
    let mut one = app
        .admin()
        .get("/api/v1/users?limit=1")
        .await
        .expect(200)
        .json;
    assert!(one["next"].is_string(), "{one}");
    redact(&mut one, "/users/0/id", Shape::Id);
    redact(&mut one, "/users/0/created", Shape::Time);
    assert_eq!(one["users"][0]["connection"], "okta");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_tell_what_happened_in_words_and_hold_no_value() {
    let app = App::start().await;
    let okta = app.scim();
    let id = okta.user("secret.name@example.com").await;
    let _ = okta.user_twice("secret.name@example.com").await;
    let filter = "userName eq \"secret.name@example.com\"";
    let _ = okta.find("/Users", filter).await.expect(200);
    let lines = app.requests().await;
    assert_eq!(lines.len(), 3);
    let created = lines.last().unwrap().clone();
    assert_eq!(created["method"], "POST");
    assert_eq!(created["path"], "/scim/v2/Users");
    assert_eq!(created["status"], 201);
    assert_eq!(created["connection"], "okta");
    let notes = created["notes"].to_string();
    assert!(notes.contains(&format!("created user {id}")), "{notes}");
    let refused = &lines[1];
    assert_eq!(refused["status"], 409);
    assert!(refused["detail"].as_str().unwrap().contains("`userName`"));
    let mut whole = created;
    redact(&mut whole, "/at", Shape::Time);
    redact(&mut whole, "/id", Shape::Number);
    redact(&mut whole, "/micros", Shape::Number);
    let names: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
    let mut expected = [
        "id",
        "at",
        "connection",
        "method",
        "path",
        "status",
        "micros",
        "detail",
        "notes",
        "request_id",
        "caller",
        "user_agent",
        "guest_micros",
        "from_idp",
    ];
    expected.sort_unstable();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    let log = json!(lines).to_string();
    assert!(!log.contains("secret.name"), "{log}");
}

trait Twice {
    async fn user_twice(&self, name: &str);
}

impl Twice for nameplate_tests::Client {
    async fn user_twice(&self, name: &str) {
        let body = json!({"schemas": [USER], "userName": name});
        let _ = self.post("/Users", &body).await.refused(409, "uniqueness");
    }
}
