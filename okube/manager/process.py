"""One manager process: builds every part, starts them in order, and ends them in order."""

import asyncio
import errno
import gc
import logging
import os
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import ProcessCollector

from okube.manager.agent_tools import HttpAgentTools
from okube.manager.agents import HttpAgentCalls
from okube.manager.api.app import make_app
from okube.manager.api.connections import GuardedSite
from okube.manager.api.context import Context
from okube.manager.api.shortway import ShortWay
from okube.manager.certificates import OwnCertificate
from okube.manager.core import ManagerCore
from okube.manager.extensions import installed
from okube.manager.gathering import Gatherer
from okube.manager.interpreter import tune
from okube.manager.keycalls import HttpKeyCalls, keep_unlocked
from okube.manager.metrics.lag import sample_lag
from okube.manager.peers import HttpPeerCalls
from okube.manager.recovery import Recovery, RecoveryDesk, finish_recovery, recover
from okube.manager.reign import Reign
from okube.manager.settings import ManagerSettings
from okube.manager.snapshots import Keeper
from okube.manager.standin import StandIn
from okube.manager.whereabouts import Place, Whereabouts, read_moves
from okube.model.errors import BadFile, Defect, OkubeError
from okube.model.versions import COMMAND_VERSION
from okube.raft import Member, RaftConfig, RaftNode, Removed
from okube.raft.trace import TracedTransport
from okube.raft.transport import TlsTransport
from okube.seams.clock import SystemClock
from okube.seams.connector import Connector
from okube.seams.disk import FileDisk, NoRoom
from okube.seams.transport import PeerTransport
from okube.security import identity_of
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from okube.security.living import Credentials
from okube.security.renewal import Renewal
from okube.state import StateMachine

__all__ = ["bootstrap_manager", "serve", "why_it_ends"]

_log = logging.getLogger(__name__)
_TRACE = "OKUBE_RAFT_TRACE"  # names a file; see okube.raft.trace


async def bootstrap_manager(settings: ManagerSettings, *, members_index: int = 0) -> None:
    """Write the first members into the empty journal of a manager that was never started; done once, on purpose.

    With ``members_index`` it joins a cluster that is there: these are its members as of that entry of their log.
    """
    members = [Member(m.name, m.instance, m.raft_address, m.api_address, m.voter) for m in settings.members]
    directory, disk = settings.directory / "raft", FileDisk()
    try:
        await RaftNode.bootstrap(directory, disk, members, settings.cluster_id, members_index=members_index)
    finally:
        await disk.close()


async def serve(
    settings: ManagerSettings,
    stop: asyncio.Event,
    *,
    unlock_key: UnlockKey | None = None,
    ready: Callable[[], None] = lambda: None,
    stand_in: StandIn | None = None,
) -> None:
    """Run one manager until ``stop`` is set; where it is told to go on alone, it ends and begins anew in between.

    Args:
        settings: who it is, and where.
        stop: ends it.
        unlock_key: where it is told it at its start, instead of finding it on its disk.
        ready: called when it serves.
        stand_in: takes the place of all agents.

    Raises:
        OkubeError: it cannot start (a damaged journal, a port in use), or must not go on (a failed sync).
    """
    while True:
        settings = finish_recovery(settings)
        order = await _serve_until(settings, stop, unlock_key, ready, stand_in)
        if order is None:
            return
        disk = FileDisk()
        try:
            await recover(settings, order, disk=disk, clock=SystemClock(), rng=random.Random(os.urandom(16)))
        finally:
            await disk.close()


