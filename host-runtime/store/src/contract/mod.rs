//! The contract as tests: what every backend has to do.
//!
//! A backend is one line in its tests:
//!
//! ```text
//! nameplate_store::contract_suite!((MyStore::new().await, ()));
//! ```
//!
//! The expression makes an empty store and something to keep while it lives (a
//! folder, a database); it is evaluated for each test. The calling crate needs
//! `tokio` with `macros` and `rt`. No check knows how a backend keeps its data.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check that fails panics, and its name says what it shows"
)]

pub mod assignments;
pub mod below;
pub mod bounds;
pub mod control;
pub mod departures;
pub mod documents;
pub mod erasure;
pub mod events;
pub mod groups;
pub mod held;
pub mod holdings;
pub mod hosts;
pub mod index;
pub mod logs;
pub mod members;
pub mod names;
mod place;
pub mod quota;
pub mod rehearsal;
pub mod reserved;
pub mod scope;
pub mod tenancy;
pub mod tokens;
pub mod units;
pub mod walks;
pub mod webhooks;

use crate::{ControlStore, HostStore, UserStore, WebhookStore};

/// All that a backend implements.
pub trait Backend: UserStore + HostStore + ControlStore + WebhookStore {}

impl<T: UserStore + HostStore + ControlStore + WebhookStore> Backend for T {}

