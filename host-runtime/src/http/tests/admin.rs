//! Hosts, claims, lists and the page.

use super::*;

const HOST: &str =
    r#"{"id":7,"display_name":"Laptop","platform":"darwin","serial":"C02","uuid":"U1"}"#;

#[tokio::test]
async fn a_host_is_created_changed_read_in_both_shapes_and_deleted() {
    let world = world().await;
    let answer = world.admin("POST", "/api/v1/hosts", HOST).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(text_at(&json_of(&answer), "/host/id"), "7");
    let answer = world
        .admin(
            "POST",
            "/api/v1/hosts",
            r#"{"id":"7","display_name":"New"}"#,
        )
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let fleet = json_of(&world.admin("GET", "/api/v1/fleet/hosts/7", "").await);
    assert_eq!(fleet.pointer("/host/id"), Some(&json!(7)));
    assert_eq!(text_at(&fleet, "/host/display_name"), "New");
    assert_eq!(fleet.pointer("/host/end_users"), Some(&json!([])));
    let answer = world.admin("DELETE", "/api/v1/hosts/7", "").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(answer.body().is_empty());
    for (method, path) in [
        ("GET", "/api/v1/hosts/7"),
        ("DELETE", "/api/v1/hosts/7"),
        ("GET", "/api/v1/fleet/hosts/7"),
        ("GET", "/api/v1/fleet/hosts/7/device_mapping"),
        ("DELETE", "/api/v1/fleet/hosts/7/device_mapping/idp"),
    ] {
        let answer = world.admin(method, path, "").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        assert!(text_at(&json_of(&answer), "/message").contains("`7`"));
    }
}

