"""What goes wrong, drawn from a seed: crashes, cuts, lost connections, slow and broken disks. All heals at the end.

Each fault has its number and its own chance, so that some of them can be left out and the others stay as they are.
"""

import asyncio
import contextvars
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, NamedTuple

from tests.simulation.cluster import SimulatedCluster, Site

__all__ = ["Fault", "Faults", "Planned"]

Fault = Callable[[], Coroutine[Any, Any, None]]
_CHANCE: contextvars.ContextVar[random.Random] = contextvars.ContextVar("chance")


class Planned(NamedTuple):
    """One fault of a run."""

    number: int
    at_s: float
    kind: Fault
    chance: random.Random


class Faults:
    """Breaks a cluster for a while; ``counts`` says how often it did what.

    ``only``: the numbers of the faults that happen, where it is not all of them; ``happened``: of those that did.
    """

    pause_s = (0.05, 0.8)
    """Between the beginnings of two faults."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        rng: random.Random,
        note: Callable[[str], None],
        *,
        only: Collection[int] | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.happened: list[int] = []
        self._cluster = cluster
        self._plan_rng = rng
        self._only = only
        self._note = note
        self._usual_sync_s = cluster.sites[0].platter.sync_s
        self._usual_delay_s = cluster.network.delay_s

    async def run(self, duration_s: float) -> None:
        """One fault after another, each for a while, several at a time; those that ended are repaired."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for planned in self.plan(duration_s):
                await asyncio.sleep(began + planned.at_s - loop.time())
                if self._only is None or planned.number in self._only:
                    self.happened.append(planned.number)
                    group.create_task(self._let_happen(planned))

    def plan(self, duration_s: float) -> list[Planned]:
        """What will happen when."""
        rng = self._plan_rng
        kinds = self.kinds(rng)
        found: list[Planned] = []
        at_s = rng.uniform(*self.pause_s)
        while at_s < duration_s:
            found.append(Planned(len(found) + 1, at_s, rng.choice(kinds), random.Random(rng.random())))
            at_s += rng.uniform(*self.pause_s)
        return found

    def kinds(self, rng: random.Random) -> Sequence[Fault]:
        """What may happen; one that is there twice happens twice as often."""
        links = [self._cut_link, self._cut_link_one_way, self._isolate, self._split, self._lose_connection]
        links += [self._stall_link, self._double_frames]
        return [
            *(links if len(self._cluster.sites) > 1 else []),
            self._kill_one,
            self._kill_one,
            self._kill_all,
            self._kill_often,
            self._lose_power,
            self._pause,
            self._pause,
            self._slow_disk,
            self._break_disk,
            self._fill_disk,
            self._slow_network,
        ]

    def heal(self) -> None:
        """Repair all links and disks, and start what is dead."""
        self._cluster.network.heal_all()
        self._cluster.network.delay_s = self._usual_delay_s
        self._cluster.network.to_double = 0
        for site in self._cluster.sites:
            self._repair_disk(site)
            self._start(site)

    async def _let_happen(self, planned: Planned) -> None:
        _CHANCE.set(planned.chance)
        await planned.kind()

    @property
    def _rng(self) -> random.Random:
        """The chance of the fault that is running."""
        return _CHANCE.get()

    async def _kill_one(self) -> None:
        site = self._any_site()
        if site.alive:
            self._did(f"kill {site.name}")
            site.kill()
        await self._a_while(0.05, 1.5)
        self._start(site)

    async def _kill_all(self) -> None:
        if self._rng.random() < 0.5:
            return
        self._did("kill all")
        for site in self._cluster.alive:
            site.kill()
        await self._a_while(0.05, 0.5)
        for site in self._cluster.sites:
            await self._a_while(0.0, 0.2)
            self._start(site)

    async def _kill_often(self) -> None:
        """Processes that come back fast enough to take part in the election that their death has caused."""
        self._did("kill often")
        for _ in range(self._rng.randint(3, 8)):
            site = self._any_site()
            site.kill()
            await self._a_while(0.0, 0.03)
            self._start(site)
            await self._a_while(0.0, 0.5)

    async def _lose_power(self) -> None:
        """Everything goes out at once, while much of what was written is not durable."""
        self._did("power loss")
        for site in self._cluster.sites:
            site.platter.sync_s = (0.05, 0.5)
        await self._a_while(0.1, 0.6)
        for site in self._cluster.sites:
            site.kill()
            site.platter.sync_s = self._usual_sync_s
        await self._a_while(0.0, 0.3)
        for site in self._cluster.sites:
            self._start(site)

    async def _pause(self) -> None:
        site = self._any_site()
        self._did(f"pause {site.name}")
        duration_s = self._rng.uniform(0.1, 2.5)
        site.pause(duration_s)
        await asyncio.sleep(duration_s)

    async def _cut_link(self) -> None:
        """The others still reach both: a partial partition."""
        one, other = self._rng.sample(self._cluster.names, 2)
        await self._cut("cut", f"{one}-{other}", [(one, other), (other, one)])

    async def _cut_link_one_way(self) -> None:
        one, other = self._rng.sample(self._cluster.names, 2)
        await self._cut("cut-one-way", f"{one}->{other}", [(one, other)])

    async def _isolate(self) -> None:
        """One is alone; or it only hears the others, or only speaks to them."""
        site = self._any_site().name
        others = [name for name in self._cluster.names if name != site]
        outwards, inwards = self._rng.choice([(True, True), (True, True), (True, False), (False, True)])
        pairs = [(site, other) for other in others if outwards] + [(other, site) for other in others if inwards]
        ways = "" if outwards and inwards else " outwards" if outwards else " inwards"
        await self._cut("isolate", f"{site}{ways}", pairs)

    async def _split(self) -> None:
        """Two parts that do not reach each other; or that both reach one in the middle."""
        names = self._rng.sample(self._cluster.names, len(self._cluster.names))
        middle = names.pop() if len(names) > 2 and self._rng.random() < 0.5 else ""
        place = self._rng.randint(1, len(names) - 1)
        left, right = names[:place], names[place:]
        pairs = [pair for one in left for other in right for pair in ((one, other), (other, one))]
        parts = " ".join(["+".join(sorted(left)), "|", "+".join(sorted(right)), f"around {middle}" if middle else ""])
        await self._cut("split", parts, pairs)

    async def _cut(self, kind: str, what: str, pairs: Sequence[tuple[str, str]]) -> None:
        self._did(f"{kind} {what}")
        for pair in pairs:
            self._cluster.network.cut_one_way(*pair)
        await self._a_while(0.1, 3.0)
        for pair in pairs:
            self._cluster.network.heal_one_way(*pair)
        self._note(f"no more {kind} {what}")

    async def _lose_connection(self) -> None:
        one, other = self._rng.sample(self._cluster.names, 2)
        self._did(f"lose {one}-{other}")
        self._cluster.network.lose(one, other)

    async def _stall_link(self) -> None:
        """Packets of one link are lost and sent again, later and later."""
        one, other = self._rng.sample(self._cluster.names, 2)
        duration_s = self._rng.choice([0.2, 0.4, 1.5])
        self._did(f"stall {one}-{other} for {duration_s}")
        self._cluster.network.stall(one, other, duration_s)

    async def _double_frames(self) -> None:
        self._did("double frames")
        self._cluster.network.to_double = self._rng.choice([5, 20, 60])

    async def _slow_disk(self) -> None:
        site = self._any_site()
        slowest = self._rng.choice([0.02, 0.2, 1.5])
        self._did(f"slow disk {site.name} {slowest}")
        site.platter.sync_s = (slowest / 4, slowest)
        await self._a_while(0.2, 2.0)
        site.platter.sync_s = self._usual_sync_s

    async def _break_disk(self) -> None:
        if self._rng.random() < 0.5:
            return
        site = self._any_site()
        self._did(f"break disk {site.name}")
        site.platter.fail_syncs = True
        await self._a_while(0.1, 1.0)
        self._repair_disk(site)
        self._start(site)

    async def _fill_disk(self) -> None:
        site = self._any_site()
        self._did(f"fill disk {site.name}")
        site.platter.limit_bytes = site.platter.used_bytes + self._rng.choice([0, 100, 3000])
        await self._a_while(0.1, 3.0)
        site.platter.limit_bytes = None

    async def _slow_network(self) -> None:
        slowest = self._rng.choice([0.01, 0.05, 0.2])
        self._did(f"slow network {slowest}")
        self._cluster.network.delay_s = (slowest / 10, slowest)
        await self._a_while(0.2, 1.5)
        self._cluster.network.delay_s = self._usual_delay_s

    def _repair_disk(self, site: Site) -> None:
        site.platter.fail_syncs = False
        site.platter.limit_bytes = None
        site.platter.sync_s = self._usual_sync_s

    def _start(self, site: Site) -> None:
        if not site.alive and not site.platter.fail_syncs:
            self._note(f"start {site.name}")
            self._cluster.start(site)

    def _any_site(self) -> Site:
        return self._rng.choice(self._cluster.sites)

    def _did(self, what: str) -> None:
        self.counts[what.split()[0]] += 1
        self._note(what)

    async def _a_while(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(least_s, most_s))
