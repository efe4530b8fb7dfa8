"""What no single entry of cluster.yaml shows: names and ports given twice, managers that cannot meet, clashing times.

The checks read the raw data, and of it what is right by itself: so they tell what they find beside all other errors,
and not only once those are mended.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from okube.config.cluster import RAFT_PORT_OFFSET, ClusterFile, Timing
from okube.config.fields import seconds_text
from okube.config.hosts import canonical_host, host_error, is_loopback
from okube.model.decode import hint
from okube.model.errors import FieldError
from okube.model.leaks import looks_secret
from okube.model.quantities import parse_seconds

__all__ = ["MAX_MANAGERS", "MISSED_HEARTBEATS", "problems", "unknown_places", "warnings"]

MAX_MANAGERS = 7
_LEVELS = ("region", "zone", "rack")
MISSED_HEARTBEATS = 2
"""How many signs of life in a row must be missing before a node counts as down."""


class _Entry(msgspec.Struct, frozen=True):
    """What is right of a manager or worker; an empty text or None is what is missing or wrong."""

    path: str
    name: str
    host: str
    ports: tuple[tuple[str, int], ...]  # field path, port


def problems(data: object) -> Iterator[FieldError]:
    """What is wrong with a file as a whole; ``data`` is the plain data of its document."""
    root = data if isinstance(data, Mapping) else {}
    managers = [_manager(item, f"managers[{n}]") for n, item in enumerate(_list(root, "managers"))]
    workers = [_worker(item, f"workers[{n}]") for n, item in enumerate(_list(root, "workers"))]
    yield from _count(root)
    yield from _names([*managers, *workers])
    yield from _ports([*managers, *workers])
    yield from _reach(managers)
    yield from _times(root.get("timing"))


def unknown_places(file: ClusterFile) -> Iterator[FieldError]:
    """Regions, zones and racks that ``topology`` has a cost for, and no worker is in: most likely misspelt.

    A level of which the file says nothing for any worker is not looked at: the workers may come from elsewhere.
    """
    if file.topology is None:
        return
    places = {f"{level}s": {getattr(worker, level) for worker in file.workers} - {""} for level in _LEVELS}
    for level, path, name in file.topology.names():
        known = places[level]
        if known and name not in known:
            yield FieldError(
                f"topology.{path}",
                f"no worker is in a {level[:-1]} {name!r}{hint(name, known)}; they are in {', '.join(sorted(known))}",
            )


def warnings(file: ClusterFile) -> Iterator[str]:
    """What works, and is seldom meant."""
    for worker in file.workers:
        for name, value in worker.labels.items():
            reason = looks_secret(name, value)
            if reason is not None:
                yield (
                    f"The label {name} of worker {worker.name} {reason}, and whoever may read nodes reads it: take it "
                    "out, and keep it as a secret ('okube secret create')."
                )
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


def _list(root: Mapping[Any, Any], key: str) -> list[Mapping[Any, Any]]:
    items = root.get(key)
    if not isinstance(items, list | tuple):
        return []
    return [item if isinstance(item, Mapping) else {} for item in items]


def _manager(item: Mapping[Any, Any], path: str) -> _Entry:
    port, raft_port = _port_in(item, "port"), _port_in(item, "raft_port")
    if raft_port is None and port is not None and "raft_port" not in item:
        raft_port = port + RAFT_PORT_OFFSET
    return _entry(item, path, {"port": port, "raft_port": raft_port})


def _worker(item: Mapping[Any, Any], path: str) -> _Entry:
    return _entry(item, path, {"port": _port_in(item, "port")})


def _entry(item: Mapping[Any, Any], path: str, ports: Mapping[str, int | None]) -> _Entry:
    name, host = item.get("name"), item.get("host")
    return _Entry(
        path,
        name if isinstance(name, str) else "",
        host if isinstance(host, str) and host_error(host) is None else "",
        tuple((f"{path}.{key}", port) for key, port in ports.items() if port is not None),
    )


def _port_in(item: Mapping[Any, Any], key: str) -> int | None:
    port = item.get(key)
    return port if isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535 else None


def _count(root: Mapping[Any, Any]) -> Iterator[FieldError]:
    count = len(_list(root, "managers"))
    if count == 0 and isinstance(root.get("managers"), list | tuple):
        yield FieldError("managers", "is empty: a cluster has 1, 3, 5 or 7 managers")
    if count > MAX_MANAGERS:
        yield FieldError("managers", f"{count} are too many, each change would wait for most of them: 1, 3, 5 or 7")


def _names(entries: list[_Entry]) -> Iterator[FieldError]:
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.name and entry.name in seen:
            yield FieldError(f"{entry.path}.name", f"{entry.name!r} is the name of {seen[entry.name]} already")
        seen.setdefault(entry.name, entry.path)


def _ports(entries: list[_Entry]) -> Iterator[FieldError]:
    seen: dict[tuple[str, int], str] = {}
    for entry in entries:
        for path, port in entry.ports if entry.host else ():
            place = (canonical_host(entry.host), port)
            if place in seen:
                derived = f" (it is port + {RAFT_PORT_OFFSET} unless given)" if path.endswith(".raft_port") else ""
                yield FieldError(path, f"port {port} of {entry.host} is taken by {seen[place]} already{derived}")
            seen.setdefault(place, path)


def _reach(managers: list[_Entry]) -> Iterator[FieldError]:
    elsewhere = next((each for each in managers if each.host and not is_loopback(each.host)), None)
    if elsewhere is None:
        return
    for manager in managers:
        if is_loopback(manager.host):
            yield FieldError(
                f"{manager.path}.host",
                f"{manager.host} is reached from its own machine alone, and {elsewhere.path} is on {elsewhere.host}: "
                "give the address of the machine",
            )


def _times(timing: object) -> Iterator[FieldError]:
    given = timing if isinstance(timing, Mapping) else {}
    try:
        heartbeat = parse_seconds(given.get("heartbeat", Timing().heartbeat))
        down_after = parse_seconds(given.get("node_down_after", Timing().node_down_after))
    except ValueError:
        return  # told where the field is decoded
    least = MISSED_HEARTBEATS * heartbeat
    if round(down_after * 1000) < round(least * 1000):
        yield FieldError(
            "timing.node_down_after",
            f"{seconds_text(down_after)} cannot work with a heartbeat of {seconds_text(heartbeat)}: two heartbeats "
            "in a row must be missing, or one late packet would take a node's tasks away; make it at least "
            f"{seconds_text(least)}, or the heartbeat at most {seconds_text(down_after / MISSED_HEARTBEATS)}",
        )
