"""Scores: what makes one node that fits more wanted than another."""

from typing import Literal, Protocol

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray

__all__ = ["Reach", "Score"]

Reach = Literal["node", "zone", "cluster"]
"""Whose costs change when a node gets a task: its own alone, those of its zone's nodes, or those of any."""


class Score(Protocol):
    """One point of view on nodes, told as a cost for each: 0 where nothing could be better, 1 where nothing is worse.

    A score is pure: equal arguments give equal costs. It looks at what the ledger holds at that moment, which counts
    all that was placed before in the same call, and at what one more task would make of it.
    """

    @property
    def name(self) -> str:
        """What weights in cluster.yaml and explanations call it: a DNS label."""

    @property
    def reach(self) -> Reach:
        """Whose costs change when a node gets a task of the group; ``cluster`` is never wrong, and slow."""

    def applies(self, demand: Demand) -> bool:
        """Whether it tells nodes apart for such tasks; where it does not, its costs are not asked for."""

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """What one more task of the demand costs on each of these nodes (rows): 0 to 1, lower is better."""
