"""The first process of a host: starts what is enabled, reaps what ends, and does what `okube-lab-init` asks for."""

import contextlib
import json
import math
import os
import selectors
import signal
import socket
import time
from pathlib import Path
from typing import Any

from .board import Board
from .enabling import state_of_file
from .service import Service
from .unitfile import BadUnit, UnitMissing

__all__ = ["CONTROL", "main"]

#: Where `okube-lab-init` reaches the first process.
CONTROL = Path("/run/lab-init/control")
_JOURNAL = Path("/var/log/lab-init/init.log")
_AS_SYSTEMD = Path("/usr/local/bin/systemctl")
_TICK_S = 0.05


class _Asked:
    """A request that is answered when its units have settled."""

    def __init__(self, connection: socket.socket, request: dict[str, Any]) -> None:
        self.connection = connection
        self.verb: str = request["verb"]
        self.units: list[str] = request.get("units", [])
        self.then_start = self.verb in ("restart", "try-restart")


class _Loop:
    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.board = Board(self.say, self.watch)
        self.asked: list[_Asked] = []
        self.ending = False
        self.server = socket.socket(socket.AF_UNIX)
        self.woken, writer = socket.socketpair()
        for end in (self.woken, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._writer = writer

    def run(self) -> None:
        _JOURNAL.parent.mkdir(parents=True, exist_ok=True)
        CONTROL.parent.mkdir(parents=True, exist_ok=True)
        if _AS_SYSTEMD.exists():
            Path("/run/systemd/system").mkdir(parents=True)  # by this programs know a machine that systemd has booted
        self.server.bind(str(CONTROL))
        self.server.listen(64)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.server, selectors.EVENT_READ, self.accept)
        self.selector.register(self.woken, selectors.EVENT_READ, lambda: self.woken.recv(4096))
        self.say("the host starts")
        self.board.boot()
        while not (self.ending and self.board.settled(self.board.services)):
            self.step()
        self.say("the host ends")

    def step(self) -> None:
        self.board.advance()
        self.answer()
        for key, _ in self.selector.select(self.patience()):
            key.data()
        self.reap()
        for service in list(self.board.services.values()):
            service.tick()

    def patience(self) -> float | None:
        """How long nothing needs to be looked at, in seconds."""
        services = self.board.services.values()
        if any(not service.settled for service in services):
            return _TICK_S
        due = min((service.due for service in services), default=math.inf)
        return None if due == math.inf else max(0.0, due - time.monotonic())

    def reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for service in list(self.board.services.values()):
                    service.ended(pid, status)

    def watch(self, service: Service) -> None:
        def hear() -> None:
            service.notified(service.notify.recv(65536).decode(errors="replace"))

        self.selector.register(service.notify, selectors.EVENT_READ, hear)

    def say(self, what: str) -> None:
        with _JOURNAL.open("a") as journal:
            journal.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {what}\n")

    # Requests

    def accept(self) -> None:
        connection, _ = self.server.accept()
        connection.settimeout(5)
        try:
            request = json.loads(connection.makefile("r").readline())
            self.take(_Asked(connection, request))
        except (OSError, ValueError, KeyError) as error:
            self.reply(connection, 1, err=f"the request cannot be read: {error}")

    def take(self, asked: _Asked) -> None:
        try:
            for name in asked.units:
                self.begin(asked.verb, name)
        except (UnitMissing, BadUnit) as error:
            self.reply(asked.connection, 5, err=str(error))
            return
        if asked.verb == "daemon-reload":
            self.board.reload()
        elif asked.verb == "poweroff":
            self.ending = True
            for name in list(self.board.services):
                self.board.stop(name)
        elif asked.verb == "known":
            asked.units = sorted(self.board.services)
        self.asked.append(asked)

    def begin(self, verb: str, name: str) -> None:
        if verb == "start":
            self.board.want(name)
        elif verb in ("stop", "restart"):
            self.board.get(name)
            self.board.stop(name)
        elif verb == "try-restart":
            self.board.stop(name)
        elif verb == "reset-failed":
            self.board.get(name).forget_failure()

    def answer(self) -> None:
        for asked in list(self.asked):
            if asked.verb in ("start", "stop", "restart", "try-restart") and not self.board.settled(asked.units):
                continue
            if asked.then_start:
                asked.then_start = False
                for name in asked.units:
                    self.board.want(name)
                self.board.advance()
                continue
            self.asked.remove(asked)
            shown = [self.board.show(name, state_of_file(name)) for name in asked.units]
            self.reply(asked.connection, 0, shown)

    def reply(self, connection: socket.socket, status: int, shown: object = (), err: str = "") -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(json.dumps({"status": status, "units": shown, "err": err}).encode() + b"\n")


def main() -> None:
    """Run until the host is powered off."""
    _Loop().run()
