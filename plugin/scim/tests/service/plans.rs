//! A filter gives the same list whether an index answers it or every resource is looked
//! at, on one page or on many.

use nameplate_scim::config::Config;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{Client, GROUP, USER, encoded};

const CARD: &str = "urn:example:params:scim:schemas:card:2.0:User";

fn config() -> Config {
    let schema = json!({"id": CARD, "name": "Card", "attributes": [
        {"name": "number"}, {"name": "level", "type": "integer"}]});
    let settings = json!({"schemas": [
        {"resource": "User", "schema": schema, "indexed": ["number", "level"]}]});
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aAbBéß]{1,2}",
        1 => (510..514_usize, "[ab]?").prop_map(|(n, end)| "x".repeat(n) + &end),
    ]
}

/// A user but for its name, and which groups it is in.
fn user() -> impl Strategy<Value = (Value, Vec<usize>)> {
    let emails = proptest::collection::vec(text(), 0..3);
    let active = proptest::option::of(any::<bool>());
    let card = proptest::option::of((text(), -1..2));
    let groups = proptest::sample::subsequence(vec![0, 1, 2], 0..3);
    (text(), emails, active, card, groups).prop_map(|(display, emails, active, card, groups)| {
        let emails: Vec<Value> = emails.iter().map(|value| json!({"value": value})).collect();
        let card = card.map(|(number, level)| json!({"number": number, "level": level}));
        let user = json!({"schemas": [USER], "displayName": display, "active": active,
            "emails": emails, CARD: card});
        (user, groups)
    })
}

/// `{u0}` and `{g0}` stand for the ids of users and groups.
fn filter() -> impl Strategy<Value = String> {
    let names = ["userName", "displayName", "emails", "title"].map(str::to_owned);
    let names = proptest::sample::select([names.as_slice(), &[format!("{CARD}:number")]].concat());
    let ops = proptest::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let ordered = proptest::sample::select(vec!["eq", "ne", "gt", "ge", "lt", "le"]);
    let group = proptest::sample::select(vec!["{g0}", "{g1}", "{g2}", "nobody"]);
    let user = proptest::sample::select(vec!["{u0}", "{u3}", "{g0}", "nobody"]);
    let leaf = prop_oneof![
        3 => (names, ops.clone(), text()).prop_map(|(name, op, text)| format!("{name} {op} \"{text}\"")),
        1 => (ordered, -1..2).prop_map(|(op, n)| format!("{CARD}:level {op} {n}")),
        1 => any::<bool>().prop_map(|flag| format!("active eq {flag}")),
        1 => group.prop_map(|id| format!("groups.value eq \"{id}\"")),
        1 => (ops, user).prop_map(|(op, id)| format!("id {op} \"{id}\"")),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several
                .clone()
                .prop_map(|all| format!("({})", all.join(" and "))),
            several.prop_map(|any| format!("({})", any.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// Users `0` to `n` and three groups, each in the one before it.
fn filled(users: &[(Value, Vec<usize>)]) -> (Client, Vec<String>, Vec<String>) {
    let mut client = Client::with(config());
    let mut members = vec![Vec::new(); 3];
    let mut ids = Vec::new();
    for (n, (user, groups)) in users.iter().enumerate() {
        let mut body = user.clone();
        body["userName"] = json!(format!("{}{n}", ["a", "B", "é"][n % 3]));
        let id = client.post("/Users", &body).expect(201).id();
        for group in groups {
            members[*group].push(id.clone());
        }
        ids.push(id);
    }
    let mut groups: Vec<String> = Vec::new();
    for (n, mut members) in members.into_iter().enumerate().rev() {
        members.extend(groups.first().cloned());
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": format!("G{n}"), "members": members});
        groups.insert(0, client.post("/Groups", &body).expect(201).id());
    }
    (client, ids, groups)
}

/// The ids on all pages of this size, and the total that each of them tells.
fn paged(client: &mut Client, filter: &str, size: usize) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let start = ids.len() + 1;
        let target = format!(
            "/Users?filter={}&startIndex={start}&count={size}",
            encoded(filter)
        );
        let page = client.get(&target).expect(200);
        let more = page.ids();
        ids.extend(more.iter().cloned());
        if more.is_empty() || ids.len() as u64 >= page.total() {
            assert_eq!(ids.len() as u64, page.total(), "{filter}");
            return ids;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn an_index_answers_as_a_scan_does(
        users in proptest::collection::vec(user(), 1..7), filter in filter(), size in 1..4_usize
    ) {
        let (mut client, ids, groups) = filled(&users);
        let mut filter = filter;
        for (letter, ids) in [("u", &ids), ("g", &groups)] {
            for n in 0..4 {
                let id = ids.get(n).map_or("nobody", String::as_str);
                filter = filter.replace(&format!("{{{letter}{n}}}"), id);
            }
        }
        let by_index = paged(&mut client, &filter, 100);
        prop_assert!(!client.noted("index-not-ready"));
        let mut in_pages = paged(&mut client, &filter, size);
        client.directory.state.forget_keys("older-rules");
        let mut by_scan = paged(&mut client, &filter, 100);
        // Without `sortBy` the order is the server's, and one order for all pages.
        prop_assert_eq!(&in_pages, &by_index);
        in_pages.sort();
        by_scan.sort();
        prop_assert_eq!(in_pages, by_scan, "{}", filter);
    }
}

#[test]
fn groups_past_what_a_store_names_are_not_left_out() {
    let mut client = Client::with(Config {
        scan_budget: 20_000,
        ..Config::default()
    });
    let user = client.user("ana");
    let group = client.group("Eng", &[&user]);
    let first = client.directory.state.stored[&group].clone();
    for n in 0..10_000 {
        let mut other = first.clone();
        other.document.id = format!("g{n}");
        let edge = (other.document.id.clone(), user.clone());
        client.directory.state.edges.insert(edge, 0);
        client
            .directory
            .state
            .stored
            .insert(other.document.id.clone(), other);
    }
    let _ = client
        .filter("/Groups", &format!("members eq \"{user}\""))
        .refused(400, "tooMany");
}
