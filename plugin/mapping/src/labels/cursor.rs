//! Where a page ended, as a text that callers hand back: bytes in parts, in hexadecimal
//! digits with dots between them.
//!
//! It may come from anybody. This module must not know what the parts mean.

use nameplate_scim::hex::hex;

/// The parts as a text.
pub(super) fn write(parts: &[&[u8]]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| hex(part)).collect();
    parts.join(".")
}

/// The parts of a text, if it has as many.
pub(super) fn read<const N: usize>(text: &str) -> Option<[Vec<u8>; N]> {
    let parts: Option<Vec<Vec<u8>>> = text.split('.').map(bytes).collect();
    parts?.try_into().ok()
}

/// A part that is a text.
pub(super) fn text(part: Vec<u8>) -> Option<String> {
    String::from_utf8(part).ok()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| u8::try_from(c.to_digit(16)?).ok())
        .collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    let whole = pairs.remainder().is_empty();
    let bytes = pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
    whole.then(|| bytes.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "0", "zz.00", "00", "00.00.00", "00 .00", "é.é"] {
            assert_eq!(read::<2>(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(read::<2>(&write(&[&a, &b])), Some([a, b]));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            read::<2>(&text);
        }
    }
}
