"""The nodes to simulate: their certificates, made before anything is measured, and the processes they share."""

import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from okube.bench.agent import NodePlan
from okube.bench.site import Site, free_ports
from okube.model.names import new_id
from okube.processes.folders import certify
from okube.processes.seed import read_cluster
from okube.processes.settings import authority_files
from okube.security import Identity, TlsFiles
from okube.security.ca import load_ca

__all__ = ["agents_of", "plan_nodes"]

_END_S = 5.0


def plan_nodes(site: Site, count: int, *, rng: random.Random, now_ms: int) -> list[NodePlan]:
    """Nodes ``n0``…, each with a certificate of the cluster's CA in a folder of its own beside the managers' data."""
    seed = read_cluster(site.config)
    authority = load_ca(authority_files(site.config, seed.cluster_id))
    folder = site.config_path.parent / "agents"
    (port,) = free_ports(1)
    plans = []
    for number in range(count):
        name, instance = f"n{number}", new_id(rng)
        directory = folder / name
        directory.mkdir(parents=True)
        identity = Identity(seed.cluster_id, "worker", name, instance)
        certify(authority, identity, TlsFiles(directory / "tls"), now_ms=now_ms)
        plans.append(NodePlan(number, seed.cluster_id, name, instance, str(directory), site.addresses, port))
    return plans


@contextlib.contextmanager
def agents_of(plans: Sequence[NodePlan], *, processes: int, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Their agents, in so many processes, which end with this block or with the process that runs it."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for part in range(processes):
            file = folder / f"agents-{part}.json"
            file.write_bytes(msgspec.json.encode(plans[part::processes]))
            with (folder / f"agents-{part}.log").open("ab") as log:
                command = [sys.executable, "-m", "okube.bench.agents", str(file)]
                started.append(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
                )
        yield started
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        for process in started:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
