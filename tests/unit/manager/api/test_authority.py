"""The routes about the cluster's CAs, at a manager that leads."""

import asyncio
import time

import pytest

from okube.manager.authorities import kept_ca
from okube.model.authority import Authorities
from okube.model.commands import PutAuthorities
from okube.model.wire import Papers
from okube.security.ca import create_ca
from tests.unit.manager.conftest import Api

NOW_MS = int(time.time() * 1000)


@pytest.fixture
async def kept(api: Api) -> str:
    """The id of the CA that the state holds."""
    async with asyncio.timeout(10):
        while api.core.vault.locked:  # noqa: ASYNC110  # it opens when the leader has made a ring
            await asyncio.sleep(0.01)
    ca = kept_ca(create_ca("lab", "c1", now_ms=NOW_MS), api.core.vault, NOW_MS)
    await api.core.submit(PutAuthorities(Authorities(ca.id, (ca,)), "kept"))
    return ca.id


def all_show_what_they_should(api: Api) -> None:
    leader = api.reign.leader
    assert leader is not None
    leader.papers.managers["m1"] = Papers(api.core.authority.mark, 0, 1)


async def test_before_the_state_holds_one_it_says_so(api: Api) -> None:
    answer = await api("GET", "/v1/cluster/ca")
    assert answer.status == 409
    assert "holds no CA yet" in answer.body["detail"]


async def test_a_change_goes_step_by_step_and_shuts_nobody_out(api: Api, kept: str) -> None:
    begun = await api("POST", "/v1/cluster/ca", {"action": "begin"})
    assert begun.status == 200, begun.body
    assert [(each["id"] == kept, each["signs"]) for each in begun.body["trusted"]] == [(True, True), (False, False)]
    assert (begun.body["changing"], begun.body["waits_for"]) == ("spreading", ["m1"])
    assert begun.body["certificates"].count("BEGIN CERTIFICATE") == 2
    assert (await api("POST", "/v1/cluster/ca", {"action": "begin"})).status == 409
    assert (await api("POST", "/v1/cluster/ca", {"action": "finish", "force": True})).status == 409
    all_show_what_they_should(api)
    async with asyncio.timeout(20):
        while (await api("GET", "/v1/cluster/ca")).body["changing"] != "signing":  # noqa: ASYNC110  # over HTTP
            await asyncio.sleep(0.05)
    assert (await api("POST", "/v1/cluster/ca", {"action": "finish"})).status == 409
    all_show_what_they_should(api)
    finished = await api("POST", "/v1/cluster/ca", {"action": "finish"})
    assert finished.status == 200, finished.body
    assert [each["signs"] for each in finished.body["trusted"]] == [True]
    assert finished.body["trusted"][0]["id"] != kept


async def test_a_change_can_be_given_up_while_the_former_one_signs(api: Api, kept: str) -> None:
    await api("POST", "/v1/cluster/ca", {"action": "begin"})
    given_up = await api("POST", "/v1/cluster/ca", {"action": "give-up"})
    assert [each["id"] for each in given_up.body["trusted"]] == [kept]
    assert given_up.body["changing"] == "no"


async def test_who_is_away_is_not_waited_for_where_one_says_so(api: Api, kept: str) -> None:
    await api("POST", "/v1/cluster/ca", {"action": "begin"})
    answer = await api("POST", "/v1/cluster/ca", {"action": "proceed"})
    assert [each["id"] for each in answer.body["trusted"] if each["signs"]] != [kept]
    assert answer.body["waits_for"] == ["m1"]


@pytest.mark.parametrize("body", [{}, {"action": "rotate"}, {"action": "begin", "force": "yes"}, {"act": "begin"}])
async def test_an_order_that_is_none_changes_nothing(api: Api, kept: str, body: dict[str, object]) -> None:
    assert (await api("POST", "/v1/cluster/ca", body)).status == 422
    assert len((await api("GET", "/v1/cluster/ca")).body["trusted"]) == 1
    assert kept
