//! Everything of one tenant, asked for with the tokens of another: by id, inside of
//! bodies, in filters, in cursors. An answer may repeat what was asked and nothing else.

use nameplate_tests::client::encoded;
use nameplate_tests::names::{ENTERPRISE, GROUP, USER};
use nameplate_tests::{Answer, App, Client};
use serde_json::{Value, json};

/// In every name and value of the victim, and in no id.
const MARK: &str = "amber";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// What the victim has.
struct Victim {
    app: App,
    user: String,
    boss: String,
    group: String,
    webhook: String,
    request: String,
    /// The number of an event; the attacker's own log is shorter.
    event: u64,
    /// Cursors of the victim's lists: SCIM's, and those of administrative lists.
    scim_cursor: String,
    cursors: Vec<(&'static str, String)>,
}

impl Victim {
    async fn new() -> Self {
        let app = App::start().await;
        let (okta, admin) = (app.scim(), app.admin());
        let settings = json!({"settings": {"labels":
            {"stones": {"name": "Amber People", "department": "Amber"}}}});
        let _ = admin
            .with_json("PATCH", "/api/v1/tenant", &settings)
            .await
            .expect(200);
        let boss = okta.user("boss@amber.example").await;
        let body = json!({"schemas": [USER, ENTERPRISE], "userName": "ana@amber.example",
            "displayName": "Amber Ana", "emails": [{"value": "ana@amber.example"}],
            ENTERPRISE: {"department": "Amber", "manager": {"value": boss}}});
        let user = okta.post("/Users", &body).await.expect(201).id();
        let group = okta.group("Amber Group", &[&user, &boss]).await;
        for id in ["71", "72", "73"] {
            let host =
                json!({"id": id, "display_name": "Amber Laptop", "serial": format!("AM{id}")});
            let _ = admin.post("/api/v1/hosts", &host).await.expect(201);
            let _ = app.enroll(id, "ana@amber.example").await;
        }
        let promise = json!({"username": "late@amber.example"});
        let _ = admin
            .put("/api/v1/promises/serial/AM99", &promise)
            .await
            .expect(201);
        let hook = json!({"url": "https://amber.example/hook"});
        let made = admin.post("/api/v1/webhooks", &hook).await.expect(201);
        let webhook = made.id();
        let events = admin.get("/api/v1/events?limit=1000").await.expect(200);
        let event = events["events"].as_array().unwrap().last().unwrap();
        let event = event["seq"].as_u64().unwrap();
        let page = okta.get("/Users?cursor&count=1").await.expect(200);
        let scim_cursor = page["nextCursor"].as_str().unwrap().to_owned();
        let lines = app.requests().await;
        let request = lines[0]["request_id"].as_str().unwrap().to_owned();
        let mut cursors = Vec::new();
        for list in ["hosts", "users", "requests"] {
            let page = admin.get(&format!("/api/v1/{list}?limit=1")).await;
            let next = page.expect(200)["next"].as_str().unwrap().to_owned();
            cursors.push((list, next));
        }
        Self {
            app,
            user,
            boss,
            group,
            webhook,
            request,
            event,
            scim_cursor,
            cursors,
        }
    }

