"""How managers tell each other the unlock key, over their own mutual TLS; it is in no log and on no other way.

A manager that lacks it asks the others, where the cluster does not lock itself. One that is about to change it, or was
told it by a person, offers it to the others first.
"""

import asyncio
import logging
from typing import Protocol

import aiohttp
import msgspec

from okube.manager.core import ManagerCore
from okube.model.errors import UNREADABLE, OkubeError
from okube.raft import Member
from okube.seams.plainly import plainly
from okube.security import server_name
from okube.security.keyring import UnlockKey

__all__ = ["HttpKeyCalls", "KeyCalls", "KeyOffer", "keep_unlocked", "offer_to_all"]

_log = logging.getLogger(__name__)
_AGAIN_S = 5.0
_TIMEOUT_S = 2.0
_encoder = msgspec.msgpack.Encoder()


class KeyOffer(msgspec.Struct, frozen=True, array_like=True):
    """An unlock key in its written form, from one manager to another.

    ``expected``: the ring is not locked with it yet, and will be; ``aside``: it is to be put on the disk before.
    """

    text: str
    expected: bool = False
    aside: bool = False


_offers = msgspec.msgpack.Decoder(KeyOffer)


class KeyCalls(Protocol):
    """Calls to another manager; neither raises."""

    async def ask(self, peer: Member) -> UnlockKey | None:
        """Its unlock key, if it has one and may tell."""

    async def offer(self, peer: Member, offer: KeyOffer) -> bool:
        """Give it a key; whether it took it."""


class HttpKeyCalls:
    """The real form.

    Args:
        session: shows this manager's certificate, and trusts the cluster's CA.
        cluster_id: whose managers are called.
    """

    def __init__(self, session: aiohttp.ClientSession, cluster_id: str) -> None:
        self._session = session
        self._cluster_id = cluster_id

    async def ask(self, peer: Member) -> UnlockKey | None:
        """GET /v1/peers/unlock-key."""
        body = await self._call("GET", peer, b"")
        try:
            return None if body is None else UnlockKey.parse(_offers.decode(body).text)
        except (OkubeError, *UNREADABLE):
            return None

    async def offer(self, peer: Member, offer: KeyOffer) -> bool:
        """POST /v1/peers/unlock-key."""
        return await self._call("POST", peer, _encoder.encode(offer)) is not None

    async def _call(self, method: str, peer: Member, body: bytes) -> bytes | None:
        try:
            async with self._session.request(
                method,
                f"https://{peer.api_address}/v1/peers/unlock-key",
                data=body,
                headers={"Content-Type": "application/msgpack"},
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S, sock_connect=0.5),
                server_hostname=server_name(peer.name, "manager", self._cluster_id),
            ) as response:
                found = await response.read()
                return found if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.debug("manager %s is not told the unlock key: %s", peer.name, plainly(error))
            return None


async def offer_to_all(core: ManagerCore, calls: KeyCalls, offer: KeyOffer) -> list[str]:
    """Give all other managers a key; the names of those that did not take it."""
    others = [member for member in core.raft.members if member.name != core.name]
    took = await asyncio.gather(*(calls.offer(member, offer) for member in others))
    return sorted(member.name for member, taken in zip(others, took, strict=True) if not taken)


async def keep_unlocked(core: ManagerCore, calls: KeyCalls) -> None:
    """While this manager lacks the unlock key, look for it: on its disk, then at the others. Until cancelled."""
    while True:
        core.vault.look_again()
        ring = core.tables.ring
        if ring is not None and core.vault.locked and not ring.autolock:
            await _ask_all(core, calls)
        await asyncio.sleep(_AGAIN_S)


async def _ask_all(core: ManagerCore, calls: KeyCalls) -> None:
    for member in sorted(core.raft.members, key=lambda member: member.name):
        key = None if member.name == core.name else await calls.ask(member)
        if key is None:
            continue
        try:
            core.vault.unlock(key)
        except OkubeError as error:
            _log.info("%s has another unlock key: %s", member.name, error)
            continue
        _log.info("%s told this manager the unlock key %s", member.name, key.id)
        return
