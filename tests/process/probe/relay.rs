//! A server that gets one thing wrong: it passes requests on to a good one and spoils
//! them or their answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use nameplate_tests::process::{Answer, Client};
use serde_json::{Value, json};

/// What it gets wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 200 where something was created.
    CreatedAs200,
    /// 404 where a search finds nothing.
    NothingIs404,
    /// `"active": "true"`.
    BooleanAsText,
    /// No `Location` header.
    NoLocation,
    /// PATCH changes nothing and is answered with what is there.
    IgnoresPatch,
    /// A second record where it should be 409.
    TakesDuplicates,
    /// `"totalResults": "0"`.
    NumbersAsText,
    /// A page for people.
    NoJson,
    /// 401, with the token in the text.
    RefusesAndRepeats,
    /// A POST is answered with this, whatever it was.
    AnswersWith(String),
    /// A POST is done and the connection closed.
    LosesAnswersToPost,
    /// No answer to this method, ever.
    Hangs(&'static str),
}

/// A running relay; it ends with the test.
pub struct Relay {
    address: SocketAddr,
    hanging: Receiver<()>,
}

impl Relay {
    /// In front of a server.
    pub fn start(server: SocketAddr, token: &str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (hangs, hanging) = channel();
        let relayed = Arc::new((server, token.to_owned(), fault, hangs));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let relayed = relayed.clone();
                // An end of the connection is how a client says that it is done.
                std::thread::spawn(move || {
                    let (server, token, fault, hangs) = &*relayed;
                    let _ = serve(stream, *server, token, fault, hangs);
                });
            }
        });
        Self { address, hanging }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}/scim/v2", self.address)
    }

    /// Returns when a request waits for an answer that never comes.
    pub fn wait_until_it_hangs(&self) {
        self.hanging.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}

fn serve(
    stream: TcpStream,
    server: SocketAddr,
    token: &str,
    fault: &Fault,
    hangs: &Sender<()>,
) -> io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut good = Client::connect(server, token)?;
    loop {
        let (method, target, body) = request(&mut reader)?;
        if matches!(fault, Fault::Hangs(hung) if *hung == method) {
            let _ = hangs.send(());
            // Until the client gives up.
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        let asked = match fault {
            Fault::IgnoresPatch if method == "PATCH" => "GET",
            _ => method.as_str(),
        };
        let sent = if asked == "GET" { "" } else { body.as_str() };
        let answer = good.ask(asked, &target, sent)?;
        if matches!(fault, Fault::LosesAnswersToPost) && method == "POST" {
            return Ok(());
        }
        let (status, headers, body) = spoil(fault, &method, &target, &body, token, answer);
        write!(
            out,
            "HTTP/1.1 {status} Spoilt\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

/// Method, target and body of the next request.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<(String, String, String)> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut words = first.split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    let (method, target) = (word(), word());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((method, target, String::from_utf8(body).unwrap()))
}

/// Status, header lines and body, with the fault in them.
fn spoil(
    fault: &Fault,
    method: &str,
    target: &str,
    sent: &str,
    token: &str,
    answer: Answer,
) -> (u16, String, String) {
    let json = answer.json();
    let mut status = answer.status;
    let mut body = String::from_utf8(answer.body).unwrap();
    let location = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then_some(value)
    });
    let mut location = location.map(str::to_owned);
    match fault {
        Fault::CreatedAs200 if status == 201 => status = 200,
        Fault::NothingIs404 if target.contains("filter=") && json["totalResults"] == 0 => {
            status = 404;
            body = json!({"error": "not found"}).to_string();
        }
        Fault::BooleanAsText => {
            for word in ["true", "false"] {
                let (plain, text) = (
                    format!("\"active\":{word}"),
                    format!("\"active\":\"{word}\""),
                );
                body = body.replace(&plain, &text);
            }
        }
        Fault::NoLocation => location = None,
        Fault::TakesDuplicates if status == 409 => {
            let mut double: Value = serde_json::from_str(sent).unwrap();
            double["id"] = json!("its-double");
            (status, body) = (201, double.to_string());
        }
        Fault::NumbersAsText => {
            if let Some(total) = json["totalResults"].as_u64() {
                let mut list = json;
                list["totalResults"] = json!(total.to_string());
                body = list.to_string();
            }
        }
        Fault::NoJson if method == "GET" => body = "<html>Welcome</html>".to_owned(),
        Fault::RefusesAndRepeats => {
            status = 401;
            body = json!({"detail": format!("no token `{token}` here")}).to_string();
        }
        Fault::AnswersWith(other) if method == "POST" => (status, body) = (201, other.clone()),
        _ => {}
    }
    let mut headers = "content-type: application/scim+json\r\n".to_owned();
    if let Some(location) = location {
        headers.push_str(&format!("location: {location}\r\n"));
    }
    (status, headers, body)
}
