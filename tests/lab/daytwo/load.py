"""Programs that use the cluster all the time, while something is done to it; each call that fails is kept."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.lab.rack.admin import Admin

__all__ = ["Load"]

_READERS, _WRITERS = 2, 2


class Load:
    """Readers and writers, each with a client of its own, from ``with`` to its end."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._over = threading.Event()
        self._threads = [
            *(threading.Thread(target=self._read) for _ in range(_READERS)),
            *(threading.Thread(target=self._write, args=(f"load{n}",)) for n in range(_WRITERS)),
        ]
        self.done = Counter[str]()
        self.slowest_s = 0.0
        self.failed: list[str] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        calls = f"{self.done['read']} reads and {self.done['write']} writes"
        return f"{calls}, {len(self.failed)} failed, the slowest took {self.slowest_s:.1f} s"

    def _read(self) -> None:
        client = self._admin.client()
        while not self._over.is_set():
            self._call("read", client.services)
            self._over.wait(0.05)
        client.close()

    def _write(self, name: str) -> None:
        client = self._admin.client()
        spec = {"name": name, "image": "none", "replicas": 0}
        number = 0
        while not self._over.is_set():
            number += 1
            self._call("write", partial(client.put_service, name, {**spec, "labels": {"n": str(number)}}))
            self._over.wait(0.05)
        client.close()

    def _call(self, kind: str, call: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            call()
        except Exception as error:  # whatever a program would have met
            self.failed.append(f"{kind}: {error!r}")
        else:
            self.done[kind] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
