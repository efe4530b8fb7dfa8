"""One manager goes on alone, with all that it has, because the majority is gone for good.

Its log is applied to its end, committed or not: what was acknowledged may be in that end, and nobody is left who could
say otherwise. The state then begins a log of its own, under a new instance of the manager, as in ``rebirth.py``. The
step from one to the other is the name of a folder: ``raft-recovered`` is there whole, or nothing has happened; and once
it is there, whoever starts this manager takes that step to its end.
"""

import asyncio
import logging
import random
import shutil

import msgspec

from okube.manager.rebirth import Rebirth, begin_from
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.names import new_id
from okube.raft import Member
from okube.raft.journal import Command
from okube.raft.storage import Storage, open_storage
from okube.seams.clock import Clock
from okube.seams.disk import Disk
from okube.security.private import sync_folder
from okube.security.seed import ProcessIdentity, read_process_identity, write_process_identity
from okube.state import StateMachine

__all__ = ["Recovery", "RecoveryDesk", "finish_recovery", "recover", "state_of"]

_log = logging.getLogger(__name__)
_READY = "raft-recovered"
_MAKING = "raft-making"
_IDENTITY = "identity.json"


class Recovery(msgspec.Struct, frozen=True):
    """What was asked for: by whom, and which managers did not answer."""

    by: str
    lost: tuple[str, ...]


class RecoveryDesk:
    """Where the API leaves an order, and the process finds it."""

    def __init__(self) -> None:
        self.order: Recovery | None = None
        self.asked = asyncio.Event()

    def ask(self, order: Recovery) -> None:
        """Have this manager end, and go on alone."""
        self.order = order
        self.asked.set()


async def recover(settings: ManagerSettings, order: Recovery, *, disk: Disk, clock: Clock, rng: random.Random) -> None:
    """Make a cluster of one from what this manager has; nothing else may use its folder meanwhile."""
    directory = settings.directory
    storage = await open_storage(directory / "raft", disk)
    try:
        machine = await state_of(storage)
        journal = storage.journal
        incarnation = max(1, machine.tables.epoch.incarnation) + 1
        own = next(m for m in journal.members if (m.name, m.instance) == (settings.name, settings.instance))
        alone = Member(own.name, new_id(rng), own.raft_address, own.api_address)
        lost = ", ".join(order.lost)
        state = Rebirth(
            incarnation=incarnation,
            kind="cluster-recovered",
            message=f"{own.name} goes on alone, without {lost}; what only these had acknowledged is lost; "
            f"incarnation {incarnation}",
            by=order.by,
            now_ms=clock.time_ms(),
        ).change(machine)
        making = directory / _MAKING
        shutil.rmtree(making, ignore_errors=True)
        index, term = journal.last_index, journal.getCurrentTerm()
        await begin_from(
            making, disk, journal.cluster_id, (alone,), state, index=index, term=term, incarnation=incarnation
        )
    finally:
        await storage.journal.close()
    identity = ProcessIdentity("manager", settings.cluster_id, settings.name, alone.instance)
    write_process_identity(making / _IDENTITY, identity)
    making.rename(directory / _READY)
    sync_folder(directory)
    _log.warning("%s goes on alone in incarnation %d, without %s", own.name, incarnation, lost)


def finish_recovery(settings: ManagerSettings) -> ManagerSettings:
    """Take the last steps of a recovery that was begun, if one was; the settings as they are then."""
    directory = settings.directory
    ready = directory / _READY
    if not ready.is_dir():
        return settings
    identity = read_process_identity(ready / _IDENTITY)
    before = directory / "raft"
    if before.exists():
        before.rename(directory / f"raft-before-{identity.instance}")
    write_process_identity(directory / _IDENTITY, identity)
    ready.rename(before)
    sync_folder(directory)
    own = [msgspec.structs.replace(m, instance=identity.instance) for m in settings.members if m.name == settings.name]
    members: tuple[ManagerMember, ...] = tuple(own)
    return msgspec.structs.replace(settings, instance=identity.instance, members=members)


async def state_of(storage: Storage) -> StateMachine:
    """The state of a manager that does not run, with its whole log applied, committed or not."""
    machine, journal = StateMachine(), storage.journal
    covered = journal.base_index
    if storage.snapshot is not None:
        covered = storage.snapshot.head.index
        for _ in machine.restoring(storage.snapshot.state):
            await asyncio.sleep(0)
    for command, index, term in journal[1:]:
        if index > covered and command[0] == Command.REGULAR:
            machine.apply(index, term, command[1:])
            await asyncio.sleep(0)
    return machine
