"""Tables to try something on: they begin as others are now, and what is done to them touches nothing else.

Rows never change, so taking hold of them is all that has to be done at once; what is derived from them is made anew, a
few hundred rows at a time, so that whoever needs the loop gets it in between.
"""

from collections.abc import Generator

import msgspec

from okube.state.digest import Digest
from okube.state.tables import Tables

__all__ = ["forking"]

_ROWS_AT_ONCE = 500


class _NoDigest(Digest):
    """Nobody compares tables that are thrown away."""

    __slots__ = ()

    def swap(self, table: str, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        """Nothing."""


def forking(tables: Tables) -> Generator[None, None, Tables]:
    """Tables of one's own, as ``tables`` are when this begins, however these go on meanwhile.

    They have nodes, services, tasks, secrets, quotas and settings; no users, requests, events, keys or observers.
    """
    fork = Tables()
    fork.digest = _NoDigest()
    fork.begin_at(revision=tables.revision, epoch=tables.epoch, time_ms=tables.time_ms, settings=tables.settings)
    fork.nodes.update(tables.nodes)
    fork.specs.update(tables.specs)
    fork.secrets.update(tables.secrets)
    fork.quotas.update(tables.quotas)
    fork.ended_in_slot.update(tables.ended_in_slot)
    services, tasks = list(tables.services.values()), list(tables.tasks.values())
    for service in services:
        fork.restore_service(service)
    for count, task in enumerate(tasks):
        if count % _ROWS_AT_ONCE == 0:
            yield
        fork.restore_task(task)
    return fork
