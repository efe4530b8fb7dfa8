"""The command by which tasks give way to one that matters more; both say so from then on."""

import msgspec

from okube.model.commands import PreemptTasks
from okube.model.task import Task
from okube.state.tables import Tables

__all__ = ["preempt"]

_NAMES_SHOWN = 3


def preempt(tables: Tables, command: PreemptTasks, now_ms: int) -> bytes:
    """Tasks stop so that pending ones of higher priority get their places; whoever does not matter less stays."""
    del now_ms
    gone: dict[str, list[Task]] = {}
    for victim_id, winner_id in zip(command.ids, command.winners, strict=True):
        victim, winner = tables.tasks.get(victim_id), tables.tasks.get(winner_id)
        if victim is None or winner is None or not _may(tables, victim, winner):
            continue
        own, higher = tables.spec_of(victim).level, tables.spec_of(winner).level
        told = f"gave its place on {victim.node} to {winner.name}, whose priority is {higher}; its own is {own}"
        tables.put_task(
            msgspec.structs.replace(victim, desired="stop", stop_reason="preempted", ready=False, gave_way=told)
        )
        gone.setdefault(winner_id, []).append(victim)
    for winner_id, victims in gone.items():
        winner = tables.tasks[winner_id]
        names = _names(victims)
        node = victims[0].node or ""
        tables.put_task(
            msgspec.structs.replace(
                winner,
                nominated=node,
                reason=None,
                message=f"waits for room on {node}: {names} of lower priority stop for it",
                gave_way=f"{names} of lower priority gave way",
            )
        )
    return b"null"


def _may(tables: Tables, victim: Task, winner: Task) -> bool:
    if not victim.holds_resources or victim.desired != "run" or winner.state != "pending" or winner.desired != "run":
        return False
    if victim.service_id == winner.service_id:
        return False
    return tables.spec_of(victim).level < tables.spec_of(winner).level


def _names(victims: list[Task]) -> str:
    shown = ", ".join(task.name for task in victims[:_NAMES_SHOWN])
    more = len(victims) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
