"""Real managers on loopback, in a folder of their own, started as ``okube up`` starts them."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from okube.client import Client, connect
from okube.config import ClusterConfig, load_cluster
from okube.model.errors import Unreachable
from okube.processes.down import down
from okube.processes.lock import Running, runs_in
from okube.processes.up import up
from okube.security import ClusterFiles, anonymous_context
from okube.security.tokens import read_token

__all__ = ["Site", "free_ports", "samples_of", "site"]

Echo = Callable[[str], None]
_HOST = "127.0.0.1"
_METRICS_S = 5.0


class Site:
    """The managers, and how they are asked; ``config`` is their cluster.yaml as read."""

    def __init__(self, config_path: Path, config: ClusterConfig) -> None:
        self.config_path = config_path
        self.config = config
        self.files = ClusterFiles(config.data_dir)
        self._connections: dict[str, http.client.HTTPSConnection] = {}
        self._token = ""

    @property
    def managers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(manager.name for manager in self.config.managers)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where their APIs are: ``host:port``."""
        return tuple(f"{manager.host}:{manager.port}" for manager in self.config.managers)

    def client(self) -> Client:
        """A client with the admin's certificate."""
        return connect(",".join(f"https://{address}" for address in self.addresses), credentials=self.files.admin.root)

    def running(self, name: str) -> Running | None:
        """The living process of a manager."""
        return runs_in(self.files.process(name))

    def kill(self, name: str) -> None:
        """End a manager as with ``kill -9``."""
        running = self.running(name)
        if running is not None:
            os.kill(running.pid, signal.SIGKILL)

    def metrics(self, name: str) -> dict[str, float]:
        """What a manager's ``/metrics`` tells: sample → value.

        Raises:
            Unreachable: it does not answer.
        """
        kept = self._connections.pop(name, None)
        if kept is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may have been closed: too long unused
                return self._metrics(name, kept)
        try:
            return self._metrics(name, self._connect(name))
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"manager {name} does not tell its metrics: {error}") from error

    def _metrics(self, name: str, connection: http.client.HTTPSConnection) -> dict[str, float]:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {self._token}"})
        answer = connection.getresponse()
        text = answer.read().decode()
        self._connections[name] = connection
        return samples_of(text) if answer.status == 200 else {}

    def log(self, name: str) -> str:
        """What a manager wrote so far."""
        path = self.files.process(name).log
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Let go of connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _connect(self, name: str) -> http.client.HTTPSConnection:
        self._token = self._token or read_token(self.files.admin_token)
        context: ssl.SSLContext = anonymous_context(self.files.ca_certificate)
        (manager,) = (m for m in self.config.managers if m.name == name)
        return http.client.HTTPSConnection(manager.host, manager.port, timeout=_METRICS_S, context=context)


@contextlib.contextmanager
def site(*, managers: int = 3, echo: Echo = lambda line: None) -> Iterator[Site]:
    """Managers ``m1``… that run; at the end nothing of them is left.

    Raises:
        StartFailed: one does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="okube-bench-"))
    made: Site | None = None
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        path = folder / "cluster.yaml"
        path.write_bytes(msgspec.yaml.encode(_described(managers)))
        made = Site(path, load_cluster(path))
        up(path, detach=True, echo=echo)
        yield made
    finally:
        if made is not None:
            made.close()
            down(made.config_path, purge=True, echo=lambda line: None)
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def samples_of(text: str) -> dict[str, float]:
    """The samples in the text format of Prometheus, each by its name with its labels as they stand there."""
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, at any address of this machine; held together, so that all differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]


def _described(managers: int) -> dict[str, object]:
    ports = iter(free_ports(2 * managers))
    return {
        "cluster": "bench",
        "data_dir": "data",
        "key_dir": "keys",
        "managers": [
            {"name": f"m{n + 1}", "host": _HOST, "port": next(ports), "raft_port": next(ports)} for n in range(managers)
        ],
        "workers": [],
        "runtime": "process",
        "timing": {"heartbeat": "1s", "node_down_after": "3s"},
    }
