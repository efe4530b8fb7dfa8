"""The JSON shapes of what would happen: of services that are to be applied, and of nodes that are lost."""

from typing import Literal

import msgspec

from okube.model.workload_views import Action

__all__ = ["PlanView", "PlannedServiceView", "PlannedTaskView", "Step"]

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
