//! When a message is tried again, and when it is given up. Times are milliseconds.

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp as Moment;
use jiff::fmt::rfc2822;
use nameplate_store::Timestamp;

use super::address::Reach;

/// Limits of deliveries, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookLimits {
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait_ms: u64,
    /// The longest wait, whatever the receiver asks for: a receiver that is back gets
    /// its events within this.
    pub longest_wait_ms: u64,
    /// Tries after which a message becomes a dead letter. With waits of 1 s to 1 h
    /// these are two days: a weekend's outage loses nothing.
    pub tries: u32,
    /// One try, from looking the name up to the status of the answer.
    pub timeout_ms: u64,
    /// Messages after which progress is written down: so many are sent again after a
    /// crash at most.
    pub batch: u32,
    /// Progress is written down after this at the latest.
    pub flush_ms: u64,
    /// How long a server that delivers keeps others on the same database from
    /// delivering too. It is renewed while work goes on; after a crash deliveries rest
    /// for as long.
    pub lease_ms: u64,
    /// A message's body, in bytes; what makes it larger is left out.
    pub body: usize,
    /// Webhooks of one tenant: each costs a task and a connection.
    pub per_tenant: usize,
    /// Whom deliveries may reach.
    pub reach: Reach,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self {
            first_wait_ms: 1_000,
            longest_wait_ms: 3_600_000,
            tries: 60,
            timeout_ms: 15_000,
            batch: 50,
            flush_ms: 1_000,
            lease_ms: 5_000,
            body: 256 << 10,
            per_tenant: 20,
            reach: Reach::default(),
        }
    }
}

impl WebhookLimits {
    /// How long to wait after this many failures (1 or more) in a row. `chance` moves
    /// the wait by up to a tenth either way, so that many messages that failed together
    /// do not come back together.
    pub fn wait(&self, failures: u32, asked_for: Option<u64>, chance: u8) -> u64 {
        let doublings = failures.saturating_sub(1).min(63);
        let plain = self.first_wait_ms.saturating_mul(1 << doublings);
        let plain = plain.min(self.longest_wait_ms);
        // 90 % and 0 to 20 % of it.
        let moved = plain / 10 * 9 + (plain / 5).saturating_mul(u64::from(chance)) / 255;
        // A receiver that asks for more time gets it, but not for ever.
        moved
            .max(asked_for.unwrap_or(0))
            .clamp(1, self.longest_wait_ms.max(1))
    }
}

/// The wait that `Retry-After` asks for: seconds, or a moment (RFC 9110 10.2.3).
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER).map(HeaderValue::to_str)?;
    let text = text.ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let moment: Moment = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let at = u64::try_from(moment.as_millisecond()).ok()?;
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_all_tries_take_two_days() {
        let limits = WebhookLimits::default();
        let wait = |failures| limits.wait(failures, None, 128);
        let near = |found: u64, wanted: u64| found.abs_diff(wanted) < wanted / 100;
        for (failures, wanted) in [(1, 1_000), (2, 2_000), (5, 16_000), (12, 2_048_000)] {
            assert!(
                near(wait(failures), wanted),
                "{failures}: {}",
                wait(failures)
            );
        }
        assert!(near(wait(13), 3_600_000) && near(wait(u32::MAX), 3_600_000));
        let whole: u64 = (1..limits.tries).map(wait).sum();
        let hours = whole / 3_600_000;
        assert!((46..50).contains(&hours), "{hours} hours");
    }

    #[test]
    fn chance_moves_a_wait_by_a_tenth_and_never_beyond_the_longest() {
        let limits = WebhookLimits::default();
        assert_eq!(limits.wait(4, None, 0), 7_200);
        assert_eq!(limits.wait(4, None, 255), 8_800);
        assert_eq!(limits.wait(40, None, 255), limits.longest_wait_ms);
        assert_eq!(limits.wait(0, None, 128), limits.wait(1, None, 128));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_less_nor_for_ever() {
        let limits = WebhookLimits::default();
        assert_eq!(limits.wait(1, Some(30_000), 128), 30_000);
        assert!(limits.wait(5, Some(1), 128) > 14_000);
        assert_eq!(limits.wait(1, Some(u64::MAX), 128), limits.longest_wait_ms);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_moment() {
        let ask = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers, 1_772_357_400_000)
        };
        assert_eq!(ask("120"), Some(120_000));
        assert_eq!(ask("Sun, 01 Mar 2026 09:30:07 GMT"), Some(7_000));
        assert_eq!(ask("Sun, 01 Mar 2026 09:29:00 GMT"), Some(0));
        assert_eq!(ask("99999999999999999999"), None);
        assert_eq!(ask("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }
}
