//! Pages of lists that are asked for one entry more than is shown: it tells whether there
//! is a next page.

/// Leaves the first `limit` entries, and says where the next page begins: the `place` of
/// the last of them, none at the end.
pub(crate) fn cut<T>(
    found: &mut Vec<T>,
    limit: u32,
    place: impl FnOnce(&T) -> String,
) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    found.last().filter(|_| more).map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_shown_leads_on_from_the_last_that_is_shown() {
        let page = |entries: u32, limit| {
            let mut found: Vec<u32> = (1..=entries).collect();
            let next = cut(&mut found, limit, u32::to_string);
            (found.len(), next)
        };
        assert_eq!(page(3, 2), (2, Some("2".to_owned())));
        assert_eq!(page(2, 2), (2, None));
        assert_eq!(page(0, 2), (0, None));
    }
}
