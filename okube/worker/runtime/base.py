"""What an agent needs of whatever runs its containers; `docker.py` and `process.py` are its two forms."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from okube.model.errors import OkubeError
from okube.model.exec import ExecRequest
from okube.model.task import Reason
from okube.model.wire import AssignedTask, LogLine
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.lines import Stream
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = [
    "CannotExec",
    "Container",
    "ContainerState",
    "ExecSession",
    "Runtime",
    "RuntimeFailure",
    "RuntimeUnavailable",
]

ContainerState = Literal["created", "running", "exited"]


class RuntimeFailure(OkubeError):
    """A container cannot be made or started, with the reason code that its task gets and a sentence."""

    kind = "runtime-failure"

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RuntimeUnavailable(OkubeError):
    """The engine itself does not answer; nothing is known about containers, and nothing is decided about them."""

    kind = "runtime-unavailable"


class CannotExec(OkubeError):
    """A command cannot be run in a container; ``exit_code`` is what a shell would say of it: 126 or 127."""

    kind = "cannot-exec"

    def __init__(self, exit_code: int, detail: str) -> None:
        super().__init__(detail)
        self.exit_code = exit_code


class Container(msgspec.Struct, frozen=True):
    """One container of ours as it is now. Times are milliseconds since 1970, UTC."""

    id: str
    task_id: str
    state: ContainerState
    exit_code: int | None = None  # 128 + N where signal N ended it
    oom_killed: bool = False
    started_ms: int | None = None
    ended_ms: int | None = None
    error: str = ""
    stop_signal: str = "SIGTERM"  # what its service asks it to be stopped with
    paused: bool = False  # by somebody on the node; it counts as running


class ExecSession(Protocol):
    """A command that runs in a container beside the task's own; whoever has it must ``close`` it.

    Nothing is read ahead and nothing is kept: a command whose output nobody reads waits, and so does who writes to one
    that does not read. Any call may raise RuntimeUnavailable.
    """

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of its output, 64 KiB at most; None when there will be no more."""

    async def write(self, data: bytes) -> None:
        """Give it input; returns once that is taken. Input that it does not want any more is dropped."""

    async def close_stdin(self) -> None:
        """No more input will come; to a terminal this is Ctrl-D."""

    async def resize(self, cols: int, rows: int) -> None:
        """Its terminal has another size now; without a terminal nothing happens."""

    async def wait(self) -> int:
        """Its exit code, 128 + N for signal N; ask when its output has ended."""

    async def close(self) -> None:
        """End it if it still runs (a hang-up, then SIGKILL), and let go of everything."""


class Runtime(Protocol):
    """Containers of one cluster and one node; others are never seen, let alone touched.

    Every call may raise RuntimeUnavailable; every call is idempotent: what is there is not made twice, what is gone
    is not an error.
    """

    name: str

    async def start(self) -> None:
        """Connect, and make sure that it works."""

    async def close(self) -> None:
        """Let go of connections and threads; containers go on."""

    async def ping(self) -> None:
        """Ask for a sign of life, and wait a few seconds for it; raises RuntimeUnavailable where none comes."""

    def places(self) -> tuple[Path, ...]:
        """Where containers and their data lie on this machine, as far as the runtime knows: disks to watch."""

    async def foreign(self) -> dict[str, tuple[int, int]]:
        """How many containers and volumes there are of each other cluster, by its id."""

    async def list(self) -> list[Container]:
        """All containers of this cluster and node, in any state, found by their labels."""

    async def prepare(self, task: AssignedTask) -> None:
        """Bring the image if it is absent, and check what can be checked before: volumes' paths, the command.

        Raises:
            RuntimeFailure: ``image-pull``, ``volume-missing``.
        """

    async def create(self, task: AssignedTask, provided: Provided = NOTHING) -> Container:
        """Make the task's container, with what lies ready for it; one that is there already is returned as it is.

        Raises:
            RuntimeFailure: ``start-failed``, ``image-pull``, ``volume-missing``, ``port-conflict``.
        """

    async def run(self, container_id: str) -> Container:
        """Start a container that is created or exited.

        Raises:
            RuntimeFailure: ``start-failed`` (no such command), ``port-conflict``, ``volume-missing``.
        """

    async def signal(self, container_id: str, name: str) -> None:
        """Send a signal to its program; nothing happens where it does not run."""

    async def stop(self, container_id: str, *, signal: str, grace_s: float) -> None:
        """Send ``signal``, and SIGKILL when ``grace_s`` have passed; returns when it has ended."""

    async def remove(self, container_id: str) -> None:
        """Remove it, running or not, with its anonymous volumes and its logs."""

    async def inspect(self, container_id: str) -> Container | None:
        """One container as it is now, or None if it is gone."""

    def changes(self) -> AsyncIterator[str]:
        """Ids of tasks whose container may have changed (started, ended, gone); may miss some, `list` is the truth.

        Listens from the call on, through breaks of the engine; ends when the runtime is closed.
        """

    def logs(
        self, container_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        """Its output, oldest first; with ``follow`` also what comes, until the container ends."""

    async def exec(self, container_id: str, request: ExecRequest) -> ExecSession:
        """Run a command in a running container.

        Raises:
            NotFound: the container is gone.
            Conflict: it does not run, or is paused.
            CannotExec: there is no such command in it, or no program.
        """

    async def usage(self) -> dict[str, tuple[str, Consumption]]:
        """What each running container uses, by its id, with its task's id."""
