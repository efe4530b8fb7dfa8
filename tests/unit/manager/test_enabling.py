"""Command versions on a manager: enabled when all know it, and until then refused with a sentence."""

import pytest

from okube.manager.core import ManagerCore
from okube.manager.enabling import not_enabled, plan_enabling
from okube.model import commands as c
from okube.model import versions
from okube.model.errors import NotEnabled
from okube.model.versions import COMMAND_VERSION
from tests.unit.manager.conftest import Api


def test_a_version_that_all_know_is_enabled_once() -> None:
    assert plan_enabling(2, {"m1": 3, "m2": 3}) == [c.EnableVersion(3)]
    assert plan_enabling(3, {"m1": 3, "m2": 3}) == []


def test_a_refusal_names_who_is_to_be_upgraded_and_who_is_not_heard() -> None:
    told = not_enabled(3, 2, {"m1": 3, "m2": 2, "m3": None})
    assert told == (
        "this needs command version 3, and the cluster has 2 because m2 knows 2, m3 is not heard: "
        "upgrade every manager, then it is enabled by itself"
    )


async def test_a_manager_alone_enables_what_it_knows_and_tells(api: Api) -> None:
    await _enabled(api.core)
    status = (await api("GET", "/v1/status")).body
    assert status["command_version"] == COMMAND_VERSION
    assert [m["command_version"] for m in status["managers"]] == [COMMAND_VERSION]
    (event,) = (await api("GET", "/v1/events?kind=version-enabled")).body
    assert event["message"] == f"command version {COMMAND_VERSION}: all managers know it"


async def test_what_is_not_enabled_is_refused_and_not_proposed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await _enabled(api.core)
    await api("POST", "/v1/services", {"name": "web", "image": "example/web:1"})
    monkeypatch.setattr(versions, "KINDS_SINCE", {c.ScaleServices: COMMAND_VERSION + 1})
    with pytest.raises(NotEnabled, match=f"command version {COMMAND_VERSION + 1}"):
        await api.core.submit(c.ScaleServices(("web",), (2,)))
    answer = await api("POST", "/v1/scale", {"services": {"web": 2}})
    assert (answer.status, answer.body["type"]) == (409, "urn:okube:error:not-enabled")
    assert api.core.tables.services[api.core.tables.service_ids["web"]].spec.replicas == 1


async def _enabled(core: ManagerCore) -> None:
    while core.tables.settings.command_version < COMMAND_VERSION:
        await core.raft.wait_applied(core.raft.applied_index + 1)
