//! The texts that stand for what JSON has no type for (RFC 7643 2.3.5 and 2.3.6).

/// Is it an xsd:dateTime that names an instant: date, time and offset, none left out.
pub(crate) fn is_date_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    const OFFSET: &[u8] = b"00:00";
    let Some((start, rest)) = text.as_bytes().split_at_checked(SHAPE.len()) else {
        return false;
    };
    let rest = match rest.strip_prefix(b".") {
        None => Some(rest),
        Some(rest) => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            rest.get(digits..).filter(|_| digits > 0)
        }
    };
    let zoned = match rest {
        Some([b'Z']) => true,
        Some([b'+' | b'-', offset @ ..]) => has_shape(offset, OFFSET),
        _ => false,
    };
    zoned && has_shape(start, SHAPE) && text.parse::<jiff::Timestamp>().is_ok()
}

/// Has it digits where the shape has a zero, and what the shape has elsewhere.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// Is it base64 of one of the two alphabets (RFC 4648 4 and 5), in lines or not, with
/// all of its padding or none.
pub(crate) fn is_base64(text: &str) -> bool {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    let (mut plain, mut url_safe) = (false, false);
    for byte in text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')) {
        match byte {
            b'=' => {
                padding += 1;
                continue;
            }
            b'+' | b'/' => plain = true,
            b'-' | b'_' => url_safe = true,
            b if b.is_ascii_alphanumeric() => {}
            _ => return false,
        }
        if padding > 0 {
            return false;
        }
        digits += 1;
    }
    let whole = matches!((digits % 4, padding), (0, 0) | (2, 0 | 2) | (3, 0 | 1));
    whole && !(plain && url_safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_one_way() {
        for good in [
            "2026-01-31T08:00:00Z",
            "2026-01-31T08:00:00.123456+02:00",
            "1969-12-31T23:59:59-11:30",
        ] {
            assert!(is_date_time(good), "{good}");
        }
        for bad in [
            "2026-01-31",
            "08:00:00Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00Z",
            "2026-01-31 08:00:00Z",
            "2026-01-31t08:00:00z",
            "2026-01-31T08:00:00.Z",
            "2026-01-31T08:00:00,5Z",
            "2026-01-31T08:00:00+0200",
            "2026-01-31T08:00:00+02:00[Europe/Berlin]",
            "20260131T080000Z",
            "2026-02-30T08:00:00Z",
            "2026-01-31T25:00:00Z",
            "yesterday",
            "",
            "２026-01-31T08:00:00Z",
        ] {
            assert!(!is_date_time(bad), "{bad}");
        }
    }

    #[test]
    fn base64_is_whole_and_of_one_alphabet() {
        for good in [
            "",
            "AA",
            "AA==",
            "AAA",
            "AAA=",
            "AAAA",
            "A+/A",
            "A-_A",
            "AA\r\nAA\n",
        ] {
            assert!(is_base64(good), "{good}");
        }
        for bad in [
            "A", "AA=", "AAA==", "AAAA=", "=AAA", "A=AA", "A+_A", "A A", "é", "====",
        ] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}
