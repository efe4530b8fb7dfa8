"""Several clients that change and read the same services, so that what they see can be checked for linearizability.

A service of theirs asks for no tasks; what it holds is a variable of its environment. It is written as anybody writes,
and compared and set with the revision that a read has told. A request whose outcome is unknown is repeated with its
key until it is known, or the client loses patience.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

import msgspec

from okube.model.errors import Conflict, NoQuorum, NotFound, OkubeError, OutcomeUnknown
from tests.checker import Call, Recorder
from tests.simulation.whole.calls import CallNetwork, Silence
from tests.simulation.whole.manager import Write

__all__ = ["CONTENDED", "Contender"]

CONTENDED = ("x1", "x2")
_TRIES = 12


class Contender:
    """One of those clients. ``numbers`` are values that nobody has written before."""

    def __init__(
        self,
        name: str,
        *,
        rng: random.Random,
        network: CallNetwork,
        managers: list[str],
        recorder: Recorder,
        numbers: "itertools.count[int]",
        note: Callable[[str], None],
    ) -> None:
        self.done = 0
        self._name = name
        self._rng = rng
        self._network = network
        self._managers = managers
        self._recorder = recorder
        self._numbers = numbers
        self._note = note
        self._keys = itertools.count(1)
        self._seen: dict[str, tuple[int, int]] = {}  # the value and the revision that was read last

    async def run(self, pause_s: tuple[float, float]) -> None:
        """Until cancelled; what is under way then is of unknown outcome."""
        while True:
            await asyncio.sleep(self._rng.uniform(*pause_s))
            service = self._rng.choice(CONTENDED)
            kind = self._rng.choice(["read", "read", "write", "cas"])
            if kind == "read" or (kind == "cas" and service not in self._seen):
                await self._read(service)
            elif kind == "write":
                await self._write(service)
            else:
                await self._swap(service)

    async def leave(self) -> None:
        """Remove the services."""
        for service in CONTENDED:
            await self._repeat(Write(f"{self._name}-leave-{service}", "delete", service), tries=200)

    async def _read(self, service: str) -> None:
        call = self._recorder.begin(self._name, service, "read")
        try:
            data = await self._ask("read", service.encode())
        except NotFound:
            call.done(None)
        except (Silence, OkubeError):
            call.failed()
        else:
            view = msgspec.json.decode(data)
            value = int(view["env"]["VALUE"])
            self._seen[service] = (value, view["revision"])
            call.done(value)
            self._note(f"{self._name} reads {service} = {value} at revision {view['revision']}")

    async def _write(self, service: str) -> None:
        value = next(self._numbers)
        call = self._recorder.begin(self._name, service, "write", value=value)
        write = Write(self._key(), "upsert", service, _document(service, value))
        await self._settle(call, write, f"{service} = {value}")

    async def _swap(self, service: str) -> None:
        expected, revision = self._seen[service]
        value = next(self._numbers)
        call = self._recorder.begin(self._name, service, "cas", value=value, expected=expected)
        write = Write(self._key(), "upsert", service, _document(service, value), revision)
        await self._settle(call, write, f"{service} = {value} in the place of {expected} (revision {revision})")

    async def _settle(self, call: Call, write: Write, title: str) -> None:
        self._note(f"{self._name} {write.key}: {title}")
        outcome = await self._repeat(write, tries=self._rng.choice([1, _TRIES]))
        if outcome is None:
            self._note(f"{self._name} does not know what became of {write.key}")
            return
        self.done += 1
        call.done(outcome if write.if_match is not None else None)
        self._note(f"{self._name} {write.key} is {'done' if outcome else 'refused'}")

    async def _repeat(self, write: Write, *, tries: int) -> bool | None:
        """Whether it was done, or refused for its condition; None: nobody knows."""
        body = msgspec.msgpack.encode(write)
        for _ in range(tries):
            try:
                await self._ask("write", body)
            except (Silence, OutcomeUnknown, NoQuorum):
                await asyncio.sleep(self._rng.uniform(0.02, 0.5))
            except (Conflict, NotFound):
                return False
            else:
                return True
        return None

    async def _ask(self, what: str, body: bytes) -> bytes:
        manager = self._rng.choice(self._managers)
        return await self._network.call("client", manager, what, body, timeout_s=self._rng.choice([0.5, 3.0]))

    def _key(self) -> str:
        return f"{self._name}-{next(self._keys)}"


def _document(service: str, value: int) -> dict[str, Any]:
    return {"name": service, "image": "example/web:1", "replicas": 0, "env": {"VALUE": str(value)}}
