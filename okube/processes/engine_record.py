"""What is remembered of the Docker Engine that was started for a data directory, so that the same one is ended."""

from pathlib import Path

import msgspec

from okube.processes.lock import Running, living_in

__all__ = ["ENGINE_FOLDER", "EngineRecord"]

ENGINE_FOLDER = ".engine"
"""Beside the folders of processes; none of them can bear this name."""


class EngineRecord(msgspec.Struct, frozen=True):
    """The record in one data directory; its folder is there once an engine was started, whatever became of it."""

    data_dir: Path

    @property
    def folder(self) -> Path:
        """Where the engine's log and pid are."""
        return self.data_dir / ENGINE_FOLDER

    @property
    def log(self) -> Path:
        """What the engine wrote."""
        return self.folder / "log"

    @property
    def pid(self) -> Path:
        """The engine's process; gone once it was ended in order."""
        return self.folder / "pid"

    @property
    def was_started(self) -> bool:
        """Whether an engine was ever started here."""
        return self.folder.is_dir()

    @property
    def was_ended(self) -> bool:
        """Whether it was ended in order, and all containers with it."""
        return self.was_started and not self.pid.exists()

    @property
    def running(self) -> Running | None:
        """The engine, if it lives."""
        return living_in(self.pid)
