"""The machines behind the entries of cluster.yaml: entries with one host are one machine."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, EntrySsh, ManagerConfig, WorkerConfig
from okube.config.cluster import SshConfig, SudoChoice
from okube.config.hosts import canonical_host
from okube.model.errors import FieldError, InvalidInput

__all__ = ["Access", "Machine", "machines_of"]

Entry = ManagerConfig | WorkerConfig
_USER, _PORT = "root", 22
_KNOWN_HOSTS = "~/.ssh/known_hosts"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How a machine is reached over SSH. Without ``identity_file`` the agent's keys are tried, and the usual files."""

    host: str
    port: int = _PORT
    user: str = _USER
    identity_file: Path | None = None
    known_hosts: Path
    sudo: SudoChoice = "auto"

    @property
    def where(self) -> str:
        """``admin@192.0.2.11``, with the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" if self.port == _PORT else f"{self.user}@{host}:{self.port}"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine, and what of the cluster is to run on it. ``host`` is as the first of its entries has it."""

    host: str
    managers: tuple[ManagerConfig, ...] = ()
    workers: tuple[WorkerConfig, ...] = ()
    access: Access

    @property
    def names(self) -> tuple[str, ...]:
        """Its processes, managers first."""
        entries: tuple[Entry, ...] = (*self.managers, *self.workers)
        return tuple(entry.name for entry in entries)

    @property
    def label(self) -> str:
        """What people see of it: ``192.0.2.11 (m1, w1)``."""
        return f"{self.host} ({', '.join(self.names)})"


def machines_of(config: ClusterConfig, only: Iterable[str] | None = None) -> tuple[Machine, ...]:
    """The machines, in the order in which the file names them first.

    Args:
        config: cluster.yaml.
        only: names of managers and workers; their machines alone, each with all that runs on it.

    Raises:
        InvalidInput: entries of one machine say differently how it is reached, or two machines are reached alike.
    """
    found: dict[str, list[tuple[str, Entry]]] = {}
    for path, entry in _entries(config):
        found.setdefault(canonical_host(entry.host), []).append((path, entry))
    errors: list[FieldError] = []
    machines = tuple(_machine(config, entries, errors) for entries in found.values())
    errors += _reached_alike(machines)
    if errors:
        raise InvalidInput.of(errors, what="cluster.yaml")
    wanted = None if only is None else frozenset(only)
    return machines if wanted is None else tuple(m for m in machines if wanted.intersection(m.names))


def _entries(config: ClusterConfig) -> Iterable[tuple[str, Entry]]:
    yield from ((f"managers[{n}]", manager) for n, manager in enumerate(config.managers))
    yield from ((f"workers[{n}]", worker) for n, worker in enumerate(config.workers))


def _machine(config: ClusterConfig, entries: list[tuple[str, Entry]], errors: list[FieldError]) -> Machine:
    first = entries[0][1]
    said: dict[str, tuple[str, object]] = {}
    for path, entry in entries:
        for key, value in _given(entry.ssh).items():
            where, before = said.setdefault(key, (path, value))
            if before != value:
                errors.append(
                    FieldError(
                        f"{path}.ssh.{key}",
                        f"{value!r} here and {before!r} at {where}, and both are on {entry.host}: one machine is "
                        "reached in one way",
                    )
                )
    own = msgspec.convert({key: value for key, (_, value) in said.items()}, EntrySsh)
    return Machine(
        host=first.host,
        managers=tuple(entry for _, entry in entries if isinstance(entry, ManagerConfig)),
        workers=tuple(entry for _, entry in entries if isinstance(entry, WorkerConfig)),
        access=_access(config, first.host, own),
    )


def _given(ssh: SshConfig) -> dict[str, object]:
    return {key: value for key, value in msgspec.structs.asdict(ssh).items() if value is not None}


def _access(config: ClusterConfig, host: str, own: EntrySsh) -> Access:
    shared = config.ssh
    identity_file = own.identity_file or shared.identity_file
    return Access(
        host=own.host or host,
        port=own.port or shared.port or _PORT,
        user=own.user or shared.user or _USER,
        identity_file=None if identity_file is None else _path(config, identity_file),
        known_hosts=_path(config, own.known_hosts or shared.known_hosts or _KNOWN_HOSTS),
        sudo=own.sudo or shared.sudo or "auto",
    )


def _path(config: ClusterConfig, text: str) -> Path:
    folder = Path.cwd() if config.file is None else config.file.parent
    return Path(os.path.abspath(folder / os.path.expanduser(text)))


def _reached_alike(machines: tuple[Machine, ...]) -> Iterable[FieldError]:
    seen: dict[tuple[str, int], Machine] = {}
    for machine in machines:
        place = (canonical_host(machine.access.host), machine.access.port)
        other = seen.setdefault(place, machine)
        if other is not machine:
            yield FieldError(
                "",
                f"{machine.label} and {other.label} are both reached at {machine.access.where}: give entries of one "
                "machine the same host, and other machines an ssh.host or ssh.port of their own",
            )
