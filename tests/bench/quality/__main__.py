"""How good placements are, against the best there are and against simpler rules: ``python -m tests.bench.quality``.

All instances are made up from seeds, so the figures are the same each time. The last line is one JSON object.
"""

import json
import statistics
from collections.abc import Sequence

from okube.scheduler import Policy, policy_of
from tests.bench.quality.gaps import network_gaps, packing_gaps
from tests.bench.quality.instances import a_crowd_of_apps
from tests.bench.quality.lots import at_random
from tests.bench.quality.measures import network_cost, nodes_used, placed_by

__all__ = ["main"]

_SMALL, _LARGE = 200, 50
_EQUAL, _MIXED = (8,), (4, 8)


def main() -> None:
    """Print a table for people, and the JSON line."""
    figures: dict[str, float] = {}
    print(
        f"{f'{_SMALL} small instances, above the best there is':52} {'best':>6} {'median':>8} {'p90':>8} {'worst':>8}"
    )
    for key, title, gaps in (
        ("network_gap", "network: cost of an app of 3 to 5 services", network_gaps(_SMALL)),
        ("packed_gap", "binpack: nodes in use, all equal", packing_gaps(_SMALL, _EQUAL)),
        ("packed_mixed_gap", "binpack: cores of the nodes in use, two sizes", packing_gaps(_SMALL, _MIXED)),
    ):
        figures |= _gaps(key, title, gaps)
    print(f"\n{f'{_LARGE} large instances: 200 nodes, 50 apps':52} {'network cost':>14} {'nodes used':>11}")
    figures |= _large()
    print(json.dumps(figures))


def _gaps(key: str, title: str, gaps: Sequence[float]) -> dict[str, float]:
    best = sum(gap < 1e-9 for gap in gaps)
    median, dear, worst = statistics.median(gaps), sorted(gaps)[len(gaps) * 9 // 10], max(gaps)
    print(f"{title:52} {best:6} {median:8.1%} {dear:8.1%} {worst:8.1%}")
    return {f"{key}_median": round(median, 4), f"{key}_worst": round(worst, 4), f"{key}_best_found": best}


def _large() -> dict[str, float]:
    """The medians, over all instances that every policy can place, as multiples of what ``network`` comes to."""
    costs: dict[str, list[float]] = {}
    nodes: dict[str, list[int]] = {}
    for seed in range(_LARGE):
        instance = a_crowd_of_apps(seed)
        for name, policy in _policies(seed):
            where = placed_by(instance, policy)
            if where is None:
                raise RuntimeError(f"not every task of instance {seed} fits with {name}: make the instances smaller")
            costs.setdefault(name, []).append(network_cost(instance, where))
            nodes.setdefault(name, []).append(nodes_used(where))
    figures: dict[str, float] = {}
    for name, found in costs.items():
        ratio = statistics.median(cost / least for cost, least in zip(found, costs["network"], strict=True))
        used = statistics.median(nodes[name])
        print(f"{name:52} {f'{ratio:.1f} x':>14} {used:11.0f}")
        key = name.replace("-", "_")
        figures |= {f"{key}_cost_ratio": round(ratio, 2), f"{key}_nodes": used}
    return figures


def _policies(seed: int) -> list[tuple[str, Policy]]:
    names = ("network", "binpack", "spread", "round-robin")
    return [*((name, policy_of(name, {})) for name in names), ("random", at_random(seed))]


if __name__ == "__main__":
    main()
