//! Where SCIM is mounted, and what of a path belongs to the mount.

/// The mounts: ours, and the two of Fleet for clients set up for it.
const MOUNTS: [&str; 3] = ["/scim/v2", "/api/v1/fleet/scim", "/api/latest/fleet/scim"];

/// A request path taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The mount this client uses, an extra `/v2` included: answers name it.
    pub mount: String,
    /// What follows it, still percent-encoded: empty, or starting with `/`.
    pub rest: String,
}

impl Mounted {
    /// Splits a path; none if it lies under no mount.
    ///
    /// An extra `/v2` is accepted because set-up guides of other products tell people
    /// to append it to whatever base URL they are given.
    pub fn of(path: &str) -> Option<Self> {
        MOUNTS.iter().find_map(|mount| {
            let rest = below(path, mount)?;
            let (mount, rest) = match below(rest, "/v2") {
                Some(inner) => (format!("{mount}/v2"), inner),
                None => ((*mount).to_owned(), rest),
            };
            // A base URL ending in `/` makes clients send `//Users`.
            let rest = rest.trim_start_matches('/');
            Some(Self {
                mount,
                rest: if rest.is_empty() {
                    String::new()
                } else {
                    format!("/{rest}")
                },
            })
        })
    }

    /// The first segment of the rest, e.g. `Users`.
    pub fn resource(&self) -> &str {
        self.rest
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default()
    }
}

/// What follows `prefix`, if the path is the prefix or lies below it.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_mount_with_and_without_an_extra_v2() {
        for mount in MOUNTS {
            for extra in ["", "/v2"] {
                let base = format!("{mount}{extra}");
                let found = Mounted::of(&format!("{base}/Users/a%2Fb")).unwrap();
                assert_eq!(found.mount, base);
                assert_eq!(found.rest, "/Users/a%2Fb");
                assert_eq!(found.resource(), "Users");
                let root = Mounted::of(&base).unwrap();
                assert_eq!((root.mount, root.rest), (base, String::new()));
            }
        }
    }

    #[test]
    fn a_mount_ends_at_a_slash() {
        for path in [
            "/scim/v2x/Users",
            "/scim",
            "/api/v2/fleet/scim/Users",
            "/",
            "/scim/v22",
        ] {
            assert_eq!(Mounted::of(path), None, "{path}");
        }
        let found = Mounted::of("/scim/v2/v2x").unwrap();
        assert_eq!(
            (found.mount.as_str(), found.rest.as_str()),
            ("/scim/v2", "/v2x")
        );
    }

    #[test]
    fn a_base_url_ending_in_a_slash_works() {
        let found = Mounted::of("/scim/v2//Users").unwrap();
        assert_eq!(
            (found.mount.as_str(), found.rest.as_str()),
            ("/scim/v2", "/Users")
        );
        assert_eq!(Mounted::of("/scim/v2/").unwrap().rest, "");
    }
}
