"""One run from one seed: Raft members with ledgers, clients that write and read, faults, and what must hold."""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Collection

from okube.raft import Member, NoQuorum, Proposer, RaftConfig, RaftNode
from tests.checker import Recorder, check
from tests.simulation.cluster import SimulatedCluster, Site, until
from tests.simulation.faults import Faults
from tests.simulation.ledger import seal
from tests.simulation.loop import VirtualLoop, running_process, virtual_loop
from tests.simulation.raft_clients import Clients
from tests.simulation.registers import Registers
from tests.simulation.report import Report, Story

__all__ = ["RaftRun", "Servant", "play", "simulate"]

CONFIG = RaftConfig(
    compact_entries=40,
    tail_entries=15,
    tail_bytes=4000,
    compact_bytes=20_000,
    snapshot_chunk_bytes=700,
    window_bytes=2000,
)


class Servant:
    """What runs at a site: a member, its ledger and its proposer."""

    def __init__(self, site: Site, run: "RaftRun") -> None:
        self.ledger = Registers()
        assert site.transport is not None
        assert site.disk is not None
        self.node = RaftNode(
            name=site.name,
            instance=site.instance,
            directory=site.directory,
            config=run.config,
            machine=self.ledger,
            transport=site.transport,
            disk=site.disk,
            clock=site.clock,
            rng=site.rng,
            on_leadership=lambda term: run.leadership(site, term),
        )
        self.proposer = Proposer(self.node, seal)
        self.started = False

    async def start(self) -> None:
        await self.node.start()
        self.started = True

    @property
    def fatal(self) -> "asyncio.Future[Exception]":
        return self.node.fatal