/// Makes one test of each check of the contract. The argument is an expression
/// for `(store, kept)`.
#[macro_export]
macro_rules! contract_suite {
    ($make:expr) => {
        $crate::contract_tests! { $make;
            documents {
                a_new_document_has_version_one,
                content_is_kept_byte_for_byte,
                a_change_of_content_bumps_version_and_modified,
                modified_never_goes_backwards,
                a_put_of_the_same_content_changes_nothing,
                preconditions_are_outcomes,
                a_document_of_another_kind_does_not_exist,
                the_refused_change_is_named,
                a_unique_key_is_held_once_per_connection_and_kind,
                a_unique_key_is_free_after_update_and_delete,
                an_update_keeps_its_own_unique_key,
                a_key_can_become_unique_and_back,
                keys_follow_the_last_put,
                a_delete_takes_keys_and_answers_the_last_version,
                get_many_leaves_out_what_is_absent,
                a_version_goes_up_once_in_a_unit,
            }
            quota {
                one_document_more_than_the_quota_is_refused,
                all_connections_of_a_tenant_count_together_and_no_other_tenant,
                what_is_over_its_quota_can_be_changed_and_deleted,
                one_member_more_than_the_quota_is_refused_and_none_is_added,
                held_members_count_too,
            }
            units {
                a_refused_unit_leaves_no_trace,
                units_are_independent_and_in_order,
                units_after_the_last_allowed_failure_are_not_tried,
                the_same_commit_id_returns_the_first_outcomes,
                a_commit_id_belongs_to_its_connection,
                an_empty_unit_is_committed,
                keys_can_move_within_a_unit,
            }
            members {
                members_come_and_go,
                a_repeated_delta_changes_nothing,
                an_id_added_and_removed_at_once_stays,
                a_replace_keeps_what_it_names,
                unknown_members_are_held_skipped_or_refused,
                at_most_100_absent_members_are_named,
                a_delta_needs_its_group,
                members_are_read_in_pages,
                a_deleted_member_leaves_its_groups,
                a_deleted_group_frees_its_members,
                several_deltas_in_a_unit_add_up,
            }
            held {
                a_held_member_attaches_when_its_id_arrives,
                a_held_group_attaches_too,
                a_held_member_attaches_to_the_user_with_its_login,
                a_rename_to_the_login_attaches,
                the_order_of_arrival_does_not_matter,
                a_login_means_a_user_of_the_connection,
                a_login_is_looked_for_where_members_are_held,
                one_member_held_under_two_names_is_attached_once,
                a_held_member_can_be_removed,
                held_members_keep_what_was_sent,
                a_deleted_member_is_not_held,
                another_connection_never_attaches,
            }
            groups {
                direct_and_indirect_groups_are_told_apart,
                a_direct_membership_wins_over_an_indirect_one,
                a_cycle_is_harmless,
                the_last_removal_is_remembered,
            }
            walks {
                every_range_holds_what_it_says,
                descending_is_the_other_way_round,
                values_are_compared_as_bytes,
                skip_passes_over_hits,
                totals_are_exact_for_all_and_equal,
                a_total_is_exact_wherever_there_is_one,
                each_detail_brings_what_it_names,
                a_page_ends_early_at_4_mib,
                a_walk_shows_what_did_not_change_exactly_once,
            }
            rehearsal {
                a_rehearsal_leaves_no_trace,
                a_rehearsal_answers_as_the_commit_does,
                a_rehearsal_tells_what_would_be_stored,
                a_rehearsal_stops_and_is_bound_as_a_commit_is,
            }
            reserved {
                documents_are_walked_by_id,
                documents_are_walked_by_when_they_were_modified,
                a_moment_is_compared_as_eight_bytes,
                a_hit_of_a_reserved_index_has_its_value,
                every_change_moves_a_document_to_its_moment,
                reserved_indexes_need_no_keys,
                a_walk_by_moments_shows_what_did_not_change_exactly_once,
                no_key_is_put_in_a_reserved_index,
                what_a_reserved_index_does_not_offer_is_invalid,
            }
            tokens {
                a_token_is_of_its_walk_alone,
                a_token_serves_any_detail_and_page_size,
                a_damaged_token_is_invalid,
                bytes_of_no_walk_are_invalid,
                a_token_is_at_most_1024_bytes,
            }
            index {
                an_index_is_ready_when_every_document_has_its_version,
                a_rekey_writes_keys_alone,
                a_rekey_of_another_version_does_nothing,
                a_rekey_respects_unique_keys,
            }
            holdings {
                a_tracked_value_is_held_from_to,
                a_value_kept_is_one_span,
                holdings_outlive_the_document,
                holders_see_all_connections_of_the_tenant,
                a_span_never_ends_before_it_began,
                a_key_that_becomes_tracked_opens_a_span,
                dead_spans_never_hide_a_living_holder,
                ended_spans_never_hide_an_open_one,
                a_document_made_again_lives_again,
            }
            events {
                events_carry_before_and_after,
                numbers_go_up_without_gaps,
                members_of_the_subject_are_listed,
                an_attached_member_is_worth_an_event,
                only_events_with_logins_wait_for_mapping,
                an_event_with_logins_names_all_that_its_user_held,
                logins_of_the_user_are_added_up_to_64,
            }
            scope {
                another_connection_or_tenant_sees_nothing,
                the_whole_tenant_is_read_and_not_written,
                a_foreign_connection_cannot_be_written,
                documents_of_another_connection_cannot_be_changed,
                ids_are_unique_in_a_tenant_and_free_in_the_next,
            }
            bounds {
                a_commit_over_a_limit_is_invalid_as_a_whole,
                what_just_fits_is_taken,
                a_read_over_a_limit_is_invalid,
                a_host_over_a_limit_is_invalid,
                names_and_settings_are_checked,
            }
            hosts {
                a_new_host_is_unassigned,
                a_new_description_keeps_the_rest,
                a_repeated_claim_is_harmless,
                claims_are_read_newest_first,
                a_chatty_source_never_hides_another,
                a_source_is_withdrawn_up_to_a_moment,
                an_assignment_needs_the_version_it_was_found_at,
                a_replaced_assignment_becomes_history,
                hosts_are_found_by_outcome_user_and_login,
                a_deleted_host_leaves_nothing,
            }
            assignments {
                an_assignment_is_an_event,
                an_assignment_that_is_not_written_is_no_event,
                a_deleted_host_is_an_event,
                hosts_and_people_share_one_order,
                past_assignments_follow_one_another,
                a_history_keeps_the_newest_200_lines,
            }
            below {
                users_three_levels_down_are_found,
                a_user_on_several_ways_is_found_once,
                groups_in_a_circle_end,
                users_come_and_go_with_the_groups_between,
                users_below_are_those_of_the_scope,
                pages_over_many_groups_are_whole,
            }
            departures {
                a_deactivated_user_is_kept_with_when,
                a_user_created_inactive_is_kept_from_the_start,
                a_reactivated_user_is_there_again,
                a_deleted_user_is_kept_as_it_was,
                a_user_made_again_begins_anew,
                times_of_an_earlier_life_are_not_taken_over,
                what_keeps_no_event_keeps_no_departure,
                departures_are_read_by_id_in_pages,
                a_departure_is_forgotten_once,
            }
            names {
                hosts_are_found_by_serial_and_by_name,
                names_are_compared_trimmed_and_without_ascii_case,
                an_empty_name_is_no_name,
                a_name_is_no_pattern,
                a_renamed_host_is_found_by_its_new_name,
                hosts_of_one_name_come_in_pages,
                hosts_are_counted,
                there_is_one_promise_to_a_name,
                a_promise_that_differs_in_anything_is_news,
                a_promise_is_dropped_once,
                promises_are_listed_by_name,
                a_host_gets_what_its_names_were_promised,
                a_promise_over_a_limit_is_invalid,
            }
            webhooks {
                a_webhook_is_kept_without_loss,
                a_webhook_never_shows_its_secret,
                webhooks_are_listed_oldest_first,
                a_webhook_belongs_to_its_tenant,
                a_change_leaves_how_far_it_has_come,
                a_secret_is_replaced_and_nothing_else,
                progress_needs_the_position_it_began_at,
                of_many_who_move_a_webhook_one_does,
                dead_letters_are_read_by_number,
                dead_letters_are_removed_by_number,
                the_newest_10000_dead_letters_are_kept,
                a_removed_webhook_leaves_nothing,
                a_tenant_has_100_webhooks_at_most,
                numbers_over_63_bits_are_refused_or_of_nobody,
                a_webhook_over_a_limit_is_invalid,
            }
            control {
                names_are_taken_once,
                the_revision_goes_up_with_every_change,
                a_tenant_keeps_its_settings,
                a_token_is_kept_without_loss,
                a_token_belongs_to_its_tenant,
                a_token_is_revoked_once,
                the_last_use_never_goes_backwards,
                the_request_log_keeps_the_newest_lines,
                the_last_request_is_the_newest_of_the_provider,
                the_last_request_of_the_provider_is_never_trimmed,
            }
            tenancy {
                a_tenant_is_found_by_name_and_by_host_name,
                a_host_name_belongs_to_one_tenant,
                a_refused_change_leaves_the_tenant_as_it_was,
                another_plugin_makes_the_old_one_the_previous,
                what_a_change_does_not_name_stays,
                connections_are_found_by_issuer,
                what_the_plugin_never_sees_raises_no_revision,
                names_of_hosts_and_objects_are_checked,
                as_many_tokens_are_live_as_may_be,
                of_many_who_add_a_token_no_more_get_in,
                a_token_and_its_successor_are_live_together,
                a_rotation_that_is_refused_changes_nothing,
                only_a_live_token_of_the_tenant_is_rotated,
                tokens_that_end_soon_are_found,
            }
            logs {
                a_line_is_kept_without_loss,
                a_recording_is_read_by_name_alone,
                a_line_is_found_by_its_name,
                lines_are_asked_for_by_connection_and_failure,
                lines_after_one_are_read_oldest_first,
                lines_from_before_a_moment_are_forgotten,
                at_most_1000_lines_are_forgotten_at_a_time,
                a_line_over_a_limit_is_invalid,
                audit_lines_are_read_newest_first,
                the_installation_has_an_audit_log_too,
                an_audit_line_over_a_limit_is_invalid,
            }
            erasure {
                all_that_is_kept_of_a_person_is_read,
                nothing_is_kept_of_a_stranger,
                an_erased_person_leaves_nothing,
                an_erased_person_is_told_of_as_deleted,
                a_deleted_person_is_erased_too,
                erasing_twice_is_harmless,
                the_others_stay_as_they_were,
                a_group_is_no_person,
                held_edges_that_name_a_person_go,
                hosts_forget_who_used_them,
                histories_and_promises_forget_a_person,
                events_of_hosts_forget_a_person,
                lines_that_name_a_person_go,
            }
        }
    };
}

/// The shape of [`contract_suite`]'s list.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($make:expr; $($module:ident { $($test:ident,)* })*) => {
        $(
            mod $module {
                use super::*;

                $(
                    #[::tokio::test]
                    async fn $test() {
                        let (store, _kept) = $make;
                        $crate::contract::$module::$test(&store).await;
                    }
                )*
            }
        )*
    };
}
