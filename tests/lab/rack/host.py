"""One host of a rack: switched on and off, with commands run on it as if at its console."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import docker.errors
import requests.exceptions

from okube.worker.runtime.docker.transport import connect
from tests.lab.engine import ensure_image, wait_until
from tests.lab.rack import cgroups

__all__ = ["Failed", "Host"]

_BOOT = Path(__file__).parent / "boot.sh"
_INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
_BOOT_S = 60.0


class Failed(AssertionError):
    """A command on a host ended badly."""


class Host:
    """A machine of the lab: processes, network, mounts and name of its own; its disk outlives a power cut."""

    def __init__(
        self, name: str, address: str, folder: Path, network: Path, mark: str, *, engine: bool, systemd: bool
    ) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.has_engine = engine
        self.supervisor = "systemctl" if systemd else "okube-lab-init"
        self._network = network
        self._group = f"{mark}-{name}"
        self._booted: subprocess.Popen[bytes] | None = None
        self._first = 0

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self._booted is not None and self._booted.poll() is None

    def switch_on(self) -> None:
        """Begin to boot; `wait_until_up` waits for the end."""
        assert not self.is_on, f"{self.name} is on"
        groups = cgroups.make(self._group)
        words = ["/bin/sh", str(_BOOT), str(self.folder), self.name, str(self._network), *map(str, groups)]
        with (self.folder / "console").open("ab") as console:
            self._booted = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console)

    def wait_until_up(self) -> None:
        """Wait until it lets people log in, and until its engine answers."""
        wait_until(self._supervised, f"{self.name} has booted", seconds=_BOOT_S)
        wait_until(self._answers_ssh, f"{self.name} answers on port 22", seconds=_BOOT_S)
        if self.has_engine:
            wait_until(self._engine_answers, f"the engine of {self.name} answers", seconds=_BOOT_S)
            with contextlib.closing(connect(self.engine_url, timeout_s=30)) as client:
                ensure_image(client)

    def switch_off(self) -> None:
        """Cut the power: all that runs there is gone at once; the disk keeps what was written."""
        if self._booted is None:
            return
        if self._first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._first, 9)
        else:
            self._booted.kill()
        self._booted.wait()
        self._booted, self._first = None, 0
        cgroups.end(self._group)

    @property
    def engine_url(self) -> str:
        """Where its engine answers, seen from this machine."""
        return f"unix://{self.path('/run/docker.sock')}"

    def path(self, inside: str) -> Path:
        """A file of the host that is on, seen from this machine. Mind links: they lead astray out here."""
        return Path(f"/proc/{self._first}/root{inside}")

    def command(self, *words: str, user: str | None = None, env: Mapping[str, str] = {}) -> list[str]:
        """The words that run a command on it from this machine, as root or another user."""
        assert self._first, f"{self.name} is off"
        enter = ["nsenter", f"--target={self._first}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        settings = {**_INSIDE, **env}
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        if user:
            settings["HOME"] = f"/home/{user}"
        return [*enter, "env", "-i", *(f"{key}={value}" for key, value in settings.items()), *as_user, *words]

    def run(
        self, *words: str, user: str | None = None, stdin: str = "", check: bool = True, timeout_s: float = 120.0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on it to its end; raises `Failed` where ``check`` and it failed."""
        done = subprocess.run(
            self.command(*words, user=user), input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if check and done.returncode:
            raise Failed(f"{' '.join(words)} on {self.name}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def supervise(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Tell its supervisor something, in systemctl's words."""
        return self.run(self.supervisor, *words, check=check)

    def console(self) -> str:
        """What was said while it booted, and the ends of its units' logs: what to read when a test failed."""
        logs = sorted((self.folder / "disk/var/log/lab-init").glob("*.log"))
        ends = [f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-20:]) for path in logs]
        return "\n".join([f"=== {self.name}", (self.folder / "console").read_text(errors="replace"), *ends])

    def _supervised(self) -> bool:
        assert self._booted is not None
        if self._booted.poll() is not None:
            raise RuntimeError(f"{self.name} did not boot: {self.console()}")
        children = Path(f"/proc/{self._booted.pid}/task/{self._booted.pid}/children").read_text().split()
        if not children:
            return False
        self._first = int(children[0])
        return self.path("/run/lab-init/control").exists()

    def _answers_ssh(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _engine_answers(self) -> bool:
        try:
            connect(self.engine_url, timeout_s=5).close()
        except (docker.errors.DockerException, requests.exceptions.RequestException):
            return False
        return True
