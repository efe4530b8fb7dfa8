"""The cluster.yaml of a machine that joined and had none: written by ``okube join``, which changes no other file."""

from pathlib import Path
from typing import Any

import msgspec

from okube.config import ClusterConfig, load_cluster
from okube.model.jointoken import JoinAnswer
from okube.security.private import write_public

__all__ = ["OwnEntry", "is_own", "write_own_file"]

_MARK = "# Written by `okube join`"
_HEAD = f"""{_MARK}, which changes it again when another process of this machine joins.
# It says where this machine finds the managers, and what runs here; what the cluster knows of itself it keeps itself.
"""


class OwnEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What runs here, as the file has it. ``raft_port`` is a manager's, the rest a worker's."""

    role: str
    name: str
    host: str
    port: int
    raft_port: int = 0
    region: str = ""
    zone: str = ""
    rack: str = ""
    labels: dict[str, str] = {}
    named: dict[str, int] = {}


def is_own(path: Path) -> bool:
    """Whether the file is one that ``okube join`` wrote, or is not there."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().startswith(_MARK)
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False


def write_own_file(path: Path, answer: JoinAnswer, entry: OwnEntry, runtime: str | None) -> ClusterConfig:
    """Name the managers as they are now, and beside what ran here before what has joined now.

    Raises:
        InvalidInput: the file that is there cannot be read, or what comes out cannot be.
    """
    import yaml

    before = load_cluster(path) if path.exists() else None
    workers = {} if before is None else {w.name: _plain(w) for w in before.workers}
    managers = {} if before is None else {m.name: _plain(m) for m in before.managers if m.name == entry.name}
    managers |= {
        manager.name: _manager(manager.name, manager.address, manager.raft_address) for manager in answer.managers
    }
    if entry.role == "worker":
        workers[entry.name] = _worker(entry)
    described: dict[str, Any] = {
        "cluster": answer.cluster,
        "data_dir": "data" if before is None else str(before.data_dir),
        "managers": list(managers.values()),
        "timing": {
            "heartbeat": answer.heartbeat_s,
            "node_down_after": answer.node_down_after_s,
            "election": answer.election_s,
        },
    }
    if workers:
        described["workers"] = list(workers.values())
    chosen = runtime or (None if before is None else before.runtime)
    if chosen:
        described["runtime"] = chosen
    text = _HEAD + str(yaml.safe_dump(described, sort_keys=False, allow_unicode=True))
    write_public(path, text.encode())
    return load_cluster(path)


def _manager(name: str, address: str, raft_address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {
        "name": name,
        "host": host.strip("[]"),
        "port": int(port),
        "raft_port": int(raft_address.rpartition(":")[2]),
    }


def _worker(entry: OwnEntry) -> dict[str, Any]:
    found: dict[str, Any] = {"name": entry.name, "host": entry.host, "port": entry.port}
    found |= {level: place for level in ("region", "zone", "rack") if (place := getattr(entry, level))}
    if entry.labels:
        found["labels"] = entry.labels
    if entry.named:
        found["capacity"] = {"named": entry.named}
    return found


def _plain(entry: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(entry)
    for key in ("capacity", "reserve", "ssh"):
        if key in found:
            found[key] = {name: value for name, value in found[key].items() if value not in (None, {})}
            if not found[key]:
                del found[key]
    return {key: value for key, value in found.items() if value not in ("", {}, None)}
