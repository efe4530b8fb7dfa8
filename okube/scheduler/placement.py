"""Placement: every task gets a node and host ports, or a reason."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from okube.scheduler.calls import network_moves_room
from okube.scheduler.choice import Choice
from okube.scheduler.company import moves_room
from okube.scheduler.explain import explain_no_fit
from okube.scheduler.filling import Filling
from okube.scheduler.filters import Filter, room_for
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import IntArray, NodeTable
from okube.scheduler.placed import PlacedTask, Placement, Rejection
from okube.scheduler.policies import SPREAD, Policy, Weighing
from okube.scheduler.policies.cheapest import Cheapest
from okube.scheduler.policies.parts import PartsOf
from okube.scheduler.ports import HOST_PORTS

__all__ = ["PlacedTask", "Placement", "Rejection", "place", "place_in_slices"]

_BOUND = "is the only node that it may run on"
_TOWARD = "is where it was to move"
_AVOIDED = "; it failed to start there lately, and fits nowhere else"


@dataclass(frozen=True, slots=True)
class _Run:
    """Tasks of a group that follow each other and may go to the same nodes."""

    pinned: str | None
    avoid: frozenset[str]
    toward: str | None
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Tier:
    """Nodes (rows) that are used before the next ones, and what is said of that: instead, and in addition."""

    rows: IntArray
    why: str = ""
    more: str = ""


def place(
    nodes: NodeTable,
    groups: Sequence[TaskGroup],
    *,
    port_range: tuple[int, int] = HOST_PORTS,
    policy: Policy = SPREAD,
    filters: Sequence[Filter] = (),
    network: NetworkView | None = None,
) -> Placement:
    """Finds a node for each task, group after group and task after task; what one takes, the next does not find.

    A pure function: equal arguments give equal placements. Host port 0 is given out of ``port_range`` (both ends
    count). ``policy`` says which of the nodes that fit is taken; a node has to pass ``filters`` beside the usual ones.
    ``network`` is what is known between the nodes, for tasks that talk with others; its rows are those of the table.
    A group with a constraint that cannot be read is rejected and disturbs no other. Raises ``ValueError`` for a range
    that holds no port.
    """
    work = place_in_slices(nodes, groups, port_range=port_range, policy=policy, filters=filters, network=network)
    while True:
        try:
            next(work)
        except StopIteration as done:
            placement: Placement = done.value
            return placement


def place_in_slices(
    nodes: NodeTable,
    groups: Iterable[TaskGroup],
    *,
    port_range: tuple[int, int] = HOST_PORTS,
    policy: Policy = SPREAD,
    filters: Sequence[Filter] = (),
    network: NetworkView | None = None,
) -> Generator[None, None, Placement]:
    """The same, one group at a time, so that whoever waits gets a turn in between."""
    ledger = Ledger(nodes, port_range, filters, network)
    placement, parts_of = Placement(), PartsOf(policy)
    for group in groups:
        _place_group(ledger, group, policy, parts_of, placement)
        yield
    return placement


def _place_group(ledger: Ledger, group: TaskGroup, policy: Policy, parts_of: PartsOf, placement: Placement) -> None:
    try:
        demand = Demand.of(group, ledger.named)
    except ValueError as error:
        placement.rejected.append(Rejection(group.tasks, str(error)))
        return
    ledger.begin(group)
    one_by_one = _changes_room(ledger, demand)
    freely = not (one_by_one or group.pinned or group.avoid or group.toward or policy.spreads_exactly(demand))
    if freely and (parts := parts_of.parts(demand)) is not None:
        _place_freely(ledger, demand, Cheapest(ledger, demand, policy, parts), placement)
        return
    filling = _filling(ledger, group, demand, policy)
    reasons: dict[str | None, str] = {}
    left_over: dict[str | None, list[str]] = {}
    for run in _single_runs(group) if one_by_one else _runs(group):
        if one_by_one:
            filling.count_room(room_for(ledger, demand))
        choices = _fill_tiers(filling, _tiers(ledger, filling, run), run)
        placed = _record(ledger, group, run.tasks, choices, placement)
        if placed == len(run.tasks):
            continue
        if _keep_room(ledger, group, demand, run.tasks[placed:]):
            filling.count_room(room_for(ledger, demand))
        # Nothing is given back within a call, so the first reason holds for all that follow.
        if run.pinned not in reasons:
            reasons[run.pinned] = explain_no_fit(ledger, demand, run.pinned)
        left_over.setdefault(run.pinned, []).extend(run.tasks[placed:])
    placement.rejected += [Rejection(tuple(tasks), reasons[pinned]) for pinned, tasks in left_over.items()]


def _changes_room(ledger: Ledger, demand: Demand) -> bool:
    """Where nodes share ports, or tasks mind each other, what one takes changes the room of others."""
    group = demand.group
    shared = bool(group.ports) and ledger.ports.shared
    return shared or (bool(group.company) and moves_room(demand)) or network_moves_room(demand)


def _place_freely(ledger: Ledger, demand: Demand, cheapest: Cheapest, placement: Placement) -> None:
    """Places tasks that may all go to the same nodes."""
    group = demand.group
    placed = _record(ledger, group, group.tasks, cheapest.fill(len(group.tasks)), placement)
    if placed == len(group.tasks):
        return
    ledger.recount()
    left_over = group.tasks[placed:]
    _keep_room(ledger, group, demand, left_over)
    placement.rejected.append(Rejection(left_over, explain_no_fit(ledger, demand)))


def _keep_room(ledger: Ledger, group: TaskGroup, demand: Demand, tasks: Sequence[str]) -> bool:
    """Who comes later does not get the room that others make for these tasks; whether there is any."""
    rows = [ledger.row(group.nominated.get(task, "")) for task in tasks] if group.nominated else []
    for row in rows:
        if row is not None:
            ledger.hold_back(row, demand)
    return any(row is not None for row in rows)


def _filling(ledger: Ledger, group: TaskGroup, demand: Demand, policy: Policy) -> Filling | Weighing:
    if policy.spreads_exactly(demand):
        return Filling(ledger, group, demand)
    return Weighing(ledger, group, demand, policy)


def _runs(group: TaskGroup) -> Iterator[_Run]:
    if not group.pinned and not group.avoid and not group.toward:
        yield _Run(None, frozenset(), None, group.tasks)
        return

    def where(task: str) -> tuple[str | None, frozenset[str], str | None]:
        return group.pinned.get(task), group.avoid.get(task, frozenset()), group.toward.get(task)

    for (pinned, avoid, toward), tasks in groupby(group.tasks, key=where):
        yield _Run(pinned, avoid, toward, tuple(tasks))


def _single_runs(group: TaskGroup) -> Iterator[_Run]:
    for task in group.tasks:
        yield _Run(group.pinned.get(task), group.avoid.get(task, frozenset()), group.toward.get(task), (task,))


def _tiers(ledger: Ledger, filling: Filling | Weighing, run: _Run) -> list[_Tier]:
    """The nodes a run may use, the first ones until they are full, then the next."""
    if run.pinned is not None:
        row = ledger.row(run.pinned)
        return [] if row is None else [_Tier(np.array([row]), why=_BOUND)]
    rows = filling.rows_with_room()
    first = ledger.row(run.toward) if run.toward is not None else None
    there = [] if first is None else [_Tier(rows[rows == first], why=_TOWARD)]
    if not run.avoid:
        return [*there, _Tier(rows)]
    avoided = np.isin(rows, [row for name in run.avoid if (row := ledger.row(name)) is not None])
    return [*there, _Tier(rows[~avoided]), _Tier(rows[avoided], more=_AVOIDED)]


def _fill_tiers(filling: Filling | Weighing, tiers: list[_Tier], run: _Run) -> list[Choice]:
    choices: list[Choice] = []
    wanted = len(run.tasks)
    for tier in tiers:
        found = filling.fill(tier.rows, wanted)
        if tier.why or tier.more:
            found = [Choice(choice.rows, (tier.why or choice.why) + tier.more) for choice in found]
        wanted -= sum(len(choice.rows) for choice in found)
        choices += found
    return choices


def _record(ledger: Ledger, group: TaskGroup, tasks: Sequence[str], choices: list[Choice], placement: Placement) -> int:
    """Note where tasks go, the first ones first; how many that are."""
    names, count = ledger.nodes.names, 0
    for choice in choices:
        rows, before = choice.rows, count
        count += len(rows)
        ledger.remember(group.service, rows)
        placement.tasks += tasks[before:count]
        placement.nodes += [names[row] for row in rows]
        placement.host_ports += (
            [ledger.ports.take(row, group.ports) for row in rows] if group.ports else [()] * len(rows)
        )
        placement.reasons += [choice.why] * len(rows)
    return count
