"""What would happen, asked over HTTP."""

from typing import Any

import pytest

from okube.manager.balancing import Balancing
from okube.model import commands as c
from okube.model.versions import COMMAND_VERSION
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import a_user, token_of, until


def a_service(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "example/web:1", **fields}


def rows(api: Api) -> tuple[dict[str, Any], ...]:
    """All that a plan might change."""
    tables = api.core.tables
    return dict(tables.tasks), dict(tables.services), dict(tables.nodes)


async def test_a_plan_shows_places_and_changes_nothing(api: Api) -> None:
    await api.node("w1")
    before = rows(api)
    answer = await api("POST", "/v1/plan", {"services": [a_service("web", replicas=2)]})
    assert answer.status == 200, answer.body
    assert [(task["name"], task["node"]) for task in answer.body["tasks"]] == [("web.1", "w1"), ("web.2", "w1")]
    assert answer.body["fits"]
    assert rows(api) == before
    assert (await api("GET", "/v1/services")).body == []
    assert (await api("GET", "/v1/audit")).body["records"] == [], "who asks has done nothing"


async def test_a_plan_of_nonsense_is_refused_with_its_place(api: Api) -> None:
    answer = await api("POST", "/v1/plan", {"services": [a_service("web", replicas=-1), {"name": "db"}]})
    assert answer.status == 422
    assert {error["path"] for error in answer.body["errors"]} == {"services[0].replicas", "services[1].image"}
    assert (await api("POST", "/v1/plan", {"services": []})).status == 422
    assert (await api("POST", "/v1/plan?dry_run=true", {"services": [a_service("web")]})).status == 422


async def test_who_has_one_app_plans_for_it_alone_and_sees_nothing_of_others(api: Api) -> None:
    await api.node("w1", cores=2.0)
    await a_user(api, "olga", "operator", "shop")
    await until(lambda: api.core.tables.settings.command_version == COMMAND_VERSION)
    bank = a_service("ledger", app="bank", resources={"cpus": 2}, priority=-1)
    assert (await api("POST", "/v1/services", bank)).status == 201
    await until(lambda: any(task.node for task in api.core.tables.tasks.values()))
    olga = token_of("olga")
    assert (await api("POST", "/v1/plan", {"services": [bank]}, token=olga)).status == 403
    shop = a_service("web", app="shop", resources={"cpus": 2})
    answer = await api("POST", "/v1/plan", {"services": [shop]}, token=olga)
    assert answer.status == 200, answer.body
    assert answer.body["others"] == []
    assert (await api("POST", "/v1/plan", {"services": [shop]})).body["others"][0]["name"] == "ledger.1"


async def test_a_question_is_answered_and_changes_nothing(api: Api) -> None:
    for name in ("w1", "w2"):
        await api.node(name)
    assert (await api("POST", "/v1/services", a_service("web", replicas=2))).status == 201
    await until(lambda: sum(task.node is not None for task in api.core.tables.tasks.values()) == 2)
    before = rows(api)
    answer = await api("POST", "/v1/whatif", {"lose": ["w1", "m1"], "add": ["2x8c16g"]})
    assert answer.status == 200, answer.body
    assert (answer.body["lost"], answer.body["added"]) == (["w1"], ["new-1", "new-2"])
    assert answer.body["quorum"] == {"kept": False, "voters": 1, "left": 0, "needed": 1, "lost": ["m1"], "down": []}
    assert [task["origin"] for task in answer.body["tasks"]] == ["w1"]
    assert rows(api) == before


async def test_a_question_about_nothing_or_nonsense_is_refused_with_its_place(api: Api) -> None:
    await api.node("w1")
    for body, path in (
        ({}, "lose"),
        ({"lose": []}, "lose"),
        ({"lose": ["w1", "w7"]}, "lose[1]"),
        ({"lose": "w1"}, "lose"),
        ({"add": ["0xw1"]}, "add[0]"),
        ({"lose": ["w1"], "services": [{"name": "web"}]}, "services[0].image"),
        ({"loose": ["w1"]}, "loose"),
    ):
        answer = await api("POST", "/v1/whatif", body)
        assert answer.status == 422, body
        assert answer.body["errors"][0]["path"] == path, answer.body


