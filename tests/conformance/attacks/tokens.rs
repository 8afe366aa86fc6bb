//! Guessing tokens, and handing them in where they do not belong.

use std::collections::BTreeSet;
use std::sync::Mutex;

use nameplate_runtime::auth::NewToken;
use nameplate_runtime::clock::{Random, SystemRandom};
use nameplate_runtime::store::TokenScope;
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

/// Lines about strangers that the log of a tenant takes in a minute, and the one that
/// counts the others.
const LINES_A_MINUTE: u64 = 61;

/// Draws the wanted id first, and then by chance.
struct UnderId(Mutex<Option<String>>);

impl Random for UnderId {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        let Some(id) = self.0.lock().unwrap().take() else {
            return SystemRandom.fill(bytes);
        };
        // A byte below the number of symbols is the place of one.
        for (byte, symbol) in bytes.iter_mut().zip(id.bytes()) {
            *byte = match symbol {
                b'a'..=b'z' => symbol - b'a',
                digit => digit - b'0' + 26,
            };
        }
        Ok(())
    }
}

/// A token whose checksum is right, with another secret.
fn guess(scope: TokenScope, id: Option<&str>) -> String {
    let random = UnderId(Mutex::new(id.map(str::to_owned)));
    let drawn = NewToken::draw(scope, &random).unwrap();
    if let Some(id) = id {
        assert_eq!(drawn.id, id);
    }
    drawn.reveal()
}

fn id_of(token: &str) -> &str {
    token.split('_').nth(2).unwrap()
}

fn bearer(client: &Client, token: &str) -> Client {
    client.authorized(Some(&format!("Bearer {token}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_in_the_words_of_an_unknown_id() {
    let app = App::start().await;
    let (scim_id, admin_id) = (
        id_of(&app.tokens().scim_token),
        id_of(&app.tokens().admin_token),
    );
    for (client, target) in [
        (app.scim(), "/Users"),
        (app.admin(), "/api/v1/hosts"),
        (app.admin(), "/api/v1/fleet/scim/details"),
        (app.admin(), "/settings/integrations/identity-provider"),
    ] {
        let mut told: BTreeSet<String> = BTreeSet::new();
        for id in [None, Some(scim_id), Some(admin_id)] {
            for scope in [TokenScope::Scim, TokenScope::Admin] {
                for _ in 0..20 {
                    let token = guess(scope, id);
                    let answer = bearer(&client, &token).get(target).await;
                    assert_eq!(answer.status, 401, "{target}");
                    told.insert(answer.text());
                }
            }
        }
        assert_eq!(told.len(), 1, "{target} tells them apart: {told:?}");
    }
    // The owner is not kept out by what others try.
    let _ = app.scim().get("/Users").await.expect(200);
    let _ = app.admin().get("/api/v1/hosts").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_guesses_fills_no_log_and_turns_no_page_red() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let known = id_of(&app.tokens().scim_token).to_owned();
    let began = app.clock.peek();
    let guessing: Vec<_> = (0..8)
        .map(|_| {
            let (client, known) = (app.scim(), known.clone());
            tokio::spawn(async move {
                for number in 0..250 {
                    let id = (number % 2 == 0).then_some(known.as_str());
                    let token = guess(TokenScope::Scim, id);
                    let answer = bearer(&client, &token).get("/Users").await;
                    assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
                }
            })
        })
        .collect();
    for task in guessing {
        task.await.unwrap();
    }
    let minutes = (app.clock.peek() - began) / 60_000 + 2;
    let lines = app.requests().await;
    let refused = lines.iter().filter(|line| line["status"] == 401).count();
    assert!(
        u64::try_from(refused).unwrap() <= LINES_A_MINUTE * minutes,
        "{refused} lines in {minutes} minutes"
    );
    assert!(lines.iter().any(|line| line["status"] == 201), "{lines:?}");
    let details = app.admin().get("/api/v1/fleet/scim/details").await;
    assert_eq!(details.expect(200)["last_request"]["status"], "success");
    let _ = app.scim().get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_the_authorization_header_alone() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let (scim, admin) = (&app.tokens().scim_token, &app.tokens().admin_token);
    for (client, path, token) in [
        (app.scim(), "/Users", scim),
        (app.admin(), "/api/v1/users", admin),
    ] {
        let nobody = client.authorized(None);
        for name in ["access_token", "token", "authorization", "Bearer", "key"] {
            let target = format!("{path}?{name}={token}");
            assert_eq!(nobody.get(&target).await.status, 401, "{name}");
        }
        for name in ["x-api-key", "api-key", "x-auth-token", "cookie", "from"] {
            let headers = [(name, token.as_str())];
            let answer = nobody.send("GET", path, &headers, b"").await;
            assert_eq!(answer.status, 401, "{name}");
        }
        let body = json!({"access_token": token, "token": token});
        assert_eq!(
            nobody.post(path, &body).await.status,
            match path {
                "/Users" => 401,
                // There is nothing to post to.
                _ => 405,
            }
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_piece_of_a_token_is_needed_as_it_is() {
    let app = App::start().await;
    let token = &app.tokens().scim_token;
    let parts: Vec<&str> = token.split('_').collect();
    let [np, scope, id, secret, sum] = parts[..] else {
        panic!("the form of a token has changed");
    };
    let long = "A".repeat(10_000);
    for tried in [
        format!("{np}_{scope}_{id}_{secret}"),
        format!("{np}_{scope}_{id}_{secret}_"),
        format!("{np}_{scope}_{id}__{sum}"),
        format!("{np}_{scope}__{secret}_{sum}"),
        format!("{np}_admin_{id}_{secret}_{sum}"),
        format!("{np}_root_{id}_{secret}_{sum}"),
        format!("{np}_{scope}_{id}_{long}_{sum}"),
        format!("{np}_{scope}_%_{secret}_{sum}"),
        format!("{np}_{scope}_' or 1=1 --_{secret}_{sum}"),
        token.to_ascii_uppercase(),
        format!("{token}\u{301}"),
        format!("{token}_{token}"),
        token.replace('_', "%5F"),
        Value::String(token.clone()).to_string(),
    ] {
        let answer = bearer(&app.scim(), &tried).get("/Users").await;
        assert_eq!(answer.status, 401, "{tried:.100}");
    }
}
