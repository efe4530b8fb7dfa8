"""The entry of cluster.yaml that a change is about: written there, found, or made of what the cluster knows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from okube.client.api import OkubeClient
from okube.config import ClusterConfig, load_documents
from okube.config.edit import Section, with_entry, with_hosts
from okube.config.hosts import canonical_host
from okube.config.rewrite import rewritten
from okube.install.installed import Entry
from okube.install.inventory import Machine, machines_of
from okube.install.nodes import Role
from okube.install.nodes_cluster import host_of, managers_in
from okube.model.errors import Conflict, InvalidInput, NotFound

__all__ = ["as_known", "find", "former_machine", "names", "with_fields"]

_PORTS = {"manager": 7101, "worker": 7201}
_SECTIONS: tuple[Section, Section] = ("managers", "workers")


def with_fields(text: str, name: str, role: Role | None, fields: Mapping[str, Any]) -> str:
    """The text with an entry of that name, made of ``fields``; one that is there must not say otherwise.

    Raises:
        NotFound: it is not there, and no host is given for it.
        Conflict: it is there and says otherwise.
    """
    found = _entry(text, name)
    if found is not None:
        _no_contradiction(name, role, *found, fields)
        return text
    if "host" not in fields:
        raise NotFound(
            f"cluster.yaml names no {name}: write it there, with its host and port; or give them with --host and --port"
        )
    what: Role = role or "worker"
    first = {"name": name, "host": fields["host"], "port": _PORTS[what]}
    return with_entry(text, "managers" if what == "manager" else "workers", {**first, **fields})


def as_known(text: str, name: str, client: OkubeClient) -> str:
    """The text with an entry for what the cluster knows, where somebody has taken it out already."""
    if _entry(text, name) is not None:
        return text
    rows: dict[Section, Sequence[Any]] = {"managers": client.managers(), "workers": client.nodes()}
    for section in _SECTIONS:
        for row in rows[section]:
            if row["name"] == name:
                address = str(row["address"])
                entry = {"name": name, "host": host_of(address), "port": int(address.rpartition(":")[2])}
                return with_entry(text, section, entry)
    return text


def names(config: ClusterConfig, name: str) -> bool:
    """Whether cluster.yaml names it."""
    return name in {*(manager.name for manager in config.managers), *(worker.name for worker in config.workers)}


def find(config: ClusterConfig, name: str) -> tuple[Entry, Machine]:
    """A process of cluster.yaml, and its machine.

    Raises:
        NotFound: it names none of that name.
    """
    if not names(config, name):
        known = [*(manager.name for manager in config.managers), *(worker.name for worker in config.workers)]
        raise NotFound(f"cluster.yaml names no {name}; it names {', '.join(known)}")
    is_manager = any(manager.name == name for manager in config.managers)
    (machine,) = machines_of(config, [name])
    return Entry("manager" if is_manager else "worker", name), machine


def former_machine(path: Path, name: str, host: str, client: OkubeClient) -> Machine | None:
    """The machine that a manager is on until now; None where it is the one at ``host``, or nobody knows."""
    known = managers_in(client).get(name)
    if known is None or canonical_host(known.host) == canonical_host(host):
        return None
    try:
        was = rewritten(path, lambda text: with_hosts(text, {name: known.host}))
    except InvalidInput:
        return None  # somebody else is there by now
    return find(was.config, name)[1]


def _entry(text: str, name: str) -> tuple[Section, Mapping[str, Any]] | None:
    (document,) = load_documents(text, source="cluster.yaml")
    for section in _SECTIONS:
        for entry in document.data.get(section) or []:
            if entry.get("name") == name:
                return section, entry
    return None


def _no_contradiction(
    name: str, role: Role | None, section: Section, entry: Mapping[str, Any], fields: Mapping[str, Any]
) -> None:
    if role is not None and f"{role}s" != section:
        raise Conflict(f"cluster.yaml names {name} among the {section}, and --role says {role}: change one of them")
    for key, value in fields.items():
        if entry.get(key) != value:
            raise Conflict(
                f"cluster.yaml says {key} {entry.get(key)!r} of {name}, and here it is {value!r}: change one of them"
            )
