//! Which known name somebody may have meant, for messages about names that are none.

/// The known name that differs by at most two letters, a swap counting as one; none for
/// a text so short that anything would be near.
pub(crate) fn near<'a>(known: &[&'a str], text: &str) -> Option<&'a str> {
    // Longer texts are no slip, and the cost is the product of both lengths.
    if !(3..=64).contains(&text.len()) {
        return None;
    }
    let scored = known.iter().map(|name| (distance(name, text), *name));
    let (score, name) = scored.min()?;
    (score <= 2).then_some(name)
}

/// Damerau-Levenshtein, without edits of what was swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    let cell = |rows: &[Vec<usize>], i: usize, j: usize| {
        let row = rows.get(i);
        row.and_then(|row| row.get(j))
            .copied()
            .unwrap_or(usize::MAX / 2)
    };
    for (i, x) in a.iter().enumerate() {
        rows.push(vec![i + 1]);
        for (j, y) in b.iter().enumerate() {
            let mut best = (cell(&rows, i, j) + usize::from(x != y))
                .min(cell(&rows, i, j + 1) + 1)
                .min(cell(&rows, i + 1, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(cell(&rows, i - 1, j - 1) + 1);
            }
            if let Some(row) = rows.last_mut() {
                row.push(best);
            }
        }
    }
    cell(&rows, a.len(), b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_word_does_not() {
        let known = ["rate", "burst", "per_second"];
        for (text, found) in [
            ("raet", Some("rate")),
            ("brust", Some("burst")),
            ("per_secnd", Some("per_second")),
            ("perSecond", Some("per_second")),
            ("memory", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(near(&known, text), found, "{text}");
        }
        assert_eq!(near(&known, &"burst".repeat(1000)), None);
        assert_eq!(near(&[], "burst"), None);
    }
}
