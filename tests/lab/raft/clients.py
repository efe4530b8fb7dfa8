"""Clients that write all along, at a steady pace, to any manager, and write down what they were told.

A register is the label of a service that runs nothing: a write is a PUT, a compare-and-set a PUT with ``If-Match``, a
read a GET. Besides, services are created, to be counted at the end.
"""

import asyncio
import functools
import random
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import msgspec

from tests.checker import Operation, Recorder
from tests.lab.engine import wait_until
from tests.lab.raft.caller import PATIENCE_S, Reply, ask
from tests.lab.raft.site import Site

__all__ = ["Load"]

_CLIENTS = 12
_CREATORS = 2
_PAUSE_S = 0.1  # of each client between the beginnings of two operations
_CREATION_PAUSE_S = 0.5
_KEYS = 6
_KEYS_LAST_S = 20.0  # then come others, so that what is of unknown outcome does not pile up on a key


class _Seen(msgspec.Struct, frozen=True):
    value: str
    revision: int


class Load:
    """Runs in a thread, from its making to ``stop``."""

    def __init__(self, site: Site, rng: random.Random) -> None:
        self.acknowledged: list[float] = []
        """When each write was."""
        self.created: list[str] = []
        """The services whose creation was acknowledged."""
        self._recorder = Recorder(time.monotonic)
        self._site = site
        self._rng = rng
        self._run = secrets.token_hex(3)
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._seen: dict[str, _Seen] = {}
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main)
        self._thread.start()

    @property
    def history(self) -> list[Operation]:
        """All that clients did to registers so far, the last reads of ``stop`` included."""
        return self._recorder.operations

    def wait_for(self, more: int, *, seconds: float = 60.0) -> None:
        """Wait until so many more writes are acknowledged."""
        goal = len(self.acknowledged) + more
        done = lambda: self._failure is not None or len(self.acknowledged) >= goal  # noqa: E731  # reads best here
        wait_until(done, f"{more} more writes are acknowledged", seconds=seconds)

    def stop(self) -> None:
        """Let what is under way end, read each register once more, and return."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _main(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:
            self._failure = error

    async def _all(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the test knows whom it started
        how: dict[str, Any] = {
            "connector": aiohttp.TCPConnector(ssl=context, limit=0),
            "timeout": aiohttp.ClientTimeout(total=PATIENCE_S),
            "headers": {"Authorization": f"Bearer {self._site.token}"},
        }
        async with aiohttp.ClientSession(**how) as session:
            async with asyncio.TaskGroup() as group:
                for number in range(_CLIENTS):
                    operate = functools.partial(self._operate, session, f"client-{number}")
                    group.create_task(self._keep(_PAUSE_S, operate))
                for _ in range(_CREATORS):
                    group.create_task(self._keep(_CREATION_PAUSE_S, functools.partial(self._create, session)))
            for key in sorted({operation.key for operation in self.history}):
                await self._read(session, "the last", key)

    async def _keep(self, pause_s: float, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            next_at = loop.time() + pause_s
            await step()
            await asyncio.sleep(max(0.0, next_at - loop.time()))

    async def _operate(self, session: aiohttp.ClientSession, client: str) -> None:
        age = int((time.monotonic() - self._began) / _KEYS_LAST_S)
        key = f"r{self._run}-{age}-{self._rng.randrange(_KEYS)}"
        chance = self._rng.random()
        if chance < 0.25:
            await self._read(session, client, key)
        elif chance < 0.5 and key in self._seen:
            await self._swap(session, client, key)
        else:
            await self._write(session, client, key)

    async def _read(self, session: aiohttp.ClientSession, client: str, key: str) -> None:
        call = self._recorder.begin(client, key, "read")
        reply = await ask(session, self._site, self._rng, "GET", f"/v1/services/{key}")
        if reply.status == 200:
            self._saw(key, reply)
            call.done(reply.body["labels"]["value"])
        elif reply.status == 404:
            call.done(None)

    async def _write(self, session: aiohttp.ClientSession, client: str, key: str) -> None:
        value = secrets.token_hex(6)
        call = self._recorder.begin(client, key, "write", value=value)
        reply = await self._put(session, key, value)
        if reply.status == 200:
            call.done()
            self._acknowledge(key, reply)
        elif reply.not_begun:
            call.failed()
        else:
            assert reply.status is None, reply

    async def _swap(self, session: aiohttp.ClientSession, client: str, key: str) -> None:
        value, seen = secrets.token_hex(6), self._seen[key]
        call = self._recorder.begin(client, key, "cas", value=value, expected=seen.value)
        reply = await self._put(session, key, value, {"If-Match": str(seen.revision)})
        if reply.status == 200:
            call.done(True)
            self._acknowledge(key, reply)
        elif reply.status == 409 or reply.not_begun:
            call.failed()  # a leader that finishes an update changes the row too: 409 does not say that the label has
        else:
            assert reply.status is None, reply

    async def _put(
        self, session: aiohttp.ClientSession, key: str, value: str, headers: dict[str, str] | None = None
    ) -> Reply:
        spec = {"name": key, "image": "host", "replicas": 0, "labels": {"value": value}}
        return await ask(session, self._site, self._rng, "PUT", f"/v1/services/{key}", body=spec, headers=headers)

    async def _create(self, session: aiohttp.ClientSession) -> None:
        name = f"c{secrets.token_hex(6)}"
        spec = {"name": name, "image": "host", "replicas": 0}
        reply = await ask(session, self._site, self._rng, "POST", "/v1/services", body=spec)
        if reply.status == 201:
            self.created.append(name)
            self.acknowledged.append(time.monotonic())
        else:
            assert reply.status is None, reply

    def _acknowledge(self, key: str, reply: Reply) -> None:
        self.acknowledged.append(time.monotonic())
        self._saw(key, reply)

    def _saw(self, key: str, reply: Reply) -> None:
        self._seen[key] = _Seen(reply.body["labels"]["value"], reply.body["revision"])
