//! SIGHUP: what changes while the server runs, and what a broken file does.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use nameplate_tests::process::{Client, Place, Server};
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::ServerName;
use serde_json::json;

use crate::{place, until};

/// A server whose settings and certificate are files.
struct Served {
    place: Place,
    server: Server,
    token: String,
    log: PathBuf,
}

impl Served {
    fn start(settings: &str, prepare: impl FnOnce(&Place)) -> Self {
        let place = place();
        let token = place.init().unwrap().scim;
        fs::write(place.folder().join("nameplate.toml"), settings).unwrap();
        prepare(&place);
        let log = place.folder().join("log");
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stderr(fs::File::create(&log).unwrap());
        let server = Server::start(command).unwrap();
        Self {
            place,
            server,
            token,
            log,
        }
    }

    fn write(&self, name: &str, text: &str) {
        // As a careful program writes: nobody reads half of it.
        let beside = self.place.folder().join("beside");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.place.folder().join(name)).unwrap();
    }

    fn hangup(&self) {
        self.server.signal("HUP").unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn client(&self) -> Client {
        self.server.client(&self.token).unwrap()
    }
}

fn location(client: &mut Client, name: &str) -> String {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
    });
    let answer = client
        .ask("POST", "/scim/v2/Users", &body.to_string())
        .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.text("/meta/location")
}

#[test]
fn settings_that_can_change_do_and_the_others_are_told() {
    let served = Served::start("", |_| {});
    let mut client = served.client();
    assert!(location(&mut client, "a@x").starts_with("http://localhost/"));
    served.write(
        "nameplate.toml",
        "public_url = \"https://two.example.com\"\nmax_connections = 7\n",
    );
    served.hangup();
    until("the setting is told", || {
        served.log().contains("max_connections")
    });
    // On a connection that was there before.
    assert!(location(&mut client, "b@x").starts_with("https://two.example.com/"));
    let log = served.log();
    assert!(log.contains("after a restart"), "{log}");
    assert!(served.server.stop().unwrap().success());
}

#[test]
fn broken_settings_are_told_and_the_old_ones_stay() {
    let served = Served::start("", |_| {});
    let mut client = served.client();
    served.write(
        "nameplate.toml",
        "public_url = \"https://two.example.com\"\nlistn = 1\n",
    );
    served.hangup();
    until("the mistake is told", || served.log().contains("listn"));
    assert!(location(&mut client, "a@x").starts_with("http://localhost/"));
    served.write(
        "nameplate.toml",
        "log = \"x=loud\"\npublic_url = \"https://three.example.com\"\n",
    );
    served.hangup();
    until("the filter is told", || {
        served.log().contains("is no filter")
    });
    assert!(location(&mut client, "b@x").starts_with("http://localhost/"));
    assert!(served.server.stop().unwrap().success());
}

fn certificate() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

/// A client that trusts this certificate alone; it fails at its first request if the
/// server shows another.
fn trusting(served: &Served, made: &CertifiedKey<KeyPair>) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(served.server.address()).unwrap();
    Client::over(rustls::StreamOwned::new(session, stream), &served.token)
}

#[test]
fn a_new_certificate_is_taken_over_while_connections_live_and_a_broken_one_is_not() {
    let (old, new) = (certificate(), certificate());
    let settings = "tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n";
    let served = Served::start(settings, |place| {
        fs::write(place.folder().join("cert.pem"), old.cert.pem()).unwrap();
        fs::write(
            place.folder().join("key.pem"),
            old.signing_key.serialize_pem(),
        )
        .unwrap();
    });
    let mut before = trusting(&served, &old);
    location(&mut before, "a@x");

    served.write("cert.pem", &new.cert.pem());
    served.write("key.pem", &new.signing_key.serialize_pem());
    served.hangup();
    until("the new one is shown", || {
        trusting(&served, &new).get("/healthz").is_ok()
    });
    assert!(trusting(&served, &old).get("/healthz").is_err());
    location(&mut before, "b@x");

    served.write("cert.pem", "nothing of the kind");
    served.hangup();
    until("the broken one is told", || {
        served.log().contains("was not taken over")
    });
    location(&mut trusting(&served, &new), "c@x");
    location(&mut before, "d@x");
    assert!(served.server.stop().unwrap().success());
}

#[test]
fn a_certificate_that_is_replaced_is_taken_over_without_a_signal() {
    let (old, new) = (certificate(), certificate());
    let settings = "tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n";
    let served = Served::start(settings, |place| {
        fs::write(place.folder().join("cert.pem"), old.cert.pem()).unwrap();
        fs::write(
            place.folder().join("key.pem"),
            old.signing_key.serialize_pem(),
        )
        .unwrap();
    });
    served.write("key.pem", &new.signing_key.serialize_pem());
    served.write("cert.pem", &new.cert.pem());
    until("the new one is shown", || {
        trusting(&served, &new).get("/healthz").is_ok()
    });
    assert!(served.server.stop().unwrap().success());
}
