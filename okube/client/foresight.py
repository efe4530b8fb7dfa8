"""What would happen: of services that are to be applied, and of nodes that are lost."""

from collections.abc import Sequence
from urllib.parse import quote

from okube.client.calls import Calls, Json, target_of

__all__ = ["Foresight"]


class Foresight(Calls):
    """The calls that ask, and change nothing; and the one that makes what is good come about."""

    def plan(self, specs: Sequence[Json], *, prune: bool = False) -> Json:
        """Where the tasks of these services would go: ``{fits, services, tasks, others, ...}``."""
        target = target_of("/v1/plan", [("prune", prune or None), ("stale", self.stale or None)])
        return self._object(self._write("POST", target, {"services": list(specs)}))

    def whatif(self, *, lose: Sequence[str] = (), add: Sequence[str] = (), specs: Sequence[Json] = ()) -> Json:
        """What would become of the cluster: ``{fits, quorum, tasks, suffering, limits, ...}``."""
        target = target_of("/v1/whatif", [("stale", self.stale or None)])
        return self._object(self._write("POST", target, {"lose": lose, "add": add, "services": list(specs)}))

    def rebalance(self, *, dry_run: bool = False, max_moves: int | None = None, app: str | None = None) -> Json:
        """Move tasks where that makes the placement better: ``{moves, before, after, ...}``."""
        query = [("dry_run", dry_run or None), ("max_moves", max_moves), ("app", app)]
        return self._object(self._write("POST", target_of("/v1/rebalance", query)))

    def net_cost(self, app: str) -> Json:
        """What an app's placement costs in the network: ``{cost, best_cost, edges, moves, ...}``."""
        return self._object(self._read(f"/v1/apps/{quote(app, safe='')}/cost"))
