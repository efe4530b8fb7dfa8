"""Clusters to test with: a cluster.yaml on free ports, and a stand-in for the program that runs its processes."""

import random
import socket
import sys
from pathlib import Path

from okube.config import ClusterConfig, load_cluster
from okube.manager.settings import ManagerSettings
from okube.processes.seed import Sown, sow

NOW_MS = 1_800_000_000_000

STAND_IN = '''
"""Stands in for `okube manager` and `okube worker`: holds the folder, answers /healthz over TLS, ends on SIGTERM."""
import argparse
import http.server
import signal
import sys
from pathlib import Path

from okube.config import load_cluster
from okube.processes.lock import hold
from okube.processes.places import places
from okube.processes.seed import read_cluster
from okube.security import ClusterFiles, server_context

parser = argparse.ArgumentParser()
parser.add_argument("role")
parser.add_argument("--name")
parser.add_argument("--config", type=Path)
given = parser.parse_args()
config = load_cluster(given.config)
(place,) = [p for p in places(config, read_cluster(config)) if p.name == given.name]
files = ClusterFiles(config.data_dir).process(given.name)


class Alive(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if (files.root / "fails").exists():
    sys.exit("this machine has no floppy drive")
with hold(files, what=f"{given.role} {given.name}"):
    server = http.server.ThreadingHTTPServer((place.host, place.port), Alive)
    server.socket = server_context(files.tls.root, client_certificate="optional").wrap_socket(
        server.socket, server_side=True
    )
    print(f"{given.role} {given.name} is ready", flush=True)
    server.serve_forever()
'''


def stand_in(folder: Path) -> list[str]:
    """The command of the stand-in."""
    script = folder / "stand_in.py"
    script.write_text(STAND_IN)
    return [sys.executable, str(script)]


def write_cluster(folder: Path, text: str = "", *, cluster: str = "lab", managers: int = 3, workers: int = 1) -> Path:
    """A cluster.yaml on free ports of this machine, with ``text`` appended."""
    ports = free_ports(2 * managers + workers)
    lines = [f"cluster: {cluster}", "data_dir: data", "managers:"]
    lines += [
        f"  - {{name: m{n}, host: 127.0.0.1, port: {ports.pop()}, raft_port: {ports.pop()}}}"
        for n in range(1, managers + 1)
    ]
    lines.append("workers:" if workers else "workers: []")
    lines += [f"  - {{name: w{n}, host: 127.0.0.1, port: {ports.pop()}}}" for n in range(1, workers + 1)]
    path = folder / "cluster.yaml"
    if "key_dir" not in text:
        lines.append("key_dir: keys")
    path.write_text("\n".join([*lines, text]))
    return path


def a_cluster(folder: Path, **options: int) -> ClusterConfig:
    """The same, read."""
    return load_cluster(write_cluster(folder, **options))  # type: ignore[arg-type]  # numbers alone here


def bootstrap_to_file(settings: ManagerSettings) -> None:
    """Stands in for Raft's bootstrap: refuses to do it twice in one folder, as Raft does."""
    raft = settings.directory / "raft"
    raft.mkdir()
    (raft / "members").write_text(" ".join(m.name for m in settings.members))


def sow_once(config: ClusterConfig, *, seed: int = 1) -> Sown:
    """The cluster's files, with the stand-in for Raft."""
    return sow(config, bootstrap=bootstrap_to_file, rng=random.Random(seed), now_ms=NOW_MS)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
