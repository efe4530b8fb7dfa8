"""One service of a host: started, watched, started again, stopped; the states and words are systemd's."""

import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from .conditions import unmet_condition
from .endings import limit_of_starts, restarts, result_of
from .spawning import Command, ControlGroup, commands, environment_of, make_folders, spawn
from .unitfile import Unit

__all__ = ["NOTIFY", "Service"]

#: Where each service says READY=1 and the like.
NOTIFY = Path("/run/lab-init/notify")
_FOREVER = float("inf")
_TYPES = ("simple", "exec", "notify", "oneshot")


class Service:
    """It decides nothing by itself in the background: `ended`, `notified` and `tick` move it on."""

    def __init__(self, unit: Unit, say: Callable[[str], None]) -> None:
        self.unit = unit
        self.state = "inactive"
        self.sub = "dead"
        self.result = "success"
        self.status = 0
        self.status_text = ""
        self.restart_count = 0
        self.main_pid = 0
        self.deadline = _FOREVER
        self.group = ControlGroup(unit.name)
        self.notify = _notify_socket(unit.name)
        self._say = say
        self._control_pid = 0
        self._queue: deque[Command] = deque()
        self._current: Command | None = None
        self._environment: dict[str, str] = {}
        self._starts: deque[float] = deque()
        self._watched_until = _FOREVER
        self._killed = False

    @property
    def settled(self) -> bool:
        """Whether nothing that was asked for is under way; waiting to be started again is not asked for."""
        return self.state in ("active", "inactive", "failed") or self.sub == "auto-restart"

    @property
    def due(self) -> float:
        """When time alone will move it on, by the monotonic clock."""
        return min(self.deadline, self._watched_until)

    # What is asked of it

    def start(self) -> None:
        """Begin to start, unless it runs or begins to."""
        if self.state == "active" or (self.state == "activating" and self.sub != "auto-restart"):
            return
        if self.sub != "auto-restart":
            self.restart_count = 0
        if self._started_too_often():
            self._end("start-limit-hit", f"is started too often; see okube-lab-init logs {self.unit.name}")
            return
        self.result, self.status_text, self._killed = "success", "", False
        missed = unmet_condition(self.unit)
        if missed:
            self._end("success", f"is not started: {missed} is not so")
            return
        try:
            self._prepare()
        except (OSError, KeyError, ValueError) as error:
            self._end("resources", f"cannot be started: {error}")
            return
        self.state, self.sub = "activating", "start-pre"
        self.deadline = self._in(self.unit.time("TimeoutStartSec", self.unit.time("TimeoutSec", 90)) or _FOREVER)
        self._queue = deque(commands(self.unit, "ExecStartPre", self._environment))
        self._next_before_start()

    def stop(self) -> None:
        """Begin to stop, unless it has stopped or does."""
        if self.sub == "auto-restart":
            self._end("success", "is not started again")
        if self.state not in ("active", "activating"):
            return
        self._say(f"{self.unit.name}: stopping")
        self.state, self.sub = "deactivating", "stop"
        self._watched_until = _FOREVER
        self.deadline = self._in(self.unit.time("TimeoutStopSec", self.unit.time("TimeoutSec", 90)) or _FOREVER)
        self._environment["MAINPID"] = str(self.main_pid)
        self._queue = deque(commands(self.unit, "ExecStop", self._environment))
        self._next_before_stop()

    def forget_failure(self) -> None:
        """``reset-failed``."""
        self._starts.clear()
        if self.state == "failed":
            self.state, self.sub, self.result = "inactive", "dead", "success"

    # What happens to it

    def ended(self, pid: int, status: int) -> None:
        """A process of the host has ended: is it one that matters here?"""
        if pid == self._control_pid:
            self._control_pid = 0
            failed = status != 0 and not (self._current and self._current.may_fail)
            if self.sub == "start-pre":
                self._fail(status) if failed else self._next_before_start()
            elif self.sub == "stop":
                self._next_before_stop()
        elif pid == self.main_pid:
            self.main_pid, self.status = 0, status
            self._main_ended(status)

    def notified(self, text: str) -> None:
        """It has said something on its socket."""
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key == "READY" and value == "1" and self.sub == "start":
                self._up()
            elif key == "WATCHDOG" and value == "1" and self._watched_until != _FOREVER:
                self._watched_until = self._in(self.unit.time("WatchdogSec", _FOREVER))
            elif key == "STATUS":
                self.status_text = value
            elif key == "MAINPID" and value.isdigit():
                self.main_pid = int(value)
            elif key == "EXTEND_TIMEOUT_USEC" and value.isdigit():
                self.deadline = max(self.deadline, self._in(int(value) / 1e6))

    def tick(self) -> None:
        """Time has gone by."""
        now = time.monotonic()
        if self.sub == "auto-restart" and now >= self.deadline:
            self.restart_count += 1
            self.start()
        elif self.sub == "final" and not self._remaining():
            self._end(self.result, "stopped")
        elif self.state in ("activating", "deactivating") and now >= self.deadline:
            self._too_late()
        elif self.state == "active" and now >= self._watched_until:
            self._say(f"{self.unit.name}: no sign of life for {self.unit.service('WatchdogSec')}, ended by SIGABRT")
            self.result, self._watched_until = "watchdog", _FOREVER
            self._kill(self.main_pid, signal.SIGABRT)

    # Steps

    def _prepare(self) -> None:
        kind = self.unit.service("Type", "simple")
        if kind not in _TYPES:
            raise ValueError(f"Type={kind} is not one that the lab's supervisor knows: {', '.join(_TYPES)}")
        make_folders(self.unit)
        self._environment = environment_of(self.unit)
        if kind == "notify":
            self._environment["NOTIFY_SOCKET"] = str(NOTIFY / self.unit.name)
        watched = self.unit.time("WatchdogSec", 0)
        if watched:
            self._environment |= {"WATCHDOG_USEC": str(int(watched * 1e6)), "WATCHDOG_PID": "self"}
        if not commands(self.unit, "ExecStart", self._environment):
            raise ValueError("it has no ExecStart=")

    def _next_before_start(self) -> None:
        if self._queue:
            self._run_control()
            return
        self.sub = "start"
        self._queue = deque(commands(self.unit, "ExecStart", self._environment))
        self._start_main()

    def _start_main(self) -> None:
        self._current = self._queue.popleft()
        self.main_pid = spawn(self.unit, self._current, self._environment, self.group)
        if self.unit.service("Type", "simple") in ("simple", "exec"):
            self._up()

    def _up(self) -> None:
        self.state, self.sub, self.deadline = "active", "running", _FOREVER
        self._say(f"{self.unit.name}: started (pid {self.main_pid})")
        watched = self.unit.time("WatchdogSec", 0)
        self._watched_until = self._in(watched) if watched else _FOREVER

    def _main_ended(self, status: int) -> None:
        result = self.result if self.result in ("watchdog", "timeout") else result_of(self.unit, status)
        if self.state == "deactivating":
            self.result = self.result if self.result == "timeout" else result
            self._sweep()
            return
        if self.unit.service("Type") == "oneshot" and (
            result == "success" or (self._current and self._current.may_fail)
        ):
            self._one_done()
            return
        if self.sub == "start":
            result = "exit-code" if result == "success" else result  # it was to stay, and to say that it is ready
        if self.unit.service("KillMode", "control-group") != "process":
            self.group.signal(signal.SIGKILL)
        self._ended_by_itself(result, status)

    def _one_done(self) -> None:
        if self._queue:
            self._start_main()
        elif self.unit.flag("RemainAfterExit"):
            self.state, self.sub, self.deadline = "active", "exited", _FOREVER
        else:
            self._end("success", "done")

    def _ended_by_itself(self, result: str, status: int) -> None:
        if not restarts(self.unit, result, status):
            self._end(result, f"ended ({result}, {_how(status)})")
            return
        self._say(f"{self.unit.name}: ended ({result}, {_how(status)}), is started again")
        self.result, self.state, self.sub = result, "activating", "auto-restart"
        self._watched_until = _FOREVER
        self.deadline = self._in(self.unit.time("RestartSec", 0.1))

    def _next_before_stop(self) -> None:
        if self._queue:
            self._run_control()
            return
        self.sub = "stop-sigterm"
        number = signal.Signals[self.unit.service("KillSignal", "SIGTERM")]
        if self.unit.service("KillMode", "control-group") == "control-group":
            self.group.signal(number)
        else:
            self._kill(self.main_pid, number)
        if not self.main_pid:
            self._sweep()

    def _sweep(self) -> None:
        """The main process is gone: the rest goes as ``KillMode=`` has it."""
        mode = self.unit.service("KillMode", "control-group")
        if mode == "mixed":
            self.group.signal(signal.SIGKILL)
        self.sub = "final"
        if not self._remaining():
            self._end(self.result, "stopped")

    def _remaining(self) -> bool:
        return self.unit.service("KillMode", "control-group") != "process" and bool(self.group.processes())

    def _too_late(self) -> None:
        self._say(f"{self.unit.name}: {self.sub} took too long, killed")
        starting = self.state == "activating"
        self.result, self._killed = "timeout", True
        self.deadline = self._in(10)
        self._kill(self._control_pid, signal.SIGKILL)
        self._kill(self.main_pid, signal.SIGKILL)
        if self.unit.service("KillMode", "control-group") != "process":
            self.group.signal(signal.SIGKILL)
        if starting and not self.main_pid:
            self._end("timeout", "was not started in time")

    def _fail(self, status: int) -> None:
        self.status = status
        self._ended_by_itself(result_of(self.unit, status), status)

    def _end(self, result: str, what: str) -> None:
        self._say(f"{self.unit.name}: {what}")
        self.result = result
        self.state, self.sub = ("inactive", "dead") if result == "success" else ("failed", "failed")
        self.deadline = self._watched_until = _FOREVER

    def _run_control(self) -> None:
        self._current = self._queue.popleft()
        self._control_pid = spawn(self.unit, self._current, self._environment, self.group)

    def _started_too_often(self) -> bool:
        burst, span = limit_of_starts(self.unit)
        now = time.monotonic()
        while self._starts and self._starts[0] < now - span:
            self._starts.popleft()
        self._starts.append(now)
        return 0 < burst < len(self._starts) and span > 0

    @staticmethod
    def _kill(pid: int, number: int) -> None:
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return

    @staticmethod
    def _in(span: float) -> float:
        return time.monotonic() + span


def _notify_socket(name: str) -> socket.socket:
    NOTIFY.mkdir(parents=True, exist_ok=True)
    path = NOTIFY / name
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    found.bind(str(path))
    path.chmod(0o666)
    return found


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit status {os.WEXITSTATUS(status)}"
