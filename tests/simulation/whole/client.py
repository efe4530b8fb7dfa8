"""One client for each service name: it writes at random, repeats what it does not know the outcome of, and keeps books.

As nobody else writes to its service, it knows after each answer what the service must be, and how often it changed.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

import msgspec

from okube.model.errors import NoQuorum, OkubeError, OutcomeUnknown
from okube.model.service import KEPT_VERSIONS
from okube.model.spec import ServiceSpec, decode_spec
from tests.simulation.whole.calls import CallNetwork, Silence
from tests.simulation.whole.machine import BROKEN_IMAGE
from tests.simulation.whole.manager import Write

__all__ = ["Client", "Wanted"]

GOOD_IMAGES = ("example/web:1", "example/web:2")
FAILING_IMAGES = ("example/crash:1", BROKEN_IMAGE)
ENDING_IMAGE = "example/short:1"


class Wanted:
    """What the service must be after what was acknowledged."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.version = 1
        self.stopped = False
        self._before: list[ServiceSpec] = []

    def put(self, spec: ServiceSpec) -> None:
        """A new spec; a service that is stopped stays stopped."""
        same = msgspec.structs.replace(spec, replicas=self.spec.replicas, update=self.spec.update) == self.spec
        if same:
            self.spec = spec
        else:
            self.renew(spec)

    def renew(self, spec: ServiceSpec) -> None:
        """A new version."""
        self._before = [*self._before, self.spec][-KEPT_VERSIONS:]
        self.version += 1
        self.spec = spec

    def rolled_back(self) -> ServiceSpec | None:
        """The spec that `rollback` brings back, or None where there is no other before."""
        specs = (msgspec.structs.replace(spec, replicas=self.spec.replicas) for spec in reversed(self._before))
        return next((spec for spec in specs if spec != self.spec), None)


