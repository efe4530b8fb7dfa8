"""Members that come and go under faults: a few seeds each time, many with ``OKUBE_MEMBERSHIP_SEEDS``."""

import os

import pytest

from tests.simulation.membership_run import simulate_members

_SEEDS = int(os.environ.get("OKUBE_MEMBERSHIP_SEEDS", "10"))


@pytest.mark.parametrize("seed", range(1, _SEEDS + 1))
def test_nothing_is_lost_while_members_come_and_go(seed: int) -> None:
    report, changes = simulate_members(seed)
    assert report.violations == []
    assert sum(changes.values()) > 0


def test_a_seed_of_changes_replays_exactly() -> None:
    first, second = simulate_members(3), simulate_members(3)
    assert (first[0].trace, first[1]) == (second[0].trace, second[1])