#[tokio::test]
async fn another_tenants_token_sees_no_host_of_ours() {
    let world = world().await;
    world.admin("POST", "/api/v1/hosts", HOST).await;
    let other = request("GET", "/api/v1/hosts/7", Some(&world.other_admin), "");
    assert_eq!(world.send(other).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_enrolment_is_recorded_once() {
    let world = world().await;
    world.admin("POST", "/api/v1/hosts", HOST).await;
    let path = "/api/v1/hosts/7/enrollments";
    let body = r#"{"enrollment_id":"e1","username":"ana","email":"ana@example.com"}"#;
    let first = world.admin("POST", path, body).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    assert_eq!(text_at(&json_of(&first), "/assignment/outcome"), "pending");
    let again = world.admin("POST", path, body).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(json_of(&again).pointer("/recorded"), Some(&json!(false)));
    let unknown = world
        .admin("POST", "/api/v1/hosts/8/enrollments", body)
        .await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_manual_user_is_set_and_taken_back() {
    let world = world().await;
    world.admin("POST", "/api/v1/hosts", HOST).await;
    let path = "/api/v1/fleet/hosts/7/device_mapping";
    let set = world
        .admin("PUT", path, r#"{"email":"ana@example.com","source":"idp"}"#)
        .await;
    assert_eq!(set.status(), StatusCode::OK);
    let shape = json_of(&set);
    assert_eq!(
        shape.pointer("/device_mapping"),
        Some(&json!([{ "email": "ana@example.com", "source": "mdm_idp_accounts" }]))
    );
    assert_eq!(text_at(&shape, "/assignment/username"), "ana@example.com");
    let drop = format!("{path}/idp");
    assert_eq!(
        world.admin("DELETE", &drop, "").await.status(),
        StatusCode::NO_CONTENT
    );
    let twice = world.admin("DELETE", &drop, "").await;
    assert_eq!(twice.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_custom_address_replaces_the_one_before_and_claims_nothing() {
    let world = world().await;
    world.admin("POST", "/api/v1/hosts", HOST).await;
    let path = "/api/v1/fleet/hosts/7/device_mapping";
    world
        .admin("PUT", path, r#"{"email":"a@example.org"}"#)
        .await;
    let shape = json_of(
        &world
            .admin("PUT", path, r#"{"email":"b@example.org"}"#)
            .await,
    );
    assert_eq!(
        shape.pointer("/device_mapping"),
        Some(&json!([{ "email": "b@example.org", "source": "custom" }]))
    );
    assert_eq!(text_at(&shape, "/assignment/outcome"), "unassigned");
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing() {
    let world = world().await;
    world.admin("POST", "/api/v1/hosts", HOST).await;
    let mapping = "/api/v1/fleet/hosts/7/device_mapping";
    for (method, path, body, name) in [
        ("POST", "/api/v1/hosts", "{", "body"),
        ("POST", "/api/v1/hosts", "{}", "id"),
        (
            "POST",
            "/api/v1/hosts",
            r#"{"id":"x","serial":5}"#,
            "serial",
        ),
        ("PUT", mapping, r#"{"source":"idp"}"#, "email"),
        ("PUT", mapping, r#"{"email":"a","source":"mdm"}"#, "source"),
        ("POST", "/api/v1/hosts/7/enrollments", "{}", "username"),
        ("GET", "/api/v1/hosts?assignment=x", "", "assignment"),
        ("GET", "/api/v1/hosts?limit=0", "", "limit"),
        ("GET", "/api/v1/users?host=some", "", "host"),
        ("GET", "/api/v1/users?after=x", "", "after"),
        ("GET", "/api/v1/requests?after=x", "", "after"),
    ] {
        let answer = world.admin(method, path, body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{method} {path}");
        assert_eq!(
            text_at(&json_of(&answer), "/errors/0/name"),
            name,
            "{method} {path}"
        );
    }
    let hosts = json_of(&world.admin("GET", "/api/v1/hosts", "").await);
    assert_eq!(hosts.pointer("/hosts/1"), None);
}

#[tokio::test]
async fn lists_go_on_where_the_page_before_ended() {
    let world = world().await;
    for body in [r#"{"id":"a"}"#, r#"{"id":"b"}"#, r#"{"id":"c"}"#] {
        world.admin("POST", "/api/v1/hosts", body).await;
    }
    let first = json_of(&world.admin("GET", "/api/v1/hosts?limit=2", "").await);
    assert_eq!(text_at(&first, "/hosts/1/id"), "b");
    assert_eq!(text_at(&first, "/next"), "b");
    let last = json_of(
        &world
            .admin("GET", "/api/v1/hosts?limit=2&after=b", "")
            .await,
    );
    assert_eq!(text_at(&last, "/hosts/0/id"), "c");
    assert_eq!(last.pointer("/next"), Some(&Value::Null));

    // Each write above is a line of the log.
    let log = json_of(&world.admin("GET", "/api/v1/requests?limit=2", "").await);
    assert_eq!(text_at(&log, "/requests/0/path"), "/api/v1/hosts");
    let after = text_at(&log, "/next").to_owned();
    let path = format!("/api/v1/requests?limit=2&after={after}");
    let rest = json_of(&world.admin("GET", &path, "").await);
    assert!(rest.pointer("/requests/0").is_some() && rest.pointer("/requests/1").is_none());
    assert_eq!(rest.pointer("/next"), Some(&Value::Null));
}

#[tokio::test]
async fn the_page_asks_a_browser_for_the_token_and_takes_it_as_a_password() {
    let world = world().await;
    let path = "/settings/integrations/identity-provider";
    let refused = world.send(request("GET", path, None, "")).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let mut challenges = refused.headers().get_all(header::WWW_AUTHENTICATE).iter();
    assert!(challenges.any(|value| value.to_str().unwrap().starts_with("Basic ")));
    let page = world.admin("GET", path, "").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(String::from_utf8_lossy(page.body()).contains("No IdP connected"));
    let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    world.scim("GET", "/scim/v2/Missing", "").await;
    let page = world.admin("GET", path, "").await;
    assert!(String::from_utf8_lossy(page.body()).contains("Error: no such thing"));
    assert_eq!(
        world.scim("GET", path, "").await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths_say_so() {
    let world = world().await;
    let answer = world.admin("PATCH", "/api/v1/hosts", "").await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers().get(header::ALLOW).unwrap(), "GET, POST");
    let answer = world.admin("GET", "/nothing", "").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let alive = world.send(request("GET", "/healthz", None, "")).await;
    assert_eq!(alive.status(), StatusCode::OK);
}
