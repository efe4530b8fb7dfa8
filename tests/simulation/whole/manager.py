"""A whole manager in a simulated process: state machine, Raft, the leader's loops, and what its API would do."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

import msgspec

from okube.manager import intake, on_behalf
from okube.manager.core import ManagerCore
from okube.manager.reign import Reign
from okube.manager.settings import ManagerSettings
from okube.manager.watch import Watches
from okube.model.commands import (
    Command,
    DeleteServices,
    PutServices,
    RefreshServices,
    RemoveNode,
    Result,
    ScaleServices,
    StopTask,
    UpdateNode,
    fingerprint,
)
from okube.model.errors import Defect, NoQuorum, NotFound, OutcomeUnknown
from okube.model.spec import decode_spec
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import Assignment, Heartbeat, ReachQuestion, Registration, RelayQuestion
from okube.raft import RaftConfig, RaftNode
from okube.seams.clock import Clock
from okube.state import StateMachine, Tables
from okube.state.queries import view_of_service
from tests.simulation.cluster import Site
from tests.simulation.whole.agents import SimulatedAgentCalls, SimulatedPeerCalls
from tests.simulation.whole.calls import CallNetwork, Endpoint, Silence
from tests.simulation.whole.streams import FeedOfLife, Truth, WatchQuestion, answer_watch

__all__ = ["ManagerProgram", "Watcher", "Write", "raft_config"]

PATIENCE_S = 5.0
RETRY_S = 0.05
WATCH_S = 0.1


def raft_config() -> RaftConfig:
    """Small enough that snapshots are made and sent."""
    return RaftConfig(
        compact_entries=60, tail_entries=20, tail_bytes=60_000, compact_bytes=200_000, snapshot_chunk_bytes=3000
    )


class Watcher(Protocol):
    """Who is told what managers do."""

    def watch(self, manager: str, tables: Tables) -> None:
        """These are the tables of a manager's new life."""

    def applied(self, manager: str, tables: Tables) -> None:
        """An entry was applied, or a snapshot taken."""

    def dispatched(self, manager: str, assignment: Assignment) -> None:
        """An assignment is about to be sent."""


class Write(msgspec.Struct, frozen=True, array_like=True):
    """What a client asks for, as a request with an Idempotency-Key would."""

    key: str
    what: str
    name: str
    document: dict[str, Any] = {}
    if_match: int | None = None


class _WatchedMachine(StateMachine):
    def __init__(self, name: str, watcher: Watcher) -> None:
        super().__init__()
        self._name = name
        self._watcher = watcher
        watcher.watch(name, self.tables)

    def apply(self, index: int, term: int, payload: bytes) -> list[Result]:
        results = super().apply(index, term, payload)
        self._watcher.applied(self._name, self.tables)
        return results

    def restoring(self, data: bytes | memoryview) -> Iterator[bool]:
        for is_replaced in super().restoring(data):
            if is_replaced:
                self._watcher.applied(self._name, self.tables)
            yield is_replaced


