"""One run from one seed: three Raft members with ledgers, clients that write and read, faults, and what must hold."""

import asyncio
import hashlib
import itertools
import logging
import random

import msgspec

from okube.raft import Member, NoQuorum, NotLeader, OutcomeUnknown, Proposer, RaftConfig, RaftNode
from tests.simulation.cluster import SimulatedCluster, Site, until
from tests.simulation.faults import Faults
from tests.simulation.ledger import Ledger, seal
from tests.simulation.loop import VirtualLoop, virtual_loop

__all__ = ["RaftRun", "Report", "simulate"]

CONFIG = RaftConfig(
    compact_entries=40,
    tail_entries=15,
    tail_bytes=4000,
    compact_bytes=20_000,
    snapshot_chunk_bytes=700,
    window_bytes=2000,
)


class Report(msgspec.Struct, frozen=True):
    """What a seed showed. ``trace`` is a digest of everything that happened, in order."""

    seed: int
    violations: list[str]
    acknowledged: int
    reads: int
    leaders: int
    faults: dict[str, int]
    trace: str


class _Program:
    def __init__(self, site: Site, run: "RaftRun") -> None:
        self.ledger = Ledger()
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

    def __init__(self, seed: int, *, size: int = 3, config: RaftConfig = CONFIG) -> None:
        rng = random.Random(seed)
        self.seed = seed
        self.config = config
        self.violations: list[str] = []
        self.acknowledged: dict[bytes, None] = {}
        self.reads = 0
        self.leader_of: dict[int, str] = {}
        self.events: list[str] = []
        self.cluster = SimulatedCluster(size, rng, lambda site: _Program(site, self))
        self.faults = Faults(self.cluster, random.Random(rng.random()), self.note)
        self._rng = random.Random(rng.random())
        self._numbers = itertools.count(1)

    def note(self, event: str) -> None:
        """Remember what happened, for the trace."""
        self.events.append(f"{virtual_loop().now:.6f} {event}")

    def leadership(self, site: Site, term: int | None) -> None:
        """At most one member acts as leader in a term."""
        self.note(f"{site.name} leads {term}")
        if term is not None and site.alive and self.leader_of.setdefault(term, site.name) != site.name:
            self.violate(f"{site.name} and {self.leader_of[term]} both lead term {term}")

    def violate(self, what: str) -> None:
        """Something happened that must not."""
        self.note(f"VIOLATION {what}")
        self.violations.append(what)

    def programs(self) -> dict[str, _Program]:
        """Those that run."""
        found = {site.name: site.program for site in self.cluster.alive if site.responsive}
        return {name: p for name, p in found.items() if isinstance(p, _Program) and p.started}

    async def bootstrap(self) -> None:
        """Prepare all disks and start all processes."""
        members = [Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:2") for site in self.cluster.sites]
        for site in self.cluster.sites:
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self.cluster.start(site)

    async def run(self, duration_s: float = 8.0) -> Report:
        """The whole of it."""
        await self.bootstrap()
        clients = [asyncio.create_task(self._write()) for _ in range(4)]
        clients += [asyncio.create_task(self._read()) for _ in range(2)]
        watcher = asyncio.create_task(self._watch())
        await self.faults.run(duration_s)
        self.faults.heal()
        await asyncio.sleep(1.0)
        self.faults.heal()  # what a broken disk had ended meanwhile
        self.note("healed")
        before = len(self.acknowledged)
        if not await until(lambda: len(self.acknowledged) > before + 5, within_s=10):
            self.violate("no progress within 10 s after the last fault")
        for name, program in self.programs().items():
            try:
                await program.node.read_barrier(timeout_s=5)
            except NoQuorum:
                self.violate(f"no read at {name} within 5 s, after the last fault")
        for task in (*clients, watcher):
            task.cancel()
        await asyncio.wait([*clients, watcher])
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
            lost = [item for item in self.acknowledged if item not in present]
            if lost:
                self.violate(f"{name} lost {len(lost)} acknowledged items, {lost[0]!r} first")
            if program.node.apply_failures:
                self.violate(f"the ledger of {name} raised")
        for site in self.cluster.sites:
            site.kill()
        await asyncio.sleep(0.1)

    def _report(self) -> Report:
        allowed = "the disk is broken"
        for name, error in self.cluster.fatal:
            if str(error) != allowed:
                self.violate(f"{name} ended: {error!r}")
        return Report(
            seed=self.seed,
            violations=self.violations,
            acknowledged=len(self.acknowledged),
            reads=self.reads,
            leaders=len(self.leader_of),
            faults=dict(sorted(self.faults.counts.items())),
            trace=hashlib.sha256("\n".join(self.events).encode()).hexdigest(),
        )

    async def _write(self) -> None:
        while True:
            program = self._rng.choice(list(self.programs().values()) or [None])
            item = b"%d:" % next(self._numbers) + b"x" * self._rng.choice([0, 10, 300])
            if program is None:
                await asyncio.sleep(0.02)
                continue
            try:
                await program.proposer.submit(item, timeout_s=self._rng.uniform(0.05, 1.0))
            except (NotLeader, NoQuorum, OutcomeUnknown) as error:
                self.note(f"{item[:6]!r} {type(error).__name__}")
            else:
                self.acknowledged[item] = None
                self.note(f"{item[:6]!r} acknowledged")
            await asyncio.sleep(self._rng.uniform(0.0, 0.05))

    async def _read(self) -> None:
        """A read sees everything that was acknowledged before it began."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.0, 0.1))
            site = self._rng.choice(self.cluster.sites)
            await asyncio.sleep(site.paused_for_s)  # a caller's request waits in the kernel of a paused process
            program = self.programs().get(site.name)
            if program is None:
                continue
            name, expected = site.name, list(self.acknowledged)
            try:
                await program.node.read_barrier(timeout_s=0.5)
            except NoQuorum:
                continue
            self.reads += 1
            present = dict.fromkeys(item for _, item in program.ledger.items)
            missing = [item for item in expected if item not in present]
            if missing:
                self.violate(f"a read at {name} does not see {missing[0]!r}")
            self.note(f"read at {name}")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            self._compare()

    def _compare(self) -> None:
        """One ledger is a prefix of the other, always."""
        ledgers = [(name, p.ledger.items) for name, p in self.programs().items()]
        for (one, first), (other, second) in itertools.combinations(ledgers, 2):
            shorter = min(len(first), len(second))
            if first[:shorter] != second[:shorter]:
                self.violate(f"the ledgers of {one} and {other} differ")


class _Listen(logging.Handler):
    """pysyncobj says so when it truncates entries that are applied; that must never happen."""

    def __init__(self, run: RaftRun) -> None:
        super().__init__(logging.ERROR)
        self._run = run

    def emit(self, record: logging.LogRecord) -> None:
        self._run.violate(record.getMessage())


def simulate(seed: int, *, duration_s: float = 8.0, size: int = 3, config: RaftConfig = CONFIG) -> Report:
    """Run one seed on a loop of its own."""

    async def main() -> Report:
        run = RaftRun(seed, size=size, config=config)
        listener = _Listen(run)
        logging.getLogger("pysyncobj").addHandler(listener)
        try:
            return await run.run(duration_s)
        finally:
            logging.getLogger("pysyncobj").removeHandler(listener)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
