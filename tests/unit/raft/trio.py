"""Members with ledgers on simulated machines, as tests of whole members need them."""

import random
from typing import Any

from okube.model.versions import COMMAND_VERSION
from okube.raft import Member, RaftConfig, RaftNode
from okube.raft.members import voters
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
        self.knows: dict[str, int] = {}
        self.heard = 0

    def _program(self, site: Site) -> RaftNode:
        assert site.transport is not None
        assert site.disk is not None
        self.ledgers[site.name] = Ledger()
        node = RaftNode(
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
            knows=self.knows.get(site.name, COMMAND_VERSION),
        )
        node.subscribe_told(self._count)
        return node

    def _count(self) -> None:
        self.heard += 1

    async def start(self) -> RaftNode:
        """Bootstrap all, start them, and return the leader."""
        sites = self.cluster.sites
        for site in sites:
            members = [self.member(s) for s in sites]
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self.cluster.start(site)
        return await self.leader()

    async def join(self, name: str, *, instance: str = "") -> RaftNode:
        """Have one more member: added by the leader, and started with what that answered."""
        site = self.new_site(name, instance=instance)
        leader = await self.leader()
        known = await leader.membership.add(self.member(site), timeout_s=2)
        disk = site.platter.mount()
        await RaftNode.bootstrap(site.directory, disk, known.members, "c1", members_index=known.index)
        self.cluster.start(site)
        assert await until(lambda: any(node.name == name for node in self.nodes()), within_s=1)
        return next(node for node in self.nodes() if node.name == name)

    def new_site(self, name: str, *, instance: str = "") -> Site:
        """A machine beside those that are there; one of the same name takes that one's place."""
        site = Site(name, random.Random(len(self.cluster.sites)), self.cluster.network)
        site.instance = instance or site.instance
        self.cluster.sites = [*(s for s in self.cluster.sites if s.name != name), site]
        return site

    @staticmethod
    def member(site: Site) -> Member:
        return Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:2")

    async def until_votes(self, *names: str, within_s: float = 5.0) -> None:
        """Wait until exactly these are voters, for all of them that run."""

        def agreed() -> bool:
            known = [voters(node.members) for node in self.nodes() if node.name in names]
            return all(set(each) == set(names) for each in known) and len(known) > 0

        assert await until(agreed, within_s=within_s), [node.members for node in self.nodes()]

    def nodes(self) -> list[RaftNode]:
        programs = [site.program for site in self.cluster.alive]
        return [p for p in programs if isinstance(p, RaftNode) and p.is_started]

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
