"""A score for what a service would rather have: preferences, and company with a weight."""

import numpy as np

from okube.scheduler.company import has_company
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import Basis
from okube.scheduler.policies.score import Reach

__all__ = ["Wishes"]

_FULL = 100.0


class Wishes:
    """The weights of the wishes that a node does not fulfil, of 100, or of all of them where they are more."""

    name = "preference"
    reach: Reach = "zone"

    def basis(self, demand: Demand) -> Basis:
        """The group's own tasks matter where it wishes to be near them, or apart from them."""
        group = demand.group
        own = any(rule.weight is not None and rule.service == group.service for rule in group.company)
        return "any" if own else "group"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        company = demand.group.company
        return bool(demand.prefer) or (bool(company) and any(rule.weight is not None for rule in company))

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        unmet, weights = np.zeros(len(rows)), 0.0
        for constraint, weight in demand.prefer:
            unmet += weight * ~ledger.allowed(constraint)[rows]
            weights += weight
        for rule in demand.group.company:
            if rule.weight is not None:
                unmet += rule.weight * (has_company(ledger, rule)[rows] == rule.apart)
                weights += rule.weight
        return unmet / max(_FULL, weights)
