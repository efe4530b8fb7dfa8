"""The days of an admin: each command with its time, and what was seen of it."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from tests.lab.cluster import Finished
from tests.lab.rack.admin import Admin
from tests.lab.rack.bundles import this_bundle
from tests.lab.rack.description import describe
from tests.lab.rack.rack import Rack

__all__ = ["ELSEWHERE", "Day", "Line"]

MANAGERS = ("m1", "m2", "m3")
WORKERS = ("w1", "w2", "w3")
SPARE = ("x1", "x2")
ELSEWHERE = ("r1", "r2", "r3", "r4")


class Line(msgspec.Struct, frozen=True):
    """What was done, the command, how long it took (seconds) until what was seen."""

    what: str
    command: str
    seconds: float
    seen: str


class Day:
    """Hosts, who looks after them, and what they wrote down."""

    def __init__(self, folder: Path, runtime: str, bundle: Path | None = None, software: Path | None = None) -> None:
        self.folder = folder
        self.runtime = runtime
        self.software = software
        self.lines: list[Line] = []
        self.bundle = bundle or this_bundle(folder / "bundle")
        self.rack = self._rack()
        try:
            self.admin = Admin(self.rack, describe(self.rack, MANAGERS, WORKERS, runtime=runtime), folder / "operator")
        except BaseException:
            self.rack.destroy()
            raise

    def __enter__(self) -> "Day":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(self.rack.consoles())
        self.rack.destroy()

    def does(
        self, what: str, *words: str, seen: Callable[[Finished], str], until: Callable[[], bool] | None = None
    ) -> Finished:
        """Type a command that must succeed, wait until something holds, and write both down."""
        done = self.admin.ok(*words, timeout_s=600)
        waited = 0.0 if until is None else self.admin.wait(until, what)
        line = Line(what, f"okube {' '.join(map(self._shown, words))}", done.took_s + waited, self._shown(seen(done)))
        self.lines.append(line)
        sys.stderr.write(f"{line.seconds:7.1f} s  {line.what}: {line.seen}\n")
        return done

    def on_another_desk(self, described: dict[str, Any]) -> None:
        """Whoever looks after the hosts goes on with a cluster.yaml and nothing else: neither credentials nor keys."""
        self.admin = Admin(self.rack, described, self.folder / "another")

    def remark(self, seen: str) -> None:
        """Add to what was seen of the last command."""
        self.lines[-1] = msgspec.structs.replace(self.lines[-1], seen=f"{self.lines[-1].seen}; {seen}")
        sys.stderr.write(f"           {seen}\n")

    def table(self) -> Iterator[str]:
        """All lines, as Markdown has tables."""
        yield "| what | command | time | what was seen |"
        yield "|---|---|---|---|"
        for line in self.lines:
            yield f"| {line.what} | `{line.command}` | {line.seconds:.1f} s | {line.seen} |"

    def figures(self) -> dict[str, float]:
        """Seconds, by what was done."""
        return {re.sub(r"\W+", "_", line.what.lower()).strip("_") + "_s": round(line.seconds, 1) for line in self.lines}

    def _rack(self) -> Rack:
        """Nodes need an engine where containers run; managers' machines have none."""
        engines = (*WORKERS, *SPARE, ELSEWHERE[-1]) if self.runtime == "docker" else ()
        return Rack([*MANAGERS, *WORKERS, *SPARE, *ELSEWHERE], engines=engines, software=self.software)

    def _shown(self, word: str) -> str:
        """A word as the page has it: addresses of the documentation, files without their folders."""
        word = re.sub(r"198\.18\.\d+\.(\d+)", r"192.0.2.\1", word)
        return (
            word.replace(f"{self.admin.folder}/", "")
            .replace(f"{self.bundle.parent}", "dist")
            .replace(f"{self.folder}/next", "dist")
        )
