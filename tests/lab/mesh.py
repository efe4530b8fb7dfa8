"""Hosts whose links are slow, lossy or cut, each direction for itself: `Hosts`, joined by the delaying switch.

The test itself has an address on the switch too, under the name ``test``. Needs root, ``ip`` and ``nsenter``.
"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.lab.engine import wait_until

__all__ = ["HERE", "Mesh"]

HERE = "test"
_NAMESPACES = Path("/run/netns")
_PREFIX = "okm"


class Mesh:
    """The hosts that are named; `destroy` leaves nothing of them."""

    def __init__(self, names: Iterable[str]) -> None:
        _clean_up_after_the_dead()
        self._mark = f"{_PREFIX}{os.getpid()}"
        taken = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout
        rng = random.Random(self._mark)
        network = next(n for n in (f"198.19.{rng.randrange(256)}" for _ in range(1000)) if f"{n}." not in taken)
        self.addresses = {name: f"{network}.{number}" for number, name in enumerate(names, 2)}
        self._socket = Path(tempfile.gettempdir()) / f"{self._mark}.sock"
        self._socket.unlink(missing_ok=True)
        self._switch = subprocess.Popen([sys.executable, "-m", "tests.lab.delayswitch", str(self._socket)])
        try:
            wait_until(self._socket.exists, "the switch serves")
            self.control(f"add {HERE} - {self._mark} {network}.1/24")
            for name, address in self.addresses.items():
                _ip("netns", "add", self._namespace(name))
                _ip("-n", self._namespace(name), "link", "set", "lo", "up")
                self.control(f"add {name} {self._namespace(name)} e0 {address}/24")
        except BaseException:
            self.destroy()
            raise

    def command(self, host: str, *words: str) -> list[str]:
        """The words that run a command on a host."""
        return ["nsenter", f"--net={_NAMESPACES / self._namespace(host)}", *words]

    def shape(self, sources: str, destinations: str, *, both: bool = True, **values: float) -> None:
        """Make links what ``Shape`` says; the names as the switch takes them: ``m1``, ``m1,m2``."""
        words = " ".join(f"{key}={value}" for key, value in values.items())
        self.control(f"{'both' if both else 'set'} {sources} {destinations} {words}")

    def heal(self) -> None:
        """Make all links perfect again."""
        self.control("reset")

    def control(self, line: str) -> str:
        """Tell the switch; raises what it could not do."""
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rw") as stream:
            sock.connect(str(self._socket))
            stream.write(f"{line}\n")
            stream.flush()
            reply = stream.readline().strip()
        if reply.startswith("error"):
            raise RuntimeError(f"{line}: {reply}")
        return reply

    def destroy(self) -> None:
        """Remove all of it; whatever runs on the hosts was ended before."""
        self._switch.terminate()
        self._switch.wait()
        self._socket.unlink(missing_ok=True)
        for name in self.addresses:
            with contextlib.suppress(RuntimeError):
                _ip("netns", "delete", self._namespace(name))

    def _namespace(self, name: str) -> str:
        return f"{self._mark}-{name}"


def _clean_up_after_the_dead() -> None:
    """Remove hosts whose test run has ended without doing so itself; their switch ends by itself."""
    for path in _NAMESPACES.glob(f"{_PREFIX}*-*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(RuntimeError):
                _ip("netns", "delete", path.name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
