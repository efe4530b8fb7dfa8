"""How a manager that lacks the unlock key comes by it, and when it does not."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from okube.manager.keycalls import KeyOffer, keep_unlocked, offer_to_all
from okube.manager.keyring import plan_ring
from okube.manager.vault import Vault
from okube.model import commands as c
from okube.model.versions import COMMAND_VERSION
from okube.raft import Member
from okube.security.keyring import UnlockKey
from tests.builders import Cluster
from tests.unit.security.dice import Dice


class Others:
    """Two other managers; each has a key, or does not answer."""

    def __init__(self, **keys: UnlockKey | None) -> None:
        self.keys = keys
        self.asked = asyncio.Event()
        self.offered: list[tuple[str, KeyOffer]] = []

    async def ask(self, peer: Member) -> UnlockKey | None:
        self.asked.set()
        return self.keys.get(peer.name)

    async def offer(self, peer: Member, offer: KeyOffer) -> bool:
        self.offered.append((peer.name, offer))
        return self.keys.get(peer.name) is not None


class Site:
    def __init__(self) -> None:
        self.cluster = Cluster()
        self.cluster.apply(c.EnableVersion(COMMAND_VERSION))
        maker = Vault("c1", lambda: self.cluster.tables, random_bytes=Dice())
        self.cluster.apply(*plan_ring(self.cluster.tables, maker, lambda: "k1", 1))
        self.key = maker.unlock_key
        self.vault = Vault("c1", lambda: self.cluster.tables)
        members = tuple(Member(name, name, "h:1", "h:2") for name in ("m1", "m2", "m3"))
        self.core: Any = SimpleNamespace(
            name="m1", vault=self.vault, tables=self.cluster.tables, raft=SimpleNamespace(members=members)
        )

    async def look(self, others: Others) -> None:
        """Let it look once."""
        looking = asyncio.ensure_future(keep_unlocked(self.core, others))
        for _ in range(10):
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.wait({looking})


@pytest.fixture
def site() -> Site:
    return Site()


async def test_the_first_that_has_the_right_key_tells_it(site: Site) -> None:
    await site.look(Others(m2=UnlockKey.new(Dice(7)), m3=site.key))
    assert not site.vault.locked


async def test_where_nobody_has_it_the_manager_stays_locked(site: Site) -> None:
    others = Others(m2=None, m3=None)
    await site.look(others)
    assert others.asked.is_set()
    assert site.vault.locked


async def test_who_has_it_asks_nobody(site: Site) -> None:
    site.vault.unlock(site.key)
    others = Others(m2=site.key)
    await site.look(others)
    assert not others.asked.is_set()


async def test_where_managers_lock_themselves_nobody_is_asked(site: Site) -> None:
    ring = site.cluster.tables.ring
    assert ring is not None
    site.cluster.apply(c.PutRing(msgspec.structs.replace(ring, autolock=True), ring.revision))
    others = Others(m2=site.key)
    await site.look(others)
    assert not others.asked.is_set()
    assert site.vault.locked


async def test_all_others_are_offered_a_key_and_who_did_not_take_it_is_named(site: Site) -> None:
    others = Others(m2=site.key, m3=None)
    offer = KeyOffer(site.key.text, expected=True)
    assert await offer_to_all(site.core, others, offer) == ["m3"]
    assert others.offered == [("m2", offer), ("m3", offer)]
