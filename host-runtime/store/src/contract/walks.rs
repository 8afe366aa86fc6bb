//! `find`: ranges, directions, pages, totals.

use super::Backend;
use super::place::{Place, delete, equal, group, key, user, walk};
use crate::{Detail, Direction, Find, KeyRange, Kind, limits};

async fn cities<S: Backend>(at: &Place<'_, S>) {
    let rows: [(&str, &[&str]); 5] = [
        ("u1", &["berlin"]),
        ("u2", &["aachen", "bern"]),
        ("u3", &["bern", "zug"]),
        ("u4", &["cali"]),
        ("u5", &[]),
    ];
    for (id, values) in rows {
        let keys: Vec<_> = values.iter().map(|value| key("city", value)).collect();
        at.done(1, user(id).keys(&keys)).await;
    }
    at.done(1, group("g1").keys(&[key("city", "bern")])).await;
    at.outcome_at(at.entra, 1, user("x1").keys(&[key("city", "bern")]).into())
        .await;
}

fn range(from: Option<&str>, to: Option<&str>) -> KeyRange {
    KeyRange::Between(from.map(Into::into), to.map(Into::into))
}

pub async fn every_range_holds_what_it_says<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    let cases: [(KeyRange, &[&str]); 11] = [
        (KeyRange::All, &["u1", "u2", "u3", "u4", "u5"]),
        (KeyRange::Equal(b"bern".to_vec()), &["u2", "u3"]),
        (KeyRange::Equal(b"ber".to_vec()), &[]),
        (KeyRange::Prefix(b"ber".to_vec()), &["u1", "u2", "u3"]),
        (KeyRange::Prefix(Vec::new()), &["u2", "u1", "u3", "u4"]),
        (range(Some("b"), Some("bern")), &["u1", "u2", "u3"]),
        (range(Some("bern"), None), &["u2", "u3", "u4"]),
        (range(None, Some("bern")), &["u2", "u1", "u3"]),
        (range(None, None), &["u2", "u1", "u3", "u4"]),
        (range(Some("c"), Some("b")), &[]),
        (KeyRange::Contains(b"e".to_vec()), &["u2", "u1", "u3"]),
    ];
    for (range, expected) in cases {
        let mut find = walk("city", range);
        assert_eq!(at.ids(&find).await, expected, "{:?}", find.range);
        find.limit = 1;
        assert_eq!(at.pages(&find).await, expected, "{:?} in pages", find.range);
        find.want = Detail::Documents;
        assert_eq!(
            at.pages(&find).await,
            expected,
            "{:?} with documents",
            find.range
        );
    }
}

pub async fn descending_is_the_other_way_round<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    let cases: [(KeyRange, &[&str]); 5] = [
        (KeyRange::All, &["u5", "u4", "u3", "u2", "u1"]),
        (KeyRange::Equal(b"bern".to_vec()), &["u3", "u2"]),
        (KeyRange::Prefix(b"ber".to_vec()), &["u3", "u2", "u1"]),
        (range(Some("b"), None), &["u3", "u4", "u2", "u1"]),
        (KeyRange::Contains(b"r".to_vec()), &["u3", "u2", "u1"]),
    ];
    for (range, expected) in cases {
        let mut find = Find {
            direction: Direction::Descending,
            ..walk("city", range)
        };
        assert_eq!(at.ids(&find).await, expected, "{:?}", find.range);
        find.limit = 1;
        assert_eq!(at.pages(&find).await, expected, "{:?} in pages", find.range);
    }
}

pub async fn values_are_compared_as_bytes<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let values: [(&str, &[u8]); 5] = [
        ("u1", b"a"),
        ("u2", b"A"),
        ("u3", &[b'a', 0]),
        ("u4", &[b'a', 255]),
        ("u5", &[255, 255]),
    ];
    for (id, value) in values {
        let mut put = user(id);
        put.keys = vec![crate::Key {
            value: value.to_vec(),
            ..key("raw", "")
        }];
        at.done(1, put).await;
    }
    let all = walk("raw", KeyRange::Between(None, None));
    assert_eq!(at.ids(&all).await, ["u2", "u1", "u3", "u4", "u5"]);
    assert_eq!(at.ids(&equal("raw", "a")).await, ["u1"]);
    assert_eq!(
        at.ids(&walk("raw", KeyRange::Prefix(b"a".to_vec()))).await,
        ["u1", "u3", "u4"]
    );
    assert_eq!(
        at.ids(&walk("raw", KeyRange::Prefix(vec![255]))).await,
        ["u5"]
    );
    assert_eq!(
        at.ids(&walk("raw", KeyRange::Contains(vec![0]))).await,
        ["u3"]
    );
}

