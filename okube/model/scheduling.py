"""How nodes are chosen for tasks, as cluster.yaml and the API have it: a policy, and what its scores weigh."""

import math
from typing import Annotated, Literal, get_args

import msgspec

from okube.model.names import is_dns_label
from okube.model.quantities import parse_seconds

__all__ = [
    "MOST_WEIGHT",
    "ORDERS",
    "POLICIES",
    "SCORES",
    "OrderName",
    "Overcommit",
    "PolicyName",
    "Rebalancing",
    "Scheduling",
]

PolicyName = Literal["spread", "binpack", "epvm", "round-robin", "network"]
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)
OrderName = Literal["kahn", "tarjan", "reverse-kahn", "reverse-tarjan", "alternate-kahn", "alternate-tarjan"]
ORDERS: tuple[OrderName, ...] = get_args(OrderName)
SCORES = ("balance", "binpack", "epvm", "network", "preference", "round-robin", "spread", "tasks", "zones")
"""The scores that Okube brings along; others come by entry points of installed packages."""
MOST_WEIGHT = 1_000_000.0
LEAST_FACTOR = 0.1
LEAST_EVERY_S = 60.0
MOST_EVERY_S = 720 * 3600.0
MOST_MOVES = 1000
MOST_FACTOR = 10.0


def _parse_weights(data: object) -> dict[str, float]:
    if not isinstance(data, dict):
        raise ValueError("a mapping SCORE: WEIGHT is expected, such as {binpack: 100, spread: 10}")
    made: dict[str, float] = {}
    for name, weight in data.items():
        if not isinstance(name, str) or not is_dns_label(name):
            raise ValueError(f"{name!r} is no name of a score: write one such as {', '.join(SCORES)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ValueError(f"the weight of {name} is {weight!r}, and a number is expected")
        if not math.isfinite(weight) or not 0 <= weight <= MOST_WEIGHT:
            raise ValueError(f"the weight of {name} is {weight}: a weight is 0 (the score counts nothing) to 1000000")
        made[name] = float(weight)
    return made


Weights = Annotated[dict[str, float], msgspec.Meta(extra={"parse": _parse_weights})]


def _check_factor(factor: float) -> str | None:
    if math.isfinite(factor) and LEAST_FACTOR <= factor <= MOST_FACTOR:
        return None
    return f"{factor:g} is out of range: 0.1 (a tenth of each node is promised) to 10 (ten times what it has)"


Factor = Annotated[
    float,
    msgspec.Meta(extra={"check": _check_factor}, extra_json_schema={"minimum": LEAST_FACTOR, "maximum": MOST_FACTOR}),
]


class Overcommit(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what each node offers may be promised to tasks: above 1 more than there is, below 1 a part of it."""

    cpus: Factor = 1.0
    memory: Factor = 1.0
    disk: Factor = 1.0


def _parse_every(value: object) -> float:
    seconds = parse_seconds(value)
    if seconds and not LEAST_EVERY_S <= seconds <= MOST_EVERY_S:
        raise ValueError(f"{value!r} is out of range: 1m to 720h, or 0 for never")
    return seconds


def _check_moves(moves: int) -> str | None:
    return None if 1 <= moves <= MOST_MOVES else f"{moves} is out of range: 1 to {MOST_MOVES}"


class Rebalancing(msgspec.Struct, frozen=True, kw_only=True):
    """How often tasks are moved for balance without being asked, in seconds (0: never), and how many at a time."""

    every: Annotated[
        float, msgspec.Meta(extra={"parse": _parse_every}, extra_json_schema={"minimum": 0, "maximum": MOST_EVERY_S})
    ] = 0.0
    max_moves: Annotated[
        int, msgspec.Meta(extra={"check": _check_moves}, extra_json_schema={"minimum": 1, "maximum": MOST_MOVES})
    ] = 10


class Scheduling(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, and the weights that take the place of the policy's own; a score that is weighed 0 counts nothing.

    And how much of each node may be promised, and in which order services are placed that depend on each other; and
    how often what runs is moved for balance.
    """

    policy: PolicyName = "spread"
    weights: Weights = {}
    overcommit: Overcommit = Overcommit()
    order: OrderName = "kahn"
    rebalance: Rebalancing = Rebalancing()
