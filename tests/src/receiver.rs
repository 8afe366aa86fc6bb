//! A receiver of webhooks: a small HTTP server on a real socket that keeps what it was
//! sent, and that can be killed and started again at the same address.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What is not there after this does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub seconds: u64,
    /// `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
    /// The status it was answered with.
    pub status: u16,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of json")
    }

    /// The event's number.
    pub fn seq(&self) -> u64 {
        self.json()["data"]["seq"].as_u64().expect("a number")
    }

    /// The event's name.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// Is it signed with this secret.
    pub fn verified(&self, secret: &str) -> bool {
        let Self {
            id,
            seconds,
            signature,
            body,
            status: _,
        } = self;
        nameplate_runtime::webhooks::verify(secret, id, *seconds, body, signature)
    }
}

/// What to answer: a status, and further header lines.
pub type Reply = (u16, &'static str);

type Respond = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// What survives the receiver's death, as its disk would.
#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
}

/// A running receiver, or one that was killed.
pub struct Receiver {
    address: SocketAddr,
    inbox: Arc<Inbox>,
    respond: Respond,
    life: Option<Life>,
}

/// One life of it.
struct Life {
    dead: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    listening: std::thread::JoinHandle<()>,
}

impl Receiver {
    /// Takes every message.
    pub fn start() -> Self {
        Self::answering(|_| (204, ""))
    }

    /// Answers each message like this.
    pub fn answering(respond: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address");
        let mut receiver = Self {
            address,
            inbox: Arc::default(),
            respond: Arc::new(respond),
            life: None,
        };
        receiver.live(listener);
        receiver
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Closes every connection and listens no more.
    pub fn kill(&mut self) {
        let Some(life) = self.life.take() else {
            return;
        };
        life.dead.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
        life.listening.join().expect("the listener ended");
        for stream in lock(&life.open).drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Listens again at the same address.
    pub fn restart(&mut self) {
        self.kill();
        let began = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{}: {error}", self.address),
            }
        };
        self.live(listener);
    }

    /// Everything that arrived, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inbox.received).clone()
    }

    /// Waits until what arrived is like this, and returns it.
    #[track_caller]
    pub fn wait(&self, until: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let began = Instant::now();
        let mut received = lock(&self.inbox.received);
        while !until(&received) {
            let left = PATIENCE.saturating_sub(began.elapsed());
            assert!(!left.is_zero(), "only this arrived: {received:#?}");
            let waited = self.inbox.arrived.wait_timeout(received, left);
            received = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        received.clone()
    }

    /// The same, from within a task.
    pub async fn expect(&self, until: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        tokio::task::block_in_place(|| self.wait(until))
    }

    fn live(&mut self, listener: TcpListener) {
        let dead = Arc::new(AtomicBool::new(false));
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (inbox, respond) = (self.inbox.clone(), self.respond.clone());
        let listening = {
            let (dead, open) = (Arc::clone(&dead), Arc::clone(&open));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if dead.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else {
                        continue;
                    };
                    lock(&open).push(stream.try_clone().expect("a handle"));
                    let (dead, inbox, respond) = (dead.clone(), inbox.clone(), respond.clone());
                    // It ends with its connection.
                    std::thread::spawn(move || serve(stream, &dead, &inbox, &respond));
                }
            })
        };
        self.life = Some(Life {
            dead,
            open,
            listening,
        });
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Answers the requests of one connection until it breaks.
fn serve(stream: TcpStream, dead: &AtomicBool, inbox: &Inbox, respond: &Respond) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(mut message) = read(&mut reader) {
        if dead.load(Ordering::SeqCst) {
            return;
        }
        let (status, headers) = respond(&message);
        message.status = status;
        lock(&inbox.received).push(message);
        inbox.arrived.notify_all();
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{headers}\r\n");
        // 204 has no length (RFC 9110 8.6).
        let answer = if status == 204 {
            "HTTP/1.1 204 X\r\n\r\n".to_owned()
        } else {
            answer
        };
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let text = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut body = vec![0; text("content-length").parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        id: text("webhook-id"),
        seconds: text("webhook-timestamp").parse().ok()?,
        signature: text("webhook-signature"),
        body,
        status: 0,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
