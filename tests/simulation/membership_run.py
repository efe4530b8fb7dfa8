"""A run in which members come and go while the usual faults happen: two operators add, remove and have others lead.

It starts with one to five members, and every now and then brings back one that was removed, with all its data: it must
stop by itself and disturb nobody.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection

import msgspec

from okube.raft import Known, LeaderStays, Member, NoQuorum, OutcomeUnknown, RaftNode, Removed
from okube.raft.errors import Conflict, NotFound
from okube.raft.members import voters
from tests.simulation.cluster import Site, until
from tests.simulation.raft_run import RaftRun, Servant, play
from tests.simulation.report import Report

__all__ = ["MembershipRun", "simulate_members"]

_MOST = 5
_OPERATORS = 2
_ATTEMPT_S = 0.7


class MembershipRun(RaftRun):
    """As ``RaftRun``, with operators who know nothing of each other; ``changes`` counts what they did."""

    def __init__(self, seed: int, *, only: Collection[int] | None = None) -> None:
        rng = random.Random(seed ^ 0x5EED)
        super().__init__(seed, size=rng.choice((1, 2, 3, 3, 4, 5)), only=only)
        self.changes = {"added": 0, "removed": 0, "transferred": 0, "brought back": 0}
        self._rng = rng
        self._least = min(2, len(self.cluster.sites))  # where there were links, faults want one
        self._numbers = iter(range(len(self.cluster.sites) + 1, 1000))
        self._retired: list[Site] = []
        self._operators: list[asyncio.Task[None]] = []

    async def run(self, duration_s: float = 8.0) -> Report:
        """The whole of it; the operators end soon after the last fault."""
        self._operators = [asyncio.create_task(self._operate(duration_s)) for _ in range(_OPERATORS)]
        return await super().run(duration_s)

    # The operator.

    async def _operate(self, duration_s: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + duration_s
        await asyncio.sleep(0.5)
        while loop.time() < until_s:
            await self._rng.choice(
                [self._add, self._add, self._remove, self._remove, self._transfer, self._bring_back]
            )()
            await asyncio.sleep(self._rng.uniform(0.0, 0.6))

    async def _add(self) -> None:
        if len(self.cluster.sites) >= _MOST:
            return
        site = Site(f"m{next(self._numbers)}", random.Random(self._rng.random()), self.cluster.network)
        member = Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:2")
        known = await self._insist(lambda node: node.membership.add(member, timeout_s=_ATTEMPT_S))
        if known is None:
            return
        await RaftNode.bootstrap(site.directory, site.platter.mount(), known.members, "c1", members_index=known.index)
        self.cluster.sites.append(site)
        self.cluster.start(site)
        self._did("added", site.name)

    async def _remove(self) -> None:
        if len(self.cluster.sites) <= self._least + 1:
            return
        site = self._rng.choice(self.cluster.sites)
        known = await self._insist(
            lambda node: node.membership.remove(site.name, instance=site.instance, timeout_s=_ATTEMPT_S), gone=site
        )
        if known is not None and site in self.cluster.sites:
            self.cluster.sites.remove(site)
            self._retired.append(site)
            self._did("removed", site.name)

    async def _transfer(self) -> None:
        leader = self._leader()
        if leader is None:
            return
        try:
            async with asyncio.timeout(2 * _ATTEMPT_S):  # its process may be killed meanwhile
                await leader.transfer_leadership(timeout_s=_ATTEMPT_S)
        except (Conflict, NoQuorum, NotFound, TimeoutError):
            return
        self._did("transferred", leader.name)

    async def _bring_back(self) -> None:
        site = self._rng.choice(self._retired or [None])
        if site is not None and not site.alive:
            self.cluster.start(site)
            self._did("brought back", site.name)

    def _leader(self) -> RaftNode | None:
        return next((p.node for p in self.programs().values() if p.node.is_ready_leader), None)

    async def _insist(self, ask: Callable[[RaftNode], Awaitable[Known]], *, gone: Site | None = None) -> Known | None:
        """Ask leaders until one says yes or no: an unknown outcome is asked again, as the client of an API does."""
        unsure = False
        while True:
            leader = self._leader()
            if leader is None:
                await asyncio.sleep(0.05)
                continue
            try:
                async with asyncio.timeout(2 * _ATTEMPT_S):
                    return await ask(leader)
            except LeaderStays:
                await self._transfer()
            except NotFound:
                assert gone is not None
                return Known(leader.members_index, leader.members)
            except Conflict:
                if not unsure:
                    return None  # it may not be
                await asyncio.sleep(0.1)
            except (OutcomeUnknown, TimeoutError):
                unsure = True
            except NoQuorum:
                await asyncio.sleep(0.05)

    def _did(self, what: str, name: str) -> None:
        self.changes[what] += 1
        self.note(f"{what} {name}")

    # What must hold.

    async def _end(self) -> None:
        _, unfinished = await asyncio.wait(self._operators, timeout=10)
        for operator in self._operators:
            if operator in unfinished:
                self.violate("a change of the members does not end within 10 s")
                operator.cancel()
            elif operator.exception() is not None:
                self.violate(f"an operator ended: {operator.exception()!r}")
        names = set(self.cluster.names)

        def agreed() -> bool:
            nodes = [p.node for name, p in self.programs().items() if name in names]
            return len(nodes) == len(names) and all(set(voters(node.members)) == names for node in nodes)

        if not await until(agreed, within_s=15):
            known = {name: voters(p.node.members) for name, p in self.programs().items()}
            self.violate(f"the members {sorted(names)} do not agree on who they are: {known}")
        for site in self._retired:
            if not site.alive:
                self.cluster.start(site)

        def go_on() -> list[str]:
            """Those that were removed and run, although there is somebody left who could tell them."""
            running = [(site, site.program) for site in self._retired if site.alive]
            nodes = [(site.name, p.node) for site, p in running if isinstance(p, Servant) and p.started]
            return [name for name, node in nodes if names.intersection(m.name for m in node.members)]

        await asyncio.sleep(0.5)
        if not await until(lambda: not go_on(), within_s=5):
            self.violate(f"{go_on()} were removed and go on")
        for site in self._retired:
            site.kill()
        await super()._end()

    def _report(self) -> Report:
        retired = {site.name for site in self._retired}
        self.cluster.fatal = [
            (name, error) for name, error in self.cluster.fatal if not (isinstance(error, Removed) and name in retired)
        ]
        report = super()._report()
        changes = {f"members {what}": count for what, count in self.changes.items()}
        return msgspec.structs.replace(report, counts={**report.counts, **changes})


def simulate_members(seed: int, *, only: Collection[int] | None = None, told: bool = False) -> Report:
    """Run one seed on a loop of its own; arguments as of ``simulate``."""
    logger = logging.getLogger("okube")
    level = logger.level
    if not told:
        logger.setLevel(logging.CRITICAL + 1)  # a member that is removed says so each time
    try:
        return play(lambda: MembershipRun(seed, only=only), told=told)
    finally:
        logger.setLevel(level)
