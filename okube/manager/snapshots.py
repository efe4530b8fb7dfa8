"""Saved snapshots: what a manager makes of its state at one moment, for who asks, or by itself now and then."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from okube.manager.core import ManagerCore
from okube.manager.retention import Kept, Retention, to_forget
from okube.model.archive import SUFFIX, ArchiveHead, Counts, pack_end, pack_head, pack_part
from okube.model.archive import read_head as head_of
from okube.model.errors import BadFile
from okube.model.manager_views import SnapshotView
from okube.model.quantities import rfc3339
from okube.seams.disk import Disk, NoRoom
from okube.state import StateMachine

__all__ = ["Keeper", "Taken"]

_log = logging.getLogger(__name__)
_LOOK_S = 60.0
_HEAD_BYTES = 1 << 16


class Taken(msgspec.Struct, frozen=True):
    """A snapshot in memory: what it is, and the state in pieces."""

    head: ArchiveHead
    pieces: list[bytes]

    @property
    def file_name(self) -> str:
        """``20261125T231500Z-r1234.okube``: sorted by name they are sorted by age."""
        taken = datetime.fromtimestamp(self.head.taken_ms / 1000, UTC)
        return f"{taken:%Y%m%dT%H%M%SZ}-r{self.head.revision}{SUFFIX}"

    def file(self) -> Iterator[bytes]:
        """The file, in pieces; deflating them takes a while, so it is for another thread."""
        yield pack_head(self.head)
        yield from map(pack_part, self.pieces)
        yield pack_end(self.pieces)

    @classmethod
    async def of(cls, machine: StateMachine, *, by: str, why: str, now_ms: int, managers: Sequence[str]) -> "Taken":
        """The state of this moment; it goes on meanwhile, and others get their turn between the pieces."""
        tables = machine.tables
        head = ArchiveHead(
            version=1,
            cluster=tables.settings.cluster,
            cluster_id=tables.settings.cluster_id,
            taken_ms=now_ms,
            taken_by=by,
            why=why,
            software=metadata.version("okube"),
            revision=tables.revision,
            epoch=tables.epoch,
            digest=tables.digest.hex(),
            counts=Counts(len(tables.services), len(tables.tasks), len(tables.nodes), len(tables.events)),
            managers=tuple(sorted(managers)),
            unlock_key="" if tables.ring is None else tables.ring.unlock_id,
            authority="" if tables.authorities is None else tables.authorities.signer,
        )
        pieces = []
        for piece in machine.snapshot():
            pieces.append(piece)
            await asyncio.sleep(0)
        return cls(head, pieces)


class Keeper:
    """The snapshots of one manager, in its own folder: each manager keeps its own, so no machine holds them all."""

    def __init__(self, core: ManagerCore, disk: Disk, directory: Path, policy: Retention) -> None:
        self._core = core
        self._disk = disk
        self._directory = directory
        self._policy = policy
        self._one_at_a_time = asyncio.Lock()
        self._failing = False
        self._unreadable: set[Path] = set()

    async def run(self) -> None:
        """Take one whenever it is time, until cancelled; what cannot be written is told and tried again."""
        if self._policy.every_s <= 0:
            return
        while True:
            try:
                await self._look()
                self._failing = False
            except OSError as error:
                self._tell(error)
            except Exception:  # the outermost rim: a cluster without snapshots is better than none
                self._core.metrics.defects.labels("snapshots").inc()
                _log.exception("a defect in keeping snapshots; it is tried again")
            await asyncio.sleep(min(_LOOK_S, self._policy.every_s))

    async def take(self, why: str) -> Taken:
        """A snapshot of this moment, in memory."""
        core = self._core
        managers = [member.name for member in core.raft.members]
        return await Taken.of(core.machine, by=core.name, why=why, now_ms=core.clock.time_ms(), managers=managers)

    async def keep(self, why: str) -> Path:
        """Take a snapshot and keep it; where it is. Raises OSError where it cannot be written."""
        async with self._one_at_a_time:
            taken = await self.take(why)
            path = self._directory / taken.file_name
            await self._disk.replace(path, taken.file())
            self._core.metrics.snapshot_time.set(taken.head.taken_ms / 1000)
            _log.info("kept a snapshot at revision %d: %s", taken.head.revision, path)
            for name in to_forget(await self.kept(), self._policy):
                await self._disk.remove(self._directory / name)
        return path

    async def kept(self) -> list[Kept]:
        """What is kept, oldest first; what cannot be read is passed over."""
        names = [name for name in await self._disk.list(self._directory) if name.endswith(SUFFIX)]
        return await asyncio.to_thread(lambda: [kept for name in names if (kept := self._read(self._directory / name))])

    def _read(self, path: Path) -> Kept | None:
        """One of them; that it cannot be read is told once."""
        try:
            with path.open("rb") as file:
                return Kept(path.name, path.stat().st_size, head_of(file.read(_HEAD_BYTES)))
        except (OSError, BadFile) as error:
            if path not in self._unreadable:
                _log.warning("%s is no snapshot that can be read: %s", path, error)
            self._unreadable.add(path)
            return None

    async def views(self) -> list[SnapshotView]:
        """The same, as the API shows it."""
        return [view_of(each, self._core.name, str(self._directory / each.name)) for each in await self.kept()]

    async def _look(self) -> None:
        tables, kept = self._core.tables, await self.kept()
        if not tables.settings.cluster_id:
            return  # nothing is there yet
        newest = kept[-1].head if kept else None
        if newest is not None:
            self._core.metrics.snapshot_time.set(newest.taken_ms / 1000)
            waited_ms = self._core.clock.time_ms() - newest.taken_ms
            if 0 <= waited_ms < self._policy.every_s * 1000 or newest.revision == tables.revision:
                return
            await self._disk.try_room(self._directory, 2 * kept[-1].size)
        await self.keep("scheduled")

    def _tell(self, error: OSError) -> None:
        """Once, until it works again: every manager of the cluster looks once a minute."""
        if not self._failing:
            what = "its disk has no room" if isinstance(error, NoRoom) else str(error)
            _log.warning("no snapshot can be kept in %s: %s; it is tried again every minute", self._directory, what)
        self._failing = True


def view_of(kept: Kept, manager: str, path: str) -> SnapshotView:
    """As the API and the command line show it."""
    head = kept.head
    return SnapshotView(
        name=kept.name,
        manager=manager,
        path=path,
        bytes=kept.size,
        cluster=head.cluster,
        cluster_id=head.cluster_id,
        taken_at=rfc3339(head.taken_ms) or "",
        why=head.why,
        revision=head.revision,
        epoch=str(head.epoch),
        services=head.counts.services,
        tasks=head.counts.tasks,
        nodes=head.counts.nodes,
    )
