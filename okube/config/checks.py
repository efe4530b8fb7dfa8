"""What no single entry of cluster.yaml shows: names and ports given twice, and managers that cannot meet."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from okube.config.cluster import RAFT_PORT_OFFSET, ClusterFile, ManagerConfig, WorkerConfig
from okube.config.hosts import canonical_host, is_loopback
from okube.model.decode import decode
from okube.model.errors import FieldError, InvalidInput

__all__ = ["MAX_MANAGERS", "Entries", "entries_of", "problems", "warnings"]

S = TypeVar("S", bound=msgspec.Struct)
MAX_MANAGERS = 7


class Entries(msgspec.Struct, frozen=True):
    """The managers and workers that could be read, each with its field path."""

    managers: tuple[tuple[str, ManagerConfig], ...]
    workers: tuple[tuple[str, WorkerConfig], ...]
    given_managers: int | None  # how many the file has, readable or not; None: no list


def entries_of(data: object) -> Entries:
    """What can be read of a file that may have errors elsewhere, so that all of them can be told at once."""
    root = data if isinstance(data, dict) else {}
    managers, workers = root.get("managers"), root.get("workers")
    return Entries(
        tuple(_readable(ManagerConfig, managers, "managers")),
        tuple(_readable(WorkerConfig, workers, "workers")),
        len(managers) if isinstance(managers, list | tuple) else None,
    )


def problems(entries: Entries) -> Iterator[FieldError]:
    """What is wrong with the managers and workers taken together."""
    yield from _count(entries.given_managers)
    yield from _names([*entries.managers, *entries.workers])
    yield from _ports(entries)
    yield from _reach(entries.managers)


def warnings(file: ClusterFile) -> Iterator[str]:
    """What works, and is seldom meant."""
    count = len(file.managers)
    if count % 2 == 0:
        yield (
            f"{count} managers bear the loss of {(count - 1) // 2}, no more than {count - 1} do, and more of them must "
            f"agree on each change: use {count - 1} or {count + 1}."
        )
    if not all(is_loopback(manager.host) for manager in file.managers):
        for worker in file.workers:
            if is_loopback(worker.host):
                yield (
                    f"Worker {worker.name} is on {worker.host}, where managers on other machines do not reach it: give "
                    "the address of its machine."
                )


def _readable(kind: type[S], items: object, path: str) -> Iterator[tuple[str, S]]:
    if not isinstance(items, list | tuple):
        return
    for n, item in enumerate(items):
        try:
            yield f"{path}[{n}]", decode(kind, item, what="cluster.yaml")
        except InvalidInput:
            continue  # its errors are told already, by the decoding of the whole


def _count(managers: int | None) -> Iterator[FieldError]:
    if managers == 0:
        yield FieldError("managers", "is empty: a cluster has 1, 3, 5 or 7 managers")
    if managers is not None and managers > MAX_MANAGERS:
        yield FieldError("managers", f"{managers} are too many, each change would wait for all of them: 1, 3, 5 or 7")


def _names(entries: Sequence[tuple[str, ManagerConfig | WorkerConfig]]) -> Iterator[FieldError]:
    seen: dict[str, str] = {}
    for path, entry in entries:
        if entry.name in seen:
            yield FieldError(f"{path}.name", f"{entry.name!r} is the name of {seen[entry.name]} already")
        seen.setdefault(entry.name, path)


def _ports(entries: Entries) -> Iterator[FieldError]:
    seen: dict[tuple[str, int], str] = {}
    for path, host, port in _listeners(entries):
        place = (canonical_host(host), port)
        if place in seen:
            derived = f" (it is port + {RAFT_PORT_OFFSET} unless given)" if path.endswith(".raft_port") else ""
            yield FieldError(path, f"port {port} of {host} is taken by {seen[place]} already{derived}")
        seen.setdefault(place, path)


def _listeners(entries: Entries) -> Iterator[tuple[str, str, int]]:
    for path, manager in entries.managers:
        yield f"{path}.port", manager.host, manager.port
        yield f"{path}.raft_port", manager.host, manager.raft_port
    for path, worker in entries.workers:
        yield f"{path}.port", worker.host, worker.port


def _reach(managers: Sequence[tuple[str, ManagerConfig]]) -> Iterator[FieldError]:
    elsewhere = [manager for _, manager in managers if not is_loopback(manager.host)]
    if not elsewhere:
        return
    for path, manager in managers:
        if is_loopback(manager.host):
            yield FieldError(
                f"{path}.host",
                f"{manager.host} is reached from its own machine alone, and {elsewhere[0].name} is on "
                f"{elsewhere[0].host}: give the address of the machine",
            )
