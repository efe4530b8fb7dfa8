"""A million tasks: three real managers, and agents that the leader stands in for.

Services are submitted through the API as one would; counted is the time until every task is created, placed and
applied by all three managers, each of which syncs its log as in production.
"""

import contextlib
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil
import yaml

from okube.bench.fleet import InVain
from okube.bench.inleader import Figures, read_figures
from okube.bench.member import figures_of
from okube.bench.stalls import Stall
from okube.client import Client, connect
from okube.processes.down import down
from okube.processes.lock import runs_in
from okube.processes.up import up
from okube.security import ClusterFiles

__all__ = ["Million", "MillionOptions", "Outcome", "bench_million"]

_NAMES = ("m1", "m2", "m3")
_AT_ONCE = 100
_POLL_S = 0.25
_SHAPES = ((0.1, "64M"), (0.05, "128M"), (0.2, "32M"), (0.1, "96M"))
"""Cores and memory of a task, in turn: two hundred tasks fill about two thirds of a node."""


class MillionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How many nodes, services, and tasks of each; a folder to make and to leave, with the managers' logs in it."""

    nodes: int = 5000
    services: int = 1000
    each: int = 1000
    folder: Path | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: seconds, megabytes, milliseconds."""

    million_s: float
    million_tasks_s: float
    million_manager_rss_mb: float
    million_loop_stall_ms: float
    million_elections: int


class Million:
    """One run, in a folder of its own. ``say`` is told what happens."""

    def __init__(self, folder: Path, options: MillionOptions, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._config = folder / "cluster.yaml"
        self._nodes = options.nodes
        self._services = options.services
        self._each = options.each
        self._say = say

    def run(self) -> Outcome:
        """Set it up, submit, wait, look, and leave nothing."""
        self._config.write_text(yaml.safe_dump(_described()))
        command = (sys.executable, "-m", "okube.bench.member", str(self._nodes))
        try:
            up(self._config, True, lambda line: None, command=command)
            began = time.monotonic()
            self._wait("nodes", lambda each: each.nodes == self._nodes, timeout_s=120 + self._nodes / 100)
            self._say(f"three managers, {self._nodes} nodes after {time.monotonic() - began:.1f} s")
            with connect(cluster=self._config) as client:
                return self._measure(client)
        finally:
            down(self._config, False, lambda line: None)

    def _measure(self, client: Client) -> Outcome:
        tasks = self._services * self._each
        before = self._figures()
        worked = {name: self._worked_s(name) for name in _NAMES}
        began, began_s = time.monotonic(), time.time()
        for first in range(0, self._services, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, self._services))
            client.apply([_service(number, self._each) for number in numbers])
        self._say(f"{self._services} services submitted after {time.monotonic() - began:.1f} s")
        self._wait("tasks", lambda each: each.tasks.get("scheduled", 0) == tasks, timeout_s=600 + tasks / 500)
        took_s = time.monotonic() - began
        self._say(f"{tasks} tasks placed on all three after {took_s:.1f} s: {tasks / took_s:.0f} a second")
        self._check_digests(client)
        after = self._figures()
        stalls = {
            name: sorted((s for s in each.stalls if s.at_s > began_s), reverse=True) for name, each in after.items()
        }
        for name, figures in after.items():
            spent_s = self._worked_s(name) - worked[name]
            self._say(f"{self._line(name, figures, stalls[name])}; {spent_s:.1f} s of a core")
        return Outcome(
            million_s=round(took_s, 1),
            million_tasks_s=round(tasks / took_s),
            million_manager_rss_mb=round(max(self._peak_mb(name) for name in _NAMES), 0),
            million_loop_stall_ms=round(max(each[0].ms for each in stalls.values()), 1),
            million_elections=max(each.term for each in after.values()) - max(each.term for each in before.values()),
        )

    def _line(self, name: str, figures: Figures, stalls: Sequence[Stall]) -> str:
        longest = stalls[0]
        return (
            f"{name}{' (leader)' if figures.leads else ''}: peak {self._peak_mb(name):.0f} MB, longest stall "
            f"{longest.ms:.0f} ms (worked {longest.worked_ms:.0f}, cores busy elsewhere {longest.waited_ms:.0f}), "
            f"those of other seconds {' '.join(f'{each.ms:.0f}' for each in stalls[1:10])}; most worked "
            f"{max(each.worked_ms for each in stalls):.0f} ms; "
            f"{figures.orders} orders with {figures.ordered} tasks"
        )

    def _check_digests(self, client: Client) -> None:
        """Raise where the managers' states are not the same."""
        deadline = time.monotonic() + 30
        while True:
            managers = client.status().managers
            if len({(each.revision, each.digest) for each in managers}) == 1:
                self._say(f"the states of all three are the same: {managers[0].digest}")
                return
            if time.monotonic() > deadline:
                raise InVain(f"the managers' states differ: {managers}")
            time.sleep(_POLL_S)

    def _wait(self, what: str, done: Callable[[Figures], bool], *, timeout_s: float) -> None:
        deadline, told = time.monotonic() + timeout_s, time.monotonic()
        while True:
            known = [read_figures(figures_of(self._config, name)) for name in _NAMES]
            if all(each is not None and done(each) for each in known):
                return
            for name in _NAMES:
                self._pid(name)  # one that has ended would be waited for in vain
            if time.monotonic() > deadline:
                raise InVain(f"the {what} are not there after {timeout_s:.0f} s: {known}")
            if time.monotonic() > told + 5:
                told = time.monotonic()
                self._say("  " + "; ".join(f"{each.tasks}" for each in known if each is not None))
            time.sleep(_POLL_S)

    def _figures(self) -> dict[str, Figures]:
        found = {name: read_figures(figures_of(self._config, name)) for name in _NAMES}
        return {name: figures for name, figures in found.items() if figures is not None}

    def _worked_s(self, name: str) -> float:
        """How long a manager has used a core."""
        times = psutil.Process(self._pid(name)).cpu_times()
        return times.user + times.system

    def _peak_mb(self, name: str) -> float:
        lines = Path(f"/proc/{self._pid(name)}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

    def _pid(self, name: str) -> int:
        data_dir = self._folder / "data"
        running = runs_in(ClusterFiles(data_dir).process(name))
        if running is None:
            raise InVain(f"manager {name} has ended; see {data_dir / name / 'log'}")
        return running.pid


def _service(number: int, replicas: int) -> dict[str, object]:
    cpus, memory = _SHAPES[number % len(_SHAPES)]
    return {
        "name": f"service-{number:05}",
        "image": "example.com/sleep:1",
        "replicas": replicas,
        "resources": {"cpus": cpus, "memory": memory},
    }


def _described() -> dict[str, object]:
    ports = iter(_free_ports(2 * len(_NAMES)))
    return {
        "cluster": "bench",
        "data_dir": "data",
        "managers": [
            {"name": name, "host": "127.0.0.1", "port": next(ports), "raft_port": next(ports)} for name in _NAMES
        ],
        "workers": [],
        "runtime": "process",
    }


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="okube-million-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench_million(options: MillionOptions, echo: Callable[[str], None]) -> dict[str, float]:
    """Have so many tasks placed, and answer the figures by name; ``echo`` is told what happens."""
    with _folder(options.folder) as folder:
        outcome = Million(folder, options, echo).run()
    return {name: float(value) for name, value in msgspec.structs.asdict(outcome).items()}
