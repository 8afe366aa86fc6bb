//! Hosts promised before they exist, whichever of the two comes first.

use nameplate_tests::App;
use nameplate_tests::client::encoded;
use serde_json::{Value, json};

async fn promise(app: &App, place: &str, login: &str) -> Value {
    let target = format!("/api/v1/promises/{place}");
    let answer = app.admin().put(&target, &json!({"email": login})).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    let status = answer.status;
    answer.expect(status).json
}

async fn user_of(app: &App, host: &str) -> Value {
    app.mapping(host).await["assignment"]["username"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_kept_whichever_of_promise_person_and_host_comes_last() {
    for order in [
        "php", "pph", "hpp", "uph", "puh", "hup", "uhp", "phu", "hpu",
    ] {
        let app = App::start().await;
        let mut user_is_there = false;
        for step in order.chars() {
            match step {
                'p' => _ = promise(&app, "serial/C021", "ana@example.com").await,
                'h' => {
                    let body = json!({"id": "1", "serial": " c021 "});
                    let made = app.admin().post("/api/v1/hosts", &body).await;
                    assert!(matches!(made.status, 200 | 201));
                }
                _ => {
                    let _ = app.scim().user("ana@example.com").await;
                    user_is_there = true;
                }
            }
        }
        let assignment = app.mapping("1").await["assignment"].clone();
        let expected = if user_is_there { "linked" } else { "pending" };
        assert_eq!(assignment["outcome"], expected, "{order}: {assignment}");
        assert_eq!(assignment["username"], "ana@example.com", "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_to_a_display_name_is_kept_too() {
    let app = App::start().await;
    let kept = promise(&app, "name/laptop%201", "ana@example.com").await;
    assert_eq!(kept["hosts"], 0);
    app.host("1").await;
    assert_eq!(user_of(&app, "1").await, "ana@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_promise_is_taken_back_and_a_new_one_replaces_it() {
    let app = App::start().await;
    app.host("1").await;
    let first = promise(&app, "serial/C021", "ana@example.com").await;
    assert_eq!(
        (&first["recorded"], &first["hosts"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(user_of(&app, "1").await, "ana@example.com");
    app.clock.advance(1000);
    let again = promise(&app, "serial/c021", "ana@example.com").await;
    assert_eq!(again["recorded"], false, "the same again");
    let _ = promise(&app, "serial/C021", "ben@example.com").await;
    assert_eq!(user_of(&app, "1").await, "ben@example.com");
    app.clock.advance(1000);
    for _ in 0..2 {
        let target = "/api/v1/promises/serial/C021";
        let _ = app.admin().delete(target).await.expect(204);
        assert_eq!(
            app.mapping("1").await["assignment"]["outcome"],
            "unassigned"
        );
        let _ = app.admin().delete(target).await.expect(404);
        app.clock.advance(1000);
        // Promised to the one who had it before: the claim that was taken back is no
        // hindrance.
        let _ = promise(&app, "serial/C021", "ana@example.com").await;
        assert_eq!(user_of(&app, "1").await, "ana@example.com");
        app.clock.advance(1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_gets_another_serial_keeps_other_promises() {
    let app = App::start().await;
    let _ = promise(&app, "serial/A", "ana@example.com").await;
    let _ = promise(&app, "serial/B", "ben@example.com").await;
    for (serial, login) in [
        ("A", "ana@example.com"),
        ("B", "ben@example.com"),
        ("C", ""),
    ] {
        let body = json!({"id": "1", "serial": serial});
        let made = app.admin().post("/api/v1/hosts", &body).await;
        assert!(matches!(made.status, 200 | 201));
        assert_eq!(user_of(&app, "1").await, login, "{serial}");
        app.clock.advance(1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_made_at_the_same_time_leave_the_one_that_is_listed() {
    let app = App::start().await;
    app.host("1").await;
    for round in 0..5 {
        let logins = [0, 1, 2, 3].map(|n| format!("user{round}{n}@example.com"));
        let [one, two, three, four] = &logins;
        tokio::join!(
            promise(&app, "serial/C021", one),
            promise(&app, "serial/C021", two),
            promise(&app, "name/laptop%201", three),
            promise(&app, "serial/C021", four),
        );
        let listed = app.admin().get("/api/v1/promises").await.expect(200);
        let mut promised: Vec<&Value> = listed["promises"]
            .as_array()
            .unwrap()
            .iter()
            .map(|promise| &promise["email"])
            .collect();
        let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
        let mut claimed: Vec<&Value> = host["host"]["claims"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|claim| claim["withdrawn"].is_null())
            .map(|claim| &claim["email"])
            .collect();
        for list in [&mut promised, &mut claimed] {
            list.sort_by_key(|login| login.to_string());
        }
        assert_eq!(claimed, promised, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_are_listed_page_by_page() {
    let app = App::start().await;
    for place in ["serial/C", "serial/A", "name/B"] {
        let _ = promise(&app, place, "ana@example.com").await;
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let target = format!("/api/v1/promises?limit=1&after={}", encoded(&after));
        let page = app.admin().get(&target).await.expect(200);
        for promise in page["promises"].as_array().unwrap() {
            seen.push((promise["serial"].clone(), promise["display_name"].clone()));
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let expected = [
        (json!("A"), Value::Null),
        (json!("C"), Value::Null),
        (Value::Null, json!("B")),
    ];
    assert_eq!(seen, expected);
    let nobody = app
        .admin()
        .put("/api/v1/promises/serial/A", &json!({}))
        .await;
    nobody.expect(400).names("`username` or `email`");
    let wrong = app.admin().get("/api/v1/promises?after=A").await;
    wrong.expect(400).names("`after`");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_left_are_listed_with_when_and_their_hosts() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let ben = okta.user("ben@example.com").await;
    let eve = okta.user("eve@example.com").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let _ = okta.patch(&format!("/Users/{ana}"), &off).await.expect(200);
    let _ = okta.delete(&format!("/Users/{ben}")).await.expect(204);
    let target = "/api/v1/users?status=deactivated";
    let list = app.admin().get(target).await.expect(200);
    let users = list["users"].as_array().unwrap();
    let of = |id: &str| users.iter().find(|user| user["id"] == id).unwrap();
    assert_eq!(users.len(), 2);
    let (gone, off) = (of(&ben), of(&ana));
    assert_eq!(
        (&gone["status"], &off["status"]),
        (&json!("deleted"), &json!("deactivated"))
    );
    assert_eq!(off["username"], "ana@example.com");
    assert_eq!(gone["username"], "ben@example.com");
    assert_eq!(off["hosts"], json!(["1"]));
    assert!(off["deactivated_at"].is_string() && off["deleted_at"].is_null());
    assert!(gone["deleted_at"].is_string());
    let page = app
        .admin()
        .get(&format!("{target}&limit=1"))
        .await
        .expect(200);
    let next = page["next"].as_str().unwrap();
    let rest = app
        .admin()
        .get(&format!("{target}&after={next}"))
        .await
        .expect(200);
    assert_eq!(rest["users"].as_array().unwrap().len(), 1);
    let user = app
        .admin()
        .get(&format!("/api/v1/users/{ana}"))
        .await
        .expect(200);
    assert_eq!(user["user"]["hosts"], json!(["1"]));
    assert_eq!(user["user"]["end_user"]["active"], false);
    let since = &user["user"]["end_user"]["deactivated_at"];
    assert_eq!(*since, user["user"]["deactivated_at"]);
    let user = app
        .admin()
        .get(&format!("/api/v1/users/{eve}"))
        .await
        .expect(200);
    assert_eq!(user["user"]["status"], "active");
    let _ = app
        .admin()
        .get(&format!("/api/v1/users/{ben}"))
        .await
        .expect(200);
    let _ = app.admin().get("/api/v1/users/nobody").await.expect(404);
    let wrong = app.admin().get("/api/v1/users?status=active").await;
    wrong.expect(400).names("`status`");
}
