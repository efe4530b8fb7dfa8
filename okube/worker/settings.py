"""What one worker agent is told when it starts."""

from pathlib import Path

import msgspec

from okube.seams.platform import platform_of

__all__ = ["WorkerSettings"]


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's settings, from cluster.yaml or from flags.

    ``directory`` is the agent's own folder (``tls/``, ``state/``). ``host`` and ``port`` are where it listens,
    ``address`` is where managers reach it (``host:port``), ``managers`` are where it reaches them (``host:port`` of
    their APIs). Cores, memory and disk (bytes) that are None are measured, and of what is measured the reserved cores
    and bytes are not offered; ``named`` resources are what is said. ``link_bps`` is the speed of the machine's link in
    bit/s, -1 where its interface is to tell it.
    ``runtime`` is ``docker``, ``process`` or ``auto``, ``machine_id`` a hash of the machine's own id.
    """

    cluster_id: str
    name: str
    instance: str
    directory: Path
    host: str
    port: int
    address: str
    managers: tuple[str, ...]
    manager_names: tuple[str, ...] = ()
    zone: str = ""
    labels: dict[str, str] = {}
    cores: float | None = None
    memory: int | None = None
    disk: int | None = None
    reserved_cores: float = 0.0
    reserved_memory: int = 0
    runtime: str = "auto"
    docker_host: str = "unix:///var/run/docker.sock"
    heartbeat_s: float = 1.0
    machine_id: str = ""
    region: str = ""
    rack: str = ""
    named: dict[str, int] = {}
    platform: str = platform_of()
    link_bps: int = -1

    @property
    def tls_directory(self) -> Path:
        """Where the agent's certificate, its key and the cluster's CA lie."""
        return self.directory / "tls"

    @property
    def state_directory(self) -> Path:
        """Where the agent and its runtime store what must survive a restart."""
        return self.directory / "state"
