//! What metrics are told apart by. Every label has few values, so that the number of
//! series is bounded by this file and not by what clients send.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::{PoisonError, RwLock};

use http::{Method, StatusCode};
use nameplate_store::TenantId;
use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, LabelSetEncoder, LabelValueEncoder,
};

/// Tenants with series of their own: an installation with more looks at them as a whole.
pub const TENANTS: usize = 200;

/// An enumeration whose values have these names as labels.
macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$value_about:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_about])* $value,)+
        }

        impl $name {
            /// Its name, as metrics and the log have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                encoder.write_str(self.as_str())
            }
        }
    };
}

label! {
    /// What a path belongs to.
    Family {
        /// To the plugin.
        Scim = "scim",
        /// Administration.
        Admin = "admin",
        /// Pages for people.
        Page = "page",
        /// Is the server alive, is it ready.
        Probe = "probe",
        /// Nothing is there.
        Other = "other",
    }
}

label! {
    /// The method of a request.
    MethodClass {
        /// GET and HEAD.
        Get = "get",
        /// POST.
        Post = "post",
        /// PUT.
        Put = "put",
        /// PATCH.
        Patch = "patch",
        /// DELETE.
        Delete = "delete",
        /// Any other.
        Other = "other",
    }
}

label! {
    /// How a request ended.
    StatusClass {
        /// 1xx and 2xx.
        Success = "2xx",
        /// 3xx.
        Redirect = "3xx",
        /// 4xx.
        Client = "4xx",
        /// 5xx.
        Server = "5xx",
    }
}

label! {
    /// What a store does.
    StoreWork {
        /// One read, on the thread that asks.
        Read = "read",
        /// One write, from handing it over until it is on disk.
        Write = "write",
        /// A group of writes in one transaction, the sync included.
        Group = "group",
    }
}

label! {
    /// What became of a unit of a commit.
    CommitOutcome {
        /// Written.
        Committed = "committed",
        /// Another change came first.
        Stale = "stale",
        /// A unique key is somebody else's.
        KeyTaken = "key_taken",
        /// What it refers to is not there.
        Missing = "missing",
        /// The tenant has as much as it may have.
        Full = "full",
        /// Not tried, for one before it failed.
        Skipped = "skipped",
        /// The store failed.
        Failed = "failed",
    }
}

label! {
    /// What became of a delivery to a webhook.
    Delivery {
        /// The receiver took it.
        Taken = "taken",
        /// It did not; the delivery is tried again.
        Failed = "failed",
        /// It was given up.
        Dead = "dead",
    }
}

label! {
    /// Why an instance of the plugin ended.
    InstanceEnd {
        /// It had served enough, grown too large, or serves one request by setting.
        Retired = "retired",
        /// Its place was needed for another tenant.
        Evicted = "evicted",
        /// Nobody used it for long.
        Idle = "idle",
        /// Its call trapped or took too long.
        Failed = "failed",
    }
}

label! {
    /// Why a connection was turned away.
    Refusal {
        /// One address had too many.
        Address = "address",
        /// The TLS handshake failed or took too long.
        Handshake = "handshake",
        /// It said nothing for too long.
        Idle = "idle",
        /// It did not read what it had asked for.
        Stalled = "stalled",
    }
}

label! {
    /// Did something work.
    Success {
        /// It did.
        Ok = "ok",
        /// It did not.
        Error = "error",
    }
}

impl From<&Method> for MethodClass {
    fn from(method: &Method) -> Self {
        match method.as_str() {
            "GET" | "HEAD" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

impl From<StatusCode> for StatusClass {
    fn from(status: StatusCode) -> Self {
        match status.as_u16() {
            ..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::Client,
            500.. => Self::Server,
        }
    }
}

/// A tenant by its number, or one of those that have no series of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TenantLabel(Option<i64>);

impl EncodeLabelValue for TenantLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(encoder, "{number}"),
            None => encoder.write_str("other"),
        }
    }
}

/// The tenants that have series of their own: the first that were seen.
#[derive(Debug, Default)]
pub struct KnownTenants(RwLock<HashSet<i64>>);

impl KnownTenants {
    /// The label of a tenant.
    pub fn label(&self, TenantId(number): TenantId) -> TenantLabel {
        // Only whole values are put in, so a panic elsewhere leaves the set usable.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let full = known.len() >= TENANTS;
        if known.contains(&number) {
            return TenantLabel(Some(number));
        }
        drop(known);
        if full {
            return TenantLabel(None);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let room = known.len() < TENANTS;
        let own = known.contains(&number) || (room && known.insert(number));
        TenantLabel(own.then_some(number))
    }
}

/// Of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Where it went.
    pub family: Family,
    /// What it was.
    pub method: MethodClass,
    /// How it ended.
    pub status: StatusClass,
}

/// Of what is told apart by the family alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FamilyLabels {
    /// Where it went.
    pub family: Family,
}

/// Of requests of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TenantStatusLabels {
    /// Whose.
    pub tenant: TenantLabel,
    /// How it ended.
    pub status: StatusClass,
}

/// Of what is told apart by tenant alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TenantLabels {
    /// Whose.
    pub tenant: TenantLabel,
}

/// Of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StoreLabels {
    /// What it did.
    pub operation: StoreWork,
}

/// Of what is told apart by how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutcomeLabels<T> {
    /// How it ended.
    pub outcome: T,
}

impl<T: EncodeLabelValue + Clone> EncodeLabelSet for OutcomeLabels<T> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("outcome", self.outcome.clone())].encode(encoder)
    }
}

/// Of what is told apart by its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasonLabels<T> {
    /// Why.
    pub reason: T,
}

impl<T: EncodeLabelValue + Clone> EncodeLabelSet for ReasonLabels<T> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("reason", self.reason.clone())].encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenants_have_series_of_their_own_and_the_rest_share_one() {
        let known = KnownTenants::default();
        let own = |number: i64| known.label(TenantId(number)) == TenantLabel(Some(number));
        let most = i64::try_from(TENANTS).unwrap_or_default();
        assert!((0..most).all(own));
        assert!(!(most..most + 1000).any(own));
        assert!((0..most).all(own), "who was first stays");
    }
}
