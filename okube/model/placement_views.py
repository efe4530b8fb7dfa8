"""The JSON shapes of why a task is where it is, or nowhere."""

import msgspec

__all__ = ["FallenView", "PlacementView", "StandingView"]


class FallenView(msgspec.Struct, frozen=True):
    """How many nodes a filter refused, of those that came through the filters before it, and why."""

    filter: str
    nodes: int
    reason: str


class StandingView(msgspec.Struct, frozen=True):
    """A node that can take the task: its place, what it costs, what each score added, and whether the task is there."""

    node: str
    place: int
    cost: float
    terms: dict[str, float]
    here: bool = False


class PlacementView(msgspec.Struct, frozen=True, kw_only=True):
    """How all nodes stand for a task, were it placed anew now: the cheapest ones, and its own.

    ``exact``: the nodes are compared by the rule of `spread` and not by their costs, which are then for orientation.
    ``why`` is what was said when it was placed.
    """

    task: str
    name: str
    node: str | None
    why: str | None
    policy: str
    exact: bool
    nodes: int
    fitting: int
    fallen: list[FallenView]
    standings: list[StandingView]
