"""The secrets and configs of one task as its runtime gets them: paths in memory, never values."""

from pathlib import Path

import msgspec

__all__ = ["ENVIRON", "NOTHING", "Provided"]

ENVIRON = "environ"
"""The file of variables in a task's folder: ``NAME=VALUE``, each ended by a NUL."""


class Provided(msgspec.Struct, frozen=True):
    """What lies ready for a task: ``links`` are pairs of a path of the node and the path where the task sees it.

    ``folder`` is the task's own, on a file system in memory; None for a task that is given nothing.
    """

    folder: Path | None = None
    links: tuple[tuple[Path, str], ...] = ()

    def environ(self) -> dict[str, str]:
        """The variables; raises OSError. For who starts the task, at the moment of the start: keep it nowhere."""
        if self.folder is None:
            return {}
        items = (self.folder / ENVIRON).read_bytes().split(b"\0")[:-1]
        pairs = (item.decode().partition("=") for item in items)
        return {name: value for name, _, value in pairs}


NOTHING = Provided()
