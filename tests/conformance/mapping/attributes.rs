//! What hosts show of people is worded by the tenant; profiles and labels follow.

use nameplate_tests::App;
use nameplate_tests::client::encoded;
use nameplate_tests::names::{ENTERPRISE, USER};
use serde_json::{Value, json};

/// Puts these settings of the tenant in force.
async fn worded(app: &App, settings: &Value) {
    let body = json!({ "settings": settings });
    let admin = app.admin();
    let _ = admin
        .with_json("PATCH", "/api/v1/tenant", &body)
        .await
        .expect(200);
}

async fn filled(app: &App, host: &str, text: &str) -> String {
    let path = format!("/api/v1/hosts/{host}/render");
    let answer = app.admin().post(&path, &json!({ "text": text })).await;
    answer.expect(200)["text"].as_str().unwrap().to_owned()
}

async fn hired(app: &App, name: &str, more: &Value) -> String {
    let mut user = json!({"schemas": [USER, ENTERPRISE], "userName": name});
    let more = more.as_object().unwrap().clone();
    user.as_object_mut().unwrap().extend(more);
    app.scim().post("/Users", &user).await.expect(201).id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_filled_as_the_tenant_words_attributes() {
    let app = App::start().await;
    let settings = json!({
        "attributes": {
            "department": "lookup(department, teams, department)",
            "badge": "urn:example:params:scim:schemas:badge:2.0:User:number",
        },
        "tables": {"teams": {"eng": "R&D"}},
    });
    worded(&app, &settings).await;
    let more = json!({
        "displayName": "Ana D.",
        "name": {"givenName": "Ana"},
        ENTERPRISE: {"department": "ENG"},
        "urn:example:params:scim:schemas:badge:2.0:User": {"number": 7},
    });
    let _ = hired(&app, "ana@example.com", &more).await;
    let _ = app.enrolled("h", "ana@example.com").await;
    let text = "<s>${NAMEPLATE_FULL_NAME}/$FLEET_VAR_HOST_END_USER_IDP_DEPARTMENT\
                /$NAMEPLATE_BADGE/$NAMEPLATE_USERNAME_LOCAL_PART</s>";
    assert_eq!(filled(&app, "h", text).await, "<s>Ana/R&amp;D/7/ana</s>");
    // Worded otherwise, the next reading follows.
    worded(&app, &json!({"attributes": {"full_name": "displayName"}})).await;
    assert_eq!(filled(&app, "h", "$NAMEPLATE_FULL_NAME").await, "Ana D.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_the_settings_is_told_with_its_place_and_changes_nothing() {
    let app = App::start().await;
    for (settings, told) in [
        (
            json!({"attributes": {"team": "lower(title"}}),
            "attributes.`team`: the expression ends where `)` should follow, at column 11",
        ),
        (
            json!({"attributes": {"team": "lokup(title, teams)"}}),
            "did you mean `lookup`, at column 1",
        ),
        (json!({"lables": {}}), "did you mean `labels`"),
        (
            json!({"tables": {"teams": {"a": 1}}}),
            "tables.`teams`: `a` has to be a text",
        ),
        (
            json!({"labels": {"m": {"name": "M", "attribute": "manager", "value": "x"}}}),
            "labels.`m`: hosts cannot be found by `manager`",
        ),
        (
            json!({"profiles": {"wifi": ["NAMEPLATE_USERNAM"]}}),
            "did you mean `NAMEPLATE_USERNAME`",
        ),
        (
            json!({"connection_order": ["entra"]}),
            "there is no connection `entra`",
        ),
    ] {
        let body = json!({ "settings": settings });
        let admin = app.admin();
        let answer = admin.with_json("PATCH", "/api/v1/tenant", &body).await;
        answer.expect(422).names(told);
        let shown = admin.get("/api/v1/tenant").await.expect(200);
        assert_eq!(shown["settings"], json!({}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_is_shown_by_name_and_follows_a_rename() {
    let app = App::start().await;
    let boss = json!({"name": {"givenName": "Max", "familyName": "Boss"}});
    let boss = hired(&app, "max@example.com", &boss).await;
    let of = |manager: &str| json!({ENTERPRISE: {"manager": {"value": manager}}});
    let _ = hired(&app, "ana", &of(&boss)).await;
    let _ = hired(&app, "ben", &of("MAX@example.com")).await;
    for name in ["ana", "ben"] {
        let _ = app.enrolled(name, name).await;
        assert_eq!(filled(&app, name, "$NAMEPLATE_MANAGER").await, "Max Boss");
    }
    let rename = json!([{"op": "replace", "path": "name.givenName", "value": "Mia"}]);
    let scim = app.scim();
    let _ = scim
        .patch(&format!("/Users/{boss}"), &rename)
        .await
        .expect(200);
    assert_eq!(filled(&app, "ana", "$NAMEPLATE_MANAGER").await, "Mia Boss");
}

/// All pages of two.
async fn listed(app: &App, path: &str, list: &str, item: fn(&Value) -> &Value) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = app
            .admin()
            .get(&format!("{path}?limit=2{after}"))
            .await
            .expect(200);
        let items = page[list].as_array().unwrap().iter();
        all.extend(items.map(|one| item(one).as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

async fn labels(app: &App) -> Vec<String> {
    listed(app, "/api/v1/labels", "labels", |label| &label["id"]).await
}

async fn hosts(app: &App, label: &str) -> Vec<String> {
    let path = format!("/api/v1/labels/{}/hosts", encoded(label));
    let mut hosts = listed(app, &path, "hosts", |host| host).await;
    hosts.sort();
    hosts
}

/// Ana (IT, chief, in Ops inside All) has two hosts, Ben (it) one.
async fn two_people() -> (App, [String; 2], [String; 2]) {
    let app = App::start().await;
    let okta = app.scim();
    let of = |department: &str, title: &str| json!({"title": title, ENTERPRISE: {"department": department}});
    let ana = hired(&app, "ana", &of("IT", "Chief")).await;
    let ben = hired(&app, "ben", &of("it", "Clerk")).await;
    let ops = okta.group("Ops", &[&ana]).await;
    let all = okta.group("All", &[&ops]).await;
    for (host, login) in [("h1", "ana"), ("h2", "ana"), ("h3", "ben")] {
        let _ = app.enrolled(host, login).await;
    }
    (app, [ana, ben], [ops, all])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_group_and_department_is_a_label_by_itself() {
    let (app, [_, ben], [ops, all]) = two_people().await;
    let mut groups = [format!("group:{ops}"), format!("group:{all}")];
    groups.sort();
    let [first, second] = groups;
    assert_eq!(
        labels(&app).await,
        [first, second, "department:it".to_owned()]
    );
    assert_eq!(hosts(&app, &format!("group:{all}")).await, ["h1", "h2"]);
    assert_eq!(hosts(&app, "department:IT").await, ["h1", "h2", "h3"]);
    // Members come and go, and nothing has to run for it.
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ben}]}]);
    let _ = app
        .scim()
        .patch(&format!("/Groups/{all}"), &add)
        .await
        .expect(200);
    assert_eq!(
        hosts(&app, &format!("group:{all}")).await,
        ["h1", "h2", "h3"]
    );
    let _ = app
        .scim()
        .delete(&format!("/Users/{ben}"))
        .await
        .expect(204);
    assert_eq!(hosts(&app, &format!("group:{all}")).await, ["h1", "h2"]);
    let unknown = app.admin().get("/api/v1/labels/none/hosts").await;
    unknown.expect(400).names("there is no label `none`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_of_newly_worded_attributes_misses_nobody_at_any_moment() {
    let (app, [ana, _], _) = two_people().await;
    worded(
        &app,
        &json!({
            "attributes": {"rank": "lookup(title, ranks)"},
            "tables": {"ranks": {"chief": "A", "clerk": "B"}},
            "labels": {"a": {"name": "A", "attribute": "rank", "value": "a"}},
        }),
    )
    .await;
    // Before, while and after the index is filled.
    assert_eq!(hosts(&app, "a").await, ["h1", "h2"]);
    let title = json!([{"op": "replace", "path": "title", "value": "Clerk"}]);
    let _ = app
        .scim()
        .patch(&format!("/Users/{ana}"), &title)
        .await
        .expect(200);
    assert_eq!(hosts(&app, "a").await, Vec::<String>::new());
}
