"""What is left of a seed's faults when only those that it takes to fail are kept."""

from collections.abc import Sequence

import pytest

from tests.simulation.shrink import shrink_faults


@pytest.mark.parametrize("needed", [{3}, {1, 20}, {7, 8, 9}, set(range(1, 21))])
def test_what_is_needed_stays_and_nothing_else(needed: set[int]) -> None:
    assert shrink_faults(range(1, 21), lambda numbers: needed <= set(numbers)) == sorted(needed)


def test_what_fails_without_any_fault_needs_none() -> None:
    assert shrink_faults([1, 2, 3], lambda _: True) == []


def test_nothing_can_be_left_out_of_what_remains() -> None:
    def fails(numbers: Sequence[int]) -> bool:
        return sum(numbers) >= 30

    left = shrink_faults(range(1, 15), fails)
    assert fails(left)
    assert not any(fails([other for other in left if other != number]) for number in left)
