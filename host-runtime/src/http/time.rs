//! Moments as text.

use jiff::Timestamp as Moment;
use nameplate_store::Timestamp;

/// RFC 3339 in UTC, e.g. `2026-03-01T09:30:00Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| Moment::from_millisecond(at).ok())
        // Beyond the year 9999 the store holds nonsense; a text still has to stand here.
        .unwrap_or(Moment::MAX)
        .to_string()
}

/// The moment a client wrote; none if it is not RFC 3339 or before 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let moment: Moment = text.trim().parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

/// How long ago, for people: `3 minutes ago`.
pub(crate) fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.saturating_sub(at) / 1000;
    let (count, unit) = match seconds {
        0..60 => return "less than a minute ago".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc_and_read_from_any_offset() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_772_357_400_250), "2026-03-01T09:30:00.25Z");
        assert_eq!(
            parse_rfc3339("2026-03-01T10:30:00+01:00"),
            Some(1_772_357_400_000)
        );
        assert_eq!(
            parse_rfc3339(&rfc3339(1_772_357_400_250)),
            Some(1_772_357_400_250)
        );
        assert!(!rfc3339(u64::MAX).is_empty());
    }

    #[test]
    fn what_is_no_moment_since_1970_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-03-01T10:30:00",
            "1969-12-31T23:59:59Z",
            "1772357400",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn ages_are_told_in_the_largest_whole_unit() {
        assert_eq!(ago(59_999, 0), "less than a minute ago");
        assert_eq!(ago(60_000, 0), "1 minute ago");
        assert_eq!(ago(7_300_000, 0), "2 hours ago");
        assert_eq!(ago(90_000_000, 0), "1 day ago");
        assert_eq!(ago(0, 5), "less than a minute ago");
    }
}
