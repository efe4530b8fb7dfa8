import pytest

from okube.manager.papers import PapersBook, ends_soon, warning
from okube.model.commands import TellOfCertificates
from okube.model.wire import Papers

DAY_MS = 86_400_000
NOW_MS = 1_000 * DAY_MS


def good_for(days: float, *, life: float = 90) -> Papers:
    return Papers("mark", round(NOW_MS + (days - life) * DAY_MS), round(NOW_MS + days * DAY_MS))


@pytest.mark.parametrize(
    ("days", "life", "soon"),
    [(45, 90, False), (31, 90, False), (29, 90, True), (-1, 90, True), (100, 365, False), (29, 365, True)],
)
def test_a_month_ahead_it_should_have_been_renewed(days: float, life: float, soon: bool) -> None:
    assert ends_soon(good_for(days, life=life), NOW_MS) is soon


def test_what_lives_less_than_three_months_is_told_of_in_its_last_third() -> None:
    assert not ends_soon(good_for(4, life=10), NOW_MS)
    assert ends_soon(good_for(3, life=10), NOW_MS)


def test_each_is_warned_of_once_a_day() -> None:
    book = PapersBook()
    book.nodes["w1"] = book.managers["m1"] = good_for(20)
    book.nodes["gone"] = good_for(20)
    present = [("manager", "m1"), ("node", "w1"), ("node", "silent")]
    found = book.warnings(NOW_MS + 10 * DAY_MS, present, NOW_MS)
    assert found == [
        ("manager", "m1", NOW_MS + 20 * DAY_MS),
        ("node", "w1", NOW_MS + 20 * DAY_MS),
        ("cluster", "", NOW_MS + 10 * DAY_MS),
    ]
    assert book.warnings(NOW_MS + 10 * DAY_MS, present, NOW_MS + DAY_MS - 1) == []
    assert len(book.warnings(NOW_MS + 10 * DAY_MS, present, NOW_MS + DAY_MS)) == 3


def test_what_was_renewed_is_warned_of_no_more() -> None:
    book = PapersBook()
    book.nodes["w1"] = good_for(80)
    assert book.warnings(None, [("node", "w1")], NOW_MS) == []


def test_one_command_tells_of_all() -> None:
    assert warning([]) == []
    assert warning([("node", "w1", 5), ("manager", "m1", 6)]) == [
        TellOfCertificates(("node", "manager"), ("w1", "m1"), (5, 6))
    ]
