//! The indexes a store keeps by itself: `@id` and `@modified`.

use super::Backend;
use super::place::{Place, both, delete, delta, group, key, user, walk};
use crate::walk::holds;
use crate::{Detail, Direction, Find, KeyRange, Kind, Precondition, Rekey, StoreError};

const BOTH: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Users by the time of their last change: `b` 2, `d` 5, `a` and `c` 258.
async fn people<S: Backend>(at: &Place<'_, S>) {
    for (now, id) in [(1, "a"), (2, "b"), (258, "c"), (5, "d")] {
        at.done(now, user(id).keys(&[key("city", id)])).await;
    }
    let change = user("a").over(Precondition::Exists).json("{1}");
    at.done(258, change).await;
    at.done(1, group("g")).await;
    at.outcome_at(at.entra, 1, user("x").into()).await;
}

fn bytes(moment: u64) -> Vec<u8> {
    moment.to_be_bytes().to_vec()
}

fn between(from: Option<u64>, to: Option<u64>) -> KeyRange {
    KeyRange::Between(from.map(bytes), to.map(bytes))
}

/// Walks a range in both directions, at once and in pages, passing over nothing, one
/// and two hits.
async fn holds_in_order<S: Backend>(
    at: &Place<'_, S>,
    index: &str,
    range: KeyRange,
    ids: &[String],
) {
    for direction in BOTH {
        let mut ids = ids.to_vec();
        if direction == Direction::Descending {
            ids.reverse();
        }
        for want in [Detail::Ids, Detail::Keys, Detail::Documents] {
            for (limit, skip) in [(100, 0), (1, 0), (2, 1), (1, 2)] {
                let find = Find {
                    direction,
                    want,
                    limit,
                    skip,
                    ..walk(index, range.clone())
                };
                let skip = usize::try_from(skip).unwrap();
                let expected = ids.get(skip..).unwrap_or_default();
                assert_eq!(at.pages(&find).await, expected, "{find:?}");
            }
        }
    }
}

pub async fn documents_are_walked_by_id<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let text = |value: &str| value.as_bytes().to_vec();
    let cases: [(KeyRange, &[&str]); 9] = [
        (KeyRange::Between(None, None), &["a", "b", "c", "d"]),
        (
            KeyRange::Between(Some(text("b")), Some(text("c"))),
            &["b", "c"],
        ),
        (KeyRange::Between(Some(text("b0")), None), &["c", "d"]),
        (KeyRange::Between(None, Some(vec![b'b', 0])), &["a", "b"]),
        (KeyRange::Between(Some(vec![255]), None), &[]),
        (KeyRange::Equal(text("c")), &["c"]),
        (KeyRange::Equal(text("g")), &[]),
        (KeyRange::Prefix(Vec::new()), &["a", "b", "c", "d"]),
        (KeyRange::Prefix(text("d")), &["d"]),
    ];
    for (range, ids) in cases {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        holds_in_order(&at, "@id", range, &ids).await;
    }
}

pub async fn documents_are_walked_by_when_they_were_modified<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let cases: [(KeyRange, &[&str]); 8] = [
        (between(None, None), &["b", "d", "a", "c"]),
        (between(Some(3), None), &["d", "a", "c"]),
        (between(Some(5), Some(5)), &["d"]),
        (between(None, Some(257)), &["b", "d"]),
        (between(Some(6), Some(5)), &[]),
        (between(Some(u64::MAX), None), &[]),
        (KeyRange::Equal(bytes(258)), &["a", "c"]),
        (KeyRange::Equal(bytes(1)), &[]),
    ];
    for (range, ids) in cases {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        holds_in_order(&at, "@modified", range, &ids).await;
    }
}

pub async fn a_moment_is_compared_as_eight_bytes<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let mut values: Vec<Vec<u8>> = vec![Vec::new(), vec![0; 7], vec![255; 9], vec![255; 512]];
    for moment in [0, 2, 5, 257, 258, u64::MAX] {
        values.extend([bytes(moment), [bytes(moment), vec![0]].concat()]);
    }
    let mut ranges = Vec::new();
    for value in &values {
        ranges.push(KeyRange::Equal(value.clone()));
        ranges.push(KeyRange::Prefix(value.clone()));
        for to in &values {
            ranges.push(KeyRange::Between(Some(value.clone()), Some(to.clone())));
        }
    }
    for range in ranges {
        let all = [("b", 2), ("d", 5), ("a", 258), ("c", 258)];
        let inside = all.iter().filter(|(_, at)| holds(&range, &bytes(*at)));
        let expected: Vec<&str> = inside.map(|(id, _)| *id).collect();
        for direction in BOTH {
            let find = Find {
                direction,
                ..walk("@modified", range.clone())
            };
            let mut found = at.ids(&find).await;
            if direction == Direction::Descending {
                found.reverse();
            }
            assert_eq!(found, expected, "{find:?}");
        }
    }
}

