//! Checks of what is around the database: settings, certificate, clock, kernel, plugin.

use std::net::{SocketAddr, ToSocketAddrs};

use nameplate_store::Timestamp;

use super::Finding;
use crate::config::Config;
use crate::server::Certificate;
use crate::wasm::{EMBEDDED, Sandbox, WasmOptions};

const DAY: i64 = 24 * 60 * 60;
/// Certificates are renewed a month before they end, so that one with less left was
/// forgotten.
const RENEWED: i64 = 14 * DAY;
/// 2026-01-01: this program is younger.
const BUILT: Timestamp = 1_767_225_600_000;
/// Files besides those of connections: database, log, plugin, what tokio needs.
const OTHER_FILES: u64 = 128;
/// `PAGEMAP_SCAN` came with Linux 6.7.
const PAGEMAP_SCAN: (u32, u32) = (6, 7);

/// Do the settings fit each other.
pub fn settings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = config.server() {
        let todo = "set both, or neither";
        findings.push(Finding::fail("settings", error.to_string(), todo));
    }
    if let Err(error) = config.limits() {
        let todo = "correct the section; docs/tenants.md lists every limit";
        findings.push(Finding::fail("settings", format!("{error:#}"), todo));
    }
    findings.push(if config.in_the_clear() {
        let says = "plain http on an address others can reach: tokens can be read on the way";
        let todo = "set tls_cert and tls_key, or put a proxy in front (docs/reverse-proxy.md)";
        Finding::warn("exposure", says, todo)
    } else {
        Finding::ok("exposure", "tokens do not cross a network in the clear")
    });
    if config.metrics_listen.as_deref().is_some_and(reachable) {
        let says = "metrics are shown to whoever reaches their address";
        let todo = "set metrics_listen to an address that only your collector reaches";
        findings.push(Finding::warn("exposure", says, todo));
    }
    findings
}

fn reachable(address: &str) -> bool {
    let addresses = address.to_socket_addrs().into_iter().flatten();
    addresses
        .map(|address| SocketAddr::ip(&address))
        .any(|ip| !ip.is_loopback())
}

/// Is the certificate good, and for how long.
pub fn certificate(config: &Config, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "certificate";
    let (Some(cert), Some(key)) = (&config.tls_cert, &config.tls_key) else {
        return Vec::new();
    };
    let read = match Certificate::read(cert, key) {
        Ok(read) => read,
        Err(error) => {
            let todo = "give a chain and its key in pem form, readable by the server's user";
            return vec![Finding::fail(CHECK, error.to_string(), todo)];
        }
    };
    let Some(facts) = read.facts() else {
        let todo = "see what `openssl x509 -text` says of it";
        return vec![Finding::warn(CHECK, "its dates cannot be read", todo)];
    };
    let now = i64::try_from(now / 1000).unwrap_or(i64::MAX);
    let left = facts.not_after.saturating_sub(now);
    let renew = "renew it; the server takes it over by itself";
    let mut findings = vec![match left {
        _ if facts.not_before > now => {
            let todo = "look at the clock of this machine";
            Finding::fail(CHECK, "it does not count yet", todo)
        }
        ..0 => Finding::fail(CHECK, "it has expired", renew),
        0..RENEWED => Finding::warn(CHECK, format!("it ends in {} days", left / DAY), renew),
        _ => Finding::ok(CHECK, format!("fits its key, ends in {} days", left / DAY)),
    }];
    let host = config.public_url.as_ref().map(ToString::to_string);
    let host = host.and_then(|url| Some(url.parse::<http::Uri>().ok()?.host()?.to_owned()));
    if let Some(host) = host
        && !facts.is_for(host.trim_matches(['[', ']']))
    {
        let says = format!(
            "it is for {}, and public_url says `{host}`",
            facts.names.join(", ")
        );
        let todo = "get one for that name, unless a proxy in front has its own";
        findings.push(Finding::warn(CHECK, says, todo));
    }
    findings
}

/// Is it about the present.
pub fn clock(now: Timestamp) -> Finding {
    if now < BUILT {
        let says = "this machine's clock is years late: tokens, claims and logs go by it";
        return Finding::fail("clock", says, "set it, and keep it by ntp");
    }
    Finding::ok("clock", "plausible")
}

/// What the kernel can do for the sandbox.
pub fn kernel() -> Option<Finding> {
    // There is none on other systems.
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(release_of(release.trim()))
}

