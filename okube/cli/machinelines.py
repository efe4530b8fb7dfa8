"""A line for each machine that something is done to: in place on a terminal, one for each change in a pipe."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from okube.cli.findings import tell_findings
from okube.cli.table import cut
from okube.cli.terminal import draws_in_place, size

if TYPE_CHECKING:
    from okube.install.findings import Finding
    from okube.install.inventory import Machine

__all__ = ["MachineLines"]

_UP, _CLEAR = "\x1b[1A", "\x1b[J"
_LABEL = 28


class MachineLines:
    """What machines are at. ``close`` leaves the last of it, each machine's line once.

    Args:
        stream: where to write; stderr unless given.
        live: whether a person looks; whether the stream is a terminal unless given.
        columns: the width of the terminal now.
    """

    def __init__(
        self, stream: TextIO | None = None, *, live: bool | None = None, columns: Callable[[], int] | None = None
    ) -> None:
        self._stream = stream or sys.stderr
        self._live = draws_in_place(self._stream) if live is None else live
        self._columns = columns or (lambda: size(2)[0])
        self._told: dict[str, str] = {}
        self._rows = 0

    def machine(self, machine: "Machine", what: str) -> None:
        """What a machine is at."""
        if self._told.get(machine.label) == what:
            return
        self._told[machine.label] = what
        if self._live:
            self._draw()
        else:
            self._write(f"{_line(machine.label, what)}\n")

    def note(self, sentence: str) -> None:
        """Something about the whole, above the lines."""
        self._erase()
        self._write(f"{sentence}\n")
        if self._live:
            self._draw()

    def close(self) -> None:
        """The lines stay where they are."""
        self._rows = 0

    def may_leave_out(self, findings: "Sequence[Finding]") -> bool:
        """Ask whether to go on without machines; nobody is there to ask where stdin or stderr is no terminal."""
        if not (self._live and sys.stdin.isatty()):
            return False
        self.close()
        tell_findings(findings)
        return click.confirm("Go on without them?", default=False, err=True)

    def _draw(self) -> None:
        """As many lines as fit; those of machines that were told of first go."""
        columns, rows = self._columns() - 1, max(3, size(2)[1] - 2)
        lines = [cut(_line(label, what), columns) for label, what in self._told.items()][-rows:]
        self._erase()
        self._write("".join(f"{line}\n" for line in lines))
        self._rows = len(lines)

    def _erase(self) -> None:
        if self._rows:
            self._write(f"\r{_UP * self._rows}{_CLEAR}")
            self._rows = 0

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _line(label: str, what: str) -> str:
    return f"{label:<{_LABEL}} {what}"
