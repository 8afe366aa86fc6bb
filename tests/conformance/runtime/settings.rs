//! Settings of a connection, as an administrator changes them.

use nameplate_tests::App;
use nameplate_tests::names::USER;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/connections/okta";
const BADGE: &str = "urn:example:params:scim:schemas:badge:2.0:User";

fn badge() -> Value {
    json!({"schemas": [{
        "resource": "User",
        "schema": {"id": BADGE, "name": "Badge", "description": "Access card", "attributes": [
            {"name": "number", "type": "string", "required": true},
            {"name": "level", "type": "integer"},
        ]},
        "indexed": ["number"],
    }]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_schema_is_served_validated_and_found_by() {
    let app = App::start().await;
    let (okta, admin) = (app.scim(), app.admin());
    let change = json!({"settings": badge()});
    let shown = admin.with_json("PATCH", PATH, &change).await.expect(200);
    assert_eq!(shown["settings"], badge());
    assert_eq!(admin.get(PATH).await.expect(200)["settings"], badge());

    let schema = okta.get(&format!("/Schemas/{BADGE}")).await.expect(200);
    assert_eq!(schema["description"], "Access card");
    let types = okta.get("/ResourceTypes/User").await.expect(200);
    let extensions = types["schemaExtensions"].as_array().unwrap();
    assert!(extensions.iter().any(|known| known["schema"] == BADGE));

    let body = json!({"schemas": [USER, BADGE], "userName": "ana@example.com",
        BADGE: {"NUMBER": "B-7", "level": 3}});
    let made = okta.post("/Users", &body).await.expect(201);
    assert_eq!(made[BADGE], json!({"number": "B-7", "level": 3}));
    let filter = format!("{BADGE}:number eq \"b-7\"");
    let found = okta.find("/Users", &filter).await;
    assert_eq!(found.expect(200).ids(), [made.id()]);
    let wrong = json!({"schemas": [USER, BADGE], "userName": "bo@example.com",
        BADGE: {"number": "B-8", "level": "three"}});
    let refused = okta
        .post("/Users", &wrong)
        .await
        .refused(400, "invalidValue");
    refused.names("level");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_change_nothing_and_name_the_place() {
    let app = App::start().await;
    let admin = app.admin();
    let mut settings = badge();
    settings["schemas"][0]["schema"]["attributes"][1]["type"] = json!("whole");
    let change = json!({"dialect": "entra", "settings": settings});
    let refused = admin.with_json("PATCH", PATH, &change).await.expect(422);
    refused.names("schemas[0].schema.attributes[1]");
    let dialect = json!({"dialect": "klingon"});
    let refused = admin.with_json("PATCH", PATH, &dialect).await.expect(422);
    refused.names("klingon");
    let shown = admin.get(PATH).await.expect(200);
    assert_eq!(
        (&shown["dialect"], &shown["settings"]),
        (&json!("auto"), &json!({}))
    );
    let absent = admin.get("/api/v1/connections/none").await.expect(404);
    absent.names("no such connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_received_and_is_not_used_is_listed() {
    let app = App::start().await;
    let okta = app.scim();
    for name in ["ana@example.com", "bo@example.com"] {
        let body = json!({"schemas": [USER], "userName": name, "shoeSize": "44-secret"});
        let _ = okta.post("/Users", &body).await.expect(201);
    }
    let shown = app.admin().get(PATH).await.expect(200);
    let remarks = shown["remarks"].as_array().unwrap();
    let remark = remarks
        .iter()
        .find(|remark| remark["text"].as_str().unwrap().contains("received-unused"))
        .unwrap();
    assert!(
        remark["text"].as_str().unwrap().contains("`shoeSize`"),
        "{remark}"
    );
    assert_eq!(remark["requests"], 2);
    assert!(
        !shown.to_string().contains("44-secret"),
        "values are nobody's business"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scim_token_changes_no_settings() {
    let app = App::start().await;
    let idp = app.client("", &app.tokens().scim_token);
    let change = json!({"dialect": "strict"});
    let _ = idp.with_json("PATCH", PATH, &change).await.expect(403);
    assert_eq!(app.admin().get(PATH).await.expect(200)["dialect"], "auto");
}
