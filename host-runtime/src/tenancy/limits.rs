//! The limits of one tenant: the installation's, and what its operator says otherwise.
//!
//! They are a JSON object with the names of [`Limits`], e.g.
//! `{"users": 500, "rate": {"per_second": 20, "burst": 200}}`. An operator sets them; a
//! tenant's administrators see them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use nameplate_store::Tenant;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::limits::{Limits, Rate};
use crate::near::near;

/// Names of limits that an operator can set for one tenant.
const NAMES: [&str; 15] = [
    "bodies",
    "body",
    "call_time_ms",
    "groups",
    "guest_time_ms",
    "host_calls",
    "instances_per_tenant",
    "large_body",
    "members",
    "memory",
    "queue_per_tenant",
    "rate",
    "response",
    "strangers",
    "users",
];
const RATE_NAMES: [&str; 2] = ["per_second", "burst"];

/// Ten minutes: no client waits longer.
const MOST_MS: u64 = 600_000;
/// More than any directory holds.
const MOST_RESOURCES: u64 = 1_000_000_000;
/// A process answers fewer requests in a second.
const MOST_REQUESTS: u64 = 1_000_000;
/// Beyond that a call would not end in time.
const MOST_CALLS: u64 = 100_000_000;
/// Requests that wait hold memory.
const MOST_WAITING: u64 = 100_000;

/// What is wrong with the limits of a tenant, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LimitsError {
    /// No limit has that name.
    #[error("`{place}` is no limit; {}", meant(*near, known))]
    Unknown {
        /// Where it stands, e.g. `rate.brust`.
        place: String,
        /// What may have been meant.
        near: Option<&'static str>,
        /// All names that may stand there.
        known: &'static [&'static str],
    },
    /// The limit cannot have that value.
    #[error("`{place}` must be {wanted}")]
    Bad {
        /// Where it stands.
        place: String,
        /// What it can be.
        wanted: String,
    },
}

