//! The way to the plugin and back.

use super::*;

#[tokio::test]
async fn the_plugin_sees_the_path_below_the_mount_still_encoded() {
    let world = world().await;
    for mount in [
        "/scim/v2",
        "/api/v1/fleet/scim",
        "/api/latest/fleet/scim/v2",
    ] {
        let path = format!("{mount}/Users/a%2Fb?filter=userName%20eq%20%22a%2Bb%22");
        let answer = world.scim("GET", &path, "").await;
        let seen = json_of(&answer);
        assert_eq!(text_at(&seen, "/path"), "/Users/a%2Fb");
        assert_eq!(
            text_at(&seen, "/query"),
            "filter=userName%20eq%20%22a%2Bb%22"
        );
        let base = format!("http://mdm.example.com{mount}");
        assert_eq!(text_at(&seen, "/base_url"), base);
    }
}

#[tokio::test]
async fn credentials_stay_outside_and_other_headers_come_in_lower_case() {
    let world = world().await;
    let mut request = request("GET", "/scim/v2/Users", Some(&world.scim), "");
    let headers = request.headers_mut();
    headers.insert("Cookie", HeaderValue::from_static("a=b"));
    headers.insert("If-Match", HeaderValue::from_static("*"));
    world.send(request).await;
    let seen = world.echo.seen.lock().unwrap();
    let names: Vec<&str> = seen
        .iter()
        .flat_map(|request| request.headers.iter().map(|(name, _)| name.as_str()))
        .collect();
    assert_eq!(names, ["host", "if-match"]);
}

#[tokio::test]
async fn without_a_valid_token_the_answer_is_a_scim_error_with_a_challenge() {
    let world = world().await;
    for token in [None, Some("nonsense"), Some("np_scim_a_b_c")] {
        let answer = world
            .send(request("GET", "/scim/v2/Users", token, ""))
            .await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE).unwrap();
        assert_eq!(challenge, "Bearer realm=\"nameplate\"");
        let error = json_of(&answer);
        assert_eq!(text_at(&error, "/status"), "401");
        assert_eq!(
            text_at(&error, "/schemas/0"),
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
    }
    assert!(world.echo.seen.lock().unwrap().is_empty());
    assert_eq!(world.details().await, json!({ "last_request": null }));
}

#[tokio::test]
async fn each_kind_of_token_is_refused_where_the_other_is_needed() {
    let world = world().await;
    let answer = world.admin("GET", "/scim/v2/Users", "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(text_at(&json_of(&answer), "/detail").contains("--scope scim"));
    let answer = world.scim("GET", "/api/v1/fleet/scim/details", "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(text_at(&json_of(&answer), "/message").contains("--scope admin"));
    // Neither counts as something the identity provider did.
    assert_eq!(world.details().await, json!({ "last_request": null }));
}

#[tokio::test]
async fn a_bare_and_a_doubled_token_are_accepted_and_noted() {
    let world = world().await;
    for value in [world.scim.clone(), format!("Bearer Bearer {}", world.scim)] {
        let mut request = request("GET", "/scim/v2/Users", None, "");
        let value = HeaderValue::from_str(&value).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        assert_eq!(world.send(request).await.status(), StatusCode::OK);
    }
    let log = world
        .runtime
        .desk()
        .log
        .read(world.tenant, &nameplate_store::RequestQuery::newest(10))
        .await
        .unwrap();
    assert_eq!(log.len(), 2);
    for entry in log {
        assert!(
            entry
                .notes
                .iter()
                .any(|note| note.text.contains("`Bearer`"))
        );
        assert!(
            entry
                .notes
                .iter()
                .any(|note| note.text == "repeated the request")
        );
        assert!(!format!("{entry:?}").contains(&world.scim));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_path_and_counts() {
    let world = world().await;
    let body = Bytes::from(vec![b' '; 101]);
    let post = |path: &str, body| request("POST", path, Some(&world.scim), body);
    let answer = world.send(post("/scim/v2/Users", body.clone())).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text_at(&json_of(&answer), "/detail").contains("100 bytes"));
    assert_eq!(
        text_at(&world.details().await, "/last_request/status"),
        "error"
    );
    let answer = world.send(post("/scim/v2/Groups", body)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = world
        .send(post("/scim/v2/Groups", Bytes::from(vec![b' '; 1001])))
        .await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.echo.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_trap_is_503_with_retry_after_and_without_its_cause() {
    let world = world().await;
    let answer = world.scim("GET", "/scim/v2/Trap", "").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers().get(header::RETRY_AFTER).unwrap(), "1");
    assert!(!String::from_utf8_lossy(answer.body()).contains("secret cause"));
    assert_eq!(
        text_at(&world.details().await, "/last_request/status"),
        "error"
    );
}

#[tokio::test]
async fn the_last_request_is_told_with_the_detail_the_client_saw() {
    let world = world().await;
    world.scim("GET", "/scim/v2/Missing", "").await;
    let details = world.details().await;
    assert_eq!(text_at(&details, "/last_request/status"), "error");
    assert_eq!(text_at(&details, "/last_request/details"), "no such thing");
    world.scim("GET", "/scim/v2/Users", "").await;
    let details = world.details().await;
    assert_eq!(text_at(&details, "/last_request/status"), "success");
    assert_eq!(text_at(&details, "/last_request/details"), "");
}

#[tokio::test]
async fn a_library_call_takes_the_tokens_of_its_tenant_alone() {
    let world = world().await;
    let ask = |token: &str| request("GET", "/scim/v2/Users", Some(token), "");
    let fine = world.runtime.handle("acme", ask(&world.scim)).await;
    assert_eq!(fine.status(), StatusCode::OK);
    for tenant in ["other", "nobody"] {
        let refused = world.runtime.handle(tenant, ask(&world.scim)).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{tenant}");
    }
    assert_eq!(world.echo.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_made_by_another_process_is_found() {
    let world = world().await;
    world.scim("GET", "/scim/v2/Users", "").await;
    let sources = Sources::default();
    let made = setup::init(&world.store, &sources, "acme", "entra")
        .await
        .unwrap();
    let token = made.unwrap().scim_token;
    let answer = world
        .send(request("GET", "/scim/v2/Users", Some(&token), ""))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_without_a_host_is_refused_in_words() {
    let world = world().await;
    let mut request = request("GET", "/scim/v2/Users", Some(&world.scim), "");
    request.headers_mut().remove(header::HOST);
    let answer = world.send(request).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(text_at(&json_of(&answer), "/detail").contains("host"));
}
