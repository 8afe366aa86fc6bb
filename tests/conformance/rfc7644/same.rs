//! What must not matter: white space, the order of keys, the case of names.

use nameplate_tests::names::{ENTERPRISE, PATCH, USER};
use nameplate_tests::{Client, Idp};
use serde_json::{Value, json};

/// A resource without what differs between two of the same content.
fn content(resource: &Value) -> Value {
    let mut content = resource.clone();
    let fields = content.as_object_mut().unwrap();
    for name in ["id", "meta"] {
        fields.remove(name).unwrap();
    }
    content
}

async fn created(idp: &Client, body: &str) -> Value {
    let answer = idp.raw("POST", "/Users", body.as_bytes()).await.expect(201);
    let target = format!("/Users/{}", answer.id());
    let read = idp.get(&target).await.expect(200);
    assert_eq!(read.json, answer.json);
    let _ = idp.delete(&target).await.expect(204);
    content(&read)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_the_same_however_it_is_written() {
    let idp = Idp::start().await;
    let plain = format!(
        r#"{{"schemas":["{USER}","{ENTERPRISE}"],"userName":"ana@example.com","name":{{"givenName":"Ana","familyName":"Díaz"}},"emails":[{{"value":"ana@example.com","type":"work","primary":true}}],"active":true,"{ENTERPRISE}":{{"department":"IT"}}}}"#
    );
    let expected = created(&idp, &plain).await;
    assert_eq!(expected["name"]["familyName"], "Díaz");
    let spaced = plain
        .replace(':', " :\t")
        .replace(
            "urn :\tietf :\tparams :\tscim :\tschemas :\t",
            "urn:ietf:params:scim:schemas:",
        )
        .replace("core :\t2.0 :\tUser", "core:2.0:User")
        .replace(
            "extension :\tenterprise :\t2.0 :\tUser",
            "extension:enterprise:2.0:User",
        )
        .replace(',', "\r\n , ");
    let reordered = format!(
        r#"{{"{ENTERPRISE}":{{"department":"IT"}},"active":true,"emails":[{{"primary":true,"type":"work","value":"ana@example.com"}}],"name":{{"familyName":"D\u00edaz","givenName":"Ana"}},"userName":"ana@example.com","schemas":["{ENTERPRISE}","{USER}"]}}"#
    );
    let cased = plain
        .replace("\"userName\"", "\"USERNAME\"")
        .replace("\"givenName\"", "\"givenname\"")
        .replace("\"emails\"", "\"Emails\"")
        .replace("\"value\"", "\"Value\"")
        .replace("\"active\"", "\"ACTIVE\"")
        .replace("\"schemas\"", "\"Schemas\"")
        .replace(
            &format!("\"{ENTERPRISE}\":"),
            &format!("\"{}\":", ENTERPRISE.to_uppercase()),
        )
        .replace("\"department\"", "\"DEPARTMENT\"");
    let marked = format!("\u{feff}{plain}\n");
    for body in [spaced, reordered, cased, marked] {
        assert_eq!(created(&idp, &body).await, expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_the_same_however_it_is_written() {
    let idp = Idp::start().await;
    let id = idp.user("ana@example.com").await;
    let target = format!("/Users/{id}");
    let mut seen = Vec::new();
    for body in [
        format!(
            r#"{{"schemas":["{PATCH}"],"Operations":[{{"op":"replace","path":"name.givenName","value":"Ana"}}]}}"#
        ),
        format!(
            r#"{{ "operations" : [ {{ "VALUE" : "Ana" , "Path" : "NAME.GIVENNAME" , "OP" : "REPLACE" }} ] , "schemas" : [ "{PATCH}" ] }}"#
        ),
        format!(
            r#"{{"schemas":["{PATCH}"],"Operations":[{{"op":"replace","path":"{USER}:name.givenName","value":"Ana"}}]}}"#
        ),
        format!(
            r#"{{"schemas":["{PATCH}"],"Operations":[{{"op":"add","path":null,"value":{{"name":{{"givenName":"Ana"}}}}}}]}}"#
        ),
    ] {
        let answer = idp.raw("PATCH", &target, body.as_bytes()).await.expect(200);
        seen.push(content(&answer));
        let back = json!([{"op": "remove", "path": "name"}]);
        let cleared = idp.patch(&target, &back).await.expect(200);
        assert_eq!(cleared.get("name"), None);
    }
    assert_eq!(seen[0]["name"], json!({"givenName": "Ana"}));
    for other in &seen {
        assert_eq!(other, &seen[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_leaves_version_and_time_alone() {
    let idp = Idp::start().await;
    let id = idp.user("ana@example.com").await;
    let group = idp.group("Engineering", &[&id]).await;
    let (user, group) = (format!("/Users/{id}"), format!("/Groups/{group}"));
    let before = idp.everything().await;
    let body = json!({"schemas": [USER], "userName": "ana@example.com", "active": true,
        "emails": [{"type": "work", "value": "ana@example.com", "primary": true}]});
    let _ = idp.put(&user, &body).await.expect(200);
    let operations = json!([{"op": "replace", "path": "active", "value": "True"}]);
    let _ = idp.patch(&user, &operations).await.expect(200);
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let _ = idp.patch(&group, &operations).await.expect(200);
    let operations = json!([{"op": "replace", "path": "members", "value": [{"value": id}]}]);
    let _ = idp.patch(&group, &operations).await.expect(200);
    let operations = json!([{"op": "replace", "path": "displayName", "value": "Engineering"}]);
    let _ = idp.patch(&group, &operations).await.expect(200);
    assert_eq!(idp.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_attributes_and_schemas_do_no_harm() {
    let idp = Idp::start().await;
    let body = json!({"schemas": [USER, "urn:example:2.0:Custom"], "userName": "ana@example.com",
        "shoeSize": 38, "urn:example:2.0:Custom": {"badge": 7}, "meta": {"version": "x"},
        "id": "chosen-by-the-client"});
    let answer = idp.post("/Users", &body).await.expect(201);
    assert_ne!(
        answer.id(),
        "chosen-by-the-client",
        "RFC 7643 3.1: the server's choice"
    );
    assert_eq!(answer["userName"], "ana@example.com");
}
