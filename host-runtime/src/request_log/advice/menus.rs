//! What the menus of identity providers are called.

/// Whose menus to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idp {
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// OneLogin.
    OneLogin,
    /// authentik.
    Authentik,
    /// JumpCloud.
    JumpCloud,
    /// Any other.
    Generic,
}

/// The places of one identity provider that a fix can name.
pub struct Menu {
    /// Whose.
    pub idp: Idp,
    /// How its dialect, its connection or its requests may name it, in lower case.
    pub names: &'static [&'static str],
    /// Where the token is entered.
    pub token: &'static str,
    /// Where the address is entered.
    pub url: &'static str,
    /// Which attributes are sent.
    pub mappings: &'static str,
    /// Who is sent.
    pub people: &'static str,
    /// Which groups are sent.
    pub groups: &'static str,
    /// How to have it try again.
    pub again: &'static str,
    /// Where it tells of its own errors.
    pub log: &'static str,
}

/// All of them; the last fits everybody.
pub const MENUS: [Menu; 6] = [
    Menu {
        idp: Idp::Okta,
        names: &["okta"],
        token: "Applications > your app > Provisioning > Integration > Edit, field Authorization",
        url: "Applications > your app > Provisioning > Integration > Edit, field SCIM connector \
              base URL",
        mappings: "Applications > your app > Provisioning > To App > Attribute Mappings",
        people: "Applications > your app > Assignments",
        groups: "Applications > your app > Push Groups",
        again: "Dashboard > Tasks > Retry Selected, or Applications > your app > Push Groups > \
                Push now for a group",
        log: "Reports > System Log",
    },
    Menu {
        idp: Idp::Entra,
        names: &["entra", "azure", "microsoft", "aad"],
        token: "Enterprise applications > your app > Provisioning > Admin Credentials, field \
                Secret Token",
        url: "Enterprise applications > your app > Provisioning > Admin Credentials, field \
              Tenant URL",
        mappings: "Enterprise applications > your app > Provisioning > Mappings",
        people: "Enterprise applications > your app > Users and groups",
        groups: "Enterprise applications > your app > Users and groups",
        again: "Enterprise applications > your app > Provisioning > Provision on demand, and \
                Restart provisioning if the job is in quarantine",
        log: "Enterprise applications > your app > Provisioning logs",
    },
    Menu {
        idp: Idp::OneLogin,
        names: &["onelogin"],
        token: "Applications > your app > Configuration > API Connection, field SCIM Bearer Token",
        url: "Applications > your app > Configuration > API Connection, field SCIM Base URL",
        mappings: "Applications > your app > Parameters",
        people: "Applications > your app > Users",
        groups: "Applications > your app > Rules",
        again: "Applications > your app > Users > the person > Retry",
        log: "Activity > Events",
    },
    Menu {
        idp: Idp::Authentik,
        names: &["authentik", "goauthentik"],
        token: "Applications > Providers > your SCIM provider > Edit, field Token",
        url: "Applications > Providers > your SCIM provider > Edit, field URL",
        mappings: "Applications > Providers > your SCIM provider > Edit > Attribute mapping",
        people: "Applications > Providers > your SCIM provider > Edit > User filtering",
        groups: "Applications > Providers > your SCIM provider > Edit > User filtering",
        again: "Applications > Providers > your SCIM provider > Sync status > Run sync again",
        log: "Applications > Providers > your SCIM provider > Sync status",
    },
    Menu {
        idp: Idp::JumpCloud,
        names: &["jumpcloud"],
        token: "SSO Applications > your app > Identity Management, field Token Key",
        url: "SSO Applications > your app > Identity Management, field Base URL",
        mappings: "SSO Applications > your app > Identity Management > Attribute Mapping",
        people: "SSO Applications > your app > User Groups",
        groups: "SSO Applications > your app > Identity Management > Group Management",
        again: "SSO Applications > your app > User Groups: take the group off, save, and put it \
                on again",
        log: "Insights > Directory Insights",
    },
    Menu {
        idp: Idp::Generic,
        names: &[],
        token: "the provisioning settings of your identity provider, where the bearer token is \
                entered",
        url: "the provisioning settings of your identity provider, where the SCIM base URL is \
              entered",
        mappings: "the attribute mappings of your identity provider",
        people: "the assignments of the app in your identity provider",
        groups: "the groups that your identity provider pushes",
        again: "the provisioning of your identity provider, and have it synchronise again",
        log: "the provisioning log of your identity provider",
    },
];

impl Idp {
    /// Whose menus to name: told by the connection's dialect, else by the name its
    /// requests give themselves, else by the connection's own name.
    pub fn of(dialect: &str, user_agent: &str, connection: &str) -> Self {
        let known = |text: &str| {
            let text = text.to_ascii_lowercase();
            let named = |menu: &&Menu| menu.names.iter().any(|name| text.contains(name));
            MENUS.iter().find(named).map(|menu| menu.idp)
        };
        known(dialect)
            .or_else(|| known(user_agent))
            .or_else(|| known(connection))
            .unwrap_or(Self::Generic)
    }

    /// Its menus.
    pub fn menu(self) -> &'static Menu {
        let found = MENUS.iter().find(|menu| menu.idp == self);
        let [.., last] = &MENUS;
        found.unwrap_or(last)
    }
}

/// A fix with the names of menus in their places.
pub(super) fn filled(fix: &str, idp: Idp) -> String {
    let Menu {
        idp: _,
        names: _,
        token,
        url,
        mappings,
        people,
        groups,
        again,
        log,
    } = idp.menu();
    [
        ("{token}", token),
        ("{url}", url),
        ("{mappings}", mappings),
        ("{people}", people),
        ("{groups}", groups),
        ("{again}", again),
        ("{log}", log),
    ]
    .iter()
    .fold(fix.to_owned(), |text, (name, menu)| {
        text.replace(name, menu)
    })
}