@pytest.fixture
async def crowded(api: Api) -> Api:
    """Four tasks of web on w1, as w2 came later."""
    await until(lambda: api.core.tables.settings.command_version == COMMAND_VERSION)
    await api.node("w1")
    assert (await api("POST", "/v1/services", a_service("web", replicas=4, app="shop"))).status == 201
    tables = api.core.tables
    await until(lambda: sum(task.node is not None for task in tables.tasks.values()) == 4)
    reports = tuple(c.TaskReport(task.id, "running", ready=True) for task in tables.tasks.values())
    await api.core.submit(c.ReportTasks("w1", "i-w1", reports))
    await api.node("w2")
    return api


async def test_a_rebalance_is_shown_and_changes_nothing(crowded: Api) -> None:
    before = rows(crowded)
    answer = await crowded("POST", "/v1/rebalance?dry_run=true")
    assert answer.status == 200, answer.body
    assert [(move["origin"], move["target"]) for move in answer.body["moves"]] == [("w1", "w2")] * 2
    assert answer.body["before"]["tasks_highest"] == 4
    assert answer.body["after"]["tasks_highest"] == 2
    assert not answer.body["done"]
    assert rows(crowded) == before
    assert (await crowded("GET", "/v1/audit")).body["records"][-1]["action"] != "rebalance"


async def test_a_rebalance_tells_tasks_to_move_and_the_first_stops(crowded: Api) -> None:
    answer = await crowded("POST", "/v1/rebalance?max_moves=1")
    assert (answer.body["done"], answer.body["more"], len(answer.body["moves"])) == (True, True, 1)
    (move,) = answer.body["moves"]
    await until(lambda: crowded.core.tables.tasks[move["id"]].desired == "stop")
    (event,) = (await crowded("GET", "/v1/events?kind=task-moves")).body
    assert event["message"] == "is to move to a node where it is better off"
    assert (await crowded("GET", "/v1/audit")).body["records"][-1]["action"] == "rebalance"


async def test_a_rebalance_of_nonsense_is_refused(crowded: Api) -> None:
    for query in ("max_moves=0", "max_moves=-1", "max_moves=many", "dry_run=perhaps", "moves=1"):
        assert (await crowded("POST", f"/v1/rebalance?{query}")).status == 422, query
    assert (await crowded("POST", "/v1/rebalance?app=mall")).status == 404
    assert len((await crowded("POST", "/v1/rebalance?dry_run=1&app=shop")).body["moves"]) == 2


async def test_a_leader_that_is_told_to_moves_tasks_by_itself(crowded: Api) -> None:
    leader = crowded.reign.leader
    assert leader is not None
    await Balancing(crowded.core, leader.surroundings).balance(1)
    await until(lambda: any(task.desired == "stop" for task in crowded.core.tables.tasks.values()))


async def test_how_often_tasks_are_moved_is_a_setting_and_never_unless_it_is_said(crowded: Api) -> None:
    assert (await crowded("GET", "/v1/scheduler")).body["rebalance"] == {"every": 0.0, "max_moves": 10}
    body = {"policy": "spread", "rebalance": {"every": "1h", "max_moves": 3}}
    answer = await crowded("PUT", "/v1/scheduler", body)
    assert answer.body["rebalance"] == {"every": 3600.0, "max_moves": 3}
    for wrong in ({"every": "1s"}, {"every": "-1h"}, {"every": "often"}, {"max_moves": 0}, {"max_moves": 10**9}):
        refused = await crowded("PUT", "/v1/scheduler", {"policy": "spread", "rebalance": wrong})
        assert refused.status == 422, wrong
        assert refused.body["errors"][0]["path"] == f"rebalance.{next(iter(wrong))}"
