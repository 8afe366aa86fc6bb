//! `/Me` (RFC 7644 3.11).

use nameplate_scim::config::Config;
use serde_json::json;

use crate::client::{BASE, Client, USER};

fn client() -> Client {
    Client::with(Config {
        me: Some("Ana".to_owned()),
        ..Config::default()
    })
}

#[test]
fn without_a_setting_nobody_is_meant() {
    let mut client = Client::new();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let _ = client.send(method, "/Me", &json!({})).expect(501);
    }
}

#[test]
fn it_is_another_name_of_a_user() {
    let mut client = client();
    let location = format!("{BASE}/Users/{}", client.user("ana"));
    client.user("bob");
    let told = |answer: &crate::client::Answer| {
        assert_eq!(answer.header("location"), Some(&*location));
    };
    let read = client.get("/Me?attributes=userName").expect(200);
    told(&read);
    assert_eq!(read.body["userName"], "ana");
    assert_eq!(read.body.get("active"), None);
    let change = json!([{"op": "add", "path": "title", "value": "x"}]);
    let changed = client.patch("/Me", &change).expect(200);
    told(&changed);
    assert_eq!(changed.body["meta"]["location"], json!(location));
    let replaced = client.put("/Me", &json!({"schemas": [USER], "userName": "ANA"}));
    told(&replaced.expect(200));
    told(&client.request("HEAD", "/Me", &[], b"").expect(200));
    told(&client.delete("/Me").expect(204));
    let _ = client.get("/Me").expect(404);
    assert_eq!(client.get("/Users").total(), 1);
}

#[test]
fn a_refusal_tells_the_location_too() {
    let mut client = client();
    let location = format!("{BASE}/Users/{}", client.user("ana"));
    let stale = [("if-match", "W/\"7\"")];
    for (answer, status) in [
        (client.request("DELETE", "/Me", &stale, b""), 412),
        (client.put("/Me", &json!([])), 400),
        (client.post("/Me", &json!({})), 405),
    ] {
        assert_eq!(answer.expect(status).header("location"), Some(&*location));
    }
}

#[test]
fn a_user_who_is_not_there_is_not_found() {
    let mut client = client();
    let _ = client.get("/Me").expect(404);
    let _ = client.get("/Me/x").expect(404);
}

#[test]
fn while_the_index_is_filled_nobody_is_said_to_be_absent() {
    let mut client = client();
    client.user("ana");
    client.directory.state.forget_keys("other-rules");
    let _ = client.get("/Me").expect(503);
}
