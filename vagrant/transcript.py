"""What a person would type, run and shown: each command with its output and its time, as text for a page too."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from okube.model.errors import OkubeError

__all__ = ["StepFailed", "Transcript"]

_POLL_S = 0.5
_LONG_S = 1.0
"""A command's time is shown from here on."""


class StepFailed(OkubeError):
    """A command, or what was waited for, did not come about."""

    kind = "step-failed"


class Transcript:
    """Runs commands in a folder and shows them; ``lines`` is all that was shown."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.env = {**os.environ, **(env or {})}
        self.lines: list[str] = []
        self.times: list[tuple[str, float]] = []

    def title(self, text: str) -> None:
        """Begin a part."""
        self._show("")
        self._show(f"## {text}")
        self._show("")

    def say(self, text: str) -> None:
        """A remark."""
        self._show(f"# {text}")

    def run(
        self, *words: str, quiet: bool = False, named: str = "", shown: str = "", env: Mapping[str, str] | None = None
    ) -> str:
        """Run a command and return its standard output.

        Args:
            words: the command.
            quiet: show it and its time, and not what it prints.
            named: what its time is listed under, if it is.
            shown: how it is shown, if not as it is.
            env: variables beside those of the transcript.

        Raises:
            StepFailed: it does not end with 0.
        """
        self._show(f"$ {shown or shlex.join(words)}")
        begin = time.monotonic()
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - begin
        said = "" if quiet and not done.returncode else done.stdout + done.stderr
        for line in said.rstrip().splitlines():
            self._show(line.rstrip())
        if took >= _LONG_S or named:
            self.say(f"{took:.1f} s")
        if named:
            self.times.append((named, took))
        if done.returncode:
            raise StepFailed(f"'{shown or shlex.join(words)}' ended with exit status {done.returncode}.")
        return done.stdout

    def ask(self, *words: str) -> str:
        """What a command prints, without showing it; empty where it does not end with 0."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return "" if done.returncode else done.stdout

    def wait(self, what: str, holds: Callable[[], bool], *, timeout_s: float) -> float:
        """Wait until something holds, and show how long that took (seconds, since the call).

        Raises:
            StepFailed: it does not hold in time.
        """
        begin = time.monotonic()
        while not holds():
            if time.monotonic() - begin > timeout_s:
                raise StepFailed(f"After {timeout_s:.0f} s this is still not so: {what}.")
            time.sleep(_POLL_S)
        took = time.monotonic() - begin
        self.times.append((what, took))
        self.say(f"{what}: {took:.1f} s")
        return took

    def _show(self, line: str) -> None:
        self.lines.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
