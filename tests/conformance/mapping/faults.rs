//! The faults and wishes that users of a well-known product reported, each as a test
//! that it does not happen here, named after its number in that product's tracker.
//! [`REPORTS`] lists all of them, and [`READINGS`] what reading its code shows.

mod groups;
mod labels;
mod links;
mod people;
mod profiles;

use std::collections::BTreeSet;

use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

/// What became of a report.
enum Treated {
    /// These tests show that it does not happen.
    By(&'static [&'static str]),
    /// It is no matter of whose a host is.
    Elsewhere(&'static str),
}

use Treated::{By, Elsewhere};

/// Reports that belong together, by their numbers, and what became of them.
const REPORTS: &[(&[u32], Treated)] = &[
    (
        &[50724],
        By(&["fleet_50724_a_change_of_some_members_takes_no_other_off_their_hosts"]),
    ),
    (
        &[52600],
        By(&["fleet_52600_known_members_show_on_hosts_while_unknown_ones_are_waited_for"]),
    ),
    (
        &[52593],
        By(&["fleet_52593_ids_of_a_database_that_is_gone_are_no_server_error"]),
    ),
    (
        &[30086],
        By(&["fleet_30086_a_member_named_twice_is_a_member_once"]),
    ),
    (
        &[52501],
        By(&["fleet_52501_lists_and_details_name_the_same_nested_members"]),
    ),
    (
        &[48886, 46374, 50892, 52497],
        By(&["fleet_48886_people_of_nested_groups_have_the_groups_above"]),
    ),
    (
        &[53083],
        By(&["fleet_53083_reenrolment_keeps_what_an_administrator_set"]),
    ),
    (
        &[53264],
        By(&["fleet_53264_an_unknown_username_waits_is_told_and_destroys_nothing"]),
    ),
    (
        &[46624],
        By(&["fleet_46624_an_administrators_choice_moves_the_host_at_once"]),
    ),
    (
        &[34667, 33145],
        By(&[
            "fleet_34667_a_username_set_before_the_user_is_pushed_is_linked_when_they_come",
            "fleet_33145_a_host_enrolled_before_the_user_is_pushed_shows_them_when_they_come",
        ]),
    ),
    (
        &[48378],
        By(&["fleet_48378_every_host_of_a_person_is_linked_and_not_only_the_first"]),
    ),
    (
        &[44275],
        By(&["fleet_44275_a_user_can_be_created_whose_host_is_somebody_elses"]),
    ),
    (
        &[52008],
        By(&["fleet_52008_a_rename_leaves_one_name_in_lists_and_details"]),
    ),
    (
        &[53446],
        By(&["fleet_53446_an_email_without_a_value_keeps_nobody_from_their_host"]),
    ),
    (
        &[41996, 53715],
        By(&[
            "fleet_41996_a_department_is_shown_however_it_is_bundled",
            "fleet_53715_attributes_that_arrive_and_are_not_used_are_listed",
        ]),
    ),
    (
        &[42922, 30316, 41706],
        By(&["fleet_42922_further_attributes_are_shown_and_are_variables"]),
    ),
    (
        &[51857, 23900],
        By(&["fleet_51857_a_variable_without_a_value_stops_no_profile"]),
    ),
    (
        &[34668, 34958],
        By(&[
            "fleet_34668_a_person_who_arrives_later_tells_which_profiles_to_send_again",
            "fleet_34958_quick_changes_are_told_in_order_and_the_last_one_is_filled_in",
        ]),
    ),
    (
        &[46013],
        By(&["fleet_46013_a_profile_is_filled_with_the_username_that_is_shown"]),
    ),
    (
        &[40729],
        By(&["fleet_40729_a_label_follows_every_change_at_once"]),
    ),
    (
        &[47822],
        By(&["fleet_47822_a_label_outlives_the_name_of_its_group"]),
    ),
    (
        &[51088],
        By(&["fleet_51088_groups_and_departments_have_labels_that_come_and_go_with_them"]),
    ),
    (
        &[46869, 51296],
        By(&["fleet_46869_a_label_holds_every_host_of_the_tenant"]),
    ),
    (
        &[50869, 53279],
        Elsewhere("groups of devices are no SCIM, and nobody else's API is asked here"),
    ),
    (
        &[50894],
        Elsewhere("who is pushed is chosen in the identity provider"),
    ),
    (
        &[51016],
        By(&["fleet_51016_several_directories_of_one_tenant_have_an_order"]),
    ),
    (
        &[31308, 48062],
        Elsewhere("a connection's token reaches its directory alone: runtime/tenants.rs"),
    ),
    (
        &[45371, 52591, 52602],
        By(&["fleet_45371_people_who_are_deactivated_are_listed_with_the_time"]),
    ),
    (
        &[36785, 22350, 15671],
        Elsewhere("accounts of consoles are the device-management server's"),
    ),
    (
        &[29162],
        Elsewhere("guides of identity providers: host-runtime/docs, idp/others.rs"),
    ),
];

