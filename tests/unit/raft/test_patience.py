import pytest

from okube.raft.patience import Patience


def a_patience(*heard: tuple[float, int, str]) -> Patience:
    patience = Patience(0.5)
    for now, term, leader in heard:
        patience.heard(term, leader, now)
    return patience


def test_a_follower_waits_for_the_election_time_out() -> None:
    patience = a_patience((1.0, 1, "m1"), (1.1, 1, "m1"), (1.55, 1, "m1"))
    assert patience.election_s(1.6) == 0.5


def test_it_waits_twice_as_long_after_a_leader_that_was_late_spoke_again() -> None:
    patience = a_patience((1.0, 1, "m1"), (1.6, 1, "m1"))
    assert patience.election_s(1.7) == 1.0


def test_after_a_minute_without_such_a_pause_it_waits_as_before() -> None:
    patience = a_patience((1.0, 1, "m1"), (1.6, 1, "m1"))
    assert patience.election_s(61.7) == 0.5


@pytest.mark.parametrize("next_leader", [(2, "m1"), (2, "m2")])
def test_the_pause_before_another_leader_or_term_is_no_sign_of_a_bad_link(next_leader: tuple[int, str]) -> None:
    patience = a_patience((1.0, 1, "m1"), (9.0, *next_leader))
    assert patience.election_s(9.1) == 0.5
