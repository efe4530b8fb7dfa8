"""A policy that draws lots, to compare others with."""

import random

import numpy as np

from okube.scheduler import Policy, policy_of
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies import Reach

__all__ = ["at_random"]


class _Lot:
    name = "lot"
    reach: Reach = "cluster"

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def applies(self, demand: Demand) -> bool:
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        return np.array([self._chance.random() for _ in rows])


def at_random(seed: int) -> Policy:
    """Any node that fits, each time it is asked another one; equal seeds draw equal lots."""
    return policy_of("round-robin", {"round-robin": 0.0, "lot": 1.0}, {"lot": _Lot(seed)})
