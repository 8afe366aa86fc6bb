//! The server-side steps of `host-runtime/docs/okta.md`, in its order.

use nameplate_tests::App;
use nameplate_tests::names::{ENTERPRISE, GROUP, USER};
use serde_json::json;

const PAGE: &str = "/settings/integrations/identity-provider";

#[tokio::test(flavor = "multi_thread")]
async fn the_okta_guide_leads_to_a_name_on_the_host() {
    let app = App::start().await;
    let admin = app.admin();
    assert!(admin.get(PAGE).await.text().contains("No IdP connected"));

    // 2: the token as it is pasted into "HTTP Header", then Test Connector Configuration.
    for form in ["Bearer", "Bearer Bearer", ""] {
        let header = format!("{form} {}", app.tokens().scim_token);
        let okta = app.scim().authorized(Some(header.trim()));
        let tested = okta.get("/Users?startIndex=1&count=2").await.expect(200);
        assert_eq!(tested.total(), 0);
        assert_eq!(
            okta.get("/Groups?startIndex=1&count=100")
                .await
                .expect(200)
                .total(),
            0
        );
    }
    let page = admin.get(PAGE).await.text();
    assert!(
        page.contains("Received information from your IdP"),
        "{page}"
    );
    assert!(page.contains("doubled"), "the quirk is noted: {page}");

    // 3 and 4: create, update and deactivate, with the mapped attributes.
    let okta = app.scim();
    let mut ana = json!({"schemas": [USER, ENTERPRISE], "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"}, "active": true,
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
        ENTERPRISE: {"department": "IT"}});
    let id = okta.post("/Users", &ana).await.expect(201).id();
    let _ = app.enrolled("1", "Ana.Diaz@example.com").await;
    ana[ENTERPRISE]["department"] = json!("Research");
    let _ = okta.put(&format!("/Users/{id}"), &ana).await.expect(200);
    for active in [false, true] {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        let _ = okta
            .patch(&format!("/Users/{id}"), &operations)
            .await
            .expect(200);
        let host = admin.get("/api/v1/hosts/1").await.expect(200);
        assert_eq!(host["host"]["assignment"]["active"], active);
        assert_eq!(host["host"]["assignment"]["user_id"], id);
    }

    // 5: the group with its memberships.
    let group = json!({"schemas": [GROUP], "displayName": "Nameplate users",
        "members": [{"value": id, "display": "ana.diaz@example.com"}]});
    let _ = okta.post("/Groups", &group).await.expect(201);

    // 6: look at the host, ask why, and set the user by hand.
    let shown = app.end_users("1").await;
    assert_eq!(shown[0]["idp_username"], "ana.diaz@example.com");
    assert_eq!(shown[0]["idp_full_name"], "Ana Díaz");
    assert_eq!(shown[0]["idp_department"], "Research");
    assert_eq!(shown[0]["idp_groups"], json!(["Nameplate users"]));
    let _ = app.enrolled("2", "nobody@example.com").await;
    let why = admin.get("/api/v1/hosts/2/explain").await.expect(200);
    let lines = why["lines"].as_array().unwrap();
    let text = json!(lines).to_string();
    assert!(
        text.contains("nobody@example.com") && text.contains("waits"),
        "{text}"
    );
    // The guide's `curl -d` labels the body as a form.
    let by_hand = admin
        .send(
            "PUT",
            "/api/v1/fleet/hosts/2/device_mapping",
            &[("content-type", "application/x-www-form-urlencoded")],
            br#"{"email": "ana.diaz@example.com", "source": "idp"}"#,
        )
        .await
        .expect(200);
    assert_eq!(by_hand["assignment"]["user_id"], id);
    assert_eq!(app.end_users("2").await, app.end_users("1").await);
}
