"""What goes wrong, drawn from a seed: crashes, cuts, lost connections, slow and broken disks. All heals at the end."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

from tests.simulation.cluster import SimulatedCluster, Site

__all__ = ["Faults"]


class Faults:
    """Breaks a cluster for a while; ``counts`` says how often it did what."""

    def __init__(self, cluster: SimulatedCluster, rng: random.Random, note: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._cluster = cluster
        self._rng = rng
        self._note = note
        self._usual_sync_s = cluster.sites[0].platter.sync_s
        self._usual_delay_s = cluster.network.delay_s

    async def run(self, duration_s: float, *, pause_s: tuple[float, float] = (0.05, 0.8)) -> None:
        """One fault after another, each for a while, several at a time; those that ended are repaired."""
        loop = asyncio.get_running_loop()
        until = loop.time() + duration_s
        links = [self._cut_link, self._isolate, self._lose_connection] if len(self._cluster.sites) > 1 else []
        kinds = [
            *links,
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
        async with asyncio.TaskGroup() as group:
            while loop.time() < until:
                await asyncio.sleep(self._rng.uniform(*pause_s))
                group.create_task(self._rng.choice(kinds)())

    def heal(self) -> None:
        """Repair all links and disks, and start what is dead."""
        self._cluster.network.heal_all()
        self._cluster.network.delay_s = self._usual_delay_s
        for site in self._cluster.sites:
            self._repair_disk(site)
            self._start(site)

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
        one, other = self._rng.sample(self._cluster.names, 2)
        self._did(f"cut {one}-{other}")
        self._cluster.network.cut(one, other)
        await self._a_while(0.1, 3.0)
        self._cluster.network.heal(one, other)

    async def _isolate(self) -> None:
        site = self._any_site()
        others = [name for name in self._cluster.names if name != site.name]
        self._did(f"isolate {site.name}")
        for other in others:
            self._cluster.network.cut(site.name, other)
        await self._a_while(0.1, 3.0)
        for other in others:
            self._cluster.network.heal(site.name, other)

    async def _lose_connection(self) -> None:
        one, other = self._rng.sample(self._cluster.names, 2)
        self._did(f"lose {one}-{other}")
        self._cluster.network.lose(one, other)

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
