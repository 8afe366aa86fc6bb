//! The log is on disk before a write is answered. A killed process cannot show this
//! (the operating system keeps what it wrote); the order of its system calls can.

use std::collections::HashMap;

use nameplate_tests::process::Server;
use serde_json::json;

use crate::place;

/// Writes, one after the other. More than one: a checkpoint syncs too and could hide
/// a missing sync once.
const WRITES: usize = 20;

#[test]
#[ignore = "needs strace"]
fn the_log_is_synced_before_each_answer() {
    let place = place();
    let token = place.init().unwrap().scim;
    let trace = place.folder().join("trace");
    let tracer = [
        "strace",
        // Told to end, it ends and tells the server.
        "-I",
        "2",
        "-f",
        "-y",
        // A page of the log, and with it the name written, is shown whole.
        "-s",
        "8192",
        "-e",
        "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg",
        "-o",
        trace.to_str().unwrap(),
    ];
    let mut command = place.command_under(&tracer, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("NAMEPLATE_LOG", "warn");
    let server = Server::start(command).unwrap();
    let mut client = server.client(&token).unwrap();
    let names: Vec<String> = (0..WRITES).map(|n| format!("marker-{n}-end")).collect();
    for name in &names {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
        });
        let answer = client
            .ask("POST", "/scim/v2/Users", &body.to_string())
            .unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    // Killed, the tracer would leave the server behind.
    server.stop().unwrap();
    let trace = std::fs::read_to_string(trace).unwrap();
    let calls = calls(&trace);
    for name in &names {
        check(&calls, name).unwrap_or_else(|cause| panic!("{name}: {cause}"));
    }
}

/// A system call: when it began and ended, as lines of the trace.
struct Call {
    began: usize,
    ended: usize,
    text: String,
}

impl Call {
    fn writes_log(&self, marker: &str) -> bool {
        self.text.starts_with("pwrite64(") && self.on_log() && self.text.contains(marker)
    }

    fn syncs_log(&self) -> bool {
        let sync = self.text.starts_with("fdatasync(") || self.text.starts_with("fsync(");
        sync && self.on_log() && self.text.trim_end().ends_with("= 0")
    }

    fn answers(&self, marker: &str) -> bool {
        let sends = ["write(", "writev(", "sendto(", "sendmsg("];
        sends.iter().any(|name| self.text.starts_with(name))
            && self.text.contains("HTTP/1.1 201")
            && self.text.contains(marker)
    }

    /// `-y` shows what a file descriptor is: `pwrite64(9<…/nameplate.db-wal>, …`.
    fn on_log(&self) -> bool {
        self.text
            .split_once('>')
            .is_some_and(|(descriptor, _)| descriptor.ends_with("-wal"))
    }
}

/// The calls of a trace, in the order they began. A call during which another thread
/// was heard is in two pieces: `… <unfinished ...>` and `<... name resumed>…`.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let text = text.trim_start();
        if let Some((_, rest)) = text.split_once(" resumed>") {
            if let Some(call) = open.remove(thread).and_then(|call| calls.get_mut(call)) {
                call.text.push_str(rest);
                call.ended = at;
            }
            continue;
        }
        let text = match text.strip_suffix("<unfinished ...>") {
            Some(text) => {
                open.insert(thread, calls.len());
                text
            }
            None => text,
        };
        calls.push(Call {
            began: at,
            ended: at,
            text: text.to_owned(),
        });
    }
    calls
}

/// Between the last page of the log that holds the marker and the answer that holds
/// it, the log was synced.
fn check(calls: &[Call], marker: &str) -> Result<(), String> {
    let answer = calls
        .iter()
        .find(|call| call.answers(marker))
        .ok_or("no answer")?;
    let written = calls
        .iter()
        .rfind(|call| call.writes_log(marker) && call.began < answer.began)
        .ok_or("nothing written to the log before the answer")?;
    let synced = calls
        .iter()
        .any(|sync| sync.syncs_log() && sync.began > written.ended && sync.ended < answer.began);
    if synced {
        Ok(())
    } else {
        Err("answered before the log was synced".to_owned())
    }
}

const WRITTEN: &str = "7 pwrite64(9</d/n.db-wal>, \"..m1..\", 4096, 56) = 4096\n";
const ANSWERED: &str = "8 sendto(12<socket:[5]>, \"HTTP/1.1 201 Created..m1\", 99, 0) = 99\n";

#[test]
fn a_trace_without_a_sync_before_the_answer_is_found_out() {
    let late = format!("{WRITTEN}{ANSWERED}7 fdatasync(9</d/n.db-wal>) = 0\n");
    assert!(check(&calls(&late), "m1").is_err());
    let failed = format!("{WRITTEN}7 fdatasync(9</d/n.db-wal>) = -1 EIO (x)\n{ANSWERED}");
    assert!(check(&calls(&failed), "m1").is_err());
    let other = format!("{WRITTEN}7 fdatasync(8</d/n.db>) = 0\n{ANSWERED}");
    assert!(check(&calls(&other), "m1").is_err());
    let before = format!("7 fdatasync(9</d/n.db-wal>) = 0\n{WRITTEN}{ANSWERED}");
    assert!(check(&calls(&before), "m1").is_err());
    let unfinished = format!(
        "{WRITTEN}7 fdatasync(9</d/n.db-wal> <unfinished ...>\n{ANSWERED}\
         7 <... fdatasync resumed>) = 0\n"
    );
    assert!(check(&calls(&unfinished), "m1").is_err());
}

#[test]
fn a_trace_with_a_sync_before_the_answer_is_fine() {
    let whole = format!("{WRITTEN}7 fdatasync(9</d/n.db-wal>) = 0\n{ANSWERED}");
    assert_eq!(check(&calls(&whole), "m1"), Ok(()));
    let pieces = format!(
        "{WRITTEN}7 fdatasync(9</d/n.db-wal> <unfinished ...>\n9 write(2</x>, \"\", 0) = 0\n\
         7 <... fdatasync resumed>) = 0\n{ANSWERED}"
    );
    assert_eq!(check(&calls(&pieces), "m1"), Ok(()));
}
