import pytest

from okube.raft.election import LogEnd, PreVoteRound, majority, majority_index, would_vote
from okube.raft.frames import PreVote


@pytest.mark.parametrize(("members", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_a_majority_is_more_than_half(members: int, needed: int) -> None:
    assert majority(members) == needed


@pytest.mark.parametrize(
    ("positions", "reached"), [([5], 5), ([5, 3], 3), ([9, 5, 1], 5), ([9, 8, 2, 1], 2), ([1, 2, 3, 4, 5], 3)]
)
def test_the_index_of_a_majority(positions: list[int], reached: int) -> None:
    assert majority_index(positions) == reached


@pytest.mark.parametrize(
    ("asked", "agrees"),
    [
        (PreVote(4, 10, 2), True),
        (PreVote(4, 5, 3), True),
        (PreVote(4, 9, 2), False),
        (PreVote(4, 99, 1), False),
        (PreVote(3, 10, 2), False),
    ],
)
def test_a_prevote_needs_a_newer_term_and_a_log_that_is_not_behind(asked: PreVote, agrees: bool) -> None:
    assert would_vote(asked, own_term=3, own_end=LogEnd(2, 10), hears_leader=False) is agrees


def test_who_hears_a_leader_wants_no_election() -> None:
    assert not would_vote(PreVote(9, 99, 9), own_term=1, own_end=LogEnd(1, 1), hears_leader=True)


def test_a_round_is_won_once_and_each_member_counts_once() -> None:
    election = PreVoteRound(4, "m1", 5)
    assert not election.agree("m2", 4)
    assert not election.agree("m2", 4)
    assert not election.agree("m3", 3)
    assert election.agree("m3", 4)
    assert not election.agree("m4", 4)
