"""Switches off what managers and agents are careful about, one thing at a time: the simulator must notice."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from okube.manager import liveness, on_behalf, placement, reconcile, waiting
from okube.manager.agents import AgentCalls
from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.task import Task
from okube.state import Tables, tasks
from okube.state.feed import Feed
from okube.state.requests import RequestTable
from okube.worker import agent
from okube.worker import reconcile as planner
from okube.worker.assignments import Holdings, Taken, take

__all__ = [
    "QUICKLY_FOUND",
    "Sabotage",
    "agents_have_no_fence",
    "agents_keep_what_they_do_not_hold",
    "feeds_go_on_over_a_snapshot",
    "nobody_calls_silent_nodes",
    "nobody_is_asked_for_a_second_opinion",
    "requests_are_forgotten",
    "slots_do_not_wait_for_the_old_task",
    "successors_do_not_wait",
]

Sabotage = Callable[[pytest.MonkeyPatch], None]


def successors_do_not_wait(patch: pytest.MonkeyPatch) -> None:
    """A task is placed although the one before it runs again, or still."""

    def may_be_placed(_: Tables, task: Task) -> bool:
        return task.state == "pending" and task.desired == "run"

    patch.setattr(tasks, "may_be_placed", may_be_placed)
    patch.setattr(placement, "may_be_placed", may_be_placed)
    patch.setattr(waiting, "may_be_placed", may_be_placed)
    patch.setattr(reconcile, "starts_first", lambda _: True)


def slots_do_not_wait_for_the_old_task(patch: pytest.MonkeyPatch) -> None:
    """A slot is filled while its old task still stops."""
    true_slots = reconcile._slots_of

    def slots_of(*args: Any) -> Any:
        slots = yield from true_slots(*args)
        for slot in slots.values():
            slot.stopping.clear()
        return slots

    patch.setattr(reconcile, "_slots_of", slots_of)


def agents_have_no_fence(patch: pytest.MonkeyPatch) -> None:
    """An agent obeys a deposed leader."""

    def unfenced(holdings: Holdings, *args: Any, **kwargs: Any) -> Taken:
        return take(msgspec.structs.replace(holdings, fence=Epoch()), *args, **kwargs)

    patch.setattr(agent, "take", unfenced)


def requests_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A repeated write is done twice."""
    patch.setattr(RequestTable, "get", lambda *_: None)


def agents_keep_what_they_do_not_hold(patch: pytest.MonkeyPatch) -> None:
    """A node that was given up does not remove its containers when it is back."""
    patch.setattr(planner, "_plan_unheld", lambda _id, _container, memory, keep: planner.Step(memory))


def nobody_calls_silent_nodes(patch: pytest.MonkeyPatch) -> None:
    """Silence is believed as it is."""

    async def probe_all(_: AgentCalls, nodes: Sequence[Node]) -> dict[str, bool]:
        return dict.fromkeys((node.name for node in nodes), False)

    patch.setattr(liveness, "probe_all", probe_all)
    patch.setattr(on_behalf, "probe_all", probe_all)


def nobody_is_asked_for_a_second_opinion(patch: pytest.MonkeyPatch) -> None:
    """The leader decides alone, whoever else may reach the node."""
    patch.setattr(liveness.Liveness, "_others", lambda _: [])


def feeds_go_on_over_a_snapshot(patch: pytest.MonkeyPatch) -> None:
    """Who reads at a manager that has taken a snapshot is not told that changes are missing."""
    true_restart = Feed.restart

    def restart(feed: Feed) -> None:
        if not feed.restarts:
            true_restart(feed)

    patch.setattr(Feed, "restart", restart)


QUICKLY_FOUND: list[Sabotage] = [
    successors_do_not_wait,
    slots_do_not_wait_for_the_old_task,
    requests_are_forgotten,
    agents_keep_what_they_do_not_hold,
    nobody_calls_silent_nodes,
    feeds_go_on_over_a_snapshot,
]
"""Each is noticed within a few seeds; the others take more (tests/mutants)."""
