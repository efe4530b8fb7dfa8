"""The JSON shapes of what would happen: of services that are to be applied, and of nodes that are lost."""

from typing import Annotated, Literal

import msgspec

from okube.model.spec import ServiceSpec
from okube.model.workload_views import Action

__all__ = [
    "BalanceView",
    "BrokenLimitView",
    "EdgeCostView",
    "LostServiceView",
    "MoveView",
    "NetCostView",
    "NetMoveView",
    "PlanView",
    "PlannedServiceView",
    "PlannedTaskView",
    "QuorumView",
    "RebalanceView",
    "Step",
    "WhatIfBody",
    "WhatIfView",
]

Step = Literal["start", "move", "replace", "stop", "wait"]
"""A task would begin in a slot without one, be replaced on another node or on its own, stop, or find no place."""


class PlannedTaskView(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a slot: the node before (`origin`) and after, and why.

    ``why`` is the sentence of the placement on the new node, or why no node takes it; ``message`` says what became of
    the task before, such as for whom it gives way.
    """

    name: str
    service: str
    app: str | None = None
    step: Step
    origin: str | None = None
    node: str | None = None
    why: str = ""
    message: str = ""


class PlannedServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """What applying would do to a service, and how many of its tasks would stay, change, and find no place."""

    name: str
    action: Action
    kept: int
    changed: int
    unplaced: int


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What applying services would do, were it done now; nothing is done.

    ``tasks`` are those of these services, and ``others`` those of other services that change by it. ``fits`` tells
    whether all tasks of these services find a place; ``settled`` is false where the end was not reached. Of more than
    10,000 tasks the rest is left out, and counted in ``left_out``.
    """

    revision: int
    fits: bool
    settled: bool
    services: list[PlannedServiceView]
    tasks: list[PlannedTaskView]
    others: list[PlannedTaskView]
    left_out: int = 0


class WhatIfBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imagined, all at once.

    ``lose`` names nodes, managers, or ``zone:NAME``, ``region:NAME``, ``rack:NAME``, ``node:NAME``, ``manager:NAME``.
    ``add`` has machines such as ``3x8c16g``, ``8c16g500g@rack-b`` or ``2xw1``; ``services`` are applied beside it.
    """

    lose: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)] = ()
    add: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    services: Annotated[tuple[ServiceSpec, ...], msgspec.Meta(max_length=1000)] = ()


class QuorumView(msgspec.Struct, frozen=True, kw_only=True):
    """The managers that vote: those that would be lost, how many would be left, and how many are needed.

    ``down`` are those that do not answer as it is; they count as lost too.
    """

    kept: bool
    voters: int
    left: int
    needed: int
    lost: list[str]
    down: list[str] = []


class LostServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service with fewer tasks that serve than before: how many before and after, of how many, and why."""

    name: str
    app: str | None = None
    before: int
    after: int
    total: int
    why: str = ""


class BrokenLimitView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit between two services that would not be kept any more, for so many tasks, on these nodes.

    ``round_trip`` is the longest of these, in seconds; null where it is unknown.
    """

    service: str
    depends_on: str
    limit: str
    tasks: int
    nodes: list[str]
    round_trip: float | None


class WhatIfView(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of the cluster; nothing is done.

    ``tasks`` are those that would begin, move or stop, and find no place (`wait`); ``services`` those that were
    applied beside it. ``fits`` tells whether all tasks find a place. Of more than 10,000 tasks the rest is left out,
    and counted in ``left_out``.
    """

    revision: int
    fits: bool
    settled: bool
    lost: list[str]
    added: list[str]
    quorum: QuorumView
    moved: int
    unplaced: int
    tasks: list[PlannedTaskView]
    suffering: list[LostServiceView]
    limits: list[BrokenLimitView]
    services: list[PlannedServiceView]
    left_out: int = 0


class MoveView(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is to be replaced on another node.

    ``gain`` is what that is worth, of 1 of the score that says most for it; ``terms`` what it is worth to each score,
    weighed.
    """

    id: str
    name: str
    service: str
    app: str | None = None
    origin: str
    target: str
    gain: float
    terms: dict[str, float]
    why: str


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """How evenly nodes are used: the share of the most used resource of each, and their tasks.

    Deviations are standard ones. ``network_cost`` is the traffic under way between services, in bits: bit/s times
    seconds of round trip.
    """

    most_used_mean: float
    most_used_highest: float
    most_used_deviation: float
    tasks_lowest: int
    tasks_highest: int
    tasks_deviation: float
    network_cost: float
    unmet_limits: int


class RebalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """The moves that make the placement better by the policy in force, and the balance before and after them.

    ``done``: the tasks were told to move; they do so one slot of a service at a time. ``more``: there may be more moves
    than were asked for.
    """

    revision: int
    policy: str
    done: bool
    moves: list[MoveView]
    before: BalanceView
    after: BalanceView
    more: bool


class EdgeCostView(msgspec.Struct, frozen=True, kw_only=True):
    """What a dependency costs all tasks of its service together: traffic times round trip, in bits under way.

    Round trips are those to the nearest task of the other service, in seconds: the mean over the tasks, and the
    longest; null where none is known, which ``unknown`` tasks have. ``traffic`` is what was declared of each task, in
    bit/s (0: nothing, and 1 Mbit/s counts); ``unmet`` the tasks for which the limit is not kept.
    """

    service: str
    depends_on: str
    limit: str
    traffic: int
    tasks: int
    round_trip: float | None
    longest: float | None
    unknown: int
    cost: float
    unmet: int
    best_round_trip: float | None
    best_cost: float
    best_unmet: int


class NetMoveView(msgspec.Struct, frozen=True, kw_only=True):
    """So many tasks of a service from one node to another."""

    service: str
    origin: str
    target: str
    tasks: int


class NetCostView(msgspec.Struct, frozen=True, kw_only=True):
    """What an app's placement costs in the network, what the best one found would, and the moves that lead there.

    Tasks of ``staying`` services are not moved for it: global ones, jobs, and those that are bound to their nodes by
    volumes or ports.
    """

    app: str
    revision: int
    cost: float
    unmet: int
    best_cost: float
    best_unmet: int
    edges: list[EdgeCostView]
    moves: list[NetMoveView]
    staying: list[str]
