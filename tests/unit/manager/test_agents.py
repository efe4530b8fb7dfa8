"""Calls to agents over real TLS: whatever an agent answers, the leader gets an answer or hears that there is none."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from okube.manager.agents import HttpAgentCalls
from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.model.wire import Assignment
from okube.security import client_context, server_context
from okube.security.ca import create_ca
from okube.security.files import TlsFiles
from okube.security.identity import Identity, Role
from okube.security.issue import install

CLUSTER = "k3v9q7w2"
ORDER = Assignment("w1", "i-w1", Epoch(1, 1), 1, None, ())


class Agent:
    """Answers everything with the same bytes."""

    def __init__(self) -> None:
        self.said = b""
        self.node = Node(name="w1", id="i-w1", address="")

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=self.said)


@pytest.fixture
async def agent_and_calls(tmp_path: Path) -> AsyncIterator[tuple[Agent, HttpAgentCalls]]:
    now_ms = time.time_ns() // 1_000_000
    authority = create_ca("lab", CLUSTER, now_ms=now_ms)
    parties: tuple[tuple[Role, str], ...] = (("manager", "m1"), ("worker", "w1"))
    for role, name in parties:
        (tmp_path / name).mkdir()
        install(authority, Identity(CLUSTER, role, name), TlsFiles(tmp_path / name), now_ms=now_ms)
    agent = Agent()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", agent.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    context = server_context(tmp_path / "w1", client_certificate="required")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    agent.node = Node(name="w1", id="i-w1", address=f"127.0.0.1:{runner.addresses[0][1]}")
    calls = HttpAgentCalls(CLUSTER, client_context(tmp_path / "m1"))
    await calls.start()
    yield agent, calls
    await calls.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    "said",
    [b"", b"\xc1", b"{}", b"\x93\x92\x01\x01\x01\xc3\xa1\xff", b"\x94\x92\x01\x01\x01\xc3\xa1\xff", b"\x91" * 100_000],
    ids=["empty", "never-used", "json", "too-short", "no-utf8", "nested"],
)
async def test_an_agent_that_answers_nonsense_counts_as_one_that_does_not_answer(
    agent_and_calls: tuple[Agent, HttpAgentCalls], said: bytes
) -> None:
    agent, calls = agent_and_calls
    agent.said = said
    with pytest.raises(Unreachable, match="w1"):
        await calls.assign(agent.node, ORDER)


@pytest.mark.parametrize("said", [b"", b"[1]", b'{"instance": "\xff"}', b'{"instance": "i-other"}'])
async def test_a_sign_of_life_that_is_none_is_not_believed(
    agent_and_calls: tuple[Agent, HttpAgentCalls], said: bytes
) -> None:
    agent, calls = agent_and_calls
    agent.said = said
    assert await calls.probe(agent.node) is False
    agent.said = b'{"instance": "i-w1"}'
    assert await calls.probe(agent.node) is True
