//! What an operator wants to know of a certificate: its names and until when it counts.
//!
//! A walk over DER (X.690) along the one path that RFC 5280 4.1 fixes. It judges
//! nothing: whether a certificate is good is decided by those who connect.

use std::net::IpAddr;

/// `2.5.29.17`, the subject's alternative names (RFC 5280 4.2.1.6).
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
/// `[0]`, the version; `[3]`, the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `[2]` and `[7]` of a general name.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// Of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The first moment it counts, in seconds since the epoch.
    pub not_before: i64,
    /// The last moment it counts, in seconds since the epoch.
    pub not_after: i64,
    /// The host names and addresses it is for.
    pub names: Vec<String>,
}

impl Facts {
    /// Reads them; none if this is no certificate.
    pub fn of(der: &[u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.expect(SEQUENCE)?);
        let mut fields = Reader(certificate.expect(SEQUENCE)?);
        fields.optional(VERSION);
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            fields.next()?;
        }
        let mut validity = Reader(fields.expect(SEQUENCE)?);
        let (not_before, not_after) = (validity.moment()?, validity.moment()?);
        let mut names = Vec::new();
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                names = alternative_names(content).unwrap_or_default();
            }
        }
        Some(Self {
            not_before,
            not_after,
            names,
        })
    }

    /// Is it for this host name, as RFC 6125 6.4 compares: a star is one whole label.
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| {
            let wild = name.strip_prefix("*.").zip(host.split_once('.'));
            name.eq_ignore_ascii_case(host)
                || wild.is_some_and(|(rest, (_, parent))| rest.eq_ignore_ascii_case(parent))
        })
    }
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut list = Reader(Reader(extensions).expect(SEQUENCE)?);
    while let Some((_, extension)) = list.next() {
        let mut extension = Reader(extension);
        if extension.expect(OBJECT_ID)? != ALTERNATIVE_NAMES {
            continue;
        }
        // Whether it is critical may stand between the two.
        let value = loop {
            match extension.next()? {
                (OCTET_STRING, value) => break value,
                _ => continue,
            }
        };
        let mut general = Reader(Reader(value).expect(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, value)) = general.next() {
            match tag {
                DNS_NAME => names.extend(String::from_utf8(value.to_vec()).ok()),
                IP_ADDRESS => names.extend(address(value).map(|ip| ip.to_string())),
                _ => {}
            }
        }
        return Some(names);
    }
    None
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// Elements of DER, one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // A certificate is some kilobytes: two bytes of length are enough.
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            if digits.is_empty() || digits.len() > 3 {
                return None;
            }
            let digit = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
            digits.iter().fold(0, digit)
        };
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    /// The content of the next element, which has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, content)| content)
    }

    /// Skips the next element if it has this tag.
    fn optional(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }

    /// A time (RFC 5280 4.1.2.5), in seconds since the epoch.
    fn moment(&mut self) -> Option<i64> {
        let (tag, content) = self.next()?;
        let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i16 = year.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
        let date =
            jiff::civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
        let moment = jiff::tz::Offset::UTC.to_timestamp(date.ok()?).ok()?;
        Some(moment.as_second())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn made() -> Vec<u8> {
        let names = ["mdm.example.com", "*.example.org", "192.0.2.1"];
        let mut params = rcgen::CertificateParams::new(names.map(str::to_owned).to_vec()).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2056, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_and_times_are_read() {
        let facts = Facts::of(&made()).unwrap();
        assert_eq!(facts.not_before, 1_767_312_000);
        assert_eq!(facts.not_after, 2_719_353_600);
        assert_eq!(
            facts.names,
            ["mdm.example.com", "*.example.org", "192.0.2.1"]
        );
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let facts = Facts::of(&made()).unwrap();
        assert!(facts.is_for("MDM.example.com") && facts.is_for("a.example.org"));
        assert!(facts.is_for("192.0.2.1"));
        for other in [
            "example.com",
            "example.org",
            "a.b.example.org",
            "a.mdm.example.com",
        ] {
            assert!(!facts.is_for(other), "{other}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_or_broken_says_nothing_wrong() {
        let whole = made();
        for end in 0..whole.len() {
            assert_eq!(Facts::of(whole.get(..end).unwrap()), None, "{end}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            *broken.get_mut(at).unwrap() ^= 0xff;
            // Whatever it says, it ends.
            let _ = Facts::of(&broken);
        }
    }
}
