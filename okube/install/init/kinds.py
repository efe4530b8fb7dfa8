"""The two that are known: systemd, and the supervisor of the lab's hosts, which have a root of their own alone."""

from collections.abc import Sequence

import msgspec

from okube.install.init.base import Init, Words, shown
from okube.install.layout import LAYOUT
from okube.model.errors import NotFound

__all__ = ["LAB_PROGRAM", "LabInit", "Systemd", "init_of"]

LAB_PROGRAM = "okube-lab-init"


class _Verbs(msgspec.Struct, frozen=True):
    """What both understand: ``PROGRAM VERB UNIT…``, with the verbs of systemctl(1)."""

    program: Words

    @property
    def unit_folder(self) -> str:
        """Where units are."""
        return str(LAYOUT.units)

    def reload(self) -> Words:
        """Read the units again."""
        return (*self.program, "daemon-reload")

    def enable(self, units: Sequence[str]) -> Words:
        """From the next boot on."""
        return (*self.program, "enable", *units)

    def disable(self, units: Sequence[str]) -> Words:
        """No more at boot."""
        return (*self.program, "disable", *units)

    def start(self, units: Sequence[str]) -> Words:
        """Start, and wait."""
        return (*self.program, "start", *units)

    def stop(self, units: Sequence[str]) -> Words:
        """End, and wait."""
        return (*self.program, "stop", *units)

    def restart(self, units: Sequence[str]) -> Words:
        """End, start, and wait."""
        return (*self.program, "restart", *units)

    def forgive(self, units: Sequence[str]) -> Words:
        """Forget that it failed."""
        return (*self.program, "reset-failed", *units)


class Systemd(_Verbs, frozen=True):
    """systemd, from version 240 on."""

    program: Words = ("systemctl", "--quiet", "--no-ask-password")
    kind: str = "systemd"

    def show(self, units: Sequence[str]) -> Words:
        """How they are."""
        return ("systemctl", "show", "--no-pager", *shown(), *units)

    def logs(self, unit: str, lines: int) -> Words:
        """The last lines of the journal."""
        return ("journalctl", "--no-pager", "--quiet", "--output=short-iso", f"--lines={lines}", f"--unit={unit}")


class LabInit(_Verbs, frozen=True):
    """The lab's own: it reads the same units, and is a program on the host's PATH."""

    program: Words = (LAB_PROGRAM,)
    kind: str = "lab"

    def show(self, units: Sequence[str]) -> Words:
        """How they are."""
        return (LAB_PROGRAM, "show", *shown(), *units)

    def logs(self, unit: str, lines: int) -> Words:
        """The last lines that it wrote."""
        return (LAB_PROGRAM, "logs", unit, "-n", str(lines))


def init_of(kind: str) -> Init:
    """The one that a machine has, as its probe calls it.

    Raises:
        NotFound: it has none of those that are known.
    """
    if kind == "systemd":
        return Systemd()
    if kind == "lab":
        return LabInit()
    raise NotFound(
        "nothing on this machine starts services and keeps them running: Okube needs systemd for that; without it, "
        "start its processes with 'okube up -d'"
    )
