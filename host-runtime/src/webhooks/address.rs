//! Which addresses a webhook may reach. An administrator of a tenant names the URL,
//! and this server stands inside of somebody's network: without a guard it could be
//! made to post to the database next door or to a cloud's metadata service.
//!
//! The check is made on the address that is connected to, not on the name: a name may
//! point anywhere, and elsewhere the next time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// The longest URL of a webhook, in bytes.
const URL_BYTES: usize = 2048;

/// Whom deliveries may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Addresses that are not public too: loopback, private networks, link-local.
    pub private: bool,
}

impl Reach {
    /// May it be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        self.private || is_public(address)
    }

    /// The URL of a webhook, as far as its text tells.
    ///
    /// # Errors
    /// One line that says what to change.
    pub fn check(self, url: &str) -> Result<Uri, String> {
        if url.len() > URL_BYTES {
            return Err(format!("a url has at most {URL_BYTES} bytes"));
        }
        let wrong = || {
            "`url` is no url of a receiver; give an absolute one, e.g. \
             `https://mdm.example.com/hooks`"
                .to_owned()
        };
        if url.contains('#') {
            return Err("`url` has a fragment, which is never sent; leave `#…` out".to_owned());
        }
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong());
        }
        let (Some(authority), Some(host)) = (uri.authority(), host(&uri)) else {
            return Err(wrong());
        };
        if host.is_empty() {
            return Err(wrong());
        }
        // It would stand in lists and logs.
        if authority.as_str().contains('@') {
            return Err(
                "`url` holds a user name or password; deliveries are signed, so leave it out"
                    .to_owned(),
            );
        }
        match host.parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err(refused()),
            _ => Ok(uri),
        }
    }
}

/// The host of a URL, an IPv6 address without its brackets.
pub fn host(uri: &Uri) -> Option<&str> {
    let host = uri.host()?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some(bare.unwrap_or(host))
}

/// Why an address is not reached.
pub fn refused() -> String {
    "the address is private; webhooks reach public addresses alone unless the server runs \
     with `--webhooks-allow-private`"
        .to_owned()
}

/// An address of the public internet, by the registries of special-purpose addresses
/// (RFC 6890 and what IANA added since).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = matches!(
        address.octets(),
        // This network; private; shared (carriers, and a cloud's metadata); loopback;
        // link-local (clouds' metadata).
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            // Protocol assignments; documentation; the 6to4 relay; benchmarks.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            // Multicast, reserved, broadcast.
            | [224..=255, ..]
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // IPv4 in IPv6, and what a translator or a tunnel makes IPv4 of.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (Teredo and others); documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only this eighth of the space is handed out; loopback, unique local, link-local
        // and multicast lie outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn special_addresses_are_not_public_in_whatever_notation() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn neighbours_of_special_ranges_are_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2001:200::1",
            "2002:101:101::",
            "2606:4700:4700::1111",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn a_url_is_absolute_http_without_password_and_not_private() {
        let guarded = Reach::default();
        for url in [
            "https://mdm.example.com/hooks?x=1",
            "http://1.1.1.1:8080/",
            "https://[2606:4700:4700::1111]/",
            "https://localhost/",
        ] {
            assert!(guarded.check(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "mdm.example.com",
            "/hooks",
            "ftp://mdm.example.com/",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://a:b@mdm.example.com/",
            "https://mdm.example.com/#x",
            "https://mdm.example.com/ x",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]:80/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            let error = guarded.check(url).unwrap_err();
            assert!(!error.is_empty() && !error.ends_with('.'), "{url}: {error}");
        }
        let long = format!("https://mdm.example.com/{}", "x".repeat(URL_BYTES));
        assert!(guarded.check(&long).is_err());
    }

    #[test]
    fn with_leave_private_addresses_are_reached_too() {
        let open = Reach { private: true };
        assert!(open.check("http://127.0.0.1:9/").is_ok());
        assert!(open.allows(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(!Reach::default().allows(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
