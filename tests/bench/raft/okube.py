"""Three managers of Okube, no workers: what is measured is the replicated log and the API before it."""

import signal
import tempfile
from pathlib import Path

import msgspec

from okube.security.files import ClusterFiles
from tests.bench.raft.system import MEMBERS, THINGS, Ask
from tests.lab.cluster import Cluster
from tests.lab.hosts import Hosts

__all__ = ["Okube"]


class Okube:
    """Satisfies ``System``."""

    name = "okube"

    def __init__(self, hosts: Hosts) -> None:
        folder = Path(tempfile.mkdtemp(prefix="okube-bench-"))
        self._cluster = Cluster(folder, runtime="process", managers=len(MEMBERS), workers=0, hosts=hosts)
        try:
            self._cluster.up()
            self._token = ClusterFiles(self._cluster.data_dir).admin_token.read_text().strip()
        except BaseException:
            self.destroy()
            raise
        self.load = {"LOAD_TOKEN": self._token}

    def url(self, member: str) -> str:
        described = next(m for m in self._cluster.described["managers"] if m["name"] == member)
        return f"https://{described['host']}:{described['port']}"

    def leader(self) -> str:
        return self._cluster.leader()

    def pid(self, member: str) -> int:
        pid = self._cluster.pid(member)
        assert pid is not None, f"{member} does not run\n{self._cluster.tails()}"
        return pid

    def signal(self, member: str, number: signal.Signals) -> None:
        self._cluster.signal(member, number)

    def repair(self) -> None:
        self._cluster.up()

    def small_write(self, number: int) -> Ask:
        name = f"s{number % THINGS:05}"
        spec = {"name": name, "image": "host", "replicas": 0, "labels": {"n": str(number)}}
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        return Ask("PUT", f"/v1/services/{name}", msgspec.json.encode(spec), headers)

    def destroy(self) -> None:
        self._cluster.destroy()
