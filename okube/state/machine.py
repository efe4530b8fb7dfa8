"""The replicated state machine: batches in, results out; it asks nothing of the outside.

It raises ``UnknownVersion`` alone, where it meets what only a newer Okube knows: to go on would be to diverge.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from okube.model import commands as c
from okube.model.errors import UNREADABLE, KeyReused, OkubeError, StaleEpoch, UnknownVersion
from okube.model.versions import COMMAND_VERSION
from okube.state import (
    authorities,
    jointokens,
    keys,
    mounts,
    moving,
    nodes,
    preempting,
    quotas,
    secrets,
    services,
    settings,
    tasks,
    users,
)
from okube.state.requests import KnownRequest
from okube.state.snapshot import dump, letting_go, loading
from okube.state.story import tell
from okube.state.tables import Tables

__all__ = ["BATCH_VERSION", "StateMachine", "carry_out"]

BATCH_VERSION = 1
_log = logging.getLogger(__name__)

Handler = Callable[[Tables, Any, int], bytes]

_HANDLERS: dict[type, Handler] = {
    c.SeedCluster: settings.seed,
    c.PutServices: services.put,
    c.DeleteServices: services.delete,
    c.ScaleServices: services.scale,
    c.RefreshServices: services.refresh,
    c.RegisterNode: nodes.register,
    c.UpdateNode: nodes.update,
    c.SetNodeState: nodes.set_state,
    c.ReleaseNodes: nodes.release,
    c.SetNodeConditions: nodes.set_conditions,
    c.RemoveNode: nodes.remove,
    c.CreateTasks: tasks.create,
    c.PlaceTasks: tasks.place,
    c.WithdrawTasks: tasks.withdraw,
    c.PreemptTasks: preempting.preempt,
    c.MoveTasks: moving.move,
    c.StopTasks: tasks.stop,
    c.StopTask: tasks.stop_one,
    c.ReportTasks: tasks.report,
    c.EndTasks: tasks.end,
    c.ForgetTasks: tasks.forget,
    c.EnableVersion: settings.enable,
    c.TellOfManager: settings.tell_of_manager,
    c.NoteManagers: settings.note_managers,
    c.PutScheduling: settings.put_scheduling,
    c.PutTopology: settings.put_topology,
    c.PutRing: keys.put_ring,
    c.PutAuthorities: authorities.put,
    c.TellOfCertificates: authorities.tell,
    c.PutUser: users.put,
    c.RemoveUser: users.remove,
    c.PutSecret: secrets.put,
    c.DeleteSecret: secrets.delete,
    c.Reseal: secrets.reseal,
    c.ResetRing: keys.reset_ring,
    c.RenewMounts: mounts.renew,
    c.CreateJoinToken: jointokens.create,
    c.RevokeJoinToken: jointokens.revoke,
    c.UseJoinToken: jointokens.use,
    c.PutQuota: quotas.put,
    c.RemoveQuota: quotas.remove,
}


def carry_out(tables: Tables, command: c.Command, now_ms: int) -> bytes:
    """What one command does to the tables, without an event of it; its answer as JSON.

    Raises:
        OkubeError: it is refused; nothing has changed.
    """
    return _HANDLERS[type(command)](tables, command, now_ms)


class StateMachine:
    """Applies the log to the tables. Equal logs give equal tables, digests and results on every manager."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.defects = 0
        self.restored: list[Callable[[], None]] = []  # called when a snapshot has replaced the tables' contents

    def apply(self, index: int, term: int, payload: bytes) -> list[c.Result]:
        """Carry out one batch; one result for each of its items, in order.

        An entry that is no batch has no results and changes nothing; a batch of a deposed leader is refused whole.

        Raises:
            UnknownVersion: it holds what only a newer Okube knows; nothing of it is applied.
        """
        try:
            batch = c.decode_batch(payload)
        except msgspec.MsgspecError:
            _refuse_newer_format(index, payload)
            _log.error("entry %d of term %d is no batch; passed over", index, term)
            return []
        if batch.version != BATCH_VERSION:
            _refuse_newer_format(index, payload)
        tables = self.tables
        if batch.epoch < tables.epoch:
            refused = c.Refused(StaleEpoch.kind, f"proposed in epoch {batch.epoch}, and {tables.epoch} has begun")
            return [refused] * len(batch.items)
        _refuse_newer_items(index, batch.items)
        tables.epoch = batch.epoch
        tables.time_ms = max(tables.time_ms, batch.time_ms)
        return [self._apply_item(item) for item in batch.items]

    def _apply_item(self, item: c.Item) -> c.Result:
        if not item.request_id:
            return self._apply_command(item.command)
        known = self.tables.requests.get(item.request_id)
        if known is not None:
            if known.fingerprint == item.fingerprint:
                return known.result
            return c.Refused(KeyReused.kind, "this Idempotency-Key was used for another request; take a new one")
        result = self._apply_command(item.command)
        self.tables.put_request(KnownRequest(item.request_id, item.fingerprint, self.tables.time_ms, result))
        return result

    def _apply_command(self, data: bytes) -> c.Result:
        try:
            command = c.decode_command(data)
        except msgspec.MsgspecError:
            _refuse_newer_kind(data)
            return c.Refused("unknown-command", "this command cannot be read")
        self.tables.changes.clear()
        try:
            body = carry_out(self.tables, command, self.tables.time_ms)
            tell(self.tables, command, self.tables.time_ms)
        except OkubeError as error:
            return c.Refused(error.kind, error.detail, tuple((e.path, e.message) for e in error.errors))
        except Exception:
            # The last resort: an exception that reached Raft would come again on every tick, everywhere, for ever.
            self.defects += 1
            _log.exception("a defect in applying %s; the command is refused", type(command).__name__)
            return c.Refused(
                "defect", f"a defect of Okube in {type(command).__name__}; the manager's log has the trace"
            )
        return c.Applied(self.tables.revision, body)

    def snapshot(self) -> Iterator[bytes]:
        """All tables as they are now, in the format of ``snapshot.py``, in pieces."""
        return dump(self.tables)

    def restoring(self, data: bytes | memoryview) -> Iterator[bool]:
        """Take the tables of a snapshot instead of what is here, in parts of some milliseconds.

        True comes once, right after the new tables took the place of the old ones; what follows is cleaning up.
        Nothing has changed where it raises.

        Raises:
            ValueError: it cannot be read.
            UnknownVersion: it holds what only a newer Okube knows.
        """
        fresh = Tables()
        for _ in loading(fresh, data):
            yield False
        before = self.tables.become(fresh)
        for callback in self.restored:
            callback()
        yield True
        for _ in letting_go(before):
            yield False

    def restore(self, data: bytes | memoryview) -> None:
        """The same, in one go."""
        for _ in self.restoring(data):
            pass


def _refuse_newer_format(index: int, payload: bytes) -> None:
    """Raise where an entry is a batch in a later format; whatever else it is, it is that for every manager."""
    try:
        parts = msgspec.msgpack.decode(payload)
    except UNREADABLE:
        return
    if isinstance(parts, list) and parts and isinstance(parts[0], int) and parts[0] > BATCH_VERSION:
        raise UnknownVersion(f"entry {index} of the log", needs=f"batch format {parts[0]}", knows=COMMAND_VERSION)


def _refuse_newer_kind(data: bytes) -> None:
    """Raise where a command is of a kind that nobody here knows, though its item asked for no newer version."""
    kind = c.kind_of(data)
    if kind is not None and kind not in c.known_kinds():
        raise UnknownVersion("the log", needs=f"the command {kind}", knows=COMMAND_VERSION)


def _refuse_newer_items(index: int, items: tuple[c.Item, ...]) -> None:
    """Raise before anything of the batch is applied."""
    for item in items:
        if item.version > COMMAND_VERSION:
            raise UnknownVersion(
                f"entry {index} of the log", needs=f"command version {item.version}", knows=COMMAND_VERSION
            )
