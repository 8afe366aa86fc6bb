//! `nameplate` as a child process.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;

/// A folder with a database in it, and the command that works on it.
pub struct Place {
    folder: TempDir,
    program: PathBuf,
    cache: PathBuf,
}

/// What `init --json` prints.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For SCIM.
    pub scim: String,
    /// For administration.
    pub admin: String,
}

impl Place {
    /// An empty folder. The compiled plugin is kept in `cache`: compiling it takes
    /// seconds, so all tests share one.
    pub fn new(program: &Path, cache: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: TempDir::new()?,
            program: program.to_owned(),
            cache: cache.to_owned(),
        })
    }

    /// Tenants may ask as often as they like: for tests and benchmarks that ask faster
    /// than any identity provider.
    pub fn without_rates(self) -> io::Result<Self> {
        let settings = "[limits]\nrate = { per_second = 1000000, burst = 1000000 }\n";
        std::fs::write(self.folder().join("nameplate.toml"), settings)?;
        Ok(self)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database file that commands use unless told otherwise.
    pub fn database(&self) -> PathBuf {
        self.folder().join("nameplate.db")
    }

    /// A command line in the folder, free of the caller's settings.
    pub fn command(&self, args: &[&str]) -> Command {
        self.prepare(Command::new(&self.program), args)
    }

    /// The same under another program, such as a tracer.
    pub fn command_under(&self, tracer: &[&str], args: &[&str]) -> Command {
        let mut words = tracer.iter();
        let mut command = Command::new(words.next().unwrap_or(&"env"));
        command.args(words).arg(&self.program);
        self.prepare(command, args)
    }

    fn prepare(&self, mut command: Command, args: &[&str]) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("NAMEPLATE_") {
                command.env_remove(name);
            }
        }
        command
            .env("NAMEPLATE_PLUGIN_CACHE", &self.cache)
            .env(
                "NAMEPLATE_PLUGIN_CACHE_KEY",
                self.cache.with_extension("key"),
            )
            .current_dir(self.folder())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> io::Result<Output> {
        self.command(args).output()
    }

    /// `init --json`.
    pub fn init(&self) -> io::Result<Tokens> {
        let output = self.run(&["init", "--json"])?;
        let json: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("init failed: {error}: {said}"))
        })?;
        let text = |name: &str| {
            let text = json.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Ok(Tokens {
            scim: text("scim_token"),
            admin: text("admin_token"),
        })
    }

    /// `serve` on a free port, ready to answer.
    pub fn serve(&self) -> io::Result<Server> {
        Server::start(self.command(&["serve", "--listen", "127.0.0.1:0", "--log", "warn"]))
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Kept open: a server whose output nobody takes could be stopped by that.
    stdout: BufReader<ChildStdout>,
    /// If it takes orders.
    stdin: Option<ChildStdin>,
    address: SocketAddr,
    greeting: String,
}

impl Server {
    /// Starts a command and waits until it says where it listens.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(stdout.ok_or_else(|| io::Error::other("no output"))?);
        let mut greeting = String::new();
        let address = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                let status = child.wait()?;
                return Err(io::Error::other(format!("the server ended: {status}")));
            }
            greeting.push_str(&line);
            if let Some(address) = address_in(&line) {
                break address;
            }
        };
        Ok(Self {
            child,
            stdout,
            stdin,
            address,
            greeting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it printed up to the line with its address.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection.
    pub fn client(&self, token: &str) -> io::Result<Client> {
        Client::connect(self.address, token)
    }

    /// Gives an order by a line on its standard input, and returns the line it answers.
    pub fn order(&mut self, order: &str) -> io::Result<String> {
        let stdin = self.stdin.as_mut();
        let stdin = stdin.ok_or_else(|| io::Error::other("it takes no orders"))?;
        writeln!(stdin, "{order}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// SIGKILL, and wait.
    pub fn kill(mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// SIGTERM.
    pub fn tell_to_stop(&self) -> io::Result<()> {
        self.signal("TERM")
    }

    /// A signal by its name without SIG.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let (signal, pid) = (format!("-{name}"), self.pid().to_string());
        let status = Command::new("kill").args([&signal, &pid]).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("kill ended with {status}")))
        }
    }

    /// Waits for its end and takes what else it printed.
    pub fn wait(mut self) -> io::Result<(ExitStatus, String)> {
        let mut rest = String::new();
        io::Read::read_to_string(&mut self.stdout, &mut rest)?;
        Ok((self.child.wait()?, rest))
    }

    /// SIGTERM, and wait.
    pub fn stop(self) -> io::Result<ExitStatus> {
        self.tell_to_stop()?;
        Ok(self.wait()?.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `SCIM base URL  http://127.0.0.1:4711/scim/v2`
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("://")?;
    rest.split('/').next()?.trim().parse().ok()
}
