"""A cluster that goes on from a saved state under new managers: what changes in the state, and how their logs begin.

Two things keep the managers from before apart from it. The epoch's incarnation is higher, so that agents that have
heard of the new ones obey no old one. And the log goes on far beyond any entry that there can have been: a manager from
before that meets a new one is shown a later membership, without itself, and stops.
"""

from pathlib import Path

import msgspec

from okube.model.epoch import Epoch
from okube.model.event import Event, EventKind
from okube.model.versions import COMMAND_VERSION
from okube.raft import Member
from okube.raft.snapshot import SnapshotHead
from okube.raft.storage import bootstrap_from
from okube.seams.disk import Disk
from okube.state import StateMachine

__all__ = ["Rebirth", "ahead", "begin_from"]

BLOCK = 10**9
"""How many entries, and how many revisions, each incarnation has to itself: more than a cluster writes in years."""


def ahead(number: int, incarnation: int) -> int:
    """An entry or a revision, moved into the block of an incarnation: beyond all that there can have been before.

    No reader of a watch, and no ``If-Match``, so takes a new change for one that was lost; and no manager from before
    holds its membership for the later one.
    """
    return max((incarnation - 1) * BLOCK + number % BLOCK, number + 1)


class Rebirth(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster begins anew with."""

    incarnation: int
    kind: EventKind
    message: str
    by: str
    now_ms: int
    admin_token_sha256: str = ""
    """Of the new managers' admin; empty: it stays."""

    def change(self, machine: StateMachine) -> list[bytes]:
        """Change the state, which has no manager yet, and give it in pieces."""
        tables = machine.tables
        tables.epoch = Epoch(self.incarnation, 0)
        tables.revision = ahead(tables.revision, self.incarnation)
        tables.time_ms = max(tables.time_ms, self.now_ms)
        admin = self.admin_token_sha256 or tables.settings.admin_token_sha256
        # All managers that there are now are of this Okube; an older one could not read the event below.
        known = max(tables.settings.command_version, COMMAND_VERSION)
        tables.put_settings(msgspec.structs.replace(tables.settings, admin_token_sha256=admin, command_version=known))
        tables.put_event(
            Event(
                id="",
                kind=self.kind,
                level="warning",
                subject_kind="cluster",
                message=self.message,
                by=self.by,
                first_ms=self.now_ms,
                time_ms=self.now_ms,
            )
        )
        return list(machine.snapshot())


async def begin_from(
    directory: Path,
    disk: Disk,
    cluster_id: str,
    members: tuple[Member, ...],
    state: list[bytes],
    *,
    index: int,
    term: int,
    incarnation: int,
) -> None:
    """Write the first Raft state of one of ``members``, which all begin with the same state.

    ``index`` and ``term`` are of the entry that the state stood for before; the log goes on far beyond it.
    """
    head = SnapshotHead(cluster_id, ahead(index, incarnation), max(term, 1), members)
    await bootstrap_from(directory, disk, head, state)
