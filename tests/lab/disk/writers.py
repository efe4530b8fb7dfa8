"""Clients that write all the time, one thing after the other, and remember what was acknowledged."""

import itertools
import threading
import time
from types import TracebackType

from okube.model.errors import OkubeError
from tests.lab.cluster import Cluster
from tests.lab.history import client_of

__all__ = ["Writers"]

_PAUSE_S = 0.2  # after a refusal
_SERIES = itertools.count(1)


class Writers:
    """Each makes services of its own, without tasks; a context manager that ends them.

    Args:
        cluster: what is written to.
        count: how many there are.
        padding: bytes that each service carries with it.
        keep: whether services stay, or are removed as soon as they are made.
    """

    def __init__(self, cluster: Cluster, count: int = 4, *, padding: int = 0, keep: bool = True) -> None:
        self.acknowledged: list[tuple[float, str]] = []
        self.refused = 0
        self._cluster = cluster
        self._padding = padding
        self._keep = keep
        self._series = f"{next(_SERIES)}"
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._write, args=(f"series{self._series}-w{n}",)) for n in range(count)
        ]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def names(self) -> list[str]:
        """All that was acknowledged."""
        return [name for _, name in self.acknowledged]

    def more(self, count: int, seconds: float = 60.0) -> list[str]:
        """Wait until so many more are acknowledged, and return these."""
        before = len(self.acknowledged)
        self._cluster.wait(
            lambda: len(self.acknowledged) >= before + count, f"{count} more are written", seconds=seconds
        )
        return self.names[before:]

    def lost(self) -> list[str]:
        """What was acknowledged before this call and is not there."""
        acknowledged = self.names
        there = {service["name"] for service in self._cluster.json("services")}
        return [name for name in acknowledged if name not in there]

    def _write(self, writer: str) -> None:
        client = client_of(self._cluster)
        while not self._stop.is_set():
            name = f"{writer}-{next(self._numbers)}"
            spec = {"name": name, "image": "host", "command": ["true"], "replicas": 0}
            if self._padding:
                spec["env"] = {"PADDING": "x" * self._padding}
            try:
                client.create_service(spec)
                if not self._keep:
                    client.delete_service(name)
            except OkubeError:
                self.refused += 1
                self._stop.wait(_PAUSE_S)
            else:
                self.acknowledged.append((time.monotonic(), name))
        client.close()