class ManagerProgram:
    """One life of a manager."""

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock,
        settings: ManagerSettings,
        network: CallNetwork,
        watcher: Watcher,
        truth: Truth,
    ) -> None:
        assert site.transport is not None
        assert site.disk is not None
        self._site = site
        self._network = network
        self.fatal: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.machine = _WatchedMachine(site.name, watcher)
        self.raft = RaftNode(
            name=site.name,
            instance=site.instance,
            directory=site.directory,
            config=raft_config(),
            machine=self.machine,
            transport=site.transport,
            disk=site.disk,
            clock=clock,
            rng=site.rng,
            knows=COMMAND_VERSION,
        )
        self.core = ManagerCore(
            settings,
            machine=self.machine,
            raft=self.raft,
            clock=clock,
            rng=site.rng,
            random_bytes=site.rng.randbytes,
        )
        self.watches = Watches(self.core)
        self._lines = FeedOfLife(site.name, self.watches.feed, self.machine.tables, truth)
        self.raft.subscribe_applied(lambda _: self._lines.look())
        self._agents = SimulatedAgentCalls(network, site.name, watcher.dispatched)
        self.reign = Reign(self.core, self._agents, SimulatedPeerCalls(network, site.name))
        self.started = False
        self._reigning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.raft.start()
        assert self._site.process is not None
        self.raft.fatal.add_done_callback(lambda done: self._end(done.result()))
        self._reigning = asyncio.ensure_future(self.reign.run())
        self._reigning.add_done_callback(self._reign_ended)
        self._network.attach(Endpoint(self._site.name, self._site.process, self.handle, hears_hang_up=True))
        self.started = True

    async def handle(self, what: str, body: bytes) -> bytes:
        """A request, as the API would take it: a follower passes on what only the leader may do."""
        if what == "read":
            return await self._read(body.decode())
        if what == "watch":
            question = msgspec.msgpack.decode(body, type=WatchQuestion)
            return msgspec.msgpack.encode(await answer_watch(self.core, self.watches, question))
        if what == "reach":
            asked = msgspec.msgpack.decode(body, type=ReachQuestion)
            return msgspec.msgpack.encode(await on_behalf.reach(self.core.tables, self._agents, asked))
        if what == "relay":
            order = msgspec.msgpack.decode(body, type=RelayQuestion)
            return msgspec.msgpack.encode(await on_behalf.relay(self._agents, order))
        verb = what.removeprefix("forwarded ")
        if verb == what:
            return await self._carry_out(verb, body)
        if not self.core.leads:
            raise NoQuorum(f"{self.core.name} does not lead now; ask again in a moment")
        return await self._as_leader(verb, body)

    async def _read(self, name: str) -> bytes:
        await self.core.read_barrier()
        service = self.core.tables.service_named(name)
        if service is None:
            raise NotFound(f"there is no service {name}")
        return msgspec.json.encode(view_of_service(self.core.tables, service))

    async def _as_leader(self, verb: str, body: bytes) -> bytes:
        if verb == "register":
            said = msgspec.msgpack.decode(body, type=Registration)
            return msgspec.msgpack.encode(await intake.register(self.core, self.reign.leader, said))
        if verb == "heartbeat":
            beat = msgspec.msgpack.decode(body, type=Heartbeat)
            return msgspec.msgpack.encode(await intake.heartbeat(self.core, self.reign.leader, beat))
        if verb == "transfer":
            return (await self.raft.transfer_leadership(timeout_s=2.0)).encode()
        write = msgspec.msgpack.decode(body, type=Write)
        applied = await self.core.submit(self._command(write), request_id=write.key, fingerprint=fingerprint(body))
        return applied.body

    def _command(self, write: Write) -> Command:
        match write.what:
            case "create" | "upsert":
                return PutServices(
                    (decode_spec(write.document),), (self.core.new_id(),), write.what, "client", write.if_match
                )
            case "scale":
                return ScaleServices((write.name,), (write.document["replicas"],))
            case "delete":
                return DeleteServices((write.name,))
            case "node":
                return UpdateNode(write.name, write.document["availability"])
            case "stop-task":
                return StopTask(write.name)
            case "remove-node":
                return RemoveNode(write.name)
            case how:
                return RefreshServices((write.name,), how)

    async def _carry_out(self, verb: str, body: bytes) -> bytes:
        deadline = self.core.clock.monotonic() + PATIENCE_S
        uncertain = False
        while self.core.clock.monotonic() <= deadline:
            try:
                if self.core.leads:
                    return await self._as_leader(verb, body)
                leader = self.raft.leader
                if leader is not None and leader != self.core.name:
                    return await self._while_leading(leader, self._pass_on(leader, verb, body))
            except OutcomeUnknown:
                uncertain = True
            except NoQuorum:
                pass
            await asyncio.sleep(RETRY_S)
        if uncertain:
            raise OutcomeUnknown("the leader was lost on the way")
        raise NoQuorum("there is no leader now")

    async def _while_leading(self, leader: str, call: Coroutine[Any, Any, bytes]) -> bytes:
        task = asyncio.ensure_future(call)
        try:
            while self.raft.leader in (leader, None):
                done, _ = await asyncio.wait({task}, timeout=WATCH_S)
                if done:
                    return task.result()
        finally:
            task.cancel()
        raise OutcomeUnknown(f"{leader} was followed by another leader before it answered")

    async def _pass_on(self, leader: str, verb: str, body: bytes) -> bytes:
        try:
            return await self._network.call(self.core.name, leader, f"forwarded {verb}", body, timeout_s=PATIENCE_S)
        except Silence as silence:
            error: Callable[[str], Exception] = NoQuorum if silence.refused else OutcomeUnknown
            raise error(f"the leader {leader} did not answer: {silence}") from silence

    def _reign_ended(self, done: "asyncio.Task[None]") -> None:
        if not done.cancelled():
            self._end(Defect(f"the leader's loops ended: {done.exception()!r}"))

    def _end(self, error: Exception) -> None:
        if not self.fatal.done():
            self.fatal.set_result(error)
