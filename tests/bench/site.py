"""Where the bench runs: a Docker Engine of its own, a real cluster of three managers and three workers on it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.lab.cluster import Cluster
from tests.lab.engine import Engine

__all__ = ["SLEEPER", "Site", "Start", "site"]

SLEEPER = ("sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")  # as process 1, sleep alone ignores SIGTERM


class Start(msgspec.Struct, frozen=True):
    """A container started, as the engine tells it: when (seconds since 1970), which, with which labels."""

    at_s: float
    container: str
    labels: dict[str, str]


class Starts:
    """Follows the engine's events in a thread; so nobody polls, and times are the engine's own."""

    def __init__(self, engine: Engine) -> None:
        self._client = engine.client()
        self._stream = self._client.events(decode=True, filters={"type": "container", "event": "start"})
        self._seen: list[Start] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def where(self, label: str, value: str) -> list[Start]:
        """What started so far with that label, oldest first."""
        with self._changed:
            return [start for start in self._seen if start.labels.get(label) == value]

    def wait(self, label: str, value: str, *, count: int = 1, seconds: float = 60.0) -> list[Start]:
        """Wait until ``count`` containers with that label have started."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [start for start in self._seen if start.labels.get(label) == value]
                if len(found) >= count:
                    return found
                if not self._changed.wait(end - time.monotonic()):
                    raise TimeoutError(f"{len(found)} of {count} containers with {label}={value} started")

    def close(self) -> None:
        self._stream.close()
        self._thread.join()
        self._client.close()

    def _follow(self) -> None:
        for event in self._stream:
            actor: dict[str, Any] = event["Actor"]
            with self._changed:
                self._seen.append(Start(event["timeNano"] / 1e9, actor["ID"], actor["Attributes"]))
                self._changed.notify_all()


class Site:
    """The engine, the cluster, and the two command lines that are compared."""

    def __init__(self, engine: Engine, cluster: Cluster, starts: Starts) -> None:
        self.engine = engine
        self.cluster = cluster
        self.starts = starts

    def docker(self, *args: str) -> None:
        """Run a command of Docker's own CLI, which must succeed."""
        command = ("docker", "-H", self.engine.base_url, *args)
        subprocess.run(command, env=self._docker_env(), check=True, capture_output=True)

    def docker_run(self, name: str) -> None:
        """``docker run -d`` of the bench's container."""
        self.docker("run", "-d", "--name", name, "--label", f"bench={name}", self.engine.image, *SLEEPER)

    def okube_run(self, name: str, *options: str) -> None:
        """``okube run`` of the same."""
        self.cluster.ok("run", "--image", self.engine.image, "--name", name, *options, "--", *SLEEPER)

    def _docker_env(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.cluster.folder), "DOCKER_CLI_HINTS": "false"}


@contextlib.contextmanager
def site(say: Callable[[str], None]) -> Iterator[Site]:
    """Set all of it up, and leave nothing of it."""
    if shutil.which("docker") is None:
        raise SystemExit("The bench compares with `docker run`: apt-get install --no-install-recommends docker.io")
    began = time.monotonic()
    engine = Engine.create()
    folder = Path(tempfile.mkdtemp(prefix="okube-bench-"))
    cluster = Cluster(
        folder,
        runtime="docker",
        docker_host=engine.base_url,
        capacity={"cores": 64, "memory": "64G", "disk": "500G"},
    )
    try:
        cluster.up()
        starts = Starts(engine)
        say(f"an engine, 3 managers and 3 workers are up after {time.monotonic() - began:.1f} s")
        try:
            yield Site(engine, cluster, starts)
        finally:
            starts.close()
    finally:
        cluster.destroy()
        engine.destroy()
