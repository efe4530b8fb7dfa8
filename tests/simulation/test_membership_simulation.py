"""Members that come and go under faults: a few seeds each time, many with ``OKUBE_MEMBERSHIP_SEEDS``."""

import os

import pytest

from tests.simulation.membership_run import simulate_members

_SEEDS = int(os.environ.get("OKUBE_MEMBERSHIP_SEEDS", "10"))


@pytest.mark.parametrize("seed", range(1, _SEEDS + 1))
def test_nothing_is_lost_while_members_come_and_go(seed: int) -> None:
    report = simulate_members(seed)
    assert report.violations == []
    assert sum(count for what, count in report.counts.items() if what.startswith("members ")) > 0


def test_a_seed_of_changes_replays_exactly() -> None:
    assert simulate_members(3) == simulate_members(3)
