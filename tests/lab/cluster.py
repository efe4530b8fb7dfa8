"""A whole cluster of real processes on loopback, driven with the commands that users type."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from okube.processes.lock import living_in
from tests.lab.hosts import Hosts
from tests.lab.mesh import Mesh

__all__ = ["Cluster", "Finished", "free_ports"]

_OKUBE = Path(sys.executable).parent / "okube"


class Finished:
    """A command that has ended: its status, what it printed, and how long it took (seconds)."""

    def __init__(self, done: "subprocess.CompletedProcess[str]", took_s: float) -> None:
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.took_s = took_s

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.status} after {self.took_s:.2f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Cluster:
    """Managers ``m1``… and workers ``w1``…, under a folder; `destroy` leaves nothing of it.

    All are on loopback, or each is on a host of its own where ``hosts`` or ``mesh`` has one for each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        runtime: str,
        docker_host: str | None = None,
        managers: int = 3,
        workers: int = 3,
        node_down_after: str = "3s",
        capacity: dict[str, Any] | None = None,
        hosts: Hosts | None = None,
        mesh: Mesh | None = None,
        timing: dict[str, str] | None = None,
        certificates: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = folder / "cluster.yaml"
        self.data_dir = folder / "data"
        self.managers = [f"m{n + 1}" for n in range(managers)]
        self.workers = [f"w{n + 1}" for n in range(workers)]
        ports = iter(free_ports(2 * managers + workers))
        self.hosts = hosts
        self._places = hosts or mesh
        host = self._places.addresses if self._places else dict.fromkeys([*self.managers, *self.workers], "127.0.0.1")
        described: dict[str, Any] = {
            "cluster": "lab",
            "data_dir": "data",
            "managers": [
                {"name": n, "host": host[n], "port": next(ports), "raft_port": next(ports)} for n in self.managers
            ],
            "workers": [
                {
                    "name": n,
                    "host": host[n],
                    "port": next(ports),
                    "zone": f"rack-{n}",
                    "capacity": capacity or _CAPACITY,
                }
                for n in self.workers
            ],
            "runtime": runtime,
            "timing": {"node_down_after": node_down_after, **(timing or {})},
        }
        if certificates is not None:
            described["certificates"] = certificates
        if docker_host is not None:
            described["docker"] = {"host": docker_host}
        self.described = described
        self.config.write_text(yaml.safe_dump(described, sort_keys=False))

    # Commands

    def okube(self, *args: str, timeout_s: float = 90.0, typed: str | None = None) -> Finished:
        """Run a command to its end, whatever its status."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(*args),
            env=self.env(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Finished(done, time.monotonic() - began)

    def ok(self, *args: str, timeout_s: float = 90.0) -> Finished:
        """Run a command that must succeed."""
        done = self.okube(*args, timeout_s=timeout_s)
        assert done.status == 0, (args, done)
        return done

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Begin a command and let it run."""
        return subprocess.Popen(
            self.command(*args), env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    @staticmethod
    def command_path() -> str:
        """Where the command is."""
        return str(_OKUBE)

    def command(self, *args: str) -> list[str]:
        """The words of a command."""
        return [str(_OKUBE), *args]

    def env(self) -> dict[str, str]:
        """The environment of a command: this cluster's file, and no terminal's ways."""
        return {**os.environ, "OKUBE_CONFIG": str(self.config), "HOME": str(self.folder), "NO_COLOR": "1"}

    def json(self, *args: str) -> Any:
        """What a command prints as JSON."""
        return self.ok(*args, "-o", "json").json

    # Processes

    def up(self) -> None:
        """Start what is missing, on each host where there are several, and wait until all of it takes part."""
        if self._places is None:
            self.ok("up", "-d")
        else:
            for name in (*self.managers, *self.workers):
                self.bring_up(name)
        self.wait(self.complete, "all managers and nodes are ready")

    def bring_up(self, name: str) -> None:
        """Start a manager or worker that does not run, on its host."""
        if self.pid(name) is None:
            assert self._places is not None
            command = self._places.command(name, *self.command("up", "-d"))
            done = subprocess.run(command, env=self.env(), capture_output=True, text=True, timeout=90, check=False)
            assert done.returncode == 0, (name, done.stdout, done.stderr, self.tails())

    def complete(self) -> bool:
        """Whether every manager follows and every node is ready."""
        status = self.okube("status", "-o", "json")
        if status.status != 0 or not status.json["quorum"]:
            return False
        ready = sum(m["state"] == "ready" for m in status.json["managers"])
        return bool(ready == len(self.managers) and status.json["nodes"].get("ready", 0) == len(self.workers))

    def pid(self, name: str) -> int | None:
        """The process id of a manager or worker that lives."""
        running = living_in(self.data_dir / name / "pid")
        return None if running is None else running.pid

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a manager or worker that lives."""
        pid = self.pid(name)
        assert pid is not None, f"{name} does not run"
        os.kill(pid, number)

    def kill(self, name: str) -> None:
        """kill -9, and wait until the process is gone."""
        self.signal(name, signal.SIGKILL)
        self.wait(lambda: self.pid(name) is None, f"{name} is gone")

    def leader(self) -> str:
        """The name of the leader, once there is one."""
        found: list[str] = []

        def look() -> bool:
            status = self.okube("status", "-o", "json")
            if status.status == 0 and status.json["leader"]:
                found.append(status.json["leader"])
            return bool(found)

        self.wait(look, "there is a leader")
        return found[-1]

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
        """Poll until ``condition`` holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}\n{self.tails()}")
            time.sleep(0.1)

    # What is seen

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """The tasks of a service that have not ended."""
        return [task for task in self.json("ps") if task["service"] == service]

    def ready(self, service: str) -> list[dict[str, Any]]:
        """Those that are running and ready."""
        return [task for task in self.tasks(service) if task["state"] == "running" and task["ready"]]

    def logs(self) -> str:
        """Everything that managers and workers have logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.data_dir.glob("*/log")))

    def tails(self) -> str:
        """The ends of all logs: what to read when a test failed."""
        ends = {
            path: path.read_text(errors="replace").splitlines()[-15:] for path in sorted(self.data_dir.glob("*/log"))
        }
        parts = [f"=== {path.parent.name}\n" + "\n".join(lines) for path, lines in ends.items()]
        return "\n".join(parts)

    def destroy(self, *, before_removal: Callable[[], None] = lambda: None) -> None:
        """End everything, and check what must hold for every run: nothing acknowledged was ever cut off a log."""
        logs = self.logs()
        self.okube("down", "--purge")
        before_removal()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert "truncating already-applied" not in logs
        traced = logs.find("Traceback (most recent call last)")
        assert traced < 0, logs[max(0, traced - 500) : traced + 12_000]


_CAPACITY = {"cores": 8, "memory": "8G", "disk": "50G"}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; held together, so that all differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
