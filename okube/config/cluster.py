"""cluster.yaml as typed data: the managers and workers that a cluster begins with, its folder and its timing."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from okube.config.fields import (
    AmountOfBytes,
    CertificateLife,
    Cores,
    DockerHost,
    DownAfter,
    Election,
    Folder,
    Heartbeat,
    HostName,
    LinkSpeed,
    PortNumber,
    ProcessName,
    ReservedBytes,
    ReservedCores,
    SnapshotDays,
    SnapshotEvery,
    SnapshotNumber,
    SshUser,
    Zone,
)
from okube.model.errors import FieldError
from okube.model.resources import Counts, may_be_named
from okube.model.scheduling import Scheduling
from okube.model.spec import Labels, Name
from okube.model.topology import DeclaredTopology

__all__ = [
    "RAFT_PORT_OFFSET",
    "Capacity",
    "Certificates",
    "ClusterConfig",
    "ClusterFile",
    "DockerConfig",
    "EntrySsh",
    "InstallConfig",
    "ManagerConfig",
    "Reserve",
    "RuntimeChoice",
    "Snapshots",
    "SshConfig",
    "SudoChoice",
    "Timing",
    "WorkerConfig",
]

RAFT_PORT_OFFSET = 1000
RuntimeChoice = Literal["auto", "docker", "process"]
SudoChoice = Literal["auto", "always", "never"]


class SshConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How ``okube cluster install`` and its kin reach machines over SSH; None is what is usual (see ``okube.install``).

    ``identity_file`` and ``known_hosts`` are paths, relative to the file. ``sudo: auto`` uses it where the user is not
    root.
    """

    user: SshUser | None = None
    port: PortNumber | None = None
    identity_file: Folder | None = None
    known_hosts: Folder | None = None
    sudo: SudoChoice | None = None


class EntrySsh(SshConfig, frozen=True, kw_only=True):
    """The same for the machine of one entry, whose SSH may be at another address than the entry's ``host``."""

    host: HostName | None = None


class InstallConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the install brings along: Docker of the machine's distribution where it has none, or only what is there."""

    docker: Literal["distribution", "present"] = "present"


class ManagerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A manager: where its API and its Raft port are reached. ``raft_port`` is ``port`` + 1000 unless given."""

    name: ProcessName
    host: HostName
    port: PortNumber
    raft_port: PortNumber = 0
    ssh: EntrySsh = EntrySsh()

    def __post_init__(self) -> None:
        """Derive the Raft port where none is given (the 0 of the default is never seen)."""
        if self.raft_port == 0:
            msgspec.structs.force_setattr(self, "raft_port", self.port + RAFT_PORT_OFFSET)

    def problems(self) -> Iterator[FieldError]:
        """A port so high that the Raft port derived from it is none."""
        if self.raft_port > 65535:
            yield FieldError(
                "raft_port", f"is {self.port} + {RAFT_PORT_OFFSET} unless given, which is no port: give one, 1 to 65535"
            )


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker offers: cores, and bytes of memory and disk (None is what its machine has), and named resources.

    These are written beside the others (``gpu: 2``), or below ``named``.
    """

    rest: ClassVar[str] = "named"

    cores: Cores | None = None
    memory: AmountOfBytes | None = None
    disk: AmountOfBytes | None = None
    named: Counts = {}

    @staticmethod
    def takes(key: str) -> bool:
        """Whether a key that is no field is the name of a resource."""
        return may_be_named(key)


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker keeps back of its machine for the machine itself, its agent, and a manager beside it.

    It counts where the capacity is not given; None is the default (see ``okube.processes.reserves``).
    """

    cores: ReservedCores | None = None
    memory: ReservedBytes | None = None


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: where its agent is reached, and what the scheduler knows of its machine."""

    name: ProcessName
    host: HostName
    port: PortNumber
    region: Zone = ""
    zone: Zone = ""
    rack: Zone = ""
    labels: Labels = {}
    capacity: Capacity = Capacity()
    reserve: Reserve = Reserve()
    link: LinkSpeed | None = None
    ssh: EntrySsh = EntrySsh()


class DockerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where workers find the Docker Engine."""

    host: DockerHost = "unix:///var/run/docker.sock"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: between an agent's signs of life, until a silent node is down, until managers elect a new leader."""

    heartbeat: Heartbeat = 1.0
    node_down_after: DownAfter = 3.0
    election: Election = 0.5


class Snapshots(msgspec.Struct, frozen=True, kw_only=True):
    """How often each manager saves a snapshot of the state (seconds; 0: never), and which it keeps.

    The newest ``keep``, and the last of each of so many ``days``.
    """

    every: SnapshotEvery = 3600.0
    keep: SnapshotNumber = 24
    days: SnapshotDays = 7


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """How long certificates of managers and workers last (seconds); each renews its own when half of that is over."""

    life: CertificateLife = 90 * 86400.0


class ClusterFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is written."""

    cluster: Name
    managers: tuple[ManagerConfig, ...]
    data_dir: Folder = ".okube"
    key_dir: Folder | None = None
    workers: tuple[WorkerConfig, ...] = ()
    runtime: RuntimeChoice = "auto"
    docker: DockerConfig = DockerConfig()
    timing: Timing = Timing()
    reserve: Reserve = Reserve()
    snapshots: Snapshots = Snapshots()
    certificates: Certificates = Certificates()
    scheduler: Scheduling | None = None
    topology: DeclaredTopology | None = None
    ssh: SshConfig = SshConfig()
    install: InstallConfig = InstallConfig()


class ClusterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is meant: checked as a whole, with absolute folders; ``key_dir`` is None for the default.

    ``file`` is where it came from; ``warnings`` are sentences on what works and should still be thought over.
    """

    cluster: str
    data_dir: Path
    key_dir: Path | None = None
    managers: tuple[ManagerConfig, ...]
    workers: tuple[WorkerConfig, ...] = ()
    runtime: RuntimeChoice = "auto"
    docker: DockerConfig = DockerConfig()
    timing: Timing = Timing()
    reserve: Reserve = Reserve()
    snapshots: Snapshots = Snapshots()
    certificates: Certificates = Certificates()
    scheduler: Scheduling | None = None
    topology: DeclaredTopology | None = None
    ssh: SshConfig = SshConfig()
    install: InstallConfig = InstallConfig()
    file: Path | None = None
    warnings: tuple[str, ...] = ()
