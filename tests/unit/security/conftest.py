import time
from pathlib import Path

import pytest

from okube.security import ClusterFiles, Identity, Role, TlsFiles
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, create_ca, save_ca
from okube.security.issue import install

CLUSTER_ID = "k3v9xk3v9xk3"
NOW_MS = int(time.time() * 1000)


class Cluster:
    """A cluster's files in a folder of the test, with one call for a party that can prove itself."""

    def __init__(self, data_dir: Path, cluster_id: str = CLUSTER_ID) -> None:
        self.cluster_id = cluster_id
        self.files = ClusterFiles(data_dir)
        self.ca = AuthorityFiles(data_dir, data_dir.with_name(f"{data_dir.name}-keys"))
        self.authority: Authority = create_ca("lab", cluster_id, now_ms=NOW_MS)
        save_ca(self.authority, self.ca)

    def identity(self, role: Role, name: str) -> Identity:
        return Identity(self.cluster_id, role, name)

    def party(self, role: Role, name: str, *hosts: str, now_ms: int = NOW_MS) -> Path:
        """The folder with the certificate of a new party."""
        files: TlsFiles = self.files.admin if role == "admin" else self.files.process(name).tls
        install(self.authority, self.identity(role, name), files, hosts=hosts, now_ms=now_ms)
        return files.root


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "ours")


@pytest.fixture
def foreign_cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "theirs")