fn meant(near: Option<&str>, known: &[&str]) -> String {
    match near {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// The limits of a tenant whose operator said `own`, on an installation with these.
///
/// # Errors
/// [`LimitsError`]: nothing unknown is passed over, for a limit that is misspelt is none.
pub fn limits_of(own: &Map<String, Value>, installation: &Limits) -> Result<Limits, LimitsError> {
    let mut limits = installation.clone();
    for (name, value) in own {
        set(&mut limits, installation, name, value)?;
    }
    if limits.large_body < limits.body {
        return Err(LimitsError::Bad {
            place: "large_body".to_owned(),
            wanted: format!("at least `body`, which is {}", limits.body),
        });
    }
    Ok(limits)
}

/// The limits of a tenant as they are stored. What is stored was checked when it was
/// set; if it cannot be read all the same, the installation's apply.
pub(crate) fn stored_limits(tenant: Option<&Tenant>, installation: &Arc<Limits>) -> Arc<Limits> {
    let Some(tenant) = tenant else {
        return installation.clone();
    };
    let own = match serde_json::from_str::<Map<String, Value>>(&tenant.limits) {
        // Nothing of its own: idle tenants share what the installation says.
        Ok(own) if own.is_empty() => return installation.clone(),
        Ok(own) => limits_of(&own, installation).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match own {
        Ok(limits) => Arc::new(limits),
        Err(error) => {
            tracing::warn!(tenant = tenant.name, error, "stored limits cannot be used");
            installation.clone()
        }
    }
}

fn set(
    limits: &mut Limits,
    installation: &Limits,
    name: &str,
    value: &Value,
) -> Result<(), LimitsError> {
    // Instances are made with room for the installation's limit. What stands in memory
    // before or after the sandbox is held to it too.
    let bytes = 1024..=number(installation.memory);
    let size = |range| whole(name, value, range).map(size_of);
    match name {
        "body" => limits.body = size(bytes)?,
        "large_body" => limits.large_body = size(bytes)?,
        "bodies" => limits.bodies = size(1024..=number(installation.bodies.max(1 << 40)))?,
        "response" => limits.response = size(bytes)?,
        "memory" => limits.memory = size(16 << 20..=number(installation.memory))?,
        "guest_time_ms" => limits.guest_time_ms = whole(name, value, 1..=MOST_MS)?,
        "call_time_ms" => limits.call_time_ms = whole(name, value, 1..=MOST_MS)?,
        "host_calls" => limits.host_calls = whole(name, value, 1..=MOST_CALLS)?,
        "instances_per_tenant" => {
            let most = u64::from(installation.instances);
            limits.instances_per_tenant = count(whole(name, value, 1..=most)?);
        }
        "queue_per_tenant" => {
            limits.queue_per_tenant = count(whole(name, value, 0..=MOST_WAITING)?);
        }
        "users" => limits.users = whole(name, value, 0..=MOST_RESOURCES)?,
        "groups" => limits.groups = whole(name, value, 0..=MOST_RESOURCES)?,
        "members" => limits.members = whole(name, value, 0..=MOST_RESOURCES)?,
        "strangers" => limits.strangers = count(whole(name, value, 0..=MOST_REQUESTS)?),
        "rate" => limits.rate = rate(value)?,
        _ => return Err(unknown(name.to_owned(), name, &NAMES)),
    }
    Ok(())
}

fn rate(value: &Value) -> Result<Option<Rate>, LimitsError> {
    if value.is_null() {
        return Ok(None);
    }
    let bad = |place: &str, wanted: &str| LimitsError::Bad {
        place: place.to_owned(),
        wanted: wanted.to_owned(),
    };
    let fields = value.as_object().ok_or_else(|| {
        bad(
            "rate",
            "`{\"per_second\": …, \"burst\": …}`, or `null` for none",
        )
    })?;
    let (mut per_second, mut burst) = (None, None);
    for (name, value) in fields {
        let place = format!("rate.{name}");
        let read = || whole(&place, value, 1..=MOST_REQUESTS).map(count);
        match name.as_str() {
            "per_second" => per_second = Some(read()?),
            "burst" => burst = Some(read()?),
            _ => return Err(unknown(place, name, &RATE_NAMES)),
        }
    }
    let per_second = per_second.ok_or_else(|| bad("rate.per_second", "given with a rate"))?;
    Ok(Some(Rate {
        per_second,
        // As much as the installation's own has.
        burst: burst.unwrap_or(per_second.saturating_mul(10)),
    }))
}

fn unknown(place: String, name: &str, known: &'static [&'static str]) -> LimitsError {
    LimitsError::Unknown {
        place,
        near: near(known, name),
        known,
    }
}

fn whole(place: &str, value: &Value, range: RangeInclusive<u64>) -> Result<u64, LimitsError> {
    let found = value.as_u64().filter(|number| range.contains(number));
    found.ok_or_else(|| LimitsError::Bad {
        place: place.to_owned(),
        wanted: format!("a whole number from {} to {}", range.start(), range.end()),
    })
}

fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

fn size_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn of(own: Value) -> Result<Limits, String> {
        let own = own.as_object().cloned().unwrap();
        limits_of(&own, &Limits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_the_installations() {
        assert_eq!(of(json!({})), Ok(Limits::default()));
        let limits = of(json!({"users": 5, "rate": {"per_second": 2, "burst": 9}})).unwrap();
        let (per_second, burst) = (2, 9);
        let expected = Limits {
            users: 5,
            rate: Some(Rate { per_second, burst }),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        assert_eq!(of(json!({"rate": null})).unwrap().rate, None);
        let burst = of(json!({"rate": {"per_second": 7}}))
            .unwrap()
            .rate
            .unwrap()
            .burst;
        assert_eq!(burst, 70);
    }

    #[test]
    fn every_limit_of_the_list_can_be_set() {
        for name in NAMES {
            let value = match name {
                "rate" => json!({"per_second": 1}),
                "memory" | "bodies" | "large_body" => json!(32 << 20),
                _ => json!(2000),
            };
            let value = if name == "instances_per_tenant" {
                json!(7)
            } else {
                value
            };
            let limits = of(json!({ name: value })).unwrap();
            assert_ne!(limits, Limits::default(), "{name}");
        }
    }

    #[test]
    fn a_slip_is_told_with_its_place_and_what_was_meant() {
        for (own, text) in [
            (
                json!({"usres": 5}),
                "`usres` is no limit; did you mean `users`?",
            ),
            (
                json!({"rate": {"per_second": 1, "brust": 2}}),
                "`rate.brust` is no limit; did you mean `burst`?",
            ),
            (
                json!({"rate": {"x": 2}}),
                "`rate.x` is no limit; there are per_second, burst",
            ),
            (
                json!({"rate": {"burst": 2}}),
                "`rate.per_second` must be given with a rate",
            ),
            (
                json!({"rate": {"per_second": 0}}),
                "`rate.per_second` must be a whole number from 1 to 1000000",
            ),
            (
                json!({"body": "1 MiB"}),
                "`body` must be a whole number from 1024 to 268435456",
            ),
            (
                json!({"users": -1}),
                "`users` must be a whole number from 0 to 1000000000",
            ),
            (
                json!({"users": 1.5}),
                "`users` must be a whole number from 0 to 1000000000",
            ),
            (
                json!({"large_body": 2048}),
                "`large_body` must be at least `body`, which is 1048576",
            ),
        ] {
            assert_eq!(of(own).unwrap_err(), text);
        }
        // `instances` is the installation's alone.
        assert!(of(json!({"instances": 5})).is_err());
    }

    #[test]
    fn nobody_gets_more_memory_or_instances_than_the_installation_has() {
        let limits = Limits::default();
        assert!(of(json!({"memory": limits.memory + 1})).is_err());
        assert!(of(json!({"instances_per_tenant": limits.instances + 1})).is_err());
    }
}
