"""How late a manager's loop is, from the histogram that its ``/metrics`` tells. Pure."""

import math
from collections.abc import Mapping

import msgspec

__all__ = ["Lags", "lags_between", "lags_in"]


class Lags(msgspec.Struct, frozen=True):
    """Observations in buckets: upper bound in seconds → how many were not above it, ``inf`` for all of them."""

    at_most: Mapping[float, float]

    @property
    def count(self) -> float:
        """How many there are."""
        return self.at_most.get(math.inf, 0.0)

    def quantile_s(self, share: float) -> float:
        """Below which that share of the observations is, in seconds, straight within a bucket; 0 where there are none.

        Of what is above the last bound nothing is known: it counts as that bound.
        """
        wanted, below_s, below = share * self.count, 0.0, 0.0
        if self.count == 0:
            return 0.0
        for bound_s, found in sorted(self.at_most.items()):
            if found >= wanted and found > below:
                if math.isinf(bound_s):
                    return below_s
                return below_s + (bound_s - below_s) * (wanted - below) / (found - below)
            below_s, below = (below_s if math.isinf(bound_s) else bound_s), found
        return below_s


def lags_between(before: Lags, after: Lags) -> Lags:
    """What was observed between two readings of one process."""
    return Lags({bound: found - before.at_most.get(bound, 0.0) for bound, found in after.at_most.items()})


def lags_in(samples: Mapping[str, float], name: str = "okube_loop_lag_seconds") -> Lags:
    """The histogram of that name in the samples of ``/metrics``."""
    begin = f'{name}_bucket{{le="'
    found = {key[len(begin) : -2]: value for key, value in samples.items() if key.startswith(begin)}
    return Lags({math.inf if bound == "+Inf" else float(bound): value for bound, value in found.items()})
