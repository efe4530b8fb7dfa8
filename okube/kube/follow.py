"""Follows the pods and the nodes of a Kubernetes cluster: a list of all, then each change."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

import aiohttp
import msgspec

from okube.kube.access import ApiAccess
from okube.kube.account import Account
from okube.kube.machines import Machines
from okube.kube.protocol import Node, Pod
from okube.model.errors import BadFile

__all__ = ["Collection", "Follower", "nodes_of", "pods_of"]

_log = logging.getLogger(__name__)
_PAGE = 500
_WATCH_S = 300
_CALL_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_WATCH_S + 30)
_BETWEEN_WATCHES_S = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 15.0
_EXPIRED = 410

Item = TypeVar("Item", Pod, Node)


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: msgspec.Raw = msgspec.Raw(b"[]")


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Expired(Exception):
    """The changes since the version that is known are not kept any more: begin with a list."""


@dataclass(frozen=True, slots=True)
class Collection(Generic[Item]):
    """What is followed, and who is told: ``replace`` of all there are, ``put`` of one as it is now, ``remove``."""

    path: str
    kind: type[Item]
    replace: Callable[[Sequence[Item]], None]
    put: Callable[[Item], None]
    remove: Callable[[Item], None]
    selector: str = ""


def pods_of(account: Account) -> "Collection[Pod]":
    """The pods that are on a node and go on, for the account."""
    return Collection(
        "/api/v1/pods",
        Pod,
        account.replace,
        account.put,
        lambda pod: account.remove(pod.key),
        selector="spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed",
    )


def nodes_of(machines: Machines) -> "Collection[Node]":
    """All nodes, for the topology."""

    def replace(nodes: Sequence[Node]) -> None:
        machines.replace([node.metadata for node in nodes])

    return Collection(
        "/api/v1/nodes",
        Node,
        replace,
        lambda node: machines.put(node.metadata),
        lambda node: machines.remove(node.metadata.name),
    )


class Follower(Generic[Item]):
    """Follows one collection. ``listed`` is set once all of it was seen; what is known is kept while the API fails."""

    def __init__(
        self, session: aiohttp.ClientSession, access: ApiAccess, collection: Collection[Item], rng: Random
    ) -> None:
        self._session = session
        self._access = access
        self._of: Collection[Item] = collection
        self._rng = rng
        self._as_items: msgspec.json.Decoder[list[Item]] = msgspec.json.Decoder(list[collection.kind])  # type: ignore[name-defined]  # a type at run time
        self._as_item: msgspec.json.Decoder[Item] = msgspec.json.Decoder(collection.kind)
        self.listed = asyncio.Event()
        self.trouble = "nothing was asked yet"

    async def run(self) -> None:
        """Follow until cancelled; after a failure again, a little later each time."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                version = await self._list()
                pause_s = _FIRST_PAUSE_S
                while True:
                    version = await self._watch(version)
                    await asyncio.sleep(_BETWEEN_WATCHES_S)  # an API that ends each at once is not called in a circle
            except _Expired:
                _log.info("the list of %s is asked for anew: the changes since the last are not kept", self._of.path)
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError, BadFile) as error:
                self.trouble = str(error) or type(error).__name__
                _log.warning("%s cannot be followed: %s; again in %.1f s", self._of.path, self.trouble, pause_s)
                await asyncio.sleep(pause_s * (0.5 + self._rng.random()))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _list(self) -> str:
        """All there are, in pages; the version from which to watch."""
        found: list[Item] = []
        more = ""
        while True:
            asked = {"limit": str(_PAGE)} | ({"continue": more} if more else {})
            async with self._get(asked, _CALL_TIMEOUT) as response:
                page = msgspec.json.decode(await response.read(), type=_List)
            found += self._as_items.decode(page.items)
            more = page.metadata.continue_
            if not more:
                break
        self._of.replace(found)
        _log.info("%s: %d listed", self._of.path, len(found))
        self.trouble = ""
        self.listed.set()
        return page.metadata.resource_version

    async def _watch(self, version: str) -> str:
        """Each change from a version on, until the API ends the stream; the version from which to go on."""
        asked = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_S),
        }
        async with self._get(asked, _WATCH_TIMEOUT) as response:
            async for line in _lines(response.content):
                event = msgspec.json.decode(line, type=_Event)
                if event.type == "ERROR":
                    status = msgspec.json.decode(event.object, type=_Status)
                    if status.code == _EXPIRED:
                        raise _Expired
                    raise aiohttp.ClientError(f"the watch ended: {status.message}")
                item = self._as_item.decode(event.object)
                version = item.metadata.resource_version or version
                if event.type == "DELETED":
                    self._of.remove(item)
                elif event.type != "BOOKMARK":
                    self._of.put(item)
        return version

    @asynccontextmanager
    async def _get(
        self, asked: dict[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response of status 200; else an error that says what the API said."""
        if self._of.selector:
            asked = asked | {"fieldSelector": self._of.selector}
        async with self._session.get(
            self._access.url + self._of.path,
            params=asked,
            headers=self._access.headers(),
            ssl=True if self._access.context is None else self._access.context,
            timeout=timeout,
        ) as response:
            if response.status == _EXPIRED:
                raise _Expired
            if response.status != 200:
                said = (await response.text())[:300]
                raise aiohttp.ClientError(f"the Kubernetes API answered {response.status}: {said}")
            yield response


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, however long they are; a part at its end that is no line is left out."""
    rest = b""
    async for data in stream.iter_any():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