pub async fn skip_passes_over_hits<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    for (range, expected) in [
        (KeyRange::All, ["u3", "u4"]),
        (range(None, None), ["u3", "u4"]),
    ] {
        for want in [Detail::Ids, Detail::Documents] {
            let find = Find {
                skip: 2,
                limit: 2,
                want,
                ..walk("city", range.clone())
            };
            assert_eq!(at.ids(&find).await, expected);
        }
    }
    // (range, direction, hits in order)
    let cases: [(KeyRange, Direction, &[&str]); 5] = [
        (
            KeyRange::All,
            Direction::Descending,
            &["u5", "u4", "u3", "u2", "u1"],
        ),
        (
            KeyRange::Equal(b"bern".to_vec()),
            Direction::Ascending,
            &["u2", "u3"],
        ),
        (
            range(None, None),
            Direction::Descending,
            &["u3", "u4", "u2", "u1"],
        ),
        (
            KeyRange::Prefix(b"b".to_vec()),
            Direction::Ascending,
            &["u1", "u2", "u3"],
        ),
        (
            KeyRange::Contains(b"e".to_vec()),
            Direction::Ascending,
            &["u2", "u1", "u3"],
        ),
    ];
    for (range, direction, hits) in cases {
        let mut after = None;
        for skip in 0..=hits.len() {
            let find = Find {
                direction,
                skip: u64::try_from(skip).unwrap(),
                limit: 1,
                ..walk("city", range.clone())
            };
            let page = at.find(&find).await;
            let expected = hits.get(skip..).unwrap_or_default();
            let found: Vec<&str> = page.hits.iter().map(|hit| hit.id.as_str()).collect();
            assert_eq!(found, expected[..expected.len().min(1)], "{find:?}");
            assert_eq!(page.next.is_some(), expected.len() > 1, "{find:?}");
            if skip == 0 {
                after = page.next;
            } else if after.is_some() {
                // From the first hit on, one hit fewer is skipped.
                let find = Find {
                    skip: find.skip - 1,
                    after: after.clone(),
                    ..find
                };
                let page = at.find(&find).await;
                let found: Vec<&str> = page.hits.iter().map(|hit| hit.id.as_str()).collect();
                assert_eq!(found, expected[..expected.len().min(1)], "{find:?}");
            }
        }
    }
    let far = Find {
        skip: u64::MAX,
        ..walk("", KeyRange::All)
    };
    let page = at.find(&far).await;
    assert_eq!((page.hits.len(), page.next, page.total), (0, None, Some(5)));
}

pub async fn totals_are_exact_for_all_and_equal<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    for limit in [0, 1, 100] {
        let all = at
            .find(&Find {
                limit,
                ..walk("", KeyRange::All)
            })
            .await;
        assert_eq!(
            (all.total, all.hits.len()),
            (Some(5), usize::try_from(limit.min(5)).unwrap())
        );
        let one = at
            .find(&Find {
                limit,
                ..equal("city", "bern")
            })
            .await;
        assert_eq!(
            (one.total, one.hits.len()),
            (Some(2), usize::try_from(limit.min(2)).unwrap())
        );
        let skipped = at
            .find(&Find {
                limit,
                skip: 1,
                ..equal("city", "bern")
            })
            .await;
        assert_eq!(skipped.total, Some(2));
        let none = at
            .find(&Find {
                limit,
                ..equal("city", "rome")
            })
            .await;
        assert_eq!((none.total, none.next), (Some(0), None));
    }
    at.done(2, delete(Kind::User, "u2")).await;
    assert_eq!(at.find(&walk("", KeyRange::All)).await.total, Some(4));
    let groups = Find {
        kind: Kind::Group,
        ..walk("", KeyRange::All)
    };
    assert_eq!(at.find(&groups).await.total, Some(1));
}