    /// All that is the victim's, to see that nothing has changed.
    async fn everything(&self) -> Vec<Value> {
        let mut all = vec![self.app.scim().everything().await];
        for list in [
            "hosts",
            "users",
            "promises",
            "labels",
            "webhooks",
            "tenant",
            "connections",
            "events?limit=1000",
        ] {
            let answer = self.app.admin().get(&format!("/api/v1/{list}")).await;
            all.push(answer.expect(200).json);
        }
        all
    }
}

/// What was asked for is not there, for this caller.
#[track_caller]
fn hidden(answer: &Answer, what: &str) {
    assert!(
        matches!(answer.status, 400 | 401 | 404),
        "{what}: {} {}",
        answer.status,
        answer.text()
    );
    silent(answer, what);
}

/// Nothing of the victim is in the answer.
#[track_caller]
fn silent(answer: &Answer, what: &str) {
    let text = answer.text().to_lowercase();
    assert!(!text.contains(MARK), "{what}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_tenant_are_unknown_on_every_administrative_route() {
    let victim = Victim::new().await;
    let (_, thief) = victim.app.clients("other", "theirs").await;
    let before = victim.everything().await;
    let Victim {
        user,
        webhook,
        request,
        event,
        ..
    } = &victim;
    let nothing = json!({});
    let token = victim.app.tokens().scim_token.clone();
    let token = token.split('_').nth(2).unwrap();
    for (method, path, body) in [
        ("GET", "fleet/hosts/71".to_owned(), &nothing),
        ("GET", "fleet/hosts/71/device_mapping".to_owned(), &nothing),
        (
            "PUT",
            "fleet/hosts/71/device_mapping".to_owned(),
            &json!({"email": "x@example.com", "source": "idp"}),
        ),
        (
            "DELETE",
            "fleet/hosts/71/device_mapping/idp".to_owned(),
            &nothing,
        ),
        ("GET", "hosts/71".to_owned(), &nothing),
        ("DELETE", "hosts/71".to_owned(), &nothing),
        (
            "POST",
            "hosts/71/enrollments".to_owned(),
            &json!({"email": "x@example.com"}),
        ),
        ("GET", "hosts/71/explain".to_owned(), &nothing),
        ("PUT", "hosts/71/shared".to_owned(), &nothing),
        ("DELETE", "hosts/71/shared".to_owned(), &nothing),
        (
            "POST",
            "hosts/71/render".to_owned(),
            &json!({"text": "$FLEET_VAR_HOST_END_USER_IDP_USERNAME"}),
        ),
        ("GET", "labels/stones/hosts".to_owned(), &nothing),
        ("GET", format!("users/{user}"), &nothing),
        ("GET", format!("users/{user}/personal-data"), &nothing),
        ("DELETE", format!("users/{user}/personal-data"), &nothing),
        ("POST", format!("tokens/{token}/rotate"), &nothing),
        ("DELETE", format!("tokens/{token}"), &nothing),
        ("DELETE", "promises/serial/AM99".to_owned(), &nothing),
        ("GET", "connections/okta".to_owned(), &nothing),
        (
            "PATCH",
            "connections/okta".to_owned(),
            &json!({"dialect": "strict"}),
        ),
        ("GET", format!("requests/{request}"), &nothing),
        ("POST", format!("requests/{request}/replay"), &nothing),
        (
            "PUT",
            "requests/recording".to_owned(),
            &json!({"connection": "okta", "minutes": 5}),
        ),
        ("GET", format!("events/{event}/hosts"), &nothing),
        ("GET", format!("webhooks/{webhook}"), &nothing),
        (
            "PATCH",
            format!("webhooks/{webhook}"),
            &json!({"url": "https://thief.example/"}),
        ),
        ("DELETE", format!("webhooks/{webhook}"), &nothing),
        (
            "POST",
            format!("webhooks/{webhook}/redeliver"),
            &json!({"from": 1}),
        ),
        ("POST", format!("webhooks/{webhook}/rotate"), &nothing),
        ("GET", format!("webhooks/{webhook}/dead_letters"), &nothing),
    ] {
        let target = format!("/api/v1/{path}");
        let answer = thief.with_json(method, &target, body).await;
        hidden(&answer, &format!("{method} {target}"));
    }
    assert_eq!(victim.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_tables_hold_nothing_of_another_tenant() {
    let victim = Victim::new().await;
    let (scim, thief) = victim.app.clients("other", "theirs").await;
    let before = victim.everything().await;
    let own = scim.user("own@example.com").await;
    for path in [
        "hosts",
        "hosts?assignment=linked",
        "users",
        "users?host=none",
        "users?status=deactivated",
        "promises",
        "labels",
        "requests",
        "audit",
        "events",
        "webhooks",
        "connections",
        "tenant",
        "export",
        "export?format=ndjson",
        "fleet/scim/details",
    ] {
        let answer = thief.get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        silent(&answer, path);
    }
    let page = thief.get("/settings/integrations/identity-provider").await;
    assert_eq!(page.status, 200);
    silent(&page, "the page");
    // A preview and a dry run show what would be, of one's own hosts.
    for (connection, method, path) in [
        ("okta", "GET", "/Users".to_owned()),
        ("theirs", "GET", format!("/Users/{}", victim.user)),
        ("theirs", "DELETE", format!("/Users/{}", victim.user)),
        ("theirs", "DELETE", format!("/Groups/{}", victim.group)),
    ] {
        let asked = json!({"connection": connection, "method": method, "path": path});
        let answer = thief.post("/api/v1/mapping/preview", &asked).await;
        silent(&answer, "a preview");
        assert!(!answer.text().contains("\"71\""), "{}", answer.text());
    }
    let table = "serial,username\nAM71,ana@amber.example\n";
    for kind in ["promise", "manual"] {
        let target = format!("/api/v1/import?dry_run=true&as={kind}");
        let answer = thief.raw("POST", &target, table.as_bytes()).await;
        let would = answer.expect(200).json.to_string();
        assert!(!would.contains("Amber"), "{would}");
        assert!(!would.contains("shows"), "{would}");
    }
    let _ = scim.get(&format!("/Users/{own}")).await.expect(200);
    assert_eq!(victim.everything().await, before);
}

/// SCIM with another directory's ids, wherever an id may stand.
async fn scim_is_apart(victim: &Victim, thief: &Client) {
    let before = victim.everything().await;
    let Victim {
        user, boss, group, ..
    } = victim;
    let own = thief.user("own@example.com").await;
    let own_group = thief.group("Own", &[&own]).await;
    let target = format!("/Users/{own}");

    // A manager of elsewhere is no reference that could be followed.
    for operations in [
        json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": boss}}]),
        json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager.value"), "value": boss}]),
        json!([{"op": "add", "value": {ENTERPRISE: {"manager": boss}}}]),
    ] {
        let answer = thief.patch(&target, &operations).await;
        silent(&answer, "a manager");
    }
    silent(
        &thief.get(&target).await,
        "a user with a manager of elsewhere",
    );

    let target = format!("/Groups/{own_group}");
    for operations in [
        json!([{"op": "add", "path": "members", "value": [{"value": user}, {"value": group}]}]),
        json!([{"op": "replace", "path": "members", "value": [{"value": user}]}]),
        json!([{"op": "remove", "path": format!("members[value eq \"{user}\"]")}]),
        json!([{"op": "add", "value": {"members": [{"value": user, "$ref": format!("../Users/{user}")}]}}]),
    ] {
        let answer = thief.patch(&target, &operations).await;
        silent(&answer, "members");
    }
    let shown = thief.get(&target).await.expect(200);
    assert!(!shown.members().contains(user), "{shown}");

    for filter in [
        format!("id eq \"{user}\""),
        format!("{ENTERPRISE}:manager.value eq \"{boss}\" and userName ne \"own@example.com\""),
        format!("groups.value eq \"{group}\""),
        "userName co \"amber\"".to_owned(),
        "emails[value ew \"amber.example\"]".to_owned(),
        "displayName sw \"Amber\"".to_owned(),
    ] {
        for endpoint in ["/Users", "/Groups", "/"] {
            if endpoint != "/Users" && !filter.starts_with("id") && !filter.starts_with("display") {
                continue;
            }
            let found = thief.find(endpoint, &filter).await.expect(200);
            assert_eq!(found.total(), 0, "{filter}");
        }
    }
    let found = thief
        .find("/Groups", &format!("members.value eq \"{boss}\""))
        .await;
    assert_eq!(found.expect(200).total(), 0);

    bulk_is_apart(victim, thief).await;

    // A cursor of another list is refused or shows one's own.
    let cursor = encoded(&victim.scim_cursor);
    let answer = thief.get(&format!("/Users?count=5&cursor={cursor}")).await;
    assert!(matches!(answer.status, 200 | 400), "{}", answer.text());
    silent(&answer, "a cursor");
    assert_eq!(victim.everything().await, before);
}

async fn bulk_is_apart(victim: &Victim, thief: &Client) {
    let Victim { user, group, .. } = victim;
    let taken = json!({"schemas": [USER], "userName": "taken@example.com"});
    let operations = json!([
        {"method": "PUT", "path": format!("/Users/{user}"), "data": taken},
        {"method": "PATCH", "path": format!("/Users/{user}"),
            "data": {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}},
        {"method": "DELETE", "path": format!("/Users/{user}")},
        {"method": "DELETE", "path": format!("/Groups/{group}")},
        {"method": "POST", "path": "/Groups", "bulkId": user,
            "data": {"schemas": [GROUP], "displayName": "Bulk", "members": [{"value": user}]}},
        {"method": "PATCH", "path": format!("/Groups/{group}"),
            "data": {"Operations": [{"op": "add", "path": "members",
                "value": [{"value": format!("bulkId:{user}")}]}]}},
    ]);
    let body = json!({"schemas": [BULK], "Operations": operations});
    let answer = thief.post("/Bulk", &body).await;
    silent(&answer, "bulk");
    let statuses: Vec<Value> = answer.expect(200)["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| operation["status"].clone())
        .collect();
    assert_eq!(statuses, ["404", "404", "404", "404", "201", "404"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_tenant_in_scim_bodies_filters_and_cursors_lead_nowhere() {
    let victim = Victim::new().await;
    let (thief, _) = victim.app.clients("other", "theirs").await;
    scim_is_apart(&victim, &thief).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_connection_lead_nowhere_either() {
    let victim = Victim::new().await;
    let (thief, _) = victim.app.clients("default", "entra").await;
    let own = thief.user("own@example.com").await;
    let answer = thief.get(&format!("/Users/{}", victim.user)).await;
    hidden(&answer, "a user");
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": victim.user}]}]);
    let group = thief.group("Own", &[&own]).await;
    let answer = thief.patch(&format!("/Groups/{group}"), &operations).await;
    silent(&answer, "members");
    bulk_is_apart(&victim, &thief).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_of_another_tenants_lists_show_ones_own_or_nothing() {
    let victim = Victim::new().await;
    let (scim, thief) = victim.app.clients("other", "theirs").await;
    let _ = scim.user("own@example.com").await;
    for (list, cursor) in &victim.cursors {
        let target = format!("/api/v1/{list}?after={}", encoded(cursor));
        let answer = thief.get(&target).await;
        assert!(matches!(answer.status, 200 | 400), "{target}");
        silent(&answer, &target);
    }
    let events = format!("/api/v1/events?after={}", victim.event);
    silent(&thief.get(&events).await, &events);
}
