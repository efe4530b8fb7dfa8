"""What containers use: from the kernel's groups where the engine is of this machine, else as the engine says."""

from typing import Any

from docker import APIClient
from docker.errors import APIError

from okube.worker.runtime.accounting import Consumption, Groups
from okube.worker.runtime.base import Container

__all__ = ["Consumptions"]


class Consumptions:
    """Reads running containers; remembers where the groups of each are. For use in one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | None], Groups] = {}

    def read(self, sdk: APIClient, running: list[Container]) -> dict[str, Consumption]:
        """By container id; one that has ended meanwhile is left out."""
        found: dict[str, Consumption] = {}
        known: dict[tuple[str, int | None], Groups] = {}
        for container in running:
            run = (container.id, container.started_ms)
            groups = self._known.get(run) or _groups(sdk, container.id)
            consumed = groups.read() if groups is not None else _told(sdk, container.id)
            if groups is not None:
                known[run] = groups
            if consumed is not None:
                found[container.id] = consumed
        self._known = known
        return found


def _groups(sdk: APIClient, container_id: str) -> Groups | None:
    try:
        pid = int(sdk.inspect_container(container_id)["State"]["Pid"])
    except APIError:
        return None
    return Groups.of(pid, mark=container_id) if pid else None


def _told(sdk: APIClient, container_id: str) -> Consumption | None:
    try:
        stats: dict[str, Any] = sdk.stats(container_id, stream=False, one_shot=True)
        memory = stats["memory_stats"]
        details = memory.get("stats", {})
        cached = details.get("total_inactive_file", details.get("inactive_file", 0))
        return Consumption(stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, max(0, memory["usage"] - cached))
    except (APIError, KeyError):
        return None
