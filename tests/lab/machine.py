"""A machine for one test: this one, with a network, a /run and a /var/lib/docker of its own.

Programs that use fixed places and ports (an engine at its default socket, the demo's cluster.yaml) meet nobody there,
and whatever they leave is found and ended.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Machine"]

_SET_UP = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /var/lib/docker
mount -t tmpfs tmpfs /var/lib/docker
ip link set lo up
echo ready
exec sleep infinity
"""


class Machine:
    """Namespaces that live as long as their holder; needs root."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", _SET_UP], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        self._network = os.readlink(f"/proc/{self._holder.pid}/ns/net")

    def run(self, *command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Run a command there to its end."""
        enter = ["nsenter", "--mount", "--net", f"--target={self._holder.pid}", f"--wdns={cwd}"]
        return subprocess.run([*enter, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def processes(self) -> list[str]:
        """The command lines of all that runs there, but for what holds the machine."""
        return [" ".join(words) for pid, words in self._found() if pid != self._holder.pid]

    def destroy(self) -> None:
        """End all that runs there."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid, _ in self._found():
                if pid != self._holder.pid:
                    _signal(pid, number)
            _wait(lambda: self.processes() == [], seconds=10.0)
        self._holder.kill()
        self._holder.communicate()

    def _found(self) -> list[tuple[int, list[str]]]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(folder / "ns/net") == self._network:
                    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    found.append((int(folder.name), words))
            except OSError:
                continue
        return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