class RaftRun:
    """Keeps the books: what was acknowledged, who led, what happened when."""

    def __init__(
        self, seed: int, *, size: int = 3, config: RaftConfig = CONFIG, only: Collection[int] | None = None
    ) -> None:
        rng = random.Random(seed)
        self.seed = seed
        self.config = config
        self.violations: list[str] = []
        self.leader_of: dict[int, str] = {}
        self.last_term = 0
        self.story = Story()
        self.cluster = SimulatedCluster(size, rng, lambda site: Servant(site, self))
        self.faults = Faults(self.cluster, random.Random(rng.random()), self.note, only=only)
        self.recorder = Recorder(lambda: virtual_loop().now - 1000)
        self.clients = Clients(
            self.cluster,
            random.Random(rng.random()),
            recorder=self.recorder,
            servants=self.programs,
            note=self.note,
            violate=self.violate,
        )

    def note(self, event: str) -> None:
        """Remember what happened, for the trace."""
        self.story.note(virtual_loop().now - 1000, event)

    def leadership(self, site: Site, term: int | None) -> None:
        """At most one member acts as leader in a term."""
        self.note(f"{site.name} leads {term}")
        if term is not None and site.alive and self.leader_of.setdefault(term, site.name) != site.name:
            self.violate(f"{site.name} and {self.leader_of[term]} both lead term {term}")

    def violate(self, what: str) -> None:
        """Something happened that must not."""
        self.note(f"VIOLATION {what}")
        self.violations.append(what)

    def programs(self) -> dict[str, Servant]:
        """Those that run."""
        found = {site.name: site.program for site in self.cluster.alive if site.responsive}
        return {name: p for name, p in found.items() if isinstance(p, Servant) and p.started}

    async def bootstrap(self) -> None:
        """Prepare all disks and start all processes."""
        members = [Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:2") for site in self.cluster.sites]
        for site in self.cluster.sites:
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self.cluster.start(site)

    async def run(self, duration_s: float = 8.0) -> Report:
        """The whole of it."""
        await self.bootstrap()
        clients = self.clients.start()
        watcher = asyncio.create_task(self._watch())
        await self.faults.run(duration_s)
        self.faults.heal()
        await asyncio.sleep(1.0)
        self.faults.heal()  # what a broken disk had ended meanwhile
        self.note("healed")
        before = len(self.clients.acknowledged)
        if not await until(lambda: len(self.clients.acknowledged) > before + 5, within_s=10):
            self.violate("no progress within 10 s after the last fault")
        for name, program in self.programs().items():
            try:
                await program.node.read_barrier(timeout_s=5)
            except NoQuorum:
                self.violate(f"no read at {name} within 5 s, after the last fault")
        for task in (*clients, watcher):
            task.cancel()
        await asyncio.wait([*clients, watcher])
        for task in clients:
            if not task.cancelled():
                self.violate(f"a client ended: {task.exception()!r}")
        await self._end()
        return self._report()

    async def _end(self) -> None:
        """Everybody has everything, in the same order."""
        programs = self.programs()

        def settled() -> bool:
            indexes = {p.node.applied_index for p in programs.values()} | {p.node.last_index for p in programs.values()}
            return len(indexes) == 1

        if len(programs) < len(self.cluster.sites) or not await until(settled, within_s=10):
            self.violate(f"members do not catch up: {[(n, p.node.applied_index) for n, p in programs.items()]}")
        self._compare()
        for name, program in programs.items():
            present = dict.fromkeys(item for _, item in program.ledger.items)
            if len(present) != len(program.ledger.items):
                self.violate(f"{name} applied an item twice")
            lost = [item for item in self.clients.acknowledged if item not in present]
            if lost:
                self.violate(f"{name} lost {len(lost)} acknowledged items, {lost[0]!r} first")
            if program.node.apply_failures:
                self.violate(f"the ledger of {name} raised")
        violation = check(self.recorder.operations)
        if violation is not None:
            self.violate(f"not linearizable: {violation}")
        for site in self.cluster.sites:
            site.kill()
        await asyncio.sleep(0.1)

    def _report(self) -> Report:
        allowed = "the disk is broken"
        for name, error in self.cluster.fatal:
            if str(error) != allowed:
                self.violate(f"{name} ended: {error!r}")
        counts = {
            "acknowledged": len(self.clients.acknowledged),
            "unknown": self.clients.unknown,
            "reads": self.clients.reads,
            "checked": len(self.recorder.operations),
            "elections": self.last_term,
            "leaders": len(self.leader_of),
            "crashes": sum(site.kills for site in self.cluster.sites) - len(self.cluster.sites),
            "frames": self.cluster.network.frames,
            "lost frames": self.cluster.network.lost_frames,
        }
        return Report(
            seed=self.seed,
            violations=self.violations,
            counts=counts,
            faults=dict(sorted(self.faults.counts.items())),
            happened=self.faults.happened,
            virtual_s=virtual_loop().now - 1000,
            settled_s=0.0,
            trace=self.story.trace,
            story=self.story.lines,
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            self._compare()
            self.last_term = max([self.last_term, *(program.node.term for program in self.programs().values())])

    def _compare(self) -> None:
        """One ledger is a prefix of the other, always."""
        ledgers = [(name, p.ledger.items) for name, p in self.programs().items()]
        for (one, first), (other, second) in itertools.combinations(ledgers, 2):
            shorter = min(len(first), len(second))
            if first[:shorter] != second[:shorter]:
                self.violate(f"the ledgers of {one} and {other} differ")


class _Listen(logging.Handler):
    """pysyncobj says so when it truncates entries that are applied; that must never happen. ``told``: all is told."""

    def __init__(self, run: RaftRun, *, told: bool) -> None:
        super().__init__(logging.INFO if told else logging.ERROR)
        self._run = run

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and record.name.startswith("pysyncobj"):
            self._run.violate(record.getMessage())
        else:
            where = process.name if (process := running_process()) is not None else "-"
            self._run.story.aside(virtual_loop().now - 1000, f"    {where} {record.getMessage()}")


def simulate(
    seed: int,
    *,
    duration_s: float = 8.0,
    size: int = 3,
    config: RaftConfig = CONFIG,
    only: Collection[int] | None = None,
    told: bool = False,
) -> Report:
    """Run one seed on a loop of its own. ``only``: with these of its faults; ``told``: with the log in its story."""
    return play(lambda: RaftRun(seed, size=size, config=config, only=only), duration_s=duration_s, told=told)


def play(make: Callable[[], RaftRun], *, duration_s: float = 8.0, told: bool = False) -> Report:
    """A run that is made on a loop of its own."""

    async def main() -> Report:
        run = make()
        listener = _Listen(run, told=told)
        loggers = [logging.getLogger(name) for name in (("pysyncobj", "okube") if told else ("pysyncobj",))]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.addHandler(listener)
            logger.setLevel(listener.level)
        try:
            return await run.run(duration_s)
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.removeHandler(listener)
                logger.setLevel(level)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