fn release_of(release: &str) -> Finding {
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= PAGEMAP_SCAN {
        return Finding::ok(
            "kernel",
            format!("{release} tells which pages were touched"),
        );
    }
    let says = format!("{release} cannot tell which pages of a sandbox were touched");
    let todo = "requests cost more with isolation = \"request\"; Linux 6.7 or newer helps";
    Finding::warn("kernel", says, todo)
}

/// May it open as many files as it takes connections. What is asked is this process:
/// the server's own limit may be another.
pub fn open_files(config: &Config) -> Option<Finding> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    let soft: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    let most = config.server().ok()?.max_connections;
    let needed = u64::try_from(most)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHER_FILES);
    Some(if soft < needed {
        let says = format!("{soft} may be open, and {most} connections are allowed");
        let todo = format!("allow {needed} (LimitNOFILE, `ulimit -n`), or lower max_connections");
        Finding::warn("open files", says, todo)
    } else {
        Finding::ok("open files", format!("{soft} may be open"))
    })
}

/// Does the plugin load.
pub async fn plugin(config: &Config) -> Finding {
    const CHECK: &str = "plugin";
    let options = WasmOptions {
        isolation: config.isolation(),
        cache: config.plugin_cache(),
        ..WasmOptions::default()
    };
    let cache = options.cache.clone();
    let load = tokio::task::spawn_blocking(move || Sandbox::new(options)?.load(EMBEDDED));
    let loaded = match load.await {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match (loaded, cache) {
        (Err(error), _) => {
            let todo = "this program is damaged, or the machine gives it no address space \
                        (`ulimit -v`)";
            Finding::fail(CHECK, error, todo)
        }
        (Ok(_), None) => {
            let todo = "set plugin_cache to a folder of the server's user";
            Finding::warn(CHECK, "loads; it is compiled anew at every start", todo)
        }
        (Ok(_), Some(cache)) => Finding::ok(
            CHECK,
            format!(
                "loads; compiled code is kept in `{}`",
                cache.folder.display()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::State;
    use super::*;

    #[test]
    fn kernels_are_told_apart_by_their_number() {
        for (release, state) in [
            ("6.7.0", State::Ok),
            ("6.12.3-arch1", State::Ok),
            ("7.0-rc1", State::Ok),
            ("6.6.99", State::Warn),
            ("5.15.0-91-generic", State::Warn),
            ("nonsense", State::Warn),
        ] {
            assert_eq!(release_of(release).state, state, "{release}");
        }
    }

    #[test]
    fn a_clock_before_this_program_was_written_is_told() {
        assert_eq!(clock(0).state, State::Fail);
        assert_eq!(clock(BUILT).state, State::Ok);
    }

    /// A certificate from 2026-01-02 to 2026-03-04 and what is found on this day.
    fn on(day: i64, url: Option<&str>) -> Vec<Finding> {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let mut params = rcgen::CertificateParams::new(vec!["mdm.example.com".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2026, 3, 4);
        let pair = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        let config = Config {
            tls_cert: Some(cert),
            tls_key: Some(key),
            public_url: url.map(|url| url.parse().unwrap()),
            ..Config::default()
        };
        let now = BUILT + u64::try_from(day * DAY * 1000).unwrap();
        certificate(&config, now)
    }

    #[test]
    fn a_certificate_is_told_before_it_ends_and_when_it_has() {
        for (day, state) in [
            (0, State::Fail),
            (2, State::Ok),
            (50, State::Warn),
            (70, State::Fail),
        ] {
            let found = on(day, Some("https://mdm.example.com"));
            assert_eq!(found.first().unwrap().state, state, "{day}: {found:?}");
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }

    #[test]
    fn a_certificate_for_another_name_is_told() {
        let found = on(2, Some("https://other.example.com"));
        let last = found.last().unwrap();
        assert_eq!(last.state, State::Warn);
        assert!(last.says.contains("mdm.example.com"), "{last:?}");
    }

    #[test]
    fn a_key_of_another_certificate_fails() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let one = rcgen::generate_simple_self_signed(vec!["a".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["a".into()]).unwrap();
        std::fs::write(&cert, one.cert.pem()).unwrap();
        std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        let config = Config {
            tls_cert: Some(cert),
            tls_key: Some(key),
            ..Config::default()
        };
        let found = certificate(&config, BUILT);
        assert_eq!(found.first().unwrap().state, State::Fail, "{found:?}");
        assert!(
            found.first().unwrap().says.contains("does not fit"),
            "{found:?}"
        );
    }
}
