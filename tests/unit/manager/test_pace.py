"""What takes long rests in between."""

import pytest

from okube.manager.pace import Allowance, Pace


def test_short_work_never_rests() -> None:
    pace = Pace()
    pace.worked("web", 10.0, 10.01)
    assert not pace.rests("web", 10.01)
    assert pace.next_s(10.01) is None


def test_long_work_rests_twice_as_long_as_it_took() -> None:
    pace = Pace()
    pace.worked("web", 10.0, 10.2)
    assert pace.rests("web", 10.3)
    assert pace.next_s(10.3) == pytest.approx(0.3)
    assert not pace.rests("web", 10.61)
    assert pace.next_s(10.61) is None


def test_no_rest_is_longer_than_a_second() -> None:
    pace = Pace()
    pace.worked("web", 10.0, 20.0)
    assert pace.rests("web", 20.9)
    assert not pace.rests("web", 21.0)


def test_other_work_does_not_wait() -> None:
    pace = Pace()
    pace.worked("web", 10.0, 10.5)
    assert not pace.rests("db", 10.6)


def test_a_rest_that_is_over_is_told_once_also_where_nobody_asks_for_its_work() -> None:
    pace = Pace()
    pace.worked("web", 10.0, 10.1)
    assert pace.next_s(11.0) == 0.0
    assert pace.next_s(11.0) is None


def test_what_is_allowed_at_once_needs_no_wait_and_what_follows_gets_its_share() -> None:
    allowance = Allowance(0.25, 0.2)
    assert [allowance.reserve(100.0, 0.1) for _ in range(5)] == pytest.approx([0.0, 0.0, 0.0, 0.4, 0.8])
    assert allowance.reserve(100.5, 0.1) == pytest.approx(0.7)


def test_who_rested_for_long_may_do_no_more_at_once_than_ever() -> None:
    allowance = Allowance(0.25, 0.2)
    assert allowance.reserve(1000.0, 0.1) == 0.0
    assert [allowance.reserve(2000.0, 0.1) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.4])
