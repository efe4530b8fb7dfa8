"""One manager in this process: real Raft (alone), real HTTP on loopback, and agents that only take notes."""

import asyncio
import hashlib
import io
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from okube.manager.agent_tools import HttpAgentTools
from okube.manager.api.app import make_app
from okube.manager.api.connections import GuardedSite
from okube.manager.api.context import Context
from okube.manager.api.gate import Gate, Limits
from okube.manager.core import ManagerCore
from okube.manager.peers import HttpPeerCalls
from okube.manager.reign import Reign
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.manager.snapshots import Keeper
from okube.manager.watch import Watches
from okube.model import commands as c
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import Assignment, AssignmentAnswer, Papers
from okube.raft import Member, RaftConfig, RaftNode
from okube.seams.clock import SystemClock
from okube.seams.disk import FileDisk
from okube.seams.transport import Peer, PeerHandler
from okube.state import StateMachine
from tests.builders import Cluster

TOKEN = "secret-of-the-test"


class NoPeers:
    """Links of a manager that is alone."""

    def bind(self, handler: PeerHandler) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def set_peers(self, peers: Iterable[Peer]) -> None: ...
    def set_card(self, card: bytes) -> None: ...
    def send(self, peer: str, frame: bytes) -> None: ...
    def drop(self, peer: str) -> None: ...


class NotingAgents:
    """Agents that accept everything and do nothing; those in ``dead`` do not answer."""

    def __init__(self) -> None:
        self.assigned: list[Assignment] = []
        self.dead: set[str] = set()

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        if node.name in self.dead:
            raise Unreachable(f"agent {node.name} does not answer")
        self.assigned.append(assignment)
        return AssignmentAnswer(assignment.epoch, assignment.revision, True)

    async def probe(self, node: Node) -> bool:
        return node.name not in self.dead

    async def logs(self, node: Node, task_id: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        if node.name in self.dead:
            raise Unreachable(f"agent {node.name} does not answer")
        yield b'{"time_ms":1,"stream":"stdout","text":"' + task_id.encode() + b'"}\n'


class Answer:
    """An answer of the API, read whole."""

    def __init__(self, status: int, headers: dict[str, str], body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Api:
    """Calls to the manager's API as the admin, unless said otherwise."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        port: int,
        core: ManagerCore,
        agents: NotingAgents,
        reign: Reign,
        gate: Gate,
        watches: Watches,
        keeper: Keeper,
    ) -> None:
        self._session = session
        self.port = port
        self.gate = gate
        self.url = f"http://127.0.0.1:{port}"
        self.core = core
        self.agents = agents
        self.reign = reign
        self.watches = watches
        self.keeper = keeper

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        token: str | None = TOKEN,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = io.BytesIO(msgspec.json.encode(body) if raw is None else raw)
        if raw is None:
            sent["Content-Type"] = "application/json"
        async with self._session.request(method, self.url + path, headers=sent, data=data) as response:
            is_json = "json" in response.content_type and "ndjson" not in response.content_type
            content = await response.json(content_type=None) if is_json else await response.read()
            return Answer(response.status, dict(response.headers), content)

    async def node(self, name: str, **fields: Any) -> None:
        settings = {"cores": 8.0, "memory": 8 << 30, "disk": 50 << 30, "labels": {}, "zone": "", **fields}
        await self.core.submit(
            c.RegisterNode(
                name=name, instance=f"i-{name}", address="127.0.0.1:9", runtime="docker", software="1", **settings
            )
        )


@pytest.fixture
def cluster() -> Cluster:
    """Three nodes, and nothing on them."""
    made = Cluster()
    for name in ("w1", "w2", "w3"):
        made.node(name)
    return made


@pytest.fixture
def limits() -> Limits:
    """What the manager lets in; a test module may have its own."""
    return Limits(pause_s=0.0)


@pytest.fixture
async def api(tmp_path: Path, limits: Limits) -> AsyncIterator[Api]:
    settings = ManagerSettings(
        cluster="lab",
        cluster_id="c1",
        name="m1",
        instance="i1",
        directory=tmp_path,
        host="127.0.0.1",
        port=0,
        raft_port=0,
        members=(ManagerMember("m1", "i1", "127.0.0.1:1", "127.0.0.1:2"),),
        admin_token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        data_dir=tmp_path,
        key_dir=tmp_path / "keys",
    )
    disk, clock, rng = FileDisk(), SystemClock(), random.Random(1)
    await RaftNode.bootstrap(tmp_path / "raft", disk, [Member("m1", "i1", "127.0.0.1:1", "127.0.0.1:2")], "c1")
    machine = StateMachine()
    raft = RaftNode(
        name="m1",
        instance="i1",
        directory=tmp_path / "raft",
        config=RaftConfig(election_ms=100),
        machine=machine,
        transport=NoPeers(),
        disk=disk,
        clock=clock,
        rng=rng,
        knows=COMMAND_VERSION,
    )
    core = ManagerCore(settings, machine=machine, raft=raft, clock=clock, rng=rng)
    agents = NotingAgents()
    reign = Reign(core, agents, HttpPeerCalls("c1", ssl.create_default_context()))  # it has no peers to call
    await raft.start()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        leading = group.create_task(reign.run())
        context = Context(
            core=core,
            agents=agents,
            leader=lambda: reign.leader,
            peers=session,
            tools=HttpAgentTools(session, "c1"),
            keeper=Keeper(core, disk, tmp_path / "snapshots", settings.snapshots),
            gate=Gate(limits),
            papers=lambda: Papers("mark", 0, 4_102_444_800_000),
        )
        runner = web.AppRunner(make_app(context), access_log=None, handler_cancellation=True)
        await runner.setup()
        site = GuardedSite(runner, "127.0.0.1", 0, context.gate, None)
        await site.start()
        port = runner.addresses[0][1]
        async with asyncio.timeout(10):
            while reign.leader is None:
                await raft.wait_leadership_change(0.05)
        yield Api(session, port, core, agents, reign, context.gate, context.watches, context.keeper)
        await runner.cleanup()
        leading.cancel()
    await raft.stop()
    await disk.close()
