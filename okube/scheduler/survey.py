"""How all nodes stand for one task: which cannot take it and why, and what the others cost, term by term."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from okube.scheduler.filters import FILTERS
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import FloatArray, IntArray, NodeTable
from okube.scheduler.policies import SPREAD, Policy, weighted_costs
from okube.scheduler.ports import HOST_PORTS
from okube.scheduler.rules import Filter
from okube.scheduler.scores import balance

__all__ = ["Fallen", "Standing", "Survey", "survey"]


@dataclass(frozen=True, slots=True)
class Fallen:
    """So many nodes that one filter refused, of those that came through the filters before it, and why."""

    filter: str
    nodes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A node that can take the task: its place (1 gets it), what it costs, and what each score added to that."""

    node: str
    place: int
    cost: float
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All nodes, from the point of view of one task."""

    nodes: int
    fitting: int
    fallen: tuple[Fallen, ...]
    standings: tuple[Standing, ...]


def survey(
    nodes: NodeTable,
    group: TaskGroup,
    *,
    policy: Policy = SPREAD,
    filters: Sequence[Filter] = (),
    network: NetworkView | None = None,
    port_range: tuple[int, int] = HOST_PORTS,
    most: int = 5,
    also: str | None = None,
) -> Survey:
    """How the nodes stand for the next task of a group.

    ``nodes``, ``policy``, ``filters``, ``network`` and ``port_range`` are as for ``place``. How many tasks the group
    has matters to scores that ask for shares. The best ``most`` nodes of those that fit are told, and ``also``,
    where it fits.

    Raises:
        ValueError: a constraint of the group cannot be read.
    """
    ledger = Ledger(nodes, port_range, filters, network)
    demand = Demand.of(group, ledger.named)
    ledger.begin(group)
    rows, fallen = _filtered(ledger, demand)
    terms = policy.terms_for(demand)
    each = [(term.score.name, weighted_costs(ledger, demand, (term,), rows)) for term in terms]
    costs = np.round(sum((cost for _, cost in each), np.zeros(len(rows))), 9)
    order = _exact_order(ledger, demand, rows) if policy.spreads_exactly(demand) else np.argsort(costs, kind="stable")
    shown = [
        Standing(nodes.names[rows[at]], place, float(costs[at]), tuple((name, float(cost[at])) for name, cost in each))
        for place, at in enumerate(order.tolist(), 1)
        if place <= most or nodes.names[rows[at]] == also
    ]
    return Survey(len(nodes), len(rows), tuple(fallen), tuple(shown))


def _filtered(ledger: Ledger, demand: Demand) -> tuple[IntArray, list[Fallen]]:
    rows, fallen = np.arange(len(ledger.nodes)), list[Fallen]()
    for rule in (*FILTERS, *ledger.more_filters):
        fits = rule.room(ledger, demand)[rows] > 0
        if not fits.all():
            refusals = rule.explain(ledger, demand, rows[~fits])
            fallen += [Fallen(rule.name, refusal.nodes, refusal.reason) for refusal in refusals]
        rows = rows[fits]
    return rows, fallen


def _exact_order(ledger: Ledger, demand: Demand, rows: IntArray) -> IntArray:
    """The order of ``okube.scheduler.scores``."""
    first, second = balance(ledger, demand, rows)
    keys: list[IntArray | FloatArray] = [second, first, ledger.spread.by_zone[ledger.zones[rows]]]
    return np.lexsort((*keys, ledger.spread.by_node[rows]))
