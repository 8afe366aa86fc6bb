//! One HTTP/1.1 connection, written out by hand: what goes over the wire and when is
//! the point of these tests, and a benchmark's client must not cost more than its
//! server.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A server that does not answer within this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a connection runs over: TCP, or TLS on it.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// An open connection with a bearer token.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
    token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Everything before the body.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text of the body by JSON pointer; empty if it is not there.
    pub fn text(&self, pointer: &str) -> String {
        let json = self.json();
        let found = json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    }
}

impl Client {
    /// Connects over TCP.
    pub fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::over(stream, token))
    }

    /// Speaks over a stream that is there.
    pub fn over(stream: impl Stream + 'static, token: &str) -> Self {
        Self {
            stream: BufReader::new(Box::new(stream)),
            token: token.to_owned(),
        }
    }

    /// A request with a body (empty for none) and its answer.
    pub fn ask(&mut self, method: &str, target: &str, body: &str) -> io::Result<Answer> {
        let head = self.head(method, target, body.len(), "");
        // One write: head and body share a packet.
        self.send(&(head + body))?;
        self.answer()
    }

    /// GET.
    pub fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.ask("GET", target, "")
    }

    /// The head of a request, with further header lines.
    pub fn head(&self, method: &str, target: &str, length: usize, more: &str) -> String {
        format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {length}\r\n{more}\r\n",
            self.token
        )
    }

    /// Sends text as it is.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.stream.get_mut().flush()
    }

    /// Reads one answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        loop {
            let before = head.len();
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.get(before..) == Some("\r\n") {
                break;
            }
        }
        let bad =
            |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {head}"));
        let status: u16 = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| bad("no status"))?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        });
        let length = match (status, length) {
            (100..200 | 204 | 304, _) => 0,
            (_, Some(length)) => length,
            _ => return Err(bad("no length")),
        };
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, head, body })
    }
}

/// A text as a query takes it.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
