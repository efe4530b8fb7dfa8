"""Which nodes and managers would be lost: from what people write to names. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from okube.model.decode import hint
from okube.model.errors import FieldError, InvalidInput
from okube.model.foresight_views import QuorumView
from okube.model.node import Node
from okube.raft import Member
from okube.state import Tables

__all__ = ["Loss", "loss_of", "quorum_after"]

_PLACES = ("zone", "region", "rack")
_KINDS = ("node", "manager", *_PLACES)


class Loss(NamedTuple):
    """The names of what is lost, each once and sorted."""

    nodes: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


def loss_of(tables: Tables, members: Sequence[Member], texts: Iterable[str]) -> Loss:
    """The nodes and managers that are meant; a manager on a machine that is lost with its node is lost too.

    Raises:
        InvalidInput: there is no such thing; with what may have been meant.
    """
    nodes: set[str] = set()
    managers: set[str] = set()
    errors = []
    for number, text in enumerate(texts):
        kind, colon, name = text.partition(":")
        if not colon:
            kind, name = _kind_of(text, tables, members), text
        found = _named(kind, name, tables, members)
        if not found:
            errors.append(FieldError(f"lose[{number}]", _unknown(kind, name, text, tables, members)))
        (managers if kind == "manager" else nodes).update(found)
    if errors:
        raise InvalidInput.of(errors, what="what is lost")
    hosts = {_host(tables.nodes[name].address) for name in nodes} - {""}
    managers |= {member.name for member in members if _host(member.api_address) in hosts}
    return Loss(tuple(sorted(nodes)), tuple(sorted(managers)))


def quorum_after(members: Sequence[Member], lost: Sequence[str], down: Sequence[str] = ()) -> QuorumView:
    """Whether the managers that are left could decide anything; those that are ``down`` as it is are not among them."""
    voters = [member.name for member in members if member.voter]
    missing = [name for name in down if name in voters and name not in lost]
    left, needed = sum(name not in lost and name not in missing for name in voters), len(voters) // 2 + 1
    return QuorumView(kept=left >= needed, voters=len(voters), left=left, needed=needed, lost=list(lost), down=missing)


def _kind_of(name: str, tables: Tables, members: Sequence[Member]) -> str:
    return "manager" if name not in tables.nodes and any(member.name == name for member in members) else "node"


def _named(kind: str, name: str, tables: Tables, members: Sequence[Member]) -> set[str]:
    if kind == "manager":
        return {member.name for member in members if member.name == name}
    if kind == "node":
        return {name} & tables.nodes.keys()
    if kind in _PLACES and name:
        return {node.name for node in tables.nodes.values() if getattr(node, kind) == name}
    return set()


def _unknown(kind: str, name: str, text: str, tables: Tables, members: Sequence[Member]) -> str:
    if kind not in _KINDS:
        return f"{text!r} begins with none of {', '.join(f'{each}:' for each in _KINDS)}"
    nodes = tables.nodes.values()
    if kind == "node" and ":" not in text:
        places = [f"{each}:{name}" for each in _PLACES if any(getattr(node, each) == name for node in nodes)]
        if places:
            return f"there is no node {name}; did you mean {places[0]}?"
    return f"there is no {kind} {name}{hint(name, _all(kind, nodes, members))}"


def _all(kind: str, nodes: Iterable[Node], members: Sequence[Member]) -> list[str]:
    if kind == "manager":
        return [member.name for member in members]
    return sorted({node.name if kind == "node" else getattr(node, kind) for node in nodes} - {""})


def _host(address: str) -> str:
    """The machine of an address; empty where it says nothing of the machine."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return "" if ip_address(host).is_loopback else host
    except ValueError:
        return "" if host == "localhost" else host
