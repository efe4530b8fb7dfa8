"""What `okube worker` runs."""

import asyncio
import importlib.metadata
import logging
import os
import random
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from prometheus_client import ProcessCollector

from okube.model.errors import OkubeError
from okube.seams.clock import SystemClock
from okube.seams.daemon import LEAVE, run_daemon
from okube.seams.disk import FileDisk
from okube.seams.exposition import exposition
from okube.seams.notify import Supervisor
from okube.seams.standing import AGENT
from okube.security import TlsFiles
from okube.security.living import Credentials
from okube.security.renewal import Renewal
from okube.worker.agent import Agent
from okube.worker.ballast import Ballasted
from okube.worker.calls import HttpManagerCalls
from okube.worker.capacity import UsageMeter, look_at_machine, measure_capacity, measure_machine
from okube.worker.link import LinkMeter
from okube.worker.listening import follow_address, place_of, turn_out_who_left
from okube.worker.metrics import AgentMetrics
from okube.worker.presence import living_clusters, present
from okube.worker.probes import Survey
from okube.worker.roundtrip import Handshake
from okube.worker.runtime.choose import choose_runtime
from okube.worker.secretplace import find_place
from okube.worker.secrets import Secrets
from okube.worker.server import AgentServer
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store

__all__ = ["run_worker", "serve"]

logger = logging.getLogger(__name__)


def run_worker(settings: WorkerSettings) -> int:
    """Run one agent until SIGTERM or SIGINT; returns the exit status."""
    supervisor = Supervisor.of(os.environ, os.getpid())
    return run_daemon(
        f"worker {settings.name}",
        lambda stop: serve(settings, stop, ready=supervisor.ready),
        expected=(OkubeError, OSError),
        log=settings.directory / "log",
        standing=AGENT,
        supervisor=supervisor,
    )


async def serve(settings: WorkerSettings, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None) -> None:
    """Run one agent until ``stop`` is set; then it announces an absence and leaves its containers running.

    The signal ``LEAVE`` ends it too, without the announcement. ``ready`` is called when it serves.

    Raises:
        OkubeError: it cannot start: no runtime, no certificate.
        OSError: it cannot start: its port is in use, its state cannot be read.
    """
    memory = settings.state_directory / "agent"
    memory.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock, rng, disk = SystemClock(), random.Random(os.urandom(16)), FileDisk()
    files = Ballasted(disk, memory / "ballast")
    metrics = AgentMetrics(clock)
    runtime = metrics.of_runtime(await choose_runtime(settings))
    credentials = Credentials(settings.tls_directory)
    calls = HttpManagerCalls(
        node=settings.name,
        managers=settings.managers,
        context=credentials.client,
        left=lambda: agent.left_managers,
    )
    timed = metrics.of_calls(calls)
    ask_expired = partial(calls.expired, ca=TlsFiles(settings.tls_directory).ca)
    renewal = Renewal(settings.instance, credentials, calls.certificate, ask_expired, now_ms=clock.time_ms, rng=rng)
    link = LinkMeter(lambda: agent.address.rpartition(":")[0].strip("[]"), clock.monotonic, speed_bps=settings.link_bps)
    agent = Agent(
        settings=settings,
        clock=clock,
        rng=rng,
        runtime=runtime,
        calls=timed,
        store=Store(files, memory),
        capacity=measure_capacity(settings),
        usage=UsageMeter(settings.directory, clock.monotonic).read,
        machine=lambda: measure_machine(settings.directory),
        look=lambda: asyncio.to_thread(look_at_machine, (settings.directory, *runtime.places())),
        living=lambda: asyncio.to_thread(living_clusters),
        software=importlib.metadata.version("okube"),
        secrets=Secrets(timed, lambda: find_place(settings.cluster_id, settings.name, os.environ)),
        renewing=renewal,
        survey=Survey(Handshake(), clock, rng, link.read),
    )

    def leave() -> None:
        agent.leave()
        stop.set()

    asyncio.get_running_loop().add_signal_handler(LEAVE, leave)
    context = credentials.server("required")
    metrics.tell_tasks(agent.reports)
    metrics.tell_papers(lambda: renewal.papers)
    ProcessCollector(registry=metrics.registry)
    server = AgentServer(
        agent,
        cluster_id=settings.cluster_id,
        instance=settings.instance,
        context=context,
        epoch=lambda: agent.obeys,
        metrics=lambda: exposition(metrics.registry),
        learn=agent.learn_managers,
        left=lambda: agent.left_managers,
    )
    try:
        await files.load()
        await agent.load()
        host, port = place_of(settings, agent.address)
        port = await server.start(host, port)
        logger.info("Worker %s serves at %s:%d, runtime %s", settings.name, host, port, runtime.name)
        ready()
        with present(settings.cluster_id, settings.name):
            beside = (
                renewal.run(),
                link.run(),
                follow_address(agent, server, settings),
                turn_out_who_left(agent, server),
            )
            await _with(beside, agent.run(stop))
    finally:
        await server.close()
        await calls.close()
        await runtime.close()
        await disk.close()


async def _with(beside: Iterable[Coroutine[Any, Any, None]], work: Coroutine[Any, Any, None]) -> None:
    """Do the work, and something beside it for as long as it lasts."""
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(each) for each in beside]
        await work
        for other in others:
            other.cancel()
