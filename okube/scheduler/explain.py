"""The sentence for tasks that fit nowhere."""

import numpy as np

from okube.scheduler.filters import FILTERS, Refusal
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import IntArray

__all__ = ["explain_no_fit"]


def explain_no_fit(ledger: Ledger, demand: Demand, pinned: str | None = None) -> str:
    """Why no node takes a task of the demand: each node counts for the first filter that refuses it, most nodes first.

    A task that is pinned to one node is told about that node only.
    """
    if len(ledger.nodes) == 0:
        return "there are no nodes"
    if pinned is not None:
        return f"no node fits: it may run only on {pinned}{_explain_node(ledger, demand, pinned)}"
    refusals = sorted(_refusals(ledger, demand, np.arange(len(ledger.nodes))), key=lambda refusal: -refusal.nodes)
    return "no node fits: " + "; ".join(f"{_count(refusal.nodes)}: {refusal.reason}" for refusal in refusals)


def _explain_node(ledger: Ledger, demand: Demand, name: str) -> str:
    row = ledger.row(name)
    if row is None:
        return ", and there is no such node"
    return f": {_refusals(ledger, demand, np.array([row]))[0].reason}"


def _refusals(ledger: Ledger, demand: Demand, rows: IntArray) -> list[Refusal]:
    refusals: list[Refusal] = []
    for rule in (*FILTERS, *ledger.more_filters):
        fits = rule.room(ledger, demand)[rows] > 0
        if not fits.all():
            refusals += rule.explain(ledger, demand, rows[~fits])
        rows = rows[fits]
    return refusals


def _count(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"
