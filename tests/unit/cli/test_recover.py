from typing import Any

import pytest

from okube.cli.exits import Ended
from okube.cli.recover import most_advanced, next_incarnation, said_before


def a_row(name: str, *, answers: bool = True, **fields: Any) -> dict[str, Any]:
    unknown = {"leader": None, "voter": True, "last_term": 0, "last_index": 0, "revision": 0, "heard_s": None}
    return {"name": name, "address": f"{name}.example.com:7101", "answers": answers, **unknown, **fields}


def test_a_later_term_counts_more_than_a_longer_log() -> None:
    found = [
        a_row("m1", last_term=3, last_index=90),
        a_row("m2", last_term=4, last_index=80),
        a_row("m3", last_term=4, last_index=81),
        a_row("m4", answers=False),
    ]
    assert most_advanced(found)["name"] == "m3"


def test_who_only_learns_cannot_go_on_alone() -> None:
    found = [a_row("m1", answers=False), a_row("m2", last_term=4, voter=False)]
    with pytest.raises(Ended, match="no manager that answers"):
        most_advanced(found)


def test_while_somebody_leads_there_is_nothing_to_recover() -> None:
    with pytest.raises(Ended, match="m2 leads"):
        most_advanced([a_row("m1", leader="m2", last_term=4)])


def test_the_incarnation_that_begins_is_one_more() -> None:
    assert [next_incarnation(a_row("m1", epoch=epoch)) for epoch in ("0.0", "1.7", "4.12")] == [2, 2, 5]


def test_before_the_yes_it_says_who_is_there_what_may_be_lost_and_where_the_copy_is() -> None:
    chosen = a_row("m1", last_term=3, last_index=90, revision=7, heard_s=61.2)
    said = "\n".join(said_before([chosen, a_row("m2", answers=False)], chosen, "/data/copy.okube"))
    assert "term 3, entry 90, revision 7" in said
    assert "m2.example.com:7101    does not answer" in said
    assert "no leader for 61 s" in said
    assert "only m2 hold" in said
    assert "/data/copy.okube" in said
