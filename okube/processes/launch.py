"""Starts processes of the cluster as daemons and sees each of them come alive."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from okube.model.errors import OkubeError
from okube.seams.logfile import LIMIT_BYTES
from okube.security import ProcessFiles

__all__ = ["Launch", "StartFailed", "Started", "launch", "let_go", "okube_command", "wait_alive"]

_TAIL_LINES = 5
_TAIL_BYTES = 4096
_POLL_S = 0.05


class StartFailed(OkubeError):
    """A manager or worker ended before it answered, or does not answer."""

    kind = "start-failed"


class Launch(msgspec.Struct, frozen=True):
    """One process to start: its command, its folder, and how to tell that it is alive."""

    name: str
    role: str
    command: tuple[str, ...]
    files: ProcessFiles
    is_alive: Callable[[], bool]


class Started(msgspec.Struct, frozen=True):
    """A process that was started and not yet waited for."""

    launch: Launch
    process: subprocess.Popen[bytes]
    log_start: int


def okube_command() -> tuple[str, ...]:
    """How this very Okube is called: the script beside the interpreter, else the interpreter itself."""
    script = Path(sys.executable).with_name("okube")
    if script.exists():
        return (str(script),)
    return (sys.executable, "-c", "from okube.cli.main import main; main()")


def launch(what: Launch) -> Started:
    """Start it in a session of its own, so that no terminal ends it, with its output appended to its log.

    Raises:
        StartFailed: the program cannot be run at all.
    """
    log = what.files.log
    if log.exists() and log.stat().st_size > LIMIT_BYTES:
        log.replace(log.with_name("log.1"))
    try:
        with log.open("ab") as output:
            start = output.tell()
            process = subprocess.Popen(
                what.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=what.files.root,
                start_new_session=True,
            )
    except OSError as error:
        raise StartFailed(f"{what.name} does not start: {what.command[0]}: {error.strerror}.") from error
    return Started(what, process, start)


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Leave a process to itself, alive beyond our own end; Python would warn that nobody waits for it."""
    process.returncode = 0


def wait_alive(started: Sequence[Started], *, timeout_s: float, say: Callable[[Started, str | None], None]) -> None:
    """Wait until each answers, has ended, or the time is over.

    Args:
        started: what was launched.
        timeout_s: seconds for all of them together.
        say: told once of each, in the order in which it is known: None for alive, else a sentence on what is wrong.
    """
    deadline = time.monotonic() + timeout_s
    waiting = list(started)
    while waiting:
        late = time.monotonic() > deadline
        for one in list(waiting):
            known, problem = _look(one, late)
            if known:
                waiting.remove(one)
                say(one, problem)
        if waiting:
            time.sleep(_POLL_S)


def _look(one: Started, late: bool) -> tuple[bool, str | None]:
    what = one.launch
    status = one.process.poll()
    if status is not None:
        return True, f"{what.role} {what.name} ended at once ({_ended(status)}){_last_words(one)}"
    if what.is_alive():
        return True, None
    if late:
        return True, f"{what.role} {what.name} runs (pid {one.process.pid}) and does not answer{_last_words(one)}"
    return False, None


def _ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _last_words(one: Started) -> str:
    log = one.launch.files.log
    with log.open("rb") as file:
        file.seek(max(one.log_start, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
    if not lines:
        return f" and wrote nothing to {log}."
    return f". {log} ends with:\n" + "\n".join(f"  {line}" for line in lines)
