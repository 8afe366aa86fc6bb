//! What must never be kept: passwords and tokens.

use nameplate_tests::App;
use nameplate_tests::names::USER;
use serde_json::json;

const PASSWORD: &str = "1mz050nq-Correct.Horse";

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_in_no_answer_no_log_and_no_file() {
    let app = App::start().await;
    let okta = app.scim();
    let user = json!({"schemas": [USER], "userName": "ana@example.com", "password": PASSWORD,
        "displayName": "Ana Díaz"});
    let mut answers = Vec::new();
    let created = okta.post("/Users", &user).await;
    let id = created.clone().expect(201).id();
    let target = format!("/Users/{id}");
    answers.push(created);
    answers.push(okta.post("/Users", &user).await);
    answers.push(okta.put(&target, &user).await);
    for operation in [
        json!({"op": "replace", "path": "password", "value": PASSWORD}),
        json!({"op": "add", "value": {"password": PASSWORD}}),
        json!({"op": "replace", "path": "PASSWORD", "value": [PASSWORD]}),
        json!({"op": "replace", "path": "displayName[", "value": PASSWORD}),
    ] {
        answers.push(okta.patch(&target, &json!([operation])).await);
    }
    answers.push(okta.get(&target).await);
    answers.push(okta.get(&format!("{target}?attributes=password")).await);
    answers.push(
        okta.find("/Users", &format!("password eq \"{PASSWORD}\""))
            .await,
    );
    answers.push(okta.get("/Users").await);
    answers.push(app.admin().get("/api/v1/requests").await);
    answers.push(app.admin().get("/api/v1/users").await);
    answers.push(
        app.admin()
            .get("/settings/integrations/identity-provider")
            .await,
    );
    for answer in &answers {
        assert!(!holds(&answer.body, PASSWORD), "{answer:?}");
    }
    let files = app.stop_and_read_files().await;
    assert!(
        holds(&files, "Ana D"),
        "the files are those of this database"
    );
    assert!(!holds(&files, PASSWORD), "the password is in the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_an_answer_a_log_or_a_file() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let wrong = format!("Bearer {}x", app.tokens().scim_token);
    let refused = okta.authorized(Some(&wrong)).get("/Users").await;
    let secrets: Vec<String> = [&app.tokens().scim_token, &app.tokens().admin_token]
        .into_iter()
        .map(|token| {
            // np_<scope>_<id>_<secret>_<checksum>: the id is no secret.
            let secret = token.split('_').nth(3).unwrap().to_owned();
            assert!(secret.len() > 20);
            secret
        })
        .collect();
    let answers = [
        refused,
        app.admin().get("/api/v1/requests").await,
        app.admin()
            .get("/settings/integrations/identity-provider")
            .await,
    ];
    for (answer, secret) in answers
        .iter()
        .flat_map(|a| secrets.iter().map(move |s| (a, s)))
    {
        assert!(!holds(&answer.body, secret), "{answer:?}");
    }
    let files = app.stop_and_read_files().await;
    for secret in &secrets {
        assert!(!holds(&files, secret), "a token is in the database");
    }
}
