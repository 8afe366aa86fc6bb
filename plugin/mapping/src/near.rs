//! Who is probably meant by a login that nobody has: a hint for administrators, never a
//! reason to link.
//!
//! People are found by walks over the beginnings of userNames, each cut after a few
//! hits: a bounded number of index reads, whatever the size of the directory. So a slip
//! in the first letter of a login stays unfound, but for two letters that changed
//! places. An index that is being filled hides people from a hint, which does no harm.
//!
//! This module must not decide who uses a host.

use std::collections::BTreeSet;

use nameplate_scim::directory::{Detail, Direction, Find, KeyRange, Kind};
use nameplate_scim::fold::fold;

use crate::hosts::Claim;
use crate::resolve::USER_NAME;
use crate::service::{Mapping, MappingError};
use crate::spelling::distance;

/// Usernames shown; see `wit/mapping.wit`. More would be a search, not a hint.
const SHOWN: usize = 3;

/// Walks for one host: what reading a page of hosts that wait can bear.
const MAX_WALKS: usize = 24;

/// Hits of one walk. They are in the order of names, so a short beginning shows only
/// its first: the longer ones are walked too.
const HITS: u32 = 100;

/// Characters of a login that are compared; the comparison is quadratic in them.
const MAX_CHARS: usize = 64;

/// Slips allowed, and how many characters one of them takes: `bo` is not almost `al`.
const MAX_SLIPS: usize = 2;
const CHARS_PER_SLIP: usize = 3;

impl Mapping<'_> {
    /// Usernames that are probably meant by a claim that leads to nobody, the likeliest
    /// first, at most 3.
    pub(crate) fn near(&mut self, claim: &Claim) -> Result<Vec<String>, MappingError> {
        let wanted: BTreeSet<String> = [&claim.username, &claim.email]
            .into_iter()
            .map(|login| fold(login.trim()))
            .filter(|login| !login.is_empty())
            .collect();
        let mut walks = 0;
        let mut found: BTreeSet<(usize, String, String)> = BTreeSet::new();
        for connection in self.rules.connections.clone() {
            for (login, beginning) in wanted
                .iter()
                .flat_map(|login| beginnings(login).into_iter().map(move |part| (login, part)))
            {
                walks += 1;
                if walks > MAX_WALKS {
                    break;
                }
                let page = self.directory.find_in(&connection, &walk(&beginning))?;
                for hit in page.hits {
                    let name = hit.key.and_then(|key| String::from_utf8(key).ok());
                    if let Some(name) = name
                        && let Some(slips) = slips(login, &name)
                    {
                        found.insert((slips, name, hit.id));
                    }
                }
            }
        }
        let mut people: Vec<String> = Vec::new();
        for (_, _, id) in found {
            if !people.contains(&id) && people.len() < SHOWN {
                people.push(id);
            }
        }
        self.usernames(&people)
    }
}

fn walk(beginning: &str) -> Find {
    Find {
        kind: Kind::User,
        index: USER_NAME.to_owned(),
        range: KeyRange::Prefix(beginning.as_bytes().to_vec()),
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: HITS,
        want: Detail::Keys,
    }
}

/// How names that are near may begin, the longest first.
fn beginnings(login: &str) -> Vec<String> {
    let local: Vec<char> = local_part(login).chars().take(MAX_CHARS).collect();
    let length = local.len();
    let cut = |to: usize| local.iter().take(to).collect::<String>();
    let word = local.iter().position(|c| is_separator(*c));
    let mut lengths: Vec<usize> = [length, length.saturating_sub(1), length.saturating_sub(2)]
        .into_iter()
        .chain([length / 2, word.unwrap_or(length), length.min(2)])
        .filter(|length| *length > 0)
        .collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    lengths.dedup();
    let mut beginnings: Vec<String> = lengths.into_iter().map(cut).collect();
    if let [first, second, rest @ ..] = local.as_slice() {
        let rest = rest.iter().take(length / 2);
        beginnings.push([second, first].into_iter().chain(rest).collect());
    }
    beginnings
}

fn local_part(login: &str) -> &str {
    login.split_once('@').map_or(login, |(local, _)| local)
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_' | '+' | ' ')
}

