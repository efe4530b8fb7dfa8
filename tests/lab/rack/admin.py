"""The one who looks after a rack: a folder with cluster.yaml, and the commands that are typed there."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from okube.client.address import parse_addresses
from okube.client.api import OkubeClient
from okube.client.credentials import find_credentials
from okube.client.memory import NoMemory
from okube.client.retry import Caller
from tests.lab.cluster import Finished
from tests.lab.rack.rack import Rack

__all__ = ["Admin"]

_OKUBE = Path(sys.executable).parent / "okube"


class Admin:
    """Types ``okube`` in a folder of its own; ``described`` is what its cluster.yaml says at first."""

    def __init__(self, rack: Rack, described: dict[str, Any], folder: Path | None = None) -> None:
        self.rack = rack
        self.folder = folder or rack.folder / "operator"
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "cluster.yaml"
        self.describe(described)

    @property
    def described(self) -> dict[str, Any]:
        """What cluster.yaml says now: commands change it."""
        found: dict[str, Any] = yaml.safe_load(self.config.read_text())
        return found

    def describe(self, described: dict[str, Any]) -> None:
        """Write cluster.yaml anew."""
        self.config.write_text(yaml.safe_dump(described, sort_keys=False))

    def env(self) -> dict[str, str]:
        """The environment of a command."""
        return {**os.environ, "OKUBE_CONFIG": str(self.config), "HOME": str(self.folder), "NO_COLOR": "1"}

    def okube(self, *args: str, timeout_s: float = 300.0) -> Finished:
        """Run a command to its end, whatever its status."""
        began = time.monotonic()
        done = subprocess.run(
            [str(_OKUBE), *args],
            cwd=self.folder,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Finished(done, time.monotonic() - began)

    def ok(self, *args: str, timeout_s: float = 300.0) -> Finished:
        """Run a command that must succeed; raises with what the hosts say where it does not."""
        done = self.okube(*args, timeout_s=timeout_s)
        if done.status:
            raise AssertionError(f"okube {' '.join(args)}: {done!r}\n{self.rack.consoles()}")
        return done

    def json(self, *args: str) -> Any:
        """What a command prints as JSON."""
        return self.ok(*args, "-o", "json").json

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Begin a command and let it run."""
        return subprocess.Popen(
            [str(_OKUBE), *args],
            cwd=self.folder,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def healthy(self) -> bool:
        """Whether all that cluster.yaml names takes part, and nobody else does."""
        done = self.okube("status", "-o", "json")
        if done.status or not done.json["quorum"]:
            return False
        described = self.described
        members = {m["name"] for m in done.json["managers"] if m["state"] == "ready"}
        nodes = done.json["nodes"]
        return members == {m["name"] for m in described["managers"]} and nodes == {
            **nodes,
            "ready": len(described["workers"]),
        }

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = 90.0) -> float:
        """Poll until ``condition`` holds; answers how long that took, in seconds."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}\n{self.rack.consoles()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def running(self, service: str) -> dict[str, tuple[str, str]]:
        """The tasks of a service that are ready: their nodes and containers."""
        tasks = self.json("ps")
        return {t["name"]: (t["node"], t["container_id"]) for t in tasks if t["service"] == service and t["ready"]}

    def client(self) -> OkubeClient:
        """The client library, as a program of theirs would use it; they close it."""
        described = self.described
        addresses = ",".join(f"https://{m['host']}:{m['port']}" for m in described["managers"])
        credentials = find_credentials(self.folder / described["data_dir"] / "admin")
        return OkubeClient(Caller(parse_addresses(addresses), credentials, memory=NoMemory()))
