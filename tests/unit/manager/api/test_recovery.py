"""What managers have, and who may go on alone."""

from typing import Any

import pytest

from okube.manager.api import recovery
from okube.model.errors import Conflict
from okube.model.recovery import RecoveryOrder, SurvivorView
from tests.unit.manager.conftest import Api


async def the_order(api: Api, **changed: Any) -> dict[str, Any]:
    (found,) = (await api("GET", "/v1/recovery")).body
    return {**{key: found[key] for key in ("name", "instance", "last_term", "last_index")}, **changed}


async def test_a_manager_says_what_it_has(api: Api) -> None:
    (found,) = (await api("GET", "/v1/recovery")).body
    assert (found["name"], found["instance"], found["answers"], found["leader"]) == ("m1", "i1", True, "m1")
    assert found["last_index"] == api.core.raft.last_index


async def test_while_there_is_a_leader_nobody_goes_on_alone(api: Api) -> None:
    answer = await api("POST", "/v1/recovery", await the_order(api))
    assert (answer.status, answer.body["detail"]) == (409, "m1 leads, so nothing needs to be recovered")


async def test_an_order_for_a_manager_that_nobody_knows_is_refused(api: Api) -> None:
    assert (await api("POST", "/v1/recovery", await the_order(api, name="m9"))).status == 404


def a_view(name: str, **fields: Any) -> SurvivorView:
    return SurvivorView(name=name, address="", **{"answers": True, "instance": f"{name}-i", **fields})


def refused(found: list[SurvivorView], here: SurvivorView, monkeypatch: pytest.MonkeyPatch, **order: Any) -> str:
    """Why ``here`` may not go on alone; empty if it may."""
    monkeypatch.setattr(recovery, "_own", lambda _context: here)
    asked = {"last_term": here.last_term, "last_index": here.last_index, "instance": here.instance, **order}
    try:
        recovery._refuse(RecoveryOrder(name=here.name, **asked), found, None)  # type: ignore[arg-type]
    except Conflict as error:
        return error.detail
    return ""


def test_the_one_with_most_goes_on_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    more, less = a_view("m1", last_term=4, last_index=8), a_view("m2", last_term=3, last_index=9)
    lost = [a_view(name, answers=False) for name in ("m3", "m4", "m5")]
    assert refused([more, less, *lost], more, monkeypatch) == ""
    assert "m1 answers and has more" in refused([more, less, *lost], less, monkeypatch)


def test_a_majority_that_answers_needs_no_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, lost = a_view("m1"), a_view("m2"), a_view("m3", answers=False)
    assert "are a majority" in refused([one, two, lost], one, monkeypatch)
    learner = a_view("m2", voter=False)
    assert refused([one, learner, lost], one, monkeypatch) == ""
    assert "only begun to learn" in refused([one, learner, lost], learner, monkeypatch)


def test_what_has_changed_since_it_was_looked_at_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one, lost = a_view("m1", last_term=4, last_index=8), a_view("m2", answers=False)
    assert "changed meanwhile" in refused([one, lost], one, monkeypatch, last_index=7)
    assert "changed meanwhile" in refused([one, lost], one, monkeypatch, instance="another")


@pytest.mark.parametrize(
    "wrong",
    [{"name": 5}, {"last_index": "8"}, {"last_term": 10**40}, {"prepare": "yes"}, {"instance": None}, {"more": 1}],
)
async def test_an_order_that_is_not_one_is_refused_with_its_field(api: Api, wrong: dict[str, Any]) -> None:
    answer = await api("POST", "/v1/recovery", await the_order(api, **wrong))
    assert answer.status == 422, answer.body
    assert next(iter(wrong)) in str(answer.body["errors"])