/// What reading the code of that product shows, by the letter it is listed under.
const READINGS: &[(char, Treated)] = &[
    ('a', Elsewhere("lookups: idp/okta.rs")),
    ('b', Elsewhere("lists: idp/others.rs")),
    ('c', Elsewhere("filters: rfc7644/errors.rs")),
    ('d', Elsewhere("names of groups: idp/okta.rs")),
    ('e', Elsewhere("PATCH in every dialect: idp/entra.rs")),
    ('f', Elsewhere("PATCH in every dialect: idp/entra.rs")),
    ('g', Elsewhere("values of PATCH: rfc7644/errors.rs")),
    (
        'h',
        By(&["fleet_reading_h_names_that_differ_in_an_accent_are_two_people"]),
    ),
    ('i', Elsewhere("primary values: plugin/scim/tests/service")),
    ('j', Elsewhere("locations and times: rfc7644/same.rs")),
    (
        'k',
        By(&["fleet_reading_k_hosts_of_inactive_people_are_as_the_tenant_chose"]),
    ),
    (
        'l',
        Elsewhere("limits: runtime/limits.rs, runtime/large.rs"),
    ),
    (
        'm',
        Elsewhere("members and connections: runtime/tenants.rs"),
    ),
    ('n', Elsewhere("the request log: mapping/lists.rs")),
    (
        'o',
        By(&["fleet_reading_o_what_waits_is_listed_and_a_change_can_be_tried"]),
    ),
];

/// Every number of the list of reports this one follows, in its order.
const NUMBERS: [u32; 46] = [
    50724, 52600, 52593, 30086, 52501, 48886, 46374, 50892, 52497, 53083, 53264, 46624, 34667,
    33145, 48378, 44275, 52008, 53446, 41996, 53715, 42922, 30316, 41706, 51857, 23900, 34668,
    34958, 46013, 40729, 47822, 51088, 46869, 51296, 50869, 53279, 50894, 51016, 31308, 48062,
    45371, 52591, 52602, 36785, 22350, 15671, 29162,
];

/// The text of the tests.
const TESTS: [&str; 5] = [
    include_str!("faults/groups.rs"),
    include_str!("faults/labels.rs"),
    include_str!("faults/links.rs"),
    include_str!("faults/people.rs"),
    include_str!("faults/profiles.rs"),
];

#[test]
fn every_report_has_its_test_or_a_reason_and_every_test_its_report() {
    let treated: Vec<u32> = REPORTS
        .iter()
        .flat_map(|(numbers, _)| *numbers)
        .copied()
        .collect();
    assert_eq!(treated, NUMBERS, "each number once, in order");
    let letters: String = READINGS.iter().map(|(letter, _)| letter).collect();
    assert_eq!(letters, "abcdefghijklmno");
    let all = REPORTS.iter().map(|(_, treated)| treated);
    let all = all.chain(READINGS.iter().map(|(_, treated)| treated));
    let mut listed = BTreeSet::new();
    for treated in all {
        match treated {
            By(tests) => listed.extend(tests.iter().map(|test| (*test).to_owned())),
            Elsewhere(reason) => assert!(reason.len() > 10, "{reason}"),
        }
    }
    let tests = TESTS.iter().flat_map(|text| text.lines());
    let name = |line: &str| {
        Some(
            line.strip_prefix("async fn fleet_")?
                .split_once('(')?
                .0
                .to_owned(),
        )
    };
    let there: BTreeSet<String> = tests
        .filter_map(name)
        .map(|name| format!("fleet_{name}"))
        .collect();
    assert_eq!(listed, there);
}

/// An administrator says whose a host is.
async fn choose(app: &App, host: &str, login: &str) -> Answer {
    let target = format!("/api/v1/fleet/hosts/{host}/device_mapping");
    let body = json!({"email": login, "source": "idp"});
    app.admin().put(&target, &body).await
}

async fn assignment(app: &App, host: &str) -> Value {
    app.mapping(host).await["assignment"].clone()
}

async fn user_of(app: &App, host: &str) -> String {
    let assignment = assignment(app, host).await;
    assert_eq!(assignment["outcome"], "linked", "{assignment}");
    assignment["user_id"].as_str().unwrap().to_owned()
}

async fn explained(app: &App, host: &str) -> String {
    let target = format!("/api/v1/hosts/{host}/explain");
    let answer = app.admin().get(&target).await.expect(200);
    answer["lines"].to_string()
}

async fn set_tenant(app: &App, settings: &Value) {
    let body = json!({"settings": settings});
    let answer = app
        .admin()
        .with_json("PATCH", "/api/v1/tenant", &body)
        .await;
    let _ = answer.expect(200);
}
