//! Lists beside a plain reference: a filter and an order as a reader of the RFC would
//! write them, over what each resource shows of itself.

use nameplate_scim::config::Config;
use nameplate_scim::directory::Key;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::cases;
use crate::client::{Client, USER, encoded};
use crate::directory::Race;
use crate::paging::{indexed, walked};
use crate::state::State;

#[derive(Clone, Debug)]
struct Person {
    name: u16,
    title: Option<String>,
    active: Option<bool>,
    emails: Vec<String>,
    primary: bool,
    external: Option<String>,
    in_group: bool,
    touched: bool,
}

fn person() -> impl Strategy<Value = Person> {
    let texts = (
        prop::option::of("[abAB]{1,3}"),
        prop::collection::vec("[abAB]{1,2}@x\\.y", 0..3),
        prop::option::of("[xXyY]"),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (any::<u16>(), any::<Option<bool>>(), texts, flags).prop_map(|(name, active, texts, flags)| {
        let (title, emails, external) = texts;
        let (primary, in_group, touched) = flags;
        Person {
            name,
            title,
            active,
            emails,
            primary,
            external,
            in_group,
            touched,
        }
    })
}

/// Users, and a group of some of them.
struct Crowd {
    client: Client,
    users: Vec<String>,
    group: String,
}

fn crowd(people: &[Person]) -> Crowd {
    let mut client = Client::new();
    let (mut users, mut members) = (Vec::new(), Vec::new());
    for (n, person) in people.iter().enumerate() {
        let mut body = json!({"schemas": [USER], "userName": format!("U{}-{n}", person.name),
            "title": person.title, "active": person.active, "externalId": person.external});
        let last = person.emails.len().saturating_sub(1);
        let emails = person.emails.iter().enumerate();
        body["emails"] = emails
            .map(|(n, mail)| json!({"value": mail, "primary": person.primary && n == last}))
            .collect();
        let id = client.post("/Users", &body).expect(201).id();
        if person.in_group {
            members.push(id.clone());
        }
        users.push(id);
    }
    for (id, _) in users
        .iter()
        .zip(people)
        .filter(|(_, person)| person.touched)
    {
        let nick = json!([{"op": "replace", "path": "nickName", "value": "x"}]);
        let _ = client.patch(&format!("/Users/{id}"), &nick).expect(200);
    }
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let group = client.group("b-team", &members);
    Crowd {
        client,
        users,
        group,
    }
}

fn text(value: &Value) -> Option<String> {
    Some(value.as_str()?.to_lowercase())
}

fn any_email(user: &Value, holds: impl Fn(&str) -> bool) -> bool {
    let emails = user["emails"].as_array();
    emails.is_some_and(|list| {
        list.iter()
            .any(|mail| text(&mail["value"]).is_some_and(|mail| holds(&mail)))
    })
}

fn is_user(resource: &Value) -> bool {
    resource["userName"].is_string()
}

fn name_starts(user: &Value, with: &str) -> bool {
    text(&user["userName"]).is_some_and(|name| name.starts_with(with))
}

fn in_a_group(user: &Value) -> bool {
    user["groups"].is_array()
}

/// A filter and what it means; `{g}` stands for the group's id.
type Meaning = (&'static str, fn(&Value) -> bool);

const FILTERS: &[Meaning] = &[
    ("", |_| true),
    ("active eq true", |r| {
        is_user(r) && r["active"] != json!(false)
    }),
    ("active eq false", |r| r["active"] == json!(false)),
    ("not (active eq true)", |r| {
        !is_user(r) || r["active"] == json!(false)
    }),
    ("title sw \"a\"", |r| {
        text(&r["title"]).is_some_and(|title| title.starts_with('a'))
    }),
    ("title pr and active ne false", |r| {
        r["title"].is_string() && r["active"] != json!(false)
    }),
    ("userName co \"1\"", |r| {
        text(&r["userName"]).is_some_and(|name| name.contains('1'))
    }),
    ("userName ge \"u3\"", |r| {
        text(&r["userName"]).is_some_and(|name| name.as_str() >= "u3")
    }),
    ("emails.value sw \"a\" or userName sw \"u1\"", |r| {
        any_email(r, |mail| mail.starts_with('a')) || name_starts(r, "u1")
    }),
    ("externalId eq \"x\" or userName sw \"u2\"", |r| {
        r["externalId"] == json!("x") || name_starts(r, "u2")
    }),
    ("emails[value eq \"aa@x.y\"]", |r| {
        any_email(r, |mail| mail == "aa@x.y")
    }),
    ("not (emails pr)", |r| !r["emails"].is_array()),
    ("meta.lastModified ge \"2025-11-24T16:00:05Z\"", |r| {
        r["meta"]["lastModified"].as_str().unwrap() >= "2025-11-24T16:00:05"
    }),
    ("groups.value eq \"{g}\"", in_a_group),
    ("title pr and groups.value eq \"{g}\"", |r| {
        r["title"].is_string() && in_a_group(r)
    }),
    ("members.value pr or userName sw \"u1\"", |r| {
        r["members"].is_array() || name_starts(r, "u1")
    }),
];

/// What to sort by, and what a resource is sorted by.
type Order = (&'static str, fn(&Value) -> Option<String>);

const ORDERS: &[Order] = &[
    ("userName", |r| text(&r["userName"])),
    ("id", |r| text(&r["id"])),
    ("meta.lastModified", |r| text(&r["meta"]["lastModified"])),
    ("meta.created", |r| text(&r["meta"]["created"])),
    ("meta.resourceType", |r| text(&r["meta"]["resourceType"])),
    ("title", |r| text(&r["title"])),
    ("active", |r| {
        r["active"].as_bool().map(|flag| flag.to_string())
    }),
    ("externalId", |r| {
        r["externalId"].as_str().map(str::to_owned)
    }),
    ("emails", |r| {
        let list = r["emails"].as_array()?;
        let primary = list.iter().find(|mail| mail["primary"] == json!(true));
        text(&primary.or(list.first())?["value"])
    }),
];

/// Is there an index that holds all users in this order.
fn walks(order: Option<&str>) -> bool {
    order.is_none_or(|by| matches!(by, "userName" | "id" | "meta.lastModified"))
}

/// One list to be asked for.
#[derive(Clone, Debug)]
struct Asked {
    filter: usize,
    order: Option<usize>,
    descending: bool,
    count: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let order = prop::option::weighted(0.7, 0..ORDERS.len());
    (0..FILTERS.len(), order, any::<bool>(), 1..8_usize).prop_map(
        |(filter, order, descending, count)| Asked {
            filter,
            order,
            descending,
            count,
        },
    )
}

impl Asked {
    fn sort_by(&self) -> Option<&'static str> {
        self.order.map(|order| ORDERS[order].0)
    }

    fn query(&self, crowd: &Crowd) -> String {
        let filter = FILTERS[self.filter].0.replace("{g}", &crowd.group);
        let mut query = format!("filter={}", encoded(&filter));
        if let Some(by) = self.sort_by() {
            let direction = if self.descending {
                "descending"
            } else {
                "ascending"
            };
            query += &format!("&sortBy={by}&sortOrder={direction}");
        }
        query
    }

    /// The ids of what matches, sorted; without an order by id.
    fn expected(&self, resources: &[Value]) -> Vec<String> {
        let (_, matches) = FILTERS[self.filter];
        let mut found: Vec<(bool, String, String)> = resources
            .iter()
            .filter(|resource| matches(resource))
            .map(|resource| {
                let key = self.order.and_then(|order| ORDERS[order].1(resource));
                let id = resource["id"].as_str().unwrap().to_owned();
                (key.is_none(), key.unwrap_or_default(), id)
            })
            .collect();
        found.sort();
        if self.descending && self.order.is_some() {
            found.reverse();
        }
        found.into_iter().map(|(_, _, id)| id).collect()
    }
}

impl Crowd {
    /// All that `endpoint` lists, each read by itself.
    fn read(&mut self, endpoint: &str) -> Vec<Value> {
        let group = format!("/Groups/{}", self.group);
        let mut targets: Vec<String> = self.users.iter().map(|id| format!("/Users/{id}")).collect();
        targets.extend((endpoint == "/").then_some(group));
        let read = |target: String| self.client.get(&target).expect(200).body;
        targets.into_iter().map(read).collect()
    }
}

/// Something that another client does.
#[derive(Clone, Debug)]
enum Deed {
    Delete(Index),
    Rename(Index, u16),
    Add(Index, u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        any::<Index>().prop_map(Deed::Delete),
        (any::<Index>(), any::<u16>()).prop_map(|(who, name)| Deed::Rename(who, name)),
        (any::<Index>(), any::<u16>()).prop_map(|(who, name)| Deed::Add(who, name)),
    ]
}

impl Deed {
    /// Does it, to one of these alone or with a newcomer.
    fn on(self, victims: &[String]) -> Race {
        let victims = victims.to_vec();
        Box::new(move |state| match self {
            Self::Delete(who) => {
                if let Some(id) = pick(&victims, who) {
                    state.delete(id);
                }
            }
            Self::Rename(who, name) => {
                if let Some(id) = pick(&victims, who) {
                    copy(state, id, id, name);
                }
            }
            Self::Add(who, name) => {
                let ids: Vec<String> = state.stored.keys().cloned().collect();
                if let Some(like) = pick(&ids, who) {
                    copy(state, like, &format!("{name:04x}-new"), name);
                }
            }
        })
    }
}

fn pick(ids: &[String], which: Index) -> Option<&String> {
    (!ids.is_empty()).then(|| which.get(ids))
}

/// Stores a user like another one, under a name of its own.
fn copy(state: &mut State, like: &str, id: &str, name: u16) {
    let Some(mut stored) = state.stored.get(like).cloned() else {
        return;
    };
    let name = format!("u{name}-{id}");
    stored.document.id = id.to_owned();
    stored.document.modified += u64::from(id.len() == 8);
    let mut json: Value = serde_json::from_slice(&stored.document.json).unwrap();
    if json["userName"].is_null() {
        return;
    }
    json["userName"] = json!(name);
    stored.document.json = serde_json::to_vec(&json).unwrap();
    stored.keys.retain(|key| key.attribute != "userName");
    stored.keys.insert(Key {
        attribute: "userName".into(),
        value: name.into_bytes(),
        unique: true,
        tracked: true,
    });
    state.stored.insert(id.to_owned(), stored);
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn every_page_is_a_part_of_the_reference(
        people in prop::collection::vec(person(), 1..14),
        asked in asked(),
        endpoint in select(&["/Users", "/"][..]),
        page_bound in prop::option::of(1_usize..5),
        budget in prop_oneof![Just(20_000_u32), 1..6_u32],
    ) {
        let mut crowd = crowd(&people);
        // What one type alone has is nothing to sort the other's list by.
        let resources = crowd.read(endpoint);
        let query = asked.query(&crowd);
        crowd.client.directory.page_bound = page_bound;
        crowd.client.config.scan_budget = budget;
        let mut expected = asked.expected(&resources);
        let first = crowd.client.get(&format!("{endpoint}?{query}"));
        if endpoint == "/Users" && asked.filter == FILTERS.len() - 1 {
            let _ = first.refused(400, "invalidFilter");
            return Ok(());
        }

        let enough = budget as usize > resources.len();
        let by_index = match first.status {
            200 => Some(indexed(&mut crowd.client, endpoint, &query, asked.count)),
            _ => {
                prop_assert!(!enough, "{}: {}", query, first.body);
                let _ = first.refused(400, "tooMany");
                None
            }
        };
        let start = crowd.client.get(&format!("{endpoint}?{query}&cursor"));
        let mut by_cursor = match start.status {
            200 => walked(&mut crowd.client, endpoint, &query, asked.count, |_| {}),
            _ => {
                let walks = walks(asked.sort_by()) && (endpoint == "/Users" || asked.order.is_none());
                prop_assert!(!enough && !walks, "{}: {}", query, start.body);
                let _ = start.refused(400, "tooMany");
                return Ok(());
            }
        };
        if let Some(by_index) = by_index {
            prop_assert_eq!(&by_index, &by_cursor, "{}", query);
        }
        if asked.order.is_none() {
            by_cursor.sort();
            expected.sort();
        }
        prop_assert_eq!(by_cursor, expected, "{}", query);
    }

    #[test]
    fn what_stays_is_shown_once_while_others_come_and_go(
        people in prop::collection::vec((person(), any::<bool>()), 4..14),
        asked in asked(),
        deeds in prop::collection::vec((deed(), any::<bool>()), 0..16),
        page_bound in prop::option::of(1_usize..5),
        budget in select(&[3_u32, 20_000][..]),
    ) {
        prop_assume!(asked.filter != FILTERS.len() - 1);
        let (people, stay): (Vec<Person>, Vec<bool>) = people.into_iter().unzip();
        let mut crowd = crowd(&people);
        let resources = crowd.read("/Users");
        let matching = asked.expected(&resources);
        let query = asked.query(&crowd);
        crowd.client.directory.page_bound = page_bound;
        // A list that has grown past the budget since it was begun is refused.
        if walks(asked.sort_by()) && matching.len() > budget as usize {
            crowd.client.config.scan_budget = budget;
        }
        let (stay, victims): (Vec<_>, Vec<_>) = crowd.users.iter().zip(stay).partition(|(_, stay)| *stay);
        let victims: Vec<String> = victims.into_iter().map(|(id, _)| id.clone()).collect();
        let mut deeds = deeds.into_iter();
        let seen = walked(&mut crowd.client, "/Users", &query, asked.count, |client| {
            // Half of them between two calls of the store for the same page.
            client.directory.turns.clear();
            for (deed, during) in deeds.by_ref().take(2) {
                if during {
                    client.directory.turns.push_back(Box::new(|_| {}));
                    client.directory.turns.push_back(deed.on(&victims));
                } else {
                    deed.on(&victims)(&mut client.directory.state);
                }
            }
        });
        for (id, _) in stay.into_iter().filter(|(id, _)| matching.contains(id)) {
            let times = seen.iter().filter(|seen| *seen == id).count();
            prop_assert_eq!(times, 1, "{} in {:?}: {}", id, seen, query);
        }
    }

    #[test]
    fn any_search_is_answered(
        fields in prop::collection::vec((parameter(), value()), 0..6),
        endpoint in select(&["/.search", "/Users/.search", "/Groups/.search"][..]),
    ) {
        let mut client = Client::with(Config { max_results: 2, ..Config::default() });
        for name in ["a", "b", "c"] {
            let user = client.user(name);
            let _ = client.group(name, &[&user]);
        }
        let body: serde_json::Map<String, Value> = fields.into_iter().collect();
        let answer = client.post(endpoint, &Value::Object(body));
        prop_assert!(matches!(answer.status, 200 | 400), "{:?}", answer);
    }
}

fn parameter() -> impl Strategy<Value = String> {
    let names = "schemas|cursor|count|COUNT|startIndex|sortBy|sortOrder|filter|attributes|other";
    prop_oneof![8 => names, 1 => Just("excludedAttributes".to_owned()), 1 => ".{0,4}"]
}

fn value() -> impl Strategy<Value = Value> {
    let texts = select(
        &[
            "",
            "userName",
            "members",
            "id",
            "descending",
            "displayName pr",
            "userName sw \"a\"",
            "AQ",
            "id,meta",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        ][..],
    );
    prop_oneof![
        4 => texts.prop_map(|text| json!(text)),
        2 => (-2_i64..5).prop_map(|number| json!(number)),
        2 => select(vec![json!(null), json!(1e300), json!(u64::MAX), json!([]), json!({}),
            json!(true), json!([null]), json!([["a"]]), json!(["userName", "id"])]),
        1 => ".{0,20}".prop_map(|text| json!(text)),
    ]
}
