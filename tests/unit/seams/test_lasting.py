import pytest

from okube.seams.lasting import Lasting

PEER = {"notBefore": "Nov 25 23:00:00 2026 GMT", "notAfter": "Nov 26 03:00:00 2026 GMT"}
BEGINS = 1795647600.0


def test_a_certificate_says_how_long_a_connection_may_last() -> None:
    lasting = Lasting.of(PEER)
    assert lasting == Lasting(BEGINS, BEGINS + 4 * 3600)
    assert lasting.left_s(BEGINS + 3600) == 3 * 3600
    assert lasting.left_s(BEGINS + 5 * 3600) == -3600


@pytest.mark.parametrize("shown", [None, {}, {"notBefore": "Nov 25 23:00:00 2026 GMT"}])
def test_who_shows_none_may_stay(shown: dict[str, str] | None) -> None:
    assert Lasting.of(shown) is None


def test_it_is_worn_at_three_quarters_and_then_tried_again_some_times_before_its_end() -> None:
    lasting, now, tries = Lasting(0.0, 4000.0), 0.0, []
    while lasting.left_s(now) > 0:
        now += lasting.worn_in_s(now)
        tries.append(now)
    assert tries[:3] == [3000.0, 3250.0, 3437.5]
    assert 5 < len(tries) < 40
