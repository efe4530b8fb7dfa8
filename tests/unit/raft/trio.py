"""Members with ledgers on simulated machines, as tests of whole members need them."""

import random
from typing import Any

from okube.raft import Member, RaftConfig, RaftNode
from tests.simulation.cluster import SimulatedCluster, Site, until
from tests.simulation.ledger import Ledger, seal

__all__ = ["Trio", "batch"]


class Trio:
    """Members with ledgers on simulated machines."""

    def __init__(self, size: int = 3, **config: Any) -> None:
        self.config = RaftConfig(**config)
        self.told: list[tuple[str, int | None]] = []
        self.cluster = SimulatedCluster(size, random.Random(3), self._program)
        self.ledgers: dict[str, Ledger] = {}

    def _program(self, site: Site) -> RaftNode:
        assert site.transport is not None
        assert site.disk is not None
        self.ledgers[site.name] = Ledger()
        return RaftNode(
            name=site.name,
            instance=site.instance,
            directory=site.directory,
            config=self.config,
            machine=self.ledgers[site.name],
            transport=site.transport,
            disk=site.disk,
            clock=site.clock,
            rng=site.rng,
            on_leadership=lambda term: self.told.append((site.name, term)),
        )

    async def start(self) -> RaftNode:
        """Bootstrap all, start them, and return the leader."""
        sites = self.cluster.sites
        for site in sites:
            members = [Member(s.name, s.instance, f"{s.name}:1", f"{s.name}:2") for s in sites]
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self.cluster.start(site)
        return await self.leader()

    def nodes(self) -> list[RaftNode]:
        programs = [site.program for site in self.cluster.alive]
        return [p for p in programs if isinstance(p, RaftNode) and p._started is not None]

    def leaders(self) -> list[RaftNode]:
        return [node for node in self.nodes() if node.is_ready_leader]

    async def leader(self, within_s: float = 5.0) -> RaftNode:
        assert await until(lambda: len(self.leaders()) == 1, within_s=within_s)
        return self.leaders()[0]

    def followers(self) -> list[RaftNode]:
        return [node for node in self.nodes() if node.role == "follower"]

    async def write(self, *items: bytes) -> None:
        leader = await self.leader()
        await leader.propose(batch(leader, *items), timeout_s=1)

    def fill_disk(self, node: RaftNode, room: int = 0) -> None:
        platter = self.site(node).platter
        platter.limit_bytes = platter.used_bytes + room

    def make_room(self, node: RaftNode) -> None:
        self.site(node).platter.limit_bytes = None

    def site(self, node: RaftNode) -> Site:
        return next(site for site in self.cluster.sites if site.name == node.name)

    def isolate(self, node: RaftNode) -> None:
        for name in self.cluster.names:
            if name != node.name:
                self.cluster.network.cut(node.name, name)

    def items(self, node: RaftNode) -> list[bytes]:
        return [item for _, item in self.ledgers[node.name].items]


def batch(node: RaftNode, *items: bytes) -> bytes:
    return seal(node.term, list(items))
