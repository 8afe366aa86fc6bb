//! The configuration of a connection as the host hands it over (JSON).

use serde::Deserialize;

/// Which client's habits are expected. Each deviation is a named rule; `strict`
/// turns all of them off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Every rule that harms no other client.
    #[default]
    Auto,
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// OneLogin.
    Onelogin,
    /// JumpCloud.
    Jumpcloud,
    /// authentik.
    Authentik,
    /// No client in particular.
    Generic,
    /// The RFC to the letter.
    Strict,
}

/// What to do with group members that do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownMembers {
    /// Apply the known ones, remember the unknown ones.
    #[default]
    Hold,
    /// Refuse the request, naming the unknown ones.
    Reject,
}

/// The settings of one connection. Unknown members are ignored, absent ones have
/// the defaults below.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Which client's habits are expected.
    pub dialect: Dialect,
    /// May a POST revive an inactive user with the same userName.
    pub reactivate_inactive: bool,
    /// What to do with group members that do not exist.
    pub unknown_members: UnknownMembers,
    /// May two groups have the same displayName.
    pub duplicate_group_names: bool,
    /// The most resources on a page; larger counts are clamped.
    pub max_results: u32,
    /// A group with more members leaves them out of lists and answers 204 to PATCH.
    pub max_members_inline: u64,
    /// Documents a filter without an index may look at before it is `tooMany`.
    pub scan_budget: u32,
    /// What the host enforces, for ServiceProviderConfig; bytes.
    pub body_limit: u64,
    /// The same for /Groups and Bulk; bytes.
    pub large_body_limit: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dialect: Dialect::Auto,
            reactivate_inactive: true,
            unknown_members: UnknownMembers::Hold,
            duplicate_group_names: false,
            max_results: 200,
            max_members_inline: 1000,
            scan_budget: 20_000,
            body_limit: 1 << 20,
            large_body_limit: 16 << 20,
        }
    }
}
