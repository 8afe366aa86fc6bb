//! `scim2-cli`, a client that is not ours, over `scim2-client`.
//!
//! It reads schemas and capabilities from the server and sends nothing that they do not
//! allow, so what is declared is what is tried. `NAMEPLATE_TEST_PYTHON` names a Python
//! beside which `scim` is installed: `pip install scim2-cli`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::place;

struct Cli {
    program: PathBuf,
    url: String,
    token: String,
}

impl Cli {
    /// Runs a command with this on its standard input; what it prints is JSON.
    #[track_caller]
    fn run(&self, arguments: &[&str], input: Option<&Value>) -> Value {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env("SCIM_CLI_URL", &self.url)
            .env(
                "SCIM_CLI_HEADERS",
                format!("Authorization: Bearer {}", self.token),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("`{}`: {cause}", self.program.display()));
        let mut stdin = child.stdin.take().unwrap();
        if let Some(input) = input {
            stdin.write_all(input.to_string().as_bytes()).unwrap();
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {said}\n{complained}"
        );
        if said.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&said)
            .unwrap_or_else(|cause| panic!("{arguments:?}: {cause}: {said}\n{complained}"))
    }
}

#[test]
#[ignore = "needs scim2-cli from PyPI"]
fn scim2_cli_drives_every_operation() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = place.serve().unwrap();
    let python = std::env::var("NAMEPLATE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let cli = Cli {
        program: Path::new(&python).with_file_name("scim"),
        url: format!("http://{}/scim/v2", server.address()),
        token,
    };

    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ana@example.com", "displayName": "Ana"});
    let ana = cli.run(&["create", "user"], Some(&user));
    let id = ana["id"].as_str().unwrap();
    assert_eq!(ana["userName"], "ana@example.com");

    let changed = cli.run(
        &["modify", "user", id, "replace", "displayName", "Ana Díaz"],
        None,
    );
    assert_eq!(changed["displayName"], "Ana Díaz");

    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "bo", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "bo@example.com"}},
            {"method": "POST", "path": "/Groups", "bulkId": "eng", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "Engineering",
                "members": [{"value": "bulkId:bo"}, {"value": id}]}},
        ],
    });
    let done = cli.run(&["bulk"], Some(&bulk));
    let operations = done["Operations"].as_array().unwrap();
    assert!(
        operations.len() == 2 && operations.iter().all(|done| done["status"] == "201"),
        "{done}"
    );

    let found = cli.run(
        &[
            "query",
            "user",
            "--filter",
            "userName co \"example\"",
            "--sort-by",
            "userName",
            "--sort-order",
            "descending",
            "--count",
            "1",
            "--start-index",
            "2",
        ],
        None,
    );
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["id"]),
        (&json!(2), &json!(id))
    );

    let mut cursor = String::new();
    let mut seen = 0;
    loop {
        let page = cli.run(
            &["query", "user", "--count", "1", "--cursor", &cursor],
            None,
        );
        seen += page["Resources"].as_array().unwrap().len();
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, 2);

    let everything = cli.run(&["search", "--count", "10"], None);
    assert_eq!(everything["totalResults"], 3);
    let groups = cli.run(&["search", "group", "--filter", "displayName pr"], None);
    assert_eq!(groups["totalResults"], 1);

    let mut whole = user;
    whole["id"] = json!(id);
    whole["title"] = json!("Engineer");
    let replaced = cli.run(&["replace", "user"], Some(&whole));
    assert_eq!(
        (&replaced["title"], &replaced["displayName"]),
        (&json!("Engineer"), &json!("Ana"))
    );
    let _ = cli.run(&["delete", "user", id], None);
    let left = cli.run(&["query", "user"], None);
    assert_eq!(left["totalResults"], 1);
}
