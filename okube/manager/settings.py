"""What one manager process is told at its start."""

from pathlib import Path

import msgspec

from okube.manager.retention import Retention
from okube.model.scheduling import Scheduling
from okube.model.topology import DeclaredTopology
from okube.security.authorityfiles import AuthorityFiles

__all__ = ["ManagerMember", "ManagerSettings"]


class ManagerMember(msgspec.Struct, frozen=True):
    """One manager of the cluster, as it was bootstrapped; addresses are ``host:port``. A new one does not vote yet."""

    name: str
    instance: str
    raft_address: str
    api_address: str
    voter: bool = True


class ManagerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who this manager is, where it listens and keeps its data, and what seeds the cluster. Times are seconds."""

    cluster: str
    cluster_id: str
    name: str
    instance: str
    directory: Path  # holds raft/ and tls/
    host: str
    port: int
    raft_port: int
    members: tuple[ManagerMember, ...]
    admin_token_sha256: str
    heartbeat_s: float = 1.0
    node_down_after_s: float = 3.0
    election_s: float = 0.5
    snapshots: Retention = Retention()
    key_dir: Path | None = None  # where its unlock key is, and the CA's may be; None: in memory alone
    data_dir: Path | None = None  # the cluster's folder on this machine
    certificate_life_s: float = 90 * 86400.0
    scheduling: Scheduling | None = None  # what cluster.yaml says of it, if anything
    topology: DeclaredTopology | None = None  # likewise

    @property
    def authority(self) -> AuthorityFiles | None:
        """Where this machine has the cluster's CA, if it does."""
        if self.data_dir is None or self.key_dir is None:
            return None
        return AuthorityFiles(self.data_dir, self.key_dir)
