//! One person: all that is kept of them, and forgetting it.

use nameplate_tests::App;
use nameplate_tests::names::USER;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Words that are Ana's alone. None is a part of another's.
const WORDS: [&str; 4] = ["ana.diaz", "Díaz", "Quixote", "00u1ana"];

/// Ana, with a host, a group, an earlier login and lines in the log.
async fn ana(app: &App) -> String {
    let okta = app.scim();
    let record = json!({"connection": "okta", "minutes": 30});
    let _ = app
        .admin()
        .put("/api/v1/requests/recording", &record)
        .await
        .expect(200);
    let user = |login: &str| {
        json!({"schemas": [USER], "userName": login, "externalId": "00u1ana",
            "name": {"givenName": "Quixote", "familyName": "Díaz"}, "displayName": "Quixote Díaz",
            "emails": [{"type": "work", "value": login, "primary": true}], "active": true})
    };
    let id = okta
        .post("/Users", &user("ana.diaz@old.example"))
        .await
        .expect(201)
        .id();
    let renamed = user("ana.diaz@example.com");
    let _ = okta
        .put(&format!("/Users/{id}"), &renamed)
        .await
        .expect(200);
    let _ = okta.group("Sales", &[&id]).await;
    let _ = app.enrolled("7", "ana.diaz@example.com").await;
    let _ = okta
        .post("/Users", &renamed)
        .await
        .refused(409, "uniqueness");
    id
}

async fn export(app: &App, id: &str) -> Value {
    let target = format!("/api/v1/users/{id}/personal-data");
    app.admin().get(&target).await.expect(200)["personal_data"].clone()
}

async fn erase(app: &App, id: &str) -> Value {
    let target = format!("/api/v1/users/{id}/personal-data");
    app.admin().delete(&target).await.expect(200)["erased"].clone()
}

/// Every value of every table, as text.
fn dump(file: &std::path::Path) -> String {
    let database = Connection::open(file).unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut all = String::new();
    for name in names {
        let mut rows = database
            .prepare(&format!("SELECT * FROM \"{name}\""))
            .unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value = row.get_ref(column).unwrap();
                let bytes = value.as_bytes().unwrap_or_default();
                all.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(bytes)));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_all_that_is_kept() {
    let app = App::start().await;
    let id = ana(&app).await;
    let data = export(&app, &id).await;
    assert_eq!(data["document"]["resource"]["name"]["familyName"], "Díaz");
    assert_eq!(data["groups"][0]["name"], "Sales");
    assert_eq!(data["hosts"][0]["id"], "7");
    assert_eq!(
        data["hosts"][0]["claims"][0]["email"],
        "ana.diaz@example.com"
    );
    assert!(
        data["logins"].to_string().contains("ana.diaz@old.example"),
        "{data}"
    );
    assert!(!data["events"].as_array().unwrap().is_empty());
    let requests = data["requests"].to_string();
    assert!(
        requests.contains("Quixote"),
        "what was recorded: {requests}"
    );
    let by_login = export(&app, "ana.diaz@example.com").await;
    assert_eq!(by_login["id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_table_holds_a_word_of_the_person() {
    let app = App::start().await;
    let id = ana(&app).await;
    let bo = app.scim().user("bo@example.com").await;
    let before = dump(app.file());
    for word in WORDS {
        assert!(before.contains(word), "{word} was there");
    }
    let erased = erase(&app, &id).await;
    assert_eq!(erased["document"], true, "{erased}");
    assert_eq!(erased["hosts"], json!(["7"]));
    let after = dump(app.file());
    for word in WORDS {
        let line = after.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word} is still there");
    }
    let target = format!("/api/v1/users/{id}/personal-data");
    let _ = app.admin().get(&target).await.expect(404);
    let host = app.admin().get("/api/v1/hosts/7").await.expect(200);
    assert_eq!(host["host"]["end_user"], Value::Null, "{host}");
    assert!(after.contains("bo@example.com"), "others stay");
    let _ = export(&app, &bo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_deleted_long_ago_is_erased_too() {
    let app = App::start().await;
    let id = ana(&app).await;
    let _ = app.scim().delete(&format!("/Users/{id}")).await.expect(204);
    app.clock.advance(400 * 24 * 3600 * 1000);
    let erased = erase(&app, &id).await;
    assert_eq!(erased["document"], false);
    assert_eq!(erased["warning"], Value::Null, "nobody sends them any more");
    let after = dump(app.file());
    for word in WORDS {
        assert!(!after.contains(word), "{word} is still there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_still_pushed_comes_back_and_that_is_said() {
    let app = App::start().await;
    let id = ana(&app).await;
    let erased = erase(&app, &id).await;
    let warning = erased["warning"].as_str().unwrap();
    assert!(
        warning.contains("Applications > your app > Assignments"),
        "{warning}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_in_the_audit_log_by_id_alone() {
    let app = App::start().await;
    let id = ana(&app).await;
    let _ = erase(&app, "ana.diaz@example.com").await;
    let lines = app.admin().get("/api/v1/audit").await.expect(200);
    let line = &lines["audit"][0];
    assert_eq!(
        (&line["action"], &line["subject"]),
        (&json!("person.erase"), &json!(id))
    );
    assert!(!lines.to_string().contains("ana.diaz"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_apart_from_somebody_of_another_tenant() {
    let app = App::start().await;
    let id = ana(&app).await;
    let (_, stranger) = app.clients("acme", "entra").await;
    let target = format!("/api/v1/users/{id}/personal-data");
    let _ = stranger.get(&target).await.expect(404);
    let _ = stranger.delete(&target).await.expect(404);
    let _ = export(&app, &id).await;
}
