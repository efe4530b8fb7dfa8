"""What a filter is: one rule that every node with a task has to meet."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import BoolArray, IntArray
from okube.scheduler.ports import UNLIMITED

__all__ = ["Filter", "Refusal", "any_number"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """So many nodes refuse a task for one reason, given in words a person can act on."""

    nodes: int
    reason: str


class Filter(Protocol):
    """One rule that every node with a task has to meet."""

    @property
    def name(self) -> str:
        """What explanations call it: a word or two."""

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """How many more tasks of the demand this rule lets onto each node, 0 where it refuses the node."""

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """Why the rule refuses these nodes (rows), all of which it gives no room."""


def any_number(allowed: BoolArray) -> IntArray:
    """Room for any number of tasks on the nodes that are allowed."""
    return np.where(allowed, UNLIMITED, 0)