class Client:
    """Writes to the service ``name``, through any manager, until it is told to repair and to stop."""

    def __init__(
        self,
        name: str,
        *,
        number: int,
        rng: random.Random,
        network: CallNetwork,
        managers: list[str],
        violate: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.name = name
        self.wanted: Wanted | None = None
        self.acknowledged = 0
        self.unknown = 0
        self.reads = 0
        self._number = number
        self._rng = rng
        self._network = network
        self._managers = managers
        self._violate = violate
        self._note = note
        self._keys = itertools.count(1)
        self._ending = False

    async def run(self, pause_s: tuple[float, float] = (0.1, 3.0)) -> None:
        """One write after another; each is brought to its end, even when the run is over."""
        while not self._ending:
            await asyncio.sleep(self._rng.uniform(*pause_s))
            await self._choose()
            if self._rng.random() < 0.3:
                await self._read()
        await self._repair()

    async def leave(self) -> None:
        """Remove the service for good."""
        if self.wanted is not None:
            await self._delete()

    def end(self) -> None:
        """Bring the write under way to its end, leave a service that can run, and stop."""
        self._ending = True

    async def _choose(self) -> None:
        if self.wanted is None:
            await self._create()
            return
        choices = [self._update, self._update, self._scale, self._scale, self._restart, self._stop_or_start]
        await self._rng.choice([*choices, self._roll_back, self._create_again, self._delete])()

    async def _create(self) -> None:
        document = self._document()
        await self._write(self._rng.choice(["create", "upsert"]), document)
        self.wanted = Wanted(decode_spec(document))

    async def _update(self) -> None:
        assert self.wanted is not None
        document = self._document(mode=self.wanted.spec.mode)
        await self._write("upsert", document)
        self.wanted.put(decode_spec(document))

    async def _scale(self) -> None:
        assert self.wanted is not None
        if self.wanted.spec.mode == "global":
            return
        most = 2 if self.wanted.spec.ports else 4
        replicas = self._rng.randint(0, most)
        await self._write("scale", {"replicas": replicas})
        self.wanted.spec = msgspec.structs.replace(self.wanted.spec, replicas=replicas)
        self.wanted.stopped = False

    async def _restart(self) -> None:
        assert self.wanted is not None
        if self.wanted.stopped:
            return
        await self._write("restart")
        self.wanted.renew(self.wanted.spec)

    async def _roll_back(self) -> None:
        assert self.wanted is not None
        spec = self.wanted.rolled_back()
        await self._write("rollback", refused="conflict" if spec is None else "")
        if spec is not None:
            self.wanted.renew(spec)

    async def _stop_or_start(self) -> None:
        assert self.wanted is not None
        stopped = not self.wanted.stopped
        await self._write("stop" if stopped else "start")
        self.wanted.stopped = stopped

    async def _create_again(self) -> None:
        await self._write("create", self._document(), refused="conflict")

    async def _delete(self) -> None:
        await self._write("delete")
        self.wanted = None

    async def _repair(self) -> None:
        """What cannot run would not settle."""
        if self.wanted is not None and self.wanted.spec.image in FAILING_IMAGES:
            document = {**self._document(mode=self.wanted.spec.mode), "image": GOOD_IMAGES[0]}
            await self._write("upsert", document)
            self.wanted.put(decode_spec(document))
        if self.wanted is not None and self.wanted.spec.ports and self.wanted.spec.replicas > 2:
            await self._write("scale", {"replicas": 2})  # a rollback brought the port back
            self.wanted.spec = msgspec.structs.replace(self.wanted.spec, replicas=2)
            self.wanted.stopped = False

    def _document(self, mode: str = "") -> dict[str, Any]:
        rng = self._rng
        chosen = mode or rng.choice(["replicated"] * 5 + ["global"])
        image = rng.choice([*GOOD_IMAGES * 4, *FAILING_IMAGES, ENDING_IMAGE])
        restart = rng.choice(["never", "on-failure"]) if image == ENDING_IMAGE else "always"
        document: dict[str, Any] = {
            "name": self.name,
            "mode": chosen,
            "image": image,
            "restart": {"policy": restart},
            "env": {"N": str(rng.randint(0, 3))},
            "resources": {"cpus": 0.3, "memory": "64M"},
            "app": rng.choice([None, "left", "right"]),
            "update": {"order": rng.choice(["stop-first", "start-first"])},
        }
        if rng.random() < 0.3:
            document["ports"] = [{"host": 8000 + self._number, "container": 80, "protocol": "tcp"}]
        if chosen == "replicated":
            document["replicas"] = rng.randint(0, 2 if "ports" in document else 4)
        return document

    async def _write(self, what: str, document: dict[str, Any] | None = None, *, refused: str = "") -> None:
        """One write with one key, repeated until its outcome is known."""
        write = Write(f"{self.name}-{next(self._keys)}", what, self.name, document or {})
        body = msgspec.msgpack.encode(write)
        self._note(f"client {what} {self.name} {document or ''}")
        while True:
            try:
                await self._ask("write", body)
            except (Silence, OutcomeUnknown, NoQuorum) as error:
                self.unknown += not isinstance(error, NoQuorum)
                await asyncio.sleep(self._rng.uniform(0.02, 0.3))
            except OkubeError as error:
                if error.kind != refused:
                    self._violate(f"{write.key} ({what} {self.name}) is refused: {error.kind}: {error}")
                break
            else:
                if refused:
                    self._violate(f"{write.key} ({what} {self.name}) is not refused")
                break
        self.acknowledged += 1
        self._note(f"client {write.key} is answered")

    async def _read(self) -> None:
        """What was acknowledged is seen, at any manager."""
        try:
            data = await self._ask("read", self.name.encode())
        except (Silence, NoQuorum):
            return
        except OkubeError:
            data = b""
        self.reads += 1
        self.check(msgspec.json.decode(data) if data else None)

    def check(self, view: dict[str, Any] | None) -> None:
        """Compare a view of the service with the books."""
        if view is None or self.wanted is None:
            if (view is None) != (self.wanted is None):
                self._violate(f"{self.name} is {'gone' if view is None else 'there'}, against what was acknowledged")
            return
        known = self.wanted
        found = (view["image"], view["version"], view["replicas"], view["env"])
        wanted = (known.spec.image, known.version, known.spec.replicas, known.spec.env)
        if found != wanted:
            self._violate(f"{self.name} is {found}, and {wanted} was acknowledged")

    async def _ask(self, what: str, body: bytes) -> bytes:
        manager = self._rng.choice(self._managers)
        return await self._network.call("client", manager, what, body, timeout_s=self._rng.choice([0.5, 3.0, 8.0]))
