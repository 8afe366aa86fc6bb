//! Traces for an OpenTelemetry collector, over OTLP/HTTP.
//!
//! Spans are gathered and sent by a thread of the SDK's own; a collector that does not
//! answer costs spans, never a request.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// How long a collector may take for one step; it is on this machine or near it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that is read of its answer, which says little.
const ANSWER: u64 = 64 << 10;

/// Spans on their way to a collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to `{endpoint}/v1/traces`.
    ///
    /// # Errors
    /// An endpoint that is no `http` URL.
    pub fn start(endpoint: &str) -> Result<Self> {
        let uri: Uri = endpoint
            .parse()
            .with_context(|| format!("`{endpoint}` is no url of a collector"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            bail!(
                "`otel_endpoint` is `{endpoint}`; give the `http` url of a collector on this \
                 machine or network, e.g. `http://127.0.0.1:4318`"
            );
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Plain)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .context("cannot set up traces")?;
        let resource = Resource::builder().with_service_name("nameplate").build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// What puts spans in.
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, Tracer>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("nameplate"))
    }

    /// Sends what is left; blocks for a moment.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "not every trace reached the collector");
        }
    }
}

/// HTTP/1.1 on a connection for each message. It blocks: the SDK's thread has nothing
/// else to do, and no tokio runtime.
struct Plain;

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

#[async_trait]
impl HttpClient for Plain {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let host = uri.host().ok_or("the collector's url names no host")?;
        let port = uri.port_u16().unwrap_or(80);
        let address = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()?
            .next()
            .ok_or("the collector's host has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut message = format!(
            "POST {} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\ncontent-length: {}\r\n",
            uri.path(),
            request.body().len()
        )
        .into_bytes();
        for (name, value) in request.headers() {
            message.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        message.extend(b"\r\n");
        message.extend(request.body());
        stream.write_all(&message)?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer)?;
        let status = answer
            .split(|byte| *byte == b' ')
            .nth(1)
            .and_then(|status| std::str::from_utf8(status).ok()?.parse::<u16>().ok())
            .ok_or("the collector did not answer in http")?;
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::net::TcpListener;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// A collector that takes one message, answers 200 and gives back what it got.
    fn collector() -> (String, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let taking = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut message = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let read = stream.read(&mut piece).unwrap();
                message.extend_from_slice(piece.get(..read).unwrap());
                let text = String::from_utf8_lossy(&message).to_ascii_lowercase();
                let Some((head, _)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.unwrap().parse().unwrap();
                if message.len() >= head.len() + 4 + length {
                    break;
                }
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            message
        });
        (url, taking)
    }

    #[test]
    fn a_span_reaches_the_collector() {
        let (url, taking) = collector();
        let traces = Traces::start(&url).unwrap();
        let log = tracing_subscriber::registry().with(traces.layer());
        tracing::subscriber::with_default(log, || {
            let _entered = tracing::info_span!("request", request.id = "0abc").entered();
        });
        traces.finish();
        let message = String::from_utf8_lossy(&taking.join().unwrap()).into_owned();
        assert!(
            message.starts_with("POST /v1/traces HTTP/1.1\r\n"),
            "{message}"
        );
        for part in ["application/x-protobuf", "nameplate", "request.id", "0abc"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn an_endpoint_that_is_none_is_told_with_an_example() {
        for url in [
            "",
            "127.0.0.1:4318",
            "https://collector.example.com",
            "ftp://a",
        ] {
            let error = Traces::start(url).err().unwrap().to_string();
            assert!(error.contains("collector"), "{url}: {error}");
        }
    }
}
