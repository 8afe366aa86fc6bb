//! HTTP/1.1 as far as tests need it: raw bytes out, whole answers in, one connection
//! kept open.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::answer::Answer;
use crate::names::PATCH;

/// What is sent unless a test says otherwise.
const JSON: &str = "application/scim+json";

/// Speaks to one server with one `Authorization` header. Requests of one client go
/// over one connection, one after the other; a clone has a connection of its own.
pub struct Client {
    address: String,
    /// What it takes the server's name to be, if not the address.
    host: Option<String>,
    mount: String,
    authorization: Option<String>,
    connection: Arc<Mutex<Option<BufStream<TcpStream>>>>,
}

impl Clone for Client {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            host: self.host.clone(),
            mount: self.mount.clone(),
            authorization: self.authorization.clone(),
            connection: Arc::default(),
        }
    }
}

impl Client {
    /// A client of `http://<address><mount>`.
    pub fn new(address: &str, mount: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            host: None,
            mount: mount.to_owned(),
            authorization: Some(format!("Bearer {token}")),
            connection: Arc::default(),
        }
    }

    /// The same with another mount.
    pub fn mounted(&self, mount: &str) -> Self {
        let mut other = self.clone();
        other.mount = mount.to_owned();
        other
    }

    /// The same under another name of the server.
    pub fn at_host(&self, host: &str) -> Self {
        let mut other = self.clone();
        other.host = Some(host.to_owned());
        other
    }

    /// The same with this `Authorization` header, or none.
    pub fn authorized(&self, header: Option<&str>) -> Self {
        let mut other = self.clone();
        other.authorization = header.map(str::to_owned);
        other
    }

    /// The absolute URL that answers start with.
    pub fn base(&self) -> String {
        format!("http://{}{}", self.host(), self.mount)
    }

    fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(&self.address)
    }

    /// `GET`.
    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"").await
    }

    /// `POST` of JSON.
    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.with_json("POST", target, body).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, target: &str, body: &Value) -> Answer {
        self.with_json("PUT", target, body).await
    }

    /// `PATCH` with these operations (RFC 7644 3.5.2).
    pub async fn patch(&self, target: &str, operations: &Value) -> Answer {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.with_json("PATCH", target, &body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &[], b"").await
    }

    /// `GET` of a list with a filter, encoded as browsers do.
    pub async fn find(&self, endpoint: &str, filter: &str) -> Answer {
        let target = format!("{endpoint}?filter={}", encoded(filter));
        self.get(&target).await
    }

    /// A body of JSON by any method.
    pub async fn with_json(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.raw(method, target, body.to_string().as_bytes()).await
    }

    /// A body of these bytes, labelled as SCIM.
    pub async fn raw(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.send(method, target, &[("content-type", JSON)], body)
            .await
    }

    /// Anything. A connection that the server has closed meanwhile is opened anew, once.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let request = self.request(method, target, headers, body);
        let mut slot = self.connection.lock().await;
        let reused = slot.is_some();
        let first = self.exchange(&mut slot, method, &request, body).await;
        let (status, headers, body) = match first {
            Ok(answer) => answer,
            Err(_) if reused => {
                *slot = None;
                self.exchange(&mut slot, method, &request, body)
                    .await
                    .expect("an answer on a fresh connection")
            }
            Err(error) => panic!("no answer to {method} {target}: {error}"),
        };
        if headers
            .iter()
            .any(|(name, value)| name == "connection" && value == "close")
        {
            *slot = None;
        }
        Answer {
            request: format!("{method} {}{target}", self.mount),
            base: self.base(),
            status,
            headers,
            body,
        }
    }

    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<u8> {
        let mut head = format!(
            "{method} {}{target} HTTP/1.1\r\nhost: {}\r\n",
            self.mount,
            self.host()
        );
        if let Some(authorization) = &self.authorization {
            head.push_str(&format!("authorization: {authorization}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    async fn exchange(
        &self,
        slot: &mut Option<BufStream<TcpStream>>,
        method: &str,
        head: &[u8],
        body: &[u8],
    ) -> std::io::Result<Parsed> {
        if slot.is_none() {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            *slot = Some(BufStream::new(stream));
        }
        let Some(stream) = slot.as_mut() else {
            panic!("a connection was just made");
        };
        stream.write_all(head).await?;
        // A server that refuses a body by its length may close before it is all sent;
        // its answer is what counts.
        if let Err(error) = write_body(stream, body).await {
            let answer = read_answer(stream, method).await;
            return answer.map_err(|_| error);
        }
        read_answer(stream, method).await
    }
}

type Parsed = (u16, Vec<(String, String)>, Vec<u8>);

async fn write_body(stream: &mut BufStream<TcpStream>, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(body).await?;
    stream.flush().await
}

async fn read_answer(stream: &mut BufStream<TcpStream>, method: &str) -> std::io::Result<Parsed> {
    let status_line = line(stream).await?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| std::io::Error::other(format!("no status line: `{status_line}`")))?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line.as_str(), ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let find = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let mut body = Vec::new();
    if method != "HEAD" && !matches!(status, 204 | 304) {
        // The server writes whole answers, never chunks.
        let length = find("content-length").and_then(|text| text.parse().ok());
        let length: usize =
            length.ok_or_else(|| std::io::Error::other("an answer without content-length"))?;
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
    }
    Ok((status, headers, body))
}

async fn line(stream: &mut BufStream<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Form-encoded: a space is `+`, all but letters and digits is escaped.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
