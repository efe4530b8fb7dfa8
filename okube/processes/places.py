"""The processes of a cluster, where each of them listens, and how it is started."""

from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from okube.config import ClusterConfig, WorkerConfig
from okube.model.errors import Conflict
from okube.processes.answers import answers
from okube.processes.here import is_here
from okube.processes.launch import Launch
from okube.processes.settings import manager_address
from okube.security import ClusterFiles
from okube.security.seed import Seed
from okube.worker.store import stored_address

__all__ = ["Place", "launch_of", "places", "refuse_half_restored", "restored_file", "restoring_file"]


class Place(msgspec.Struct, frozen=True):
    """One process of the cluster: a manager or a worker, and its address."""

    name: str
    role: Literal["manager", "worker"]
    host: str
    port: int

    @property
    def is_here(self) -> bool:
        """Whether this machine is the one to start it."""
        return is_here(self.host)

    def line(self, what: str) -> str:
        """The line that people see of it."""
        return f"{self.name:<10} {self.role:<8} {self.host}:{self.port:<7} {what}"


def places(config: ClusterConfig, seed: Seed) -> list[Place]:
    """Those of cluster.yaml, managers first; what the cluster knows elsewhere listens where the cluster knows it."""
    managers = [manager_address(config, seed, m.name) for m in config.managers]
    return [
        *(Place(m.name, "manager", m.host, m.port) for m in managers),
        *(_worker(config, w) for w in config.workers),
    ]


def _worker(config: ClusterConfig, worker: WorkerConfig) -> Place:
    address = stored_address(ClusterFiles(config.data_dir).process(worker.name).state)
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return Place(worker.name, "worker", worker.host, worker.port)
    return Place(worker.name, "worker", host.strip("[]"), int(port))


def launch_of(
    place: Place, config: ClusterConfig, config_path: Path, cluster_id: str, command: tuple[str, ...]
) -> Launch:
    """How to start the process of a place, and to tell that it lives. ``command`` is how Okube itself is called."""
    files = ClusterFiles(config.data_dir).process(place.name)
    alive = partial(
        answers, files, host=place.host, port=place.port, name=place.name, role=place.role, cluster_id=cluster_id
    )
    return Launch(
        name=place.name,
        role=place.role,
        command=(*command, place.role, "--name", place.name, "--config", str(config_path)),
        files=files,
        is_alive=alive,
    )


def restoring_file(data_dir: Path) -> Path:
    """What is there from the beginning of a restore to its end."""
    return data_dir / "restoring"


def refuse_half_restored(data_dir: Path) -> None:
    """Nothing is made of a data directory in which a restore was interrupted: its managers would begin with nothing.

    Raises:
        Conflict: it is one.
    """
    if restoring_file(data_dir).exists():
        raise Conflict(
            f"A restore in {data_dir} was interrupted: run it again first, 'okube snapshot restore' or 'okube cluster "
            "restore', whichever it was."
        )


def restored_file(data_dir: Path) -> Path:
    """What remembers the last restore, on the machine from which it was done."""
    return data_dir / "restored.json"
