"""The seam: which words on a machine do what to a unit. Nothing here runs them, so they serve over SSH and here."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["Init", "UnitState", "Words", "read_states"]

Words = tuple[str, ...]
_SHOWN = ("Id", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts", "Result")


class UnitState(msgspec.Struct, frozen=True):
    """A unit as its supervisor sees it.

    ``active`` is that of systemd: ``active``, ``activating``, ``inactive``, ``failed`` …; ``pid`` is 0 where nothing
    runs, ``result`` why it ended, if not ``success``.
    """

    active: str
    sub: str = ""
    is_enabled: bool = False
    pid: int = 0
    restarts: int = 0
    result: str = ""

    @property
    def runs(self) -> bool:
        """It runs, and has told that it serves."""
        return self.active == "active"


class Init(Protocol):
    """What looks after units. Commands for several units at once end with 0 where all of them could be done."""

    @property
    def kind(self) -> str:
        """How the probe of a machine calls it."""

    @property
    def unit_folder(self) -> str:
        """Where it finds units."""

    def reload(self) -> Words:
        """Read the units again; after one was written or removed."""

    def enable(self, units: Sequence[str]) -> Words:
        """Start them from the next boot on."""

    def disable(self, units: Sequence[str]) -> Words:
        """The contrary."""

    def start(self, units: Sequence[str]) -> Words:
        """Start what does not run, and wait until it serves."""

    def stop(self, units: Sequence[str]) -> Words:
        """End it in order, and wait until it has ended; what does not run is no error."""

    def restart(self, units: Sequence[str]) -> Words:
        """End and start it, and wait until it serves."""

    def forgive(self, units: Sequence[str]) -> Words:
        """Forget that it failed."""

    def show(self, units: Sequence[str]) -> Words:
        """How they are, for ``read_states``."""

    def logs(self, unit: str, lines: int) -> Words:
        """The last lines that it wrote."""


def read_states(output: str) -> dict[str, UnitState]:
    """What ``show`` wrote: a block of ``Key=Value`` lines for each unit, with an empty line between.

    A unit that is not there is ``inactive``, and not enabled.
    """
    found = {}
    for block in output.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in fields:
            found[fields["Id"]] = UnitState(
                active=fields.get("ActiveState", "inactive"),
                sub=fields.get("SubState", ""),
                is_enabled=fields.get("UnitFileState", "").startswith("enabled"),
                pid=_number(fields.get("MainPID")),
                restarts=_number(fields.get("NRestarts")),
                result=fields.get("Result", ""),
            )
    return found


def shown() -> tuple[str, ...]:
    """The properties that ``read_states`` needs, in words of systemctl."""
    return ("-p", ",".join(_SHOWN))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
