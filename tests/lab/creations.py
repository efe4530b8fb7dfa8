"""Which containers an engine makes, as it tells in its own stream of events: nothing that comes and goes is missed."""

import contextlib
import threading
from collections import Counter
from types import TracebackType
from typing import Any

import docker

from okube.worker.runtime.docker.transport import connect
from okube.worker.runtime.naming import SERVICE_LABEL, TASK_LABEL

__all__ = ["Creations"]


class Creations:
    """Counts ``create`` events from its entry on, by service and task."""

    def __init__(self, base_url: str) -> None:
        self._client: docker.APIClient = connect(base_url, timeout_s=600)
        self._found: list[tuple[str, str]] = []
        self._stream: Any = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Creations":
        filters = {"type": "container", "event": "create"}
        self._stream = self._client.events(decode=True, filters=filters)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._client.close()
        self._reader.join(timeout=10)

    def of(self, prefix: str) -> Counter[str]:
        """How often a container was made of each task of the services whose names begin so."""
        return Counter(task for service, task in list(self._found) if service.startswith(prefix))

    def _read(self) -> None:
        with contextlib.suppress(Exception):  # the rim: the stream is closed under its reader at the end
            for event in self._stream:
                labels = event["Actor"]["Attributes"]
                if TASK_LABEL in labels:
                    self._found.append((labels[SERVICE_LABEL], labels[TASK_LABEL]))
