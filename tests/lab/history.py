"""Services made and removed by the thousand, and the figures of what a cluster keeps of them."""

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psutil

from okube.client.address import parse_addresses
from okube.client.api import OkubeClient
from okube.client.attempt import Request
from okube.client.credentials import find_credentials
from okube.client.memory import NoMemory
from okube.client.retry import Caller, Patience
from okube.seams.disk import UNFINISHED
from tests.lab.cluster import Cluster

__all__ = ["Churn", "Figures", "client_of", "table"]

_SLEEPER = {"image": "host", "command": ["sleep", "100000"], "stop": {"grace": 5}}
_PATIENCE = Patience(deadline_s=10.0, refused_s=3.0)
_WRITERS = 8
_ROW = re.compile(r'^okube_state_rows\{table="(\w+)"\} (\S+)$', re.MULTILINE)


class Figures(msgspec.Struct, frozen=True):
    """What the cluster holds after so many runs; bytes, and numbers of rows and files; of processes the largest."""

    runs: int
    seconds: float
    manager_rss: int
    agent_rss: int
    raft_bytes: int
    agent_bytes: int
    agent_files: int
    log_bytes: int
    rows: dict[str, int]


class Churn:
    """Makes services and removes them, as fast as they start and stop."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.client = client_of(cluster)
        self.runs = 0
        self._began = time.monotonic()

    def close(self) -> None:
        self.client.close()

    def bulk(self, count: int) -> None:
        """So many services by one request, and each removed by one of its own."""
        names = [f"bulk-{self.runs + n}" for n in range(count)]
        self.client.apply([{"name": name, **_SLEEPER} for name in names])
        self._until_running(names)
        self._remove(names)

    def single(self, count: int) -> None:
        """So many services, each made and removed by a request of its own."""
        names = [f"single-{self.runs + n}" for n in range(count)]
        for name in names:
            self.client.create_service({"name": name, **_SLEEPER})
        self._until_running(names)
        self._remove(names)

    def fill_requests(self, count: int) -> None:
        """So many writes that change nothing: each is remembered all the same, for it may be repeated."""
        self.client.create_service({"name": "filler", "image": "host", "command": ["true"], "replicas": 0})

        def write(share: int) -> None:
            client = client_of(self.cluster)
            for _ in range(share):
                client.scale({"filler": 0})
            client.close()

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, [count // _WRITERS] * _WRITERS))
        self.client.delete_service("filler")

    def figures(self) -> Figures:
        """How things stand now."""
        cluster = self.cluster
        rows = {table: int(float(number)) for table, number in _ROW.findall(self._metrics())}
        raft = [_bytes(cluster.data_dir / name / "raft") for name in cluster.managers]
        agents = [cluster.data_dir / name for name in cluster.workers]
        # A file that is written anew stands there twice for a moment, under one name and its unfinished one.
        kept = [[p for p in _files(a) if p.name not in ("log", "log.1") and p.suffix != UNFINISHED] for a in agents]
        return Figures(
            runs=self.runs,
            seconds=time.monotonic() - self._began,
            manager_rss=max(self._rss(name) for name in cluster.managers),
            agent_rss=max(self._rss(name) for name in cluster.workers),
            raft_bytes=max(raft),
            agent_bytes=max(sum(_size(path) for path in paths) for paths in kept),
            agent_files=max(len(paths) for paths in kept),
            log_bytes=max(_logs(cluster.data_dir / name) for name in (*cluster.managers, *cluster.workers)),
            rows=rows,
        )

    def _until_running(self, names: list[str]) -> None:
        wanted = set(names)
        self._wait(lambda: wanted <= {t["service"] for t in self.client.tasks(state="running")}, "all run")

    def _remove(self, names: list[str]) -> None:
        for name in names:
            self.client.delete_service(name)
        self._wait(lambda: not self.client.tasks(ended=True), "nothing is left of them")
        # The managers know that they are over; an agent clears up in its own time.
        states = [self.cluster.data_dir / name / "state" for name in self.cluster.workers]
        folders = [state / name for state in states for name in ("containers", "trash")]
        self._wait(lambda: not any(path for folder in folders for path in folder.glob("*")), "agents cleared up")
        self.runs += len(names)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        self.cluster.wait(condition, what, seconds=120)

    def _metrics(self) -> str:
        answer = self.client.caller.call(Request("GET", "/metrics"), _PATIENCE)
        assert answer.status == 200, answer
        return answer.body.decode()

    def _rss(self, name: str) -> int:
        rss: int = psutil.Process(self.cluster.pid(name)).memory_info().rss
        return rss


def client_of(cluster: Cluster) -> OkubeClient:
    """The client library, as a program would use it."""
    addresses = ",".join(f"https://127.0.0.1:{m['port']}" for m in cluster.described["managers"])
    credentials = find_credentials(cluster.data_dir / "admin")
    return OkubeClient(Caller(parse_addresses(addresses), credentials, memory=NoMemory()))


def table(samples: list[Figures]) -> Iterator[str]:
    """The figures over time, for people."""
    titles = (
        "runs",
        "s",
        "manager MB",
        "agent MB",
        "raft kB",
        "agent kB",
        "files",
        "log kB",
        "tasks",
        "keys",
        "events",
    )
    yield " ".join(f"{title:>10}" for title in titles)
    for s in samples:
        row: list[Any] = [s.runs, round(s.seconds), s.manager_rss / 1e6, s.agent_rss / 1e6]
        row += [s.raft_bytes // 1000, s.agent_bytes // 1000, s.agent_files, s.log_bytes // 1000]
        row += [s.rows["tasks"], s.rows["requests"], s.rows["events"]]
        yield " ".join(f"{cell:10.1f}" if isinstance(cell, float) else f"{cell:10}" for cell in row)


def _files(folder: Path) -> list[Path]:
    return [Path(base, name) for base, _, names in os.walk(folder) for name in names]  # folders may go meanwhile


def _bytes(folder: Path) -> int:
    return sum(map(_size, _files(folder)))


def _logs(folder: Path) -> int:
    return sum(map(_size, folder.glob("log*")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
