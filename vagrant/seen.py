"""What a cluster's answers mean for a scenario: pure functions on what ``okube … -o json`` prints."""

from collections.abc import Collection, Sequence
from typing import Any

__all__ = ["containers", "leader", "nodes_ready", "replaced", "running", "whole"]

Row = dict[str, Any]


def leader(status: Row) -> str | None:
    """Who leads, where a majority takes part."""
    return status.get("leader") if status.get("quorum") else None


def whole(status: Row, managers: Collection[str], workers: int) -> bool:
    """Whether somebody leads, all those managers are ready and so are that many nodes."""
    ready = {each["name"] for each in status.get("managers", ()) if each.get("state") == "ready"}
    return leader(status) is not None and ready >= set(managers) and nodes_ready(status) == workers


def nodes_ready(status: Row) -> int:
    """How many nodes are ready."""
    return int(status.get("nodes", {}).get("ready", 0))


def running(tasks: Sequence[Row]) -> list[Row]:
    """The tasks that run and are ready."""
    return [task for task in tasks if task["state"] == "running" and task["ready"]]


def replaced(before: Sequence[Row], now: Sequence[Row], lost: Collection[str]) -> bool:
    """Whether as many tasks of each service run as before, and none of them on the lost nodes."""
    there = running(now)
    return not any(task["node"] in lost for task in there) and _count(there) == _count(running(before))


def containers(tasks: Sequence[Row]) -> dict[str, str]:
    """The container of each task that runs."""
    return {task["name"]: task["container_id"] for task in running(tasks)}


def _count(tasks: Sequence[Row]) -> dict[str, int]:
    services = [task["service"] for task in tasks]
    return {service: services.count(service) for service in services}