async def _serve_until(
    settings: ManagerSettings,
    stop: asyncio.Event,
    unlock_key: UnlockKey | None,
    ready: Callable[[], None],
    stand_in: StandIn | None,
) -> Recovery | None:
    credentials = Credentials(settings.directory / "tls")
    peer_tls = credentials.client
    clock, disk, rng = SystemClock(), FileDisk(), random.Random(os.urandom(16))
    machine = StateMachine()
    machine.restored.append(gc.freeze)  # rows hold no cycles, and to look through 100,000 of them for some takes long
    moves = read_moves(settings.data_dir)
    links = _links(settings, credentials, {name: move.raft_address for name, move in moves.items()})
    raft = _raft(settings, machine, links, clock=clock, disk=disk, rng=rng)
    core = ManagerCore(
        settings,
        machine=machine,
        raft=raft,
        clock=clock,
        rng=rng,
        unlock_keys=_unlock_keys(settings),
        extensions=installed(),
    )
    if unlock_key is not None:
        core.vault.unlock(unlock_key)
    keeper = Keeper(core, disk, settings.directory / "snapshots", settings.snapshots)
    over_http = HttpAgentCalls(
        settings.cluster_id, peer_tls, managers=lambda: (member.api_address for member in raft.members)
    )
    agents = over_http if stand_in is None else stand_in.calls
    peer_calls = HttpPeerCalls(settings.cluster_id, peer_tls)
    reign = Reign(core, agents, peer_calls)
    await over_http.start()
    await peer_calls.start()
    connector = Connector(ssl=peer_tls, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as peers:
        tools = HttpAgentTools(peers, settings.cluster_id)
        context = Context(
            core=core, agents=agents, leader=lambda: reign.leader, peers=peers, tools=tools, keeper=keeper
        )
        own = OwnCertificate(core, context.signer, peer_calls)
        renewal = Renewal(settings.instance, credentials, own.ask, own.ask_expired, now_ms=clock.time_ms, rng=rng)
        context.papers = lambda: renewal.papers
        app = make_app(context)
        ProcessCollector(registry=core.metrics.registry)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await _start(raft, settings.directory)
            gatherer = Gatherer(core, peer_calls.heartbeats)
            short_way = ShortWay(core, context.leader, gatherer)
            tls = credentials.server("optional")
            site = GuardedSite(runner, settings.host, settings.port, context.gate, tls, short_way)
            await site.start()
            tune()
            _log.info("manager %s serves at %s:%d", settings.name, settings.host, settings.port)
            ready()

            async def move(api: Place, to_peers: Place) -> None:
                await links.move(*to_peers)
                await site.move(*api)

            whereabouts = Whereabouts(
                raft,
                here=((settings.host, settings.port), (settings.host, settings.raft_port)),
                move=move,
                moved=renewal.want,
                moves=moves,
                data_dir=settings.data_dir,
                cluster_id=settings.cluster_id,
            )
            unlocking = keep_unlocked(core, HttpKeyCalls(peers, settings.cluster_id))
            tending = own.tend(renewal, lambda: reign.leader)
            beside = [keeper.run(), renewal.run(), tending, whereabouts.run(), unlocking, gatherer.run()]
            if stand_in is not None:
                beside.append(stand_in.run(core, lambda: reign.leader))
            return await _until(stop, raft, reign, core, beside, context.recovery)
        finally:
            await runner.cleanup()
            await raft.stop()
            await over_http.close()
            await peer_calls.close()
            await disk.close()


async def _until(
    stop: asyncio.Event,
    raft: RaftNode,
    reign: Reign,
    core: ManagerCore,
    beside: Iterable[Coroutine[Any, Any, None]],
    desk: RecoveryDesk,
) -> Recovery | None:
    """Lead when it is this manager's turn, until it is told to stop or to go on alone, or Raft cannot go on."""
    async with asyncio.TaskGroup() as group:
        leading = group.create_task(reign.run(), name="reign")
        sampling = group.create_task(sample_lag(core.metrics.loop_lag.observe), name="loop lag")
        others = [group.create_task(each) for each in beside]
        stopping = asyncio.ensure_future(stop.wait())
        fatal = asyncio.ensure_future(asyncio.shield(raft.fatal))
        recovering = asyncio.ensure_future(desk.asked.wait())
        awaited: set[asyncio.Future[Any]] = {leading, stopping, fatal, recovering}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set() and not raft.fatal.done():
            await _hand_over(raft)
        leading.cancel()
        sampling.cancel()
        for each in others:
            each.cancel()
        stopping.cancel()
        recovering.cancel()
        if raft.fatal.done():
            _remember_removal(raft.fatal.result(), core.settings.directory)
            raise why_it_ends(raft.fatal.result(), core.settings.directory)
        fatal.cancel()
    return None if stop.is_set() else desk.order


async def _hand_over(raft: RaftNode) -> None:
    """A leader that is stopped in order has another one lead first, so that its end costs no election."""
    if not raft.is_ready_leader:
        return
    try:
        to = await raft.transfer_leadership(timeout_s=2 * raft.config.election_s)
        _log.info("handed the lead over to %s", to)
    except OkubeError as error:
        _log.info("nobody takes over the lead: %s", error)


def _remember_removal(error: Exception, directory: Path) -> None:
    """Who was removed does not start again from this folder, whatever starts it."""
    if isinstance(error, Removed):
        (directory / "removed").write_text(f"{error.detail}\n", encoding="utf-8")


async def _start(raft: RaftNode, directory: Path) -> None:
    """Begin to take part. A disk that is full now is told of as one: later, Raft would wait for room by itself."""
    try:
        await raft.start()
    except NoRoom as error:
        raise why_it_ends(error, directory) from error


def why_it_ends(error: Exception, directory: Path) -> OkubeError:
    """Raft met ``error`` and cannot go on: what that means for the one who sees to this machine."""
    if isinstance(error, OkubeError):
        return error
    if not isinstance(error, OSError):
        return Defect(f"Raft cannot go on: {error}")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BadFile(
            f"the disk of {directory} is full; make room there and start it again. Nothing that was acknowledged is "
            "lost, and the other managers go on"
        )
    return BadFile(f"it cannot keep its log in {directory}: {error}; see to that disk before you start it again")


def _unlock_keys(settings: ManagerSettings) -> KeyFiles | None:
    """Where the unlock key is. Raises BadFile where its file is there and cannot be used: better now than later."""
    if settings.key_dir is None:
        return None
    files = KeyFiles(settings.key_dir)
    files.read()
    return files


def _links(settings: ManagerSettings, credentials: Credentials, elsewhere: Mapping[str, str]) -> TlsTransport:
    """The links to the other managers."""

    def identify(peercert: dict[str, Any]) -> tuple[str, str, str | None] | None:
        identity = identity_of(peercert)
        return None if identity is None else (identity.role, identity.name, identity.instance or None)

    return TlsTransport(
        name=settings.name,
        instance=settings.instance,
        cluster_id=settings.cluster_id,
        host=settings.host,
        port=settings.raft_port,
        server_context=credentials.server("required"),
        client_context=credentials.client,
        identify=identify,
        election_s=settings.election_s,
        elsewhere=elsewhere,
        lasting=lambda: credentials.lasting,
    )


def _raft(
    settings: ManagerSettings,
    machine: StateMachine,
    links: TlsTransport,
    *,
    clock: SystemClock,
    disk: FileDisk,
    rng: random.Random,
) -> RaftNode:
    config = RaftConfig(election_ms=round(settings.election_s * 1000))
    transport: PeerTransport = links
    if trace := os.environ.get(_TRACE):
        transport = TracedTransport(transport, settings.name, Path(trace))
    return RaftNode(
        name=settings.name,
        instance=settings.instance,
        directory=settings.directory / "raft",
        config=config,
        machine=machine,
        transport=transport,
        disk=disk,
        clock=clock,
        rng=rng,
        knows=COMMAND_VERSION,
    )
