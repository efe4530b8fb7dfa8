import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.wire import Heartbeat
from okube.security import client_context
from okube.worker.calls import HttpManagerCalls, ManagerList, NoAnswer, first_answer, normal_address
from tests.simulation.loop import run_virtual, virtual_loop
from tests.unit.security.conftest import CLUSTER_ID, Cluster
from tests.unit.worker.manager_stub import ManagerStub

BEAT = Heartbeat("w1", "i1", Epoch(1, 1), 1)


def test_the_one_that_answered_last_comes_first_and_the_configured_ones_stay() -> None:
    managers = ManagerList(["192.0.2.1:7101", "192.0.2.2:7101"])
    assert managers.in_order() == ["192.0.2.1:7101", "192.0.2.2:7101"]
    managers.prefer("192.0.2.2:7101")
    assert managers.in_order() == ["192.0.2.2:7101", "192.0.2.1:7101"]
    managers.learn(["https://192.0.2.3:7101/", "192.0.2.2:7101"])
    assert managers.in_order() == ["192.0.2.2:7101", "192.0.2.3:7101", "192.0.2.1:7101"]


def test_managers_that_are_not_named_any_more_are_forgotten() -> None:
    managers = ManagerList(["192.0.2.1:7101"])
    managers.learn(["192.0.2.2:7101"])
    managers.prefer("192.0.2.2:7101")
    managers.learn(["192.0.2.3:7101"])
    managers.learn([])
    assert managers.in_order() == ["192.0.2.3:7101", "192.0.2.1:7101"]


def test_an_address_is_taken_as_a_url_too() -> None:
    assert normal_address("https://m1.example.com:7101/") == normal_address("m1.example.com:7101")


def attempt(after_s: float, answer: str | None) -> Callable[[], Awaitable[str]]:
    async def ask() -> str:
        await asyncio.sleep(after_s)
        if answer is None:
            raise NoAnswer(f"failed after {after_s}")
        return answer

    return ask


async def timed(*attempts: Callable[[], Awaitable[str]]) -> tuple[str, float]:
    began = virtual_loop().now
    answer = await first_answer(attempts, 1.0)
    return answer, round(virtual_loop().now - began, 6)


def test_a_failure_asks_the_next_at_once() -> None:
    assert run_virtual(timed(attempt(0.1, None), attempt(0.1, "b"), attempt(0, "c"))) == ("b", 0.2)


def test_silence_asks_the_next_beside_it() -> None:
    assert run_virtual(timed(attempt(50, "a"), attempt(0.1, "b"))) == ("b", 1.1)
    assert run_virtual(timed(attempt(1.5, "a"), attempt(9, "b"))) == ("a", 1.5)


def test_a_failure_beside_a_silent_one_leaves_the_silent_one_its_time() -> None:
    assert run_virtual(timed(attempt(1.5, "a"), attempt(0.1, None))) == ("a", 1.5)


def test_one_that_fails_in_the_instant_of_the_answer_is_no_error_that_nobody_looked_at() -> None:
    async def ask() -> list[str]:
        unseen: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context["message"]))
        for attempts in ([attempt(2, None), attempt(1, "b")], [attempt(2, "a"), attempt(1, None)]):
            await timed(*attempts)
            gc.collect()
        return unseen

    assert run_virtual(ask()) == []


def test_when_nobody_answers_the_error_says_how_each_failed() -> None:
    with pytest.raises(Unreachable, match=r"no manager answers: failed after 0.1; failed after 0.2"):
        run_virtual(timed(attempt(0.1, None), attempt(0.2, None)))
    with pytest.raises(Unreachable, match="none is known"):
        run_virtual(timed())


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[tuple[ManagerStub, Cluster]]:
    cluster = Cluster(tmp_path / "cluster")
    async with ManagerStub(cluster.party("manager", "m1", "127.0.0.1"), CLUSTER_ID) as manager:
        yield manager, cluster


async def test_an_agent_shows_its_certificate_and_gets_its_answer(stub: tuple[ManagerStub, Cluster]) -> None:
    manager, cluster = stub
    calls = HttpManagerCalls(
        node="w1", managers=[manager.address], context=client_context(cluster.party("worker", "w1"))
    )
    try:
        answer = await calls.heartbeat(BEAT)
    finally:
        await calls.close()
    assert answer.epoch == Epoch(1, 1)
    assert manager.heartbeats == [BEAT]
    assert manager.peers == {("worker", "w1")}


async def test_dead_managers_and_such_without_a_leader_are_passed_over_and_then_left_aside(
    stub: tuple[ManagerStub, Cluster],
) -> None:
    manager, cluster = stub
    async with ManagerStub(cluster.party("manager", "m2", "127.0.0.1"), CLUSTER_ID) as lost:
        lost.leads = False
        calls = HttpManagerCalls(
            node="w1",
            managers=[f"127.0.0.1:{closed_port()}", lost.address, manager.address],
            context=client_context(cluster.party("worker", "w1")),
        )
        try:
            await calls.heartbeat(BEAT)
            await calls.heartbeat(BEAT)
        finally:
            await calls.close()
        assert lost.asked <= 1
    assert len(manager.heartbeats) == 2


async def test_when_no_manager_leads_the_error_says_so(stub: tuple[ManagerStub, Cluster]) -> None:
    manager, cluster = stub
    manager.leads = False
    calls = HttpManagerCalls(
        node="w1", managers=[manager.address], context=client_context(cluster.party("worker", "w1"))
    )
    try:
        with pytest.raises(Unreachable, match=r"answered 503: no leader yet"):
            await calls.heartbeat(BEAT)
    finally:
        await calls.close()


async def test_a_value_comes_byte_for_byte_from_whichever_manager_gives_it(stub: tuple[ManagerStub, Cluster]) -> None:
    manager, cluster = stub
    manager.values["w1/secrets/db/2"] = b"\x00hunter2\xff\n"
    async with ManagerStub(cluster.party("manager", "m2", "127.0.0.1"), CLUSTER_ID) as locked:
        calls = HttpManagerCalls(
            node="w1",
            managers=[locked.address, manager.address],
            context=client_context(cluster.party("worker", "w1")),
        )
        try:
            assert await calls.value("secret", "db", 2) == b"\x00hunter2\xff\n"
            with pytest.raises(Unreachable, match=r"answered 404: there is no w1/configs/page/1"):
                await calls.value("config", "page", 1)
        finally:
            await calls.close()


async def test_somebody_who_is_no_manager_is_not_talked_to(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster")
    async with ManagerStub(cluster.party("worker", "w9"), CLUSTER_ID) as impostor:
        calls = HttpManagerCalls(
            node="w1", managers=[impostor.address], context=client_context(cluster.party("worker", "w1"))
        )
        try:
            with pytest.raises(Unreachable, match="certificate"):
                await calls.heartbeat(BEAT)
        finally:
            await calls.close()
        assert impostor.asked == 0


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
