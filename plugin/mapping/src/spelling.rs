//! Which known word was probably meant.
//!
//! This module must not know what the words are for.

use crate::text::quoted;

/// Words longer than this are not compared: names of ours are shorter.
const MAX_WORD: usize = 64;

/// `: did you mean …`, or nothing if no known word is near.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(near) => format!(": did you mean {}", quoted(near)),
        None => String::new(),
    }
}

/// The known word that is nearest: at most one slip in three characters, two in all;
/// case does not count.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |word: &str| -> Vec<char> {
        let letters = word.chars().map(|c| c.to_ascii_lowercase());
        letters.take(MAX_WORD + 1).collect()
    };
    let word = letters(word);
    if word.len() > MAX_WORD {
        return None;
    }
    let near = known.into_iter().filter_map(|known| {
        let letters = letters(known);
        let most = (letters.len().min(word.len()) / 3).min(2);
        Some((distance(&word, &letters, most)?, known))
    });
    near.min().map(|(_, known)| known)
}

/// The Damerau-Levenshtein distance (letters added, left out, changed, or swapped with
/// their neighbour; no letter twice), if it is at most `most`.
pub(crate) fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut last_b = None;
        let mut left = i + 1;
        for (j, (&y, pair)) in b.iter().zip(above.windows(2)).enumerate() {
            let [diagonal, up] = *pair else { continue };
            let changed = diagonal + usize::from(x != y);
            let mut best = changed.min(up + 1).min(left + 1);
            if last_a == Some(y) && last_b == Some(x) {
                let swapped = j.checked_sub(1).and_then(|j| before.get(j));
                best = swapped.map_or(best, |swapped| best.min(swapped + 1));
            }
            row.push(best);
            left = best;
            last_b = Some(y);
        }
        last_a = Some(x);
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_are_seen_through_and_another_word_is_not() {
        let known = ["sticky_manual", "labels", "me"];
        for (word, meant) in [
            ("sticky_manal", Some("sticky_manual")),
            ("stciky_manuel", Some("sticky_manual")),
            ("Lables", Some("labels")),
            ("label", Some("labels")),
            ("be", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest(&"l".repeat(10_000), known), None);
        assert_eq!(did_you_mean("labls", known), ": did you mean `labels`");
        assert_eq!(did_you_mean("x", known), "");
    }
}