/// How far a name is from the login wanted; none if it is another.
fn slips(login: &str, name: &str) -> Option<usize> {
    let plain = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| !is_separator(*c))
            .take(MAX_CHARS + 1)
            .collect()
    };
    let (wanted, local) = (plain(local_part(login)), plain(local_part(name)));
    if wanted.len().max(local.len()) > MAX_CHARS {
        return None;
    }
    let domain = |login: &str| login.split_once('@').map(|(_, domain)| domain.to_owned());
    let elsewhere = usize::from(domain(login) != domain(name));
    if wanted == local {
        return Some(elsewhere);
    }
    // Other people at other places have names like this one.
    let allowed = MAX_SLIPS.min(wanted.len() / CHARS_PER_SLIP);
    let distance = distance(&wanted, &local, allowed)?;
    (elsewhere == 0).then_some(distance + 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use nameplate_scim::directory::Kind;
    use proptest::prelude::*;

    use super::*;
    use crate::hosts::Source;
    use crate::render::Missing;
    use crate::service::Event;
    use crate::testing::{Tenant, claim, draft, user};

    fn near(people: &[&str], login: &str, email: &str) -> Vec<String> {
        let mut tenant = Tenant::with_hosts(&["h"]);
        tenant.rules.connections = vec!["entra".to_owned(), "okta".to_owned()];
        for (n, name) in people.iter().enumerate() {
            tenant.commit(&user(&format!("u{n}"), name, &[]));
        }
        let mut draft = draft(&claim(Source::Manual, login, email, 1_000_000));
        draft.id = "c".to_owned();
        tenant.clock.now = 2_000_000;
        let event = Event::Claimed("h".to_owned(), draft);
        tenant.mapping().apply(&event, None, 1).unwrap();
        tenant.mapping().end_user_of("h").unwrap().near
    }

    #[test]
    fn the_same_name_at_another_place_is_near() {
        let people = ["ana.diaz@new.example", "ana.diaz", "ana@old.example"];
        assert_eq!(
            near(&people, "ana.diaz@old.example", ""),
            ["ana.diaz", "ana.diaz@new.example"]
        );
    }

    #[test]
    fn a_name_with_a_slip_or_two_is_near_the_fewest_first() {
        let people = ["ana.dyax@x", "ana.diax@x", "anna.diaz@x", "bob@x"];
        assert_eq!(
            near(&people, "ana.diaz@x", ""),
            ["ana.diax@x", "anna.diaz@x", "ana.dyax@x"],
        );
        assert_eq!(near(&["ana.diaz@x"], "naa.diaz@x", ""), ["ana.diaz@x"]);
    }

    #[test]
    fn separators_make_no_other_name() {
        for login in ["anadiaz@x", "ana_diaz@x", "ana-diaz@x", "Ana.Diaz@X"] {
            let found = near(&["ana.diaz@x"], login, "");
            let linked = login == "Ana.Diaz@X";
            assert_eq!(found.is_empty(), linked, "{login}: {found:?}");
        }
    }

    #[test]
    fn short_names_and_far_ones_are_nobodys() {
        assert!(near(&["al@x", "bob@x"], "bo@x", "").is_empty());
        assert!(near(&["ana.garcia@x"], "ana.diaz@x", "").is_empty());
        assert!(
            near(&["anna.diaz@y"], "ana.diaz@x", "").is_empty(),
            "another name at another place"
        );
    }

    #[test]
    fn the_e_mail_is_looked_for_too_and_everybody_named_once() {
        let people = ["ana@x", "ana.diaz@x"];
        assert_eq!(near(&people, "ana@y", "ana.diaz@y"), people_sorted(&people));
    }

    fn people_sorted(people: &[&str]) -> Vec<String> {
        let mut sorted: Vec<String> = people.iter().map(|&name| name.to_owned()).collect();
        sorted.sort();
        sorted
    }

    #[test]
    fn who_is_near_in_two_ways_is_named_once() {
        let found = near(&["ana.diaz@x"], "ana.diaz@y", "anadiaz@x");
        assert_eq!(found, ["ana.diaz@x"]);
    }

    /// More people than a walk shows begin as the one meant does.
    #[test]
    fn a_crowd_with_the_same_first_letters_hides_nobody_whose_name_goes_on_alike() {
        let crowd: Vec<String> = (0..=HITS).map(|n| format!("an{n:03}@x")).collect();
        let mut people: Vec<&str> = crowd.iter().map(String::as_str).collect();
        people.extend(["ansgar.b@x", "ann.christophersen@x"]);
        assert_eq!(near(&people, "ansgra.b@x", ""), ["ansgar.b@x"]);
        let slip = near(&people, "ann.hcristophersen@x", "");
        assert_eq!(slip, ["ann.christophersen@x"]);
    }

    #[test]
    fn no_more_than_three_are_named() {
        let people = ["ana@a", "ana@b", "ana@c", "ana@d"];
        assert_eq!(near(&people, "ana@x", ""), ["ana@a", "ana@b", "ana@c"]);
    }

    #[test]
    fn an_over_long_login_is_near_nobody_and_costs_nothing_special() {
        let long = "a".repeat(255);
        assert!(near(&["ana@x"], &long, "").is_empty());
        assert!(near(&["ana@x"], "@x", "").is_empty());
        assert!(near(&["ana@x"], "é", "").is_empty());
    }

    #[test]
    fn many_connections_take_a_bounded_number_of_walks() {
        let mut tenant = Tenant::with_hosts(&["h"]);
        tenant.rules.connections = (0..500).map(|n| format!("c{n}")).collect();
        tenant.clock.now = 5;
        let claim = claim(Source::Manual, "ana.diaz@x", "", 1);
        let event = Event::Claimed("h".to_owned(), draft(&claim));
        tenant.mapping().apply(&event, None, 1).unwrap();
        let empty = Missing::Empty;
        tenant
            .mapping()
            .render("h", "$NAMEPLATE_USERNAME", empty)
            .unwrap();
        tenant.mapping().reconcile(None, 1).unwrap();
        assert_eq!(tenant.people.walks, 0, "only who reads the host is told");
        assert!(tenant.mapping().end_user_of("h").unwrap().near.is_empty());
        assert_eq!(tenant.people.walks, MAX_WALKS);
    }

    #[test]
    fn walks_ask_for_names_alone() {
        let find = walk("ana");
        assert_eq!(
            (find.kind, find.want, find.limit),
            (Kind::User, Detail::Keys, HITS)
        );
    }

    fn distance_of(a: &str, b: &str) -> Option<usize> {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        distance(&chars(a), &chars(b), MAX_SLIPS)
    }

    #[test]
    fn a_slip_is_a_letter_added_left_out_changed_or_swapped() {
        for (other, slips) in [
            ("diaz", Some(0)),
            ("daz", Some(1)),
            ("diiaz", Some(1)),
            ("dias", Some(1)),
            ("daiz", Some(1)),
            ("idza", Some(2)),
            ("iaz", Some(1)),
            ("di", Some(2)),
            ("d", None),
            ("zaid", None),
            ("", None),
        ] {
            assert_eq!(distance_of("diaz", other), slips, "{other}");
            assert_eq!(distance_of(other, "diaz"), slips, "{other}");
        }
        assert_eq!(distance_of("", ""), Some(0));
    }

    proptest! {
        #[test]
        fn any_two_slips_are_found(name in "[a-d]{4,12}", slips in prop::collection::vec((0..4_u8, 0..12_usize, "[a-d]"), 0..=2)) {
            let mut chars: Vec<char> = name.chars().collect();
            for (kind, place, letter) in &slips {
                let place = place % chars.len();
                let letter = letter.chars().next().unwrap();
                match kind {
                    0 => chars.insert(place, letter),
                    1 => { chars.remove(place); }
                    2 => { chars.splice(place..=place, [letter]); }
                    _ if place > 0 => chars.swap(place - 1, place),
                    _ => {}
                }
            }
            let wanted: Vec<char> = name.chars().collect();
            // Letters that are swapped and then touched again count as more.
            prop_assert!(distance(&wanted, &chars, 4).is_some_and(|found| found <= slips.len() + 1));
            prop_assert_eq!(distance(&wanted, &chars, 4), distance(&chars, &wanted, 4));
        }
    }
}
