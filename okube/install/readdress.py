"""Machines that get other addresses: which of a cluster's processes move with them, and how far that is. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from okube.config import ClusterConfig
from okube.config.hosts import canonical_host, host_error
from okube.install.nodes import Role
from okube.model.errors import FieldError, InvalidInput, NotFound

__all__ = ["Move", "moves_of", "pairs_of"]


class Move(msgspec.Struct, frozen=True):
    """A process whose machine is reached at another host: its ports stay. ``raft_port`` is a manager's."""

    name: str
    role: Role
    host: str
    port: int
    raft_port: int = 0

    @property
    def address(self) -> str:
        """Where it is reached from now on."""
        return _joined(self.host, self.port)

    @property
    def raft_address(self) -> str:
        """Where other managers reach a manager from now on."""
        return _joined(self.host, self.raft_port)


def pairs_of(words: tuple[str, ...]) -> dict[str, str]:
    """Old and new host, of ``OLD=NEW``.

    Raises:
        InvalidInput: a word is none, a host is named twice, or is no host.
    """
    found: dict[str, str] = {}
    errors: list[FieldError] = []
    for word in words:
        old, equals, new = word.partition("=")
        if not (old and equals and new):
            errors.append(FieldError(word, "names no new address: write OLD-HOST=NEW-HOST"))
            continue
        problem = host_error(new)
        if problem is not None:
            errors.append(FieldError(word, problem))
        if canonical_host(old) in map(canonical_host, found):
            errors.append(FieldError(word, f"{old} is named twice"))
        if canonical_host(new) in map(canonical_host, found.values()):
            errors.append(FieldError(word, f"two machines cannot both be at {new}"))
        found[old] = new
    if errors:
        raise InvalidInput.of(errors, what="addresses")
    return found


def moves_of(config: ClusterConfig, pairs: Mapping[str, str]) -> tuple[Move, ...]:
    """All processes of the machines that move.

    A machine that cluster.yaml has at its new host already was told before, and is told again, which does no harm.

    Raises:
        NotFound: cluster.yaml has no machine there.
    """
    moves: list[Move] = []
    for old, new in pairs.items():
        there = list(_at(config, old, new)) or list(_at(config, new, new))
        if not there:
            known = dict.fromkeys([*(m.host for m in config.managers), *(w.host for w in config.workers)])
            raise NotFound(f"no manager or worker of cluster.yaml is at {old}; they are at {', '.join(known)}")
        moves += there
    return tuple(moves)


def _at(config: ClusterConfig, host: str, new: str) -> Iterator[Move]:
    wanted = canonical_host(host)
    for manager in config.managers:
        if canonical_host(manager.host) == wanted:
            yield Move(manager.name, "manager", new, manager.port, manager.raft_port)
    for worker in config.workers:
        if canonical_host(worker.host) == wanted:
            yield Move(worker.name, "worker", new, worker.port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
