"""All mutants, in the order of the table."""

from tests.mutants import of_engine, of_foresight, of_links, of_reads, of_scheduler, of_state, of_storage
from tests.mutants.mutant import Mutant
from tests.simulation import sabotage as raft
from tests.simulation.whole import sabotage as whole

__all__ = ["MUTANTS"]

_RAFT = "tests/unit/raft"

MUTANTS: list[Mutant] = [
    Mutant(
        "1",
        of_engine.commits_wait_for_a_heartbeat,
        f"{_RAFT}/test_node.py::test_a_commit_does_not_wait_for_a_heartbeat",
    ),
    Mutant("2", raft.no_append_guard, "raft"),
    Mutant("2, 17", raft.no_short_log, "raft"),
    Mutant(
        "3",
        of_engine.entries_are_cut_into_pieces,
        f"{_RAFT}/test_node.py::test_a_proposal_above_the_limit_is_refused_and_one_at_the_limit_goes_through",
    ),
    Mutant(
        "4",
        of_engine.raising_machines_stop_the_log,
        f"{_RAFT}/test_node.py::test_a_state_machine_that_raises_stops_nothing",
    ),
    Mutant("5", raft.no_sync_barrier, "raft"),
    Mutant("5", raft.unsynced_leader_counts, "raft"),
    Mutant(
        "5",
        of_storage.votes_are_forgotten,
        f"{_RAFT}/test_journal.py::test_term_vote_and_entries_survive_a_crash_after_a_sync",
    ),
    Mutant("5", of_storage.torn_tails_stay, "raft"),
    Mutant(
        "5",
        of_storage.acknowledged_before_its_term_is_durable,
        f"{_RAFT}/test_outbox.py::test_nothing_is_acknowledged_in_a_term_that_is_not_durable",
    ),
    Mutant("6", raft.compaction_forgets, "raft"),
    Mutant(
        "6",
        of_storage.journals_are_rewritten_in_place,
        f"{_RAFT}/test_journal.py::test_a_crash_at_any_moment_of_a_compaction_loses_nothing",
    ),
    Mutant(
        "7",
        of_engine.cut_off_leaders_go_on,
        f"{_RAFT}/test_engine_elections.py::test_a_leader_that_no_majority_answers_steps_down_within_a_second",
    ),
    Mutant(
        "8",
        of_engine.nobody_asks_before_it_campaigns,
        f"{_RAFT}/test_node.py::test_one_broken_link_makes_no_leader_step_down",
    ),
    Mutant(
        "8",
        of_engine.everybody_agrees_to_elections,
        f"{_RAFT}/test_node.py::test_one_broken_link_makes_no_leader_step_down",
    ),
    Mutant(
        "8", of_engine.anybody_may_hand_over, f"{_RAFT}/test_handover.py::test_only_the_leader_of_this_term_hands_over"
    ),
    Mutant(
        "9",
        of_engine.frames_of_strangers_are_taken,
        f"{_RAFT}/test_reception.py::test_frames_of_strangers_and_garbage_cost_their_sender_the_link",
    ),
    Mutant(
        "10",
        of_engine.nobody_tells_who_waits,
        f"{_RAFT}/test_node.py::test_who_waits_for_a_write_is_told_when_its_leader_is_deposed",
    ),
    Mutant(
        "11",
        of_storage.damage_is_a_torn_tail,
        f"{_RAFT}/test_records.py::test_damage_that_a_later_record_knows_to_have_been_synced_is_no_torn_tail",
    ),
    Mutant(
        "11",
        of_storage.damaged_snapshots_are_passed_over,
        f"{_RAFT}/test_snapshot.py::test_a_damaged_snapshot_is_refused_and_not_skipped",
    ),
    Mutant("12", of_engine.callbacks_raise, "raft"),
    Mutant(
        "13",
        of_engine.commands_are_numbered_by_position,
        "tests/unit/model/test_versions.py::"
        "test_a_command_is_named_in_the_log_so_that_kinds_may_come_before_and_after_it",
    ),
    Mutant(
        "14",
        of_engine.who_moves_is_another,
        f"{_RAFT}/test_changes.py::test_a_member_is_reached_elsewhere_and_is_the_same_member",
    ),
    Mutant("15", raft.unready_leaders_read, "raft"),
    Mutant(
        "16",
        of_storage.states_go_back,
        f"{_RAFT}/test_full_disk.py::test_what_was_applied_and_is_on_no_own_disk_is_neither_acknowledged_nor_applied_twice",
    ),
    Mutant("18", of_storage.pieces_are_glued_together, "raft"),
    Mutant(
        "18",
        of_storage.snapshots_are_acknowledged_at_once,
        f"{_RAFT}/test_node_disks.py::test_a_snapshot_is_acknowledged_when_it_is_durable_and_not_before",
    ),
    Mutant(
        "18",
        of_storage.snapshots_arrive_unchecked,
        f"{_RAFT}/test_transfer.py::test_a_snapshot_that_was_damaged_on_the_way_is_not_installed",
    ),
    Mutant(
        "19",
        raft.no_alignment,
        f"{_RAFT}/test_storage.py::test_a_journal_that_ends_before_the_snapshot_starts_anew_after_it_and_keeps_the_vote",
    ),
    Mutant(
        "20",
        of_engine.membership_waits_for_its_commit,
        f"{_RAFT}/test_membership.py::"
        "test_a_membership_holds_from_the_moment_that_it_is_appended_and_is_undone_with_its_entry",
    ),
    Mutant(
        "21",
        of_engine.two_changes_at_once,
        f"{_RAFT}/test_membership.py::test_no_second_change_before_the_first_is_committed",
    ),
    Mutant(
        "21",
        of_engine.learners_count,
        f"{_RAFT}/test_membership.py::test_a_new_member_catches_up_by_a_snapshot_before_it_counts",
    ),
    Mutant(
        "22", of_engine.votes_are_counted_not_collected, f"{_RAFT}/test_engine_elections.py::test_a_vote_counts_once"
    ),
    Mutant(
        "22",
        of_engine.acks_of_earlier_terms_count,
        f"{_RAFT}/test_engine_leader.py::test_an_acknowledgement_of_an_earlier_term_does_not_count",
    ),
    Mutant(
        "23",
        of_engine.other_entries_answer_proposals,
        f"{_RAFT}/test_engine_follower.py::test_what_a_deposed_leader_had_not_committed_is_never_answered_by_another_entry",
    ),
    Mutant(
        "23",
        of_engine.queues_outlive_leadership,
        f"{_RAFT}/test_proposer.py::"
        "test_when_leadership_is_lost_what_is_in_flight_is_unknown_and_what_waits_is_refused",
    ),
    Mutant(
        "23, proposal epoch",
        of_engine.deposed_leaders_are_applied,
        "tests/unit/state/test_machine.py::test_a_batch_of_a_deposed_leader_is_refused_whole",
    ),
    Mutant(
        "24",
        of_storage.commands_are_pickles,
        f"{_RAFT}/test_engine_follower.py::test_commands_are_bytes_and_never_unpickled",
    ),
    Mutant(
        "25",
        of_storage.files_are_written_in_place,
        "tests/unit/seams/test_disk.py::test_a_failed_replace_leaves_the_old_content_and_nothing_else",
    ),
    Mutant(
        "26",
        of_storage.commit_indexes_are_kept,
        f"{_RAFT}/test_engine_follower.py::"
        "test_what_was_committed_before_a_loss_of_power_says_nothing_of_what_the_journal_has_now",
    ),
    Mutant("27", of_storage.failed_syncs_are_tried_again, "raft"),
    Mutant(
        "28",
        of_engine.followers_are_buried,
        f"{_RAFT}/test_engine_leader.py::test_a_follower_is_sent_no_more_than_its_window_but_still_hears_its_leader",
    ),
    Mutant(
        "28",
        of_storage.compaction_looks_at_numbers_only,
        f"{_RAFT}/test_node_disks.py::test_the_log_is_compacted_by_bytes_too",
    ),
    Mutant(
        "29",
        of_engine.one_instance_is_as_good_as_another,
        f"{_RAFT}/test_acquaintances.py::test_another_instance_of_a_member_is_told_what_to_do",
    ),
    Mutant(
        "30",
        of_engine.members_hash_by_their_text,
        f"{_RAFT}/test_adapters.py::test_a_members_hash_is_the_same_in_every_process",
    ),
    Mutant("read barrier", raft.unconfirmed_reads, "raft"),
    Mutant("read barrier", of_reads.followers_answer_before_they_have_applied, "raft"),
    Mutant(
        "read barrier",
        of_reads.late_readers_join_the_round_under_way,
        f"{_RAFT}/test_reads.py::test_one_round_serves_all_who_wait_and_late_comers_have_the_next",
    ),
    Mutant(
        "read barrier",
        of_reads.anybody_confirms_once_or_twice,
        f"{_RAFT}/test_reads.py::test_an_answer_to_an_earlier_round_or_twice_from_one_peer_confirms_nothing",
    ),
    Mutant(
        "fencing",
        whole.agents_have_no_fence,
        "tests/unit/worker/test_agent_again.py::test_after_contact_with_a_new_epoch_nothing_older_is_obeyed",
    ),
    Mutant(
        "fencing",
        of_reads.agents_remember_epochs_in_memory_only,
        "tests/unit/worker/test_store.py::test_a_fence_raised_after_the_assignment_comes_back_higher",
    ),
    Mutant("idempotency", whole.requests_are_forgotten, "whole"),
    Mutant(
        "over capacity",
        of_state.nodes_take_whatever_was_planned,
        "tests/unit/state/test_room.py::"
        "test_of_a_node_that_shrinks_below_what_it_holds_nothing_is_taken_and_nothing_new_comes",
    ),
    Mutant(
        "over capacity",
        of_state.named_resources_are_endless,
        "tests/unit/state/test_room.py::test_of_a_named_resource_no_more_is_given_out_than_a_node_offers",
    ),
    Mutant(
        "over quota",
        of_state.quotas_let_everything_in,
        "tests/unit/state/test_quotas.py::test_what_goes_beyond_is_refused_with_all_that_is_too_much",
    ),
    Mutant(
        "over quota",
        of_state.quotas_forget_what_is_in_use,
        "tests/property/state/test_quotas.py::test_nothing_that_is_accepted_goes_beyond_a_quota",
    ),
    Mutant(
        "foresight",
        of_foresight.plans_are_carried_out,
        "tests/unit/manager/test_planning.py::test_a_new_service_begins_where_the_plan_says",
    ),
    Mutant(
        "foresight",
        of_foresight.balance_breaks_limits,
        "tests/unit/manager/test_rebalancing.py::test_other_policies_break_no_limit_for_balance",
    ),
    Mutant(
        "foresight",
        of_foresight.moves_go_to_nodes_that_are_gone,
        "tests/unit/manager/test_rebalancing.py::test_what_has_changed_since_it_was_planned_is_passed_over",
    ),
    Mutant(
        "foresight",
        of_foresight.marks_outlive_their_reason,
        "tests/unit/manager/test_rebalancing.py::test_a_mark_for_a_node_that_is_down_by_then_does_nothing",
    ),
    Mutant(
        "over bandwidth",
        of_links.links_carry_anything,
        "tests/unit/manager/test_flows.py::test_another_service_does_not_get_what_one_has_reserved",
    ),
    Mutant(
        "over bandwidth",
        of_links.new_dependencies_draw_anything,
        "tests/unit/scheduler/test_reserved.py::"
        "test_a_new_task_of_the_dependency_stays_where_links_can_carry_what_it_draws",
    ),
    Mutant(
        "start order",
        of_links.nobody_waits_to_start,
        "tests/unit/state/test_readiness.py::test_a_service_waits_until_its_dependency_is_ready_and_says_so",
    ),
    Mutant(
        "stop order",
        of_links.dependencies_stop_with_their_dependents,
        "tests/unit/state/test_stop_order.py::test_of_an_app_that_is_removed_the_dependents_stop_first",
    ),
    Mutant(
        "a lying node",
        of_scheduler.liars_are_believed,
        "tests/unit/manager/test_survey.py::test_one_that_lies_about_its_place_is_found_out_by_the_others",
    ),
    Mutant(
        "a lying node",
        of_scheduler.all_coordinates_are_taken,
        "tests/property/scheduler/test_absurd_numbers.py::test_a_node_whose_coordinate_cannot_be_does_not_draw_tasks",
    ),
    Mutant(
        "over capacity",
        of_scheduler.nodes_hold_any_number,
        "tests/unit/scheduler/test_policies.py::test_no_policy_fills_a_node_beyond_what_it_has",
    ),
    Mutant(
        "over capacity",
        of_scheduler.factors_promise_nothing,
        "tests/unit/manager/api/test_scheduling.py::test_a_node_that_holds_more_than_may_be_promised_now_keeps_it_and_gets_nothing_new",
    ),
    Mutant(
        "hard rules",
        of_scheduler.limits_of_the_network_are_wishes,
        "tests/unit/scheduler/test_calls.py::test_a_limit_keeps_tasks_near_their_dependency",
    ),
    Mutant(
        "hard rules",
        of_scheduler.rules_of_company_are_wishes,
        "tests/unit/scheduler/test_company.py::test_tasks_keep_off_the_nodes_and_zones_of_whom_they_are_apart_from",
    ),
    Mutant(
        "spread",
        of_scheduler.zones_are_not_looked_at,
        "tests/property/scheduler/test_placement.py::test_tasks_spread_within_one_over_equal_zones",
    ),
    Mutant(
        "preemption",
        of_scheduler.equals_push_each_other_out,
        "tests/property/scheduler/test_preemption.py::test_what_gives_way_is_less_important_is_enough_and_none_of_it_goes_in_vain",
    ),
    Mutant(
        "preemption",
        of_scheduler.what_was_planned_gives_way,
        "tests/unit/manager/test_preempting.py::test_what_has_changed_since_it_was_planned_stays",
    ),
    Mutant(
        "preemption",
        of_scheduler.the_greatest_harm_is_done,
        "tests/unit/manager/test_preempting.py::test_the_fewest_and_least_important_that_will_do_give_way",
    ),
    Mutant(
        "preemption",
        of_scheduler.nobody_says_who_gave_way,
        "tests/unit/manager/test_preempting.py::test_a_task_that_matters_more_takes_the_place_of_one_that_does_less_and_both_say_so",
    ),
    Mutant(
        "preemption",
        of_scheduler.freed_ports_are_anybodys,
        "tests/unit/manager/test_preempting.py::test_the_port_of_one_that_gave_way_is_kept_while_another_still_stops",
    ),
    Mutant("one task a slot", whole.successors_do_not_wait, "whole"),
    Mutant("one task a slot", whole.slots_do_not_wait_for_the_old_task, "whole"),
    Mutant("a lost node", whole.agents_keep_what_they_do_not_hold, "whole"),
    Mutant("a silent node", whole.nobody_calls_silent_nodes, "whole"),
    Mutant("a silent node", whole.nobody_is_asked_for_a_second_opinion, "whole"),
    Mutant("watch streams", whole.feeds_go_on_over_a_snapshot, "whole"),
]