pub async fn a_hit_of_a_reserved_index_has_its_value<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    for (index, value) in [("@id", b"d".to_vec()), ("@modified", bytes(5))] {
        let find = Find {
            want: Detail::Keys,
            ..walk(index, KeyRange::Equal(value.clone()))
        };
        let hit = at.find(&find).await.hits.remove(0);
        assert_eq!(
            (hit.id.as_str(), hit.key, hit.document),
            ("d", Some(value), None)
        );
        let find = Find {
            want: Detail::Documents,
            ..find
        };
        let hit = at.find(&find).await.hits.remove(0);
        assert_eq!(
            (hit.key, hit.document),
            (None, at.document(Kind::User, "d").await)
        );
    }
}

pub async fn every_change_moves_a_document_to_its_moment<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    at.done(2, group("h")).await;
    let groups = Find {
        kind: Kind::Group,
        ..walk("@modified", between(None, None))
    };
    assert_eq!(at.ids(&groups).await, ["g", "h"]);
    at.done(3, delta("g").add(&["a"])).await;
    assert_eq!(at.ids(&groups).await, ["h", "g"], "a member came");
    at.done(4, delta("h").add(&["late"])).await;
    assert_eq!(at.ids(&groups).await, ["h", "g"], "a held one is no change");
    at.done(5, user("late")).await;
    assert_eq!(at.ids(&groups).await, ["g", "h"], "it arrived");
    at.done(6, delete(Kind::User, "a")).await;
    assert_eq!(at.ids(&groups).await, ["h", "g"], "a member was deleted");
    at.done(7, group("h").over(Precondition::Exists)).await;
    assert_eq!(at.ids(&groups).await, ["h", "g"], "the same content again");
    at.done(8, delete(Kind::Group, "g")).await;
    assert_eq!(at.ids(&groups).await, ["h"]);
    let moment = |now| Find {
        kind: Kind::Group,
        ..walk("@modified", KeyRange::Equal(bytes(now)))
    };
    assert_eq!(at.ids(&moment(5)).await, ["h"]);
    let taken_back = user("b").over(Precondition::Absent);
    let unit = both(
        group("h").over(Precondition::Exists).json("{9}"),
        taken_back,
    );
    at.outcome(9, unit).await;
    assert_eq!(
        at.ids(&moment(5)).await,
        ["h"],
        "a refused unit moves nothing"
    );
}

pub async fn reserved_indexes_need_no_keys<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["a", "b"]).await;
    let rekey = Rekey {
        kind: Kind::User,
        id: "a".to_owned(),
        version: 1,
        keys: Vec::new(),
        index_version: "v2".to_owned(),
    };
    at.done(9, rekey).await;
    for version in ["v1", "v2"] {
        assert!(!store.index_ready(at.okta, version).await.unwrap());
    }
    for index in ["@id", "@modified"] {
        assert_eq!(at.ids(&walk(index, between(None, None))).await, ["a", "b"]);
    }
}

pub async fn a_walk_by_moments_shows_what_did_not_change_exactly_once<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let ids = ["u0", "u1", "u2", "u3", "u4", "u5"];
    at.users(1, &ids).await;
    let find = Find {
        limit: 2,
        ..walk("@modified", between(None, None))
    };
    let first = at.find(&find).await;
    at.done(2, user("u0").over(Precondition::Exists).json("{1}"))
        .await;
    at.done(2, delete(Kind::User, "u1")).await;
    at.done(2, delete(Kind::User, "u3")).await;
    let rest = Find {
        after: first.next,
        ..find
    };
    assert_eq!(at.pages(&rest).await, ["u2", "u4", "u5", "u0"]);
}

pub async fn no_key_is_put_in_a_reserved_index<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    at.users(1, &["a"]).await;
    for attribute in ["@id", "@modified", "@", "@created"] {
        let put = user("b").keys(&[key("city", "x"), key(attribute, "x")]);
        let rekey = Rekey {
            kind: Kind::User,
            id: "a".to_owned(),
            version: 1,
            keys: vec![key(attribute, "x")],
            index_version: "v1".to_owned(),
        };
        for unit in [put.into(), rekey.into()] {
            let answer = store.commit(at.okta, 1, at.fresh(), vec![unit], None).await;
            assert!(matches!(answer, Err(StoreError::Invalid(_))), "{attribute}");
        }
    }
    assert!(at.document(Kind::User, "b").await.is_none());
    // Only the beginning of a name is reserved.
    at.done(1, user("b").keys(&[key("x@id", "x")])).await;
}

pub async fn what_a_reserved_index_does_not_offer_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    people(&at).await;
    let part = || KeyRange::Contains(b"a".to_vec());
    let cases = [
        ("@id", part()),
        ("@modified", part()),
        ("@created", between(None, None)),
        ("@", KeyRange::Equal(b"a".to_vec())),
    ];
    for (index, range) in cases {
        let find = walk(index, range);
        assert!(at.refuses(at.okta, &find).await, "{find:?}");
    }
    let all = at.ids(&walk("@created", KeyRange::All)).await;
    assert_eq!(all.len(), 4, "`all` looks at no index");
}
