//! Lines for people: no control characters, bounded, times readable.

use jiff::Timestamp as Instant;
use nameplate_scim::directory::Timestamp;

/// The most bytes a reason may have; see `wit/host-store.wit`.
pub(crate) const MAX_REASON: usize = 512;

/// A text as one line of at most `max` bytes, cut between characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if line.len() + c.len_utf8() > max {
            break;
        }
        line.push(c);
    }
    line
}

/// What a caller gave, in backticks; at most 120 bytes of it, so that two of them
/// and the words around fit into a reason.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", one_line(text.trim(), 120))
}

/// A moment as RFC 3339, or as bare milliseconds where no calendar reaches.
pub(crate) fn moment(at: Timestamp) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|ms| Instant::from_millisecond(ms).ok())
        .map_or_else(|| format!("{at} ms"), |instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_characters_and_has_no_breaks() {
        assert_eq!(one_line("a\nb\u{7}c", 10), "a b c");
        assert_eq!(one_line("ééé", 5), "éé");
    }

    #[test]
    fn a_moment_reads_as_rfc_3339_and_never_fails() {
        assert_eq!(moment(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(moment(u64::MAX), format!("{} ms", u64::MAX));
    }
}
