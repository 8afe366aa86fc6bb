//! Shapes of answers, field by field.

use nameplate_store::TenantId;

use super::*;

fn person() -> Person {
    Person {
        id: "u1".into(),
        connection: "okta".into(),
        external_id: "00u1".into(),
        username: "Ana.Diaz@example.com".into(),
        full_name: "Ana Díaz".into(),
        department: "IT".into(),
        groups: vec!["Eng".into(), "Ops".into()],
        active: true,
        updated: 1_772_357_400_000,
        attributes: Vec::new(),
    }
}

fn user(outcome: AssignmentOutcome, person: Option<Person>) -> EndUser {
    EndUser {
        outcome,
        login: "ana".into(),
        reason: "because".into(),
        person,
        candidates: Vec::new(),
        near: Vec::new(),
    }
}

fn claim(source: Source, username: &str, email: &str) -> Claim {
    Claim {
        id: format!("{}-{username}{email}", source.as_str()),
        source,
        username: username.into(),
        email: email.into(),
        full_name: String::new(),
        logins: Vec::new(),
        since: 1,
        withdrawn: None,
    }
}

fn host(id: &str, claims: Vec<Claim>) -> Host {
    Host {
        record: HostRecord {
            id: id.into(),
            ..HostRecord::default()
        },
        created: 0,
        version: 1,
        claims,
        assignment: Assignment::default(),
        assigned: 0,
    }
}

fn entry(status: u16, detail: &str) -> RequestEntry {
    RequestEntry {
        id: 1,
        method: "GET".into(),
        path: "/scim/v2/Users".into(),
        status,
        micros: 1,
        detail: detail.into(),
        from_idp: true,
        ..RequestEntry::of(TenantId(1), 1_772_357_400_000)
    }
}

#[test]
fn ids_print_as_numbers_only_where_nothing_is_lost() {
    assert_eq!(fleet_id("42"), json!(42));
    assert_eq!(fleet_id("0"), json!(0));
    assert_eq!(
        fleet_id("9007199254740991"),
        json!(9_007_199_254_740_991_u64)
    );
    for text in [
        "9007199254740992",
        "007",
        "+7",
        "7a",
        "",
        "99999999999999999999",
        " 7",
    ] {
        assert_eq!(fleet_id(text), json!(text));
    }
}

#[test]
fn a_linked_person_is_shown_with_everything_known() {
    let shape = end_users(&user(AssignmentOutcome::Linked, Some(person())), &[]);
    assert_eq!(
        shape,
        json!([{
            "idp_id": "00u1",
            "idp_username": "Ana.Diaz@example.com",
            "idp_full_name": "Ana Díaz",
            "idp_groups": ["Eng", "Ops"],
            "idp_department": "IT",
            "idp_info_updated_at": "2026-03-01T09:30:00Z",
        }])
    );
}

#[test]
fn what_is_not_known_of_a_linked_person_is_left_out() {
    let bare = Person {
        external_id: String::new(),
        department: String::new(),
        groups: Vec::new(),
        ..person()
    };
    let shape = end_users(&user(AssignmentOutcome::Linked, Some(bare)), &[]);
    assert_eq!(
        shape,
        json!([{
            "idp_username": "Ana.Diaz@example.com",
            "idp_full_name": "Ana Díaz",
            "idp_info_updated_at": "2026-03-01T09:30:00Z",
        }])
    );
}

#[test]
fn pending_and_ambiguous_show_the_claimed_login_and_null() {
    for outcome in [AssignmentOutcome::Pending, AssignmentOutcome::Ambiguous] {
        assert_eq!(
            end_users(&user(outcome, None), &[]),
            json!([{ "idp_username": "ana", "idp_info_updated_at": null }])
        );
    }
}

#[test]
fn without_a_claim_there_is_no_end_user() {
    assert_eq!(
        end_users(&user(AssignmentOutcome::Unassigned, None), &[]),
        json!([])
    );
}

#[test]
fn other_emails_leave_out_the_persons_own_and_what_was_withdrawn() {
    let mut gone = claim(Source::Custom, "", "old@example.com");
    gone.withdrawn = Some(5);
    let claims = [
        claim(Source::Custom, "", "ana.diaz@EXAMPLE.com"),
        claim(Source::Custom, "", "private@example.org"),
        claim(Source::ChromeProfile, "", "chrome@example.org"),
        claim(Source::Enrollment, "ana", "ana@example.com"),
        gone,
    ];
    let shape = end_users(&user(AssignmentOutcome::Linked, Some(person())), &claims);
    assert_eq!(
        shape.pointer("/0/other_emails"),
        Some(&json!([
            { "email": "private@example.org", "source": "custom" },
            { "email": "chrome@example.org", "source": "google_chrome_profiles" },
        ]))
    );
    let alone = end_users(&user(AssignmentOutcome::Unassigned, None), &claims[1..2]);
    assert_eq!(
        alone,
        json!([{
            "other_emails": [{ "email": "private@example.org", "source": "custom" }],
            "idp_info_updated_at": null,
        }])
    );
}

#[test]
fn device_mapping_has_one_row_for_each_address_and_source() {
    let host = host(
        "7",
        vec![
            claim(Source::Manual, "ana@example.com", "ana@example.com"),
            claim(Source::Enrollment, "ana", "ana@example.com"),
            claim(Source::Custom, "", "ana@example.com"),
            claim(Source::Serial, "", "promised@example.com"),
        ],
    );
    let shape = device_mapping(&host, &user(AssignmentOutcome::Pending, None));
    assert_eq!(
        shape,
        json!({
            "host_id": 7,
            "device_mapping": [
                { "email": "ana@example.com", "source": "mdm_idp_accounts" },
                { "email": "ana@example.com", "source": "custom" },
            ],
            "assignment": {
                "outcome": "pending", "username": "ana", "user_id": null, "reason": "because",
            },
        })
    );
}

#[test]
fn a_deactivated_person_is_marked_in_our_own_record() {
    let inactive = Person {
        active: false,
        ..person()
    };
    let shape = current(&user(AssignmentOutcome::Linked, Some(inactive)));
    assert_eq!(shape.get("active"), Some(&json!(false)));
    assert_eq!(shape.get("user_id"), Some(&json!("u1")));
}

#[test]
fn details_has_three_states() {
    assert_eq!(details(None), json!({ "last_request": null }));
    assert_eq!(
        details(Some(&entry(201, ""))),
        json!({ "last_request": {
            "requested_at": "2026-03-01T09:30:00Z", "status": "success", "details": "",
        }})
    );
    assert_eq!(
        details(Some(&entry(409, "taken"))),
        json!({ "last_request": {
            "requested_at": "2026-03-01T09:30:00Z", "status": "error", "details": "taken",
        }})
    );
}

#[test]
fn details_are_at_most_255_characters_and_never_empty_for_an_error() {
    let text = |entry| {
        let shape = details(Some(&entry));
        let text = shape
            .pointer("/last_request/details")
            .and_then(Value::as_str);
        text.map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(text(entry(400, &"é".repeat(300))).chars().count(), 255);
    assert!(text(entry(503, "")).contains("503"));
}
