"""Where a cluster's files are: the layout under ``data_dir``."""

from pathlib import Path

import msgspec

__all__ = ["ClusterFiles", "ProcessFiles", "TlsFiles"]


class TlsFiles(msgspec.Struct, frozen=True):
    """A folder with the cluster's CA certificate and one certificate with its key (``node.*`` or ``admin.*``)."""

    root: Path
    stem: str = "node"

    @property
    def ca(self) -> Path:
        """The certificate of the CA, the only one that is trusted."""
        return self.root / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The certificate that says who we are."""
        return self.root / f"{self.stem}.crt"

    @property
    def key(self) -> Path:
        """Its private key (0600)."""
        return self.root / f"{self.stem}.key"


class ProcessFiles(msgspec.Struct, frozen=True):
    """The folder of one manager or worker."""

    root: Path

    @property
    def identity(self) -> Path:
        """Who the process is: role, cluster_id, name, instance."""
        return self.root / "identity.json"

    @property
    def tls(self) -> TlsFiles:
        """Its certificate and key."""
        return TlsFiles(self.root / "tls")

    @property
    def lock(self) -> Path:
        """Held with flock by the running process."""
        return self.root / "lock"

    @property
    def pid(self) -> Path:
        """The id of the process that last held the lock."""
        return self.root / "pid"

    @property
    def log(self) -> Path:
        """What the process writes when nobody watches."""
        return self.root / "log"

    @property
    def removed(self) -> Path:
        """Why a manager must not start any more: it was removed from the cluster."""
        return self.root / "removed"

    @property
    def raft(self) -> Path:
        """A manager's journal and snapshots."""
        return self.root / "raft"

    @property
    def state(self) -> Path:
        """What a worker remembers of its assignment."""
        return self.root / "state"


class ClusterFiles(msgspec.Struct, frozen=True):
    """All that Okube keeps of one cluster on one machine."""

    data_dir: Path

    @property
    def ca_dir(self) -> Path:
        """The folder with the certificate of the cluster's CA; for its key see ``okube.security.authorityfiles``."""
        return self.data_dir / "ca"

    @property
    def ca_certificate(self) -> Path:
        """The certificate of the CA."""
        return self.ca_dir / "ca.crt"

    @property
    def admin(self) -> TlsFiles:
        """The admin's certificate and key, where the CLI finds them."""
        return TlsFiles(self.data_dir / "admin", "admin")

    @property
    def admin_token(self) -> Path:
        """The admin's bearer token (0600)."""
        return self.data_dir / "admin" / "token"

    @property
    def seed(self) -> Path:
        """What the cluster was made with; see ``okube.security.seed``."""
        return self.data_dir / "cluster.json"

    def process(self, name: str) -> ProcessFiles:
        """The folder of the manager or worker of that name."""
        return ProcessFiles(self.data_dir / name)
