//! `after`: what a page ended with, and what a client may send in its place.

use super::Backend;
use super::place::{Place, key, user, walk};
use crate::{Detail, Direction, Find, KeyRange, Kind, limits};

/// A walk of each sort, all of them over more than a page.
fn walks() -> Vec<Find> {
    let between = || KeyRange::Between(None, None);
    let ranges = [
        ("", KeyRange::All),
        ("n", KeyRange::Equal(b"same".to_vec())),
        ("n", KeyRange::Prefix(b"s".to_vec())),
        ("n", KeyRange::Prefix(b"sa".to_vec())),
        ("n", KeyRange::Contains(b"s".to_vec())),
        ("n", between()),
        ("m", between()),
        ("n", KeyRange::Between(Some(b"s".to_vec()), None)),
        ("n", KeyRange::Between(None, Some(b"s".repeat(2)))),
        ("@id", between()),
        ("@id", KeyRange::Prefix(Vec::new())),
        ("@modified", between()),
        ("@modified", KeyRange::Equal(1_u64.to_be_bytes().to_vec())),
    ];
    let mut walks = Vec::new();
    for (index, range) in ranges {
        for direction in [Direction::Ascending, Direction::Descending] {
            for kind in [Kind::User, Kind::Group] {
                walks.push(Find {
                    kind,
                    direction,
                    limit: 1,
                    ..walk(index, range.clone())
                });
            }
        }
    }
    walks
}

async fn filled<S: Backend>(at: &Place<'_, S>) {
    for scope in [at.okta, at.entra] {
        for kind in [Kind::User, Kind::Group] {
            for number in 0..3 {
                let id = format!("{kind:?}{number}-{}", scope == at.okta);
                let put = crate::Put {
                    kind,
                    ..user(&id).keys(&[key("n", "same"), key("m", &id)])
                };
                at.outcome_at(scope, 1, put.into()).await;
            }
        }
    }
}

async fn token<S: Backend>(at: &Place<'_, S>, find: &Find) -> Vec<u8> {
    at.find(find).await.next.unwrap()
}

fn with(find: &Find, after: &[u8]) -> Find {
    Find {
        after: Some(after.to_vec()),
        ..find.clone()
    }
}

pub async fn a_token_is_of_its_walk_alone<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    filled(&at).await;
    let walks = walks();
    for (made, find) in walks.iter().enumerate() {
        let token = token(&at, find).await;
        for (used, other) in walks.iter().enumerate() {
            let refused = at.refuses(at.okta, &with(other, &token)).await;
            assert_eq!(refused, made != used, "of {find:?} in {other:?}");
        }
        assert!(
            at.refuses(at.entra, &with(find, &token)).await,
            "of another connection: {find:?}"
        );
    }
}

pub async fn a_token_serves_any_detail_and_page_size<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    filled(&at).await;
    for find in walks() {
        let token = token(&at, &find).await;
        let find = Find {
            limit: 100,
            want: Detail::Documents,
            ..with(&find, &token)
        };
        assert_eq!(at.ids(&find).await.len(), 2, "{find:?}");
    }
}

pub async fn a_damaged_token_is_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    filled(&at).await;
    for find in walks() {
        let token = token(&at, &find).await;
        for place in 0..token.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = token.clone();
                bytes[place] ^= flip;
                assert!(at.refuses(at.okta, &with(&find, &bytes)).await, "{bytes:?}");
            }
            for part in [&token[..place], &token[place + 1..]] {
                assert!(at.refuses(at.okta, &with(&find, part)).await, "{part:?}");
            }
        }
        for more in [
            [&token[..], &[0]].concat(),
            [&[0], &token[..]].concat(),
            token.repeat(2),
        ] {
            assert!(at.refuses(at.okta, &with(&find, &more)).await, "{more:?}");
        }
    }
}

pub async fn bytes_of_no_walk_are_invalid<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    filled(&at).await;
    let mut bytes: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"User0-true".to_vec(),
        vec![0; 11],
        vec![1; 11],
        vec![255; 4096],
        vec![0; 1 << 20],
    ];
    // Numerical Recipes' generator: the same bytes in every run.
    let mut state = 1_u32;
    for length in 0..100 {
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let noise: Vec<u8> = noise.take(length).collect();
        bytes.push([&[1], noise.as_slice()].concat());
        bytes.push(noise);
    }
    for find in walks() {
        for bytes in &bytes {
            assert!(at.refuses(at.okta, &with(&find, bytes)).await, "{bytes:?}");
        }
    }
}

pub async fn a_token_is_at_most_1024_bytes<S: Backend>(store: &S) {
    let at = Place::new(store).await;
    let value = "v".repeat(limits::KEY);
    for last in ["0", "1"] {
        let id = format!("{}{last}", "x".repeat(limits::ID - 1));
        at.done(1, user(&id).keys(&[key("n", &value)])).await;
    }
    for (index, range) in [
        ("n", KeyRange::Between(None, None)),
        ("n", KeyRange::Contains(value.clone().into_bytes())),
        ("@id", KeyRange::Between(None, None)),
    ] {
        let find = Find {
            limit: 1,
            ..walk(index, range)
        };
        let token = token(&at, &find).await;
        assert!(token.len() <= limits::TOKEN, "{}", token.len());
        assert_eq!(at.pages(&find).await.len(), 2);
    }
}
