//! Tables of hosts and their users over HTTP.

use nameplate_tests::App;
use serde_json::{Value, json};

async fn import(app: &App, query: &str, table: &str) -> Value {
    let target = format!("/api/v1/import{query}");
    let answer = app.admin().raw("POST", &target, table.as_bytes()).await;
    answer.expect(200).json
}

async fn export(app: &App, query: &str) -> (String, Option<String>) {
    let answer = app.admin().get(&format!("/api/v1/export{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let link = answer.header("link").map(str::to_owned);
    (answer.text(), link)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_promises_and_rows_with_mistakes_are_passed_over() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    app.host("1").await;
    let table = "serial,username\nC021,ana@example.com\nC029,ben@example.com\n,x\n";
    let done = import(&app, "", table).await;
    let expected = json!({"rows": 3, "recorded": 2, "repeated": 0, "passed_over": 1,
        "mistakes": [{"line": 4, "reason": "names no host; give its serial or name"}],
        "dry_run": false});
    assert_eq!(done, expected);
    assert_eq!(app.mapping("1").await["assignment"]["outcome"], "linked");
    let again = import(&app, "", table).await;
    assert_eq!(
        (&again["recorded"], &again["repeated"]),
        (&json!(0), &json!(2))
    );
    app.host("9").await;
    assert_eq!(
        app.mapping("9").await["assignment"]["username"],
        "ben@example.com"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_each_row_would_do_and_does_nothing() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    app.host("1").await;
    let table = "serial,username\nC021,ana@example.com\nC029,ben@example.com\n";
    for kind in ["promise", "manual"] {
        let would = import(&app, &format!("?dry_run=true&as={kind}"), table).await;
        assert_eq!(would["dry_run"], true);
        let lines = would["would"].as_array().unwrap();
        assert_eq!(lines[0]["would"], "host shows ana@example.com", "{kind}");
        match kind {
            "promise" => assert_eq!(lines[1]["would"], "waits for its host"),
            _ => assert!(
                would["mistakes"][0]["reason"]
                    .as_str()
                    .unwrap()
                    .contains("no host `C029`")
            ),
        }
    }
    assert_eq!(
        app.mapping("1").await["assignment"]["outcome"],
        "unassigned"
    );
    let promises = app.admin().get("/api/v1/promises").await.expect(200);
    assert_eq!(promises["promises"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_row_is_an_administrators_word_about_a_host_that_is_there() {
    let app = App::start().await;
    let _ = app.enrolled("1", "ben@example.com").await;
    app.clock.advance(1000);
    let table = "hostname;email\nlaptop 1;ana@example.com\n";
    let done = import(&app, "?as=manual", table).await;
    assert_eq!(done["recorded"], 1, "{done}");
    assert_eq!(
        app.mapping("1").await["assignment"]["username"],
        "ana@example.com"
    );
    let again = import(&app, "?as=manual", table).await;
    assert_eq!(again["repeated"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_table_is_refused_with_what_to_do() {
    let app = App::start().await;
    let admin = app.admin();
    let post = async |query: &str, body: &str| {
        let target = format!("/api/v1/import{query}");
        admin.raw("POST", &target, body.as_bytes()).await
    };
    let refused = post("", "C021,ana\n").await.expect(400);
    refused.names("`serial` or `hostname`");
    post("?as=x", "").await.expect(400).names("`as`");
    post("?dry_run=x", "").await.expect(400).names("`dry_run`");
    let large = "x".repeat((1 << 20) + 1);
    post("", &large).await.expect(413).names("larger than");
    admin
        .get("/api/v1/export?format=xml")
        .await
        .expect(400)
        .names("`format`");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_shows_every_host_page_by_page_and_can_be_read_in_again() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let _ = okta.group("=HYPERLINK(1)", &[&ana]).await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let _ = app.enrolled("2", "late@example.com").await;
    app.host("3").await;
    let (whole, link) = export(&app, "").await;
    assert_eq!(link, None);
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 4, "{whole}");
    assert!(lines[0].starts_with("id,display_name,serial,platform,outcome,"));
    assert!(lines[1].contains("linked") && lines[1].contains("'=HYPERLINK(1)"));
    assert!(lines[2].contains("pending") && lines[2].contains("late@example.com"));
    assert!(lines[3].starts_with("3,Laptop 3,C023,darwin,unassigned,"));
    let (mut pages, mut next) = export(&app, "?limit=1").await;
    while let Some(link) = next {
        let target = link.split(['<', '>']).nth(1).unwrap().to_owned();
        let query = target.strip_prefix("/api/v1/export").unwrap();
        let (page, link) = export(&app, query).await;
        pages.push_str(&page);
        next = link;
    }
    assert_eq!(pages, whole);
    let again = import(&app, "", &whole).await;
    assert_eq!(
        (&again["recorded"], &again["passed_over"]),
        (&json!(2), &json!(1))
    );
    let (lines, _) = export(&app, "?format=ndjson").await;
    let objects: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[0]["groups"], json!(["=HYPERLINK(1)"]));
    assert_eq!(objects[2]["outcome"], "unassigned");
}