pub async fn a_total_is_exact_wherever_there_is_one<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    let ranges = [
        KeyRange::All,
        KeyRange::Equal(b"bern".to_vec()),
        KeyRange::Prefix(b"ber".to_vec()),
        KeyRange::Prefix(b"c".to_vec()),
        range(Some("b"), None),
        range(None, None),
        KeyRange::Contains(b"e".to_vec()),
    ];
    for index in ["city", "@id", "@modified"] {
        for range in &ranges {
            if index != "city" && matches!(range, KeyRange::Contains(_)) {
                continue;
            }
            for direction in [Direction::Ascending, Direction::Descending] {
                let whole = Find {
                    direction,
                    ..walk(index, range.clone())
                };
                let count = u64::try_from(at.ids(&whole).await.len()).unwrap();
                for (limit, skip) in [(0, 0), (1, 0), (2, 1), (100, 0), (100, 9)] {
                    let mut find = Find {
                        limit,
                        skip,
                        ..whole.clone()
                    };
                    let first = at.find(&find).await;
                    let due = matches!(range, KeyRange::All | KeyRange::Equal(_));
                    assert!(!due || first.total.is_some(), "{find:?}");
                    assert_eq!(first.total.unwrap_or(count), count, "{find:?}");
                    if first.next.is_some() {
                        find.after = first.next;
                        let total = at.find(&find).await.total;
                        assert_eq!(total.unwrap_or(count), count, "{find:?}");
                    }
                }
            }
        }
    }
}

pub async fn each_detail_brings_what_it_names<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    cities(&at).await;
    let hit = async |want, range| {
        at.find(&Find {
            want,
            limit: 1,
            ..walk("city", range)
        })
        .await
        .hits
        .remove(0)
    };
    let prefix = || KeyRange::Prefix(b"bern".to_vec());
    let ids = hit(Detail::Ids, prefix()).await;
    assert_eq!((ids.id.as_str(), ids.key, ids.document), ("u2", None, None));
    let keys = hit(Detail::Keys, prefix()).await;
    assert_eq!(
        (keys.key.as_deref(), keys.document),
        (Some(b"bern".as_slice()), None)
    );
    let documents = hit(Detail::Documents, prefix()).await;
    assert_eq!(documents.key, None);
    assert_eq!(documents.document, at.document(Kind::User, "u2").await);
    let equal = hit(Detail::Keys, KeyRange::Equal(b"zug".to_vec())).await;
    assert_eq!(
        (equal.id.as_str(), equal.key.as_deref()),
        ("u3", Some(b"zug".as_slice()))
    );
    assert_eq!(hit(Detail::Keys, KeyRange::All).await.key, None);
}

pub async fn a_page_ends_early_at_4_mib<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let big = "x".repeat(1 << 20);
    for number in 0..6 {
        at.done(1, user(&format!("u{number}")).json(&big)).await;
    }
    let find = Find {
        want: Detail::Documents,
        ..walk("", KeyRange::All)
    };
    let page = at.find(&find).await;
    let bytes: usize = page
        .hits
        .iter()
        .map(|hit| hit.document.as_ref().unwrap().json.len())
        .sum();
    assert!(
        page.hits.len() < 6 && bytes <= limits::PAGE_BYTES + limits::JSON,
        "{}",
        page.hits.len()
    );
    assert_eq!(page.total, Some(6));
    assert_eq!(at.pages(&find).await.len(), 6);
    assert_eq!(
        at.find(&walk("", KeyRange::All)).await.hits.len(),
        6,
        "ids alone are small"
    );
}

pub async fn a_walk_shows_what_did_not_change_exactly_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    for number in 0..10 {
        at.done(
            1,
            user(&format!("u{number}")).keys(&[key("n", &format!("{number}"))]),
        )
        .await;
    }
    let mut find = Find {
        limit: 4,
        ..walk("n", KeyRange::Between(None, None))
    };
    let first = at.find(&find).await;
    at.done(2, delete(Kind::User, "u3")).await;
    at.done(2, delete(Kind::User, "u5")).await;
    at.done(2, user("u00").keys(&[key("n", "00")])).await;
    find.after = first.next;
    assert_eq!(at.pages(&find).await, ["u4", "u6", "u7", "u8", "u9"]);
}
