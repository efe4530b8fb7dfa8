"""What is on disk about one process task; the only memory that the runtime has of it.

``task.json``, ``argv``, ``environ``, ``work/``: what to run, written by the agent before the folder gets its name.
``run``, ``exit``, ``log*``, ``lock``: written by the shim. ``error``: why the last start failed.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from okube.model.spec import Protocol
from okube.worker.runtime.base import Container
from okube.worker.runtime.pids import Identity, is_alive

__all__ = ["Exit", "Record", "Run", "Sighting", "TaskFolder"]


class Record(msgspec.Struct, frozen=True):
    """What the agent needs to know of a task that it finds again."""

    cluster_id: str
    node: str
    task_id: str
    image: str
    command: tuple[str, ...]
    stop_signal: str = "SIGTERM"
    memory: int = 0
    cpus: float = 0.0
    ports: tuple[tuple[int, Protocol], ...] = ()


class Run(msgspec.Struct, frozen=True):
    """The latest start: the shim, and the command itself, which leads its process group."""

    shim: Identity
    leader: Identity
    started_ms: int


class Exit(msgspec.Struct, frozen=True):
    """How the latest run ended; the code is 128 + N for signal N."""

    code: int
    ended_ms: int
    oom_killed: bool


class Sighting(msgspec.Struct, frozen=True):
    """A task as it was found: what everybody knows of it, its latest start, and the host ports that it needs."""

    container: Container
    run: Run | None
    ports: tuple[tuple[int, Protocol], ...]


class TaskFolder:
    """The folder of one task; its name is the container's id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def record(self) -> Record | None:
        """What the agent wrote, or None if there is no such task, or nothing legible."""
        try:
            return msgspec.json.decode((self.path / "task.json").read_bytes(), type=Record)
        except (OSError, msgspec.MsgspecError):
            return None

    def run(self) -> Run | None:
        """The latest start, or None if there was none."""
        words = self._words("run")
        if len(words) != 6:
            return None
        boot, shim, shim_start, pid, start, started_ms = words
        return Run(Identity(boot, int(shim), int(shim_start)), Identity(boot, int(pid), int(start)), int(started_ms))

    def exit(self) -> Exit | None:
        """How the latest run ended, or None if it has not, or nobody saw it."""
        words = self._words("exit")
        return Exit(int(words[0]), int(words[1]), words[2] == "1") if len(words) == 3 else None

    def see(self) -> Sighting | None:
        """The task as it is now; None if it is gone, or if its shim was lost (see `is_orphan`)."""
        record = self.record()
        if record is None:
            return None
        ended, run = self.exit(), self.run()
        if ended is None and run is not None and not is_alive(run.shim):
            ended = self.exit()  # it may have ended between the two looks
            if ended is None:
                return None
        container = Container(
            id=self.id,
            task_id=record.task_id,
            state="exited" if ended else "running" if run else "created",
            exit_code=ended.code if ended else None,
            oom_killed=ended.oom_killed if ended else False,
            started_ms=run.started_ms if run else None,
            ended_ms=ended.ended_ms if ended else None,
            error=self._text("error"),
            stop_signal=record.stop_signal,
        )
        return Sighting(container, run, record.ports)

    def is_orphan(self) -> bool:
        """Whether it was started, nobody watches over it any more, and nobody wrote down its end."""
        run = self.run()
        return run is not None and not is_alive(run.shim) and self.exit() is None

    def forget_run(self) -> None:
        """Before another start: the latest run and its end are history."""
        for name in ("run", "exit", "error"):  # in this order: a run without an end would look like a lost one
            (self.path / name).unlink(missing_ok=True)

    def write_exit(self, ended: Exit, error: str) -> None:
        """What the shim could not write any more."""
        self.write_error(error)
        self._write("exit", f"{ended.code} {ended.ended_ms} {int(ended.oom_killed)}\n")

    def write_error(self, text: str) -> None:
        """Why it did not start, or how it was lost."""
        self._write("error", text)

    def _write(self, name: str, text: str) -> None:
        new = self.path / f"{name}.agent"
        with new.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.path / name)

    def _words(self, name: str) -> list[str]:
        return self._text(name).split()

    def _text(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self.path / name).read_text()
        return ""
