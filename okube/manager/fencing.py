"""Placements bear the epoch in which they were planned, so that each is checked again when it is applied. Pure."""

from collections.abc import Iterable

import msgspec

from okube.model.commands import Command, PlaceTasks
from okube.model.epoch import Epoch
from okube.model.versions import version_of

__all__ = ["in_epoch"]


def in_epoch(commands: Iterable[Command], epoch: Epoch, enabled: int) -> list[Command]:
    """The commands with the epoch in them, as far as the command version that is ``enabled`` has that."""
    return [_fenced(each, epoch, enabled) if isinstance(each, PlaceTasks) else each for each in commands]


def _fenced(command: PlaceTasks, epoch: Epoch, enabled: int) -> PlaceTasks:
    fenced = msgspec.structs.replace(command, planned_in=epoch)
    return fenced if version_of(fenced) <= enabled else command
