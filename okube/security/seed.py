"""Two small files that say who is who: ``cluster.json`` of a cluster and ``identity.json`` of a process."""

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from okube.model.errors import BadFile
from okube.security.private import write_public

__all__ = [
    "Member",
    "ProcessIdentity",
    "Seed",
    "read_process_identity",
    "read_seed",
    "write_process_identity",
    "write_seed",
]

S = TypeVar("S", bound=msgspec.Struct)


class Member(msgspec.Struct, frozen=True):
    """A manager of the cluster, as this machine knows it."""

    name: str
    instance: str
    host: str
    port: int
    raft_port: int


class Seed(msgspec.Struct, frozen=True):
    """What a cluster is made with; afterwards its replicated state is the truth.

    ``okube managers add`` and ``remove`` bring the members up to date where they are called.
    """

    cluster: str
    cluster_id: str
    admin_token_sha256: str
    members: tuple[Member, ...]
    incarnation: int = 1
    """The first number of its epochs; each restore raises it."""


class ProcessIdentity(msgspec.Struct, frozen=True):
    """Who a process is; a wiped folder gets another instance and is not let in under the old name."""

    role: Literal["manager", "worker"]
    cluster_id: str
    name: str
    instance: str


def read_seed(path: Path) -> Seed:
    """The seed in a file.

    Raises:
        BadFile: it is missing or damaged.
    """
    return _read(path, Seed)


def write_seed(path: Path, seed: Seed) -> None:
    """Keep a seed."""
    _write(path, seed)


def read_process_identity(path: Path) -> ProcessIdentity:
    """The identity in a file.

    Raises:
        BadFile: it is missing or damaged.
    """
    return _read(path, ProcessIdentity)


def write_process_identity(path: Path, identity: ProcessIdentity) -> None:
    """Keep an identity."""
    _write(path, identity)


def _read(path: Path, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise BadFile(f"{path} is damaged: {error}. Restore it from a backup.") from error


def _write(path: Path, value: msgspec.Struct) -> None:
    write_public(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
