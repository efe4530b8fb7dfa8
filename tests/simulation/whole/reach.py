"""Who reaches whom, and since when: what the cluster may not take for down follows from it."""

from collections.abc import Callable, Iterable, Mapping

from okube.raft import RaftNode
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.loop import Process, virtual_loop
from tests.simulation.whole.calls import CallNetwork
from tests.simulation.whole.machine import Machine

__all__ = ["Reach"]

STEADY_S = 4.0
"""A decision may be this old when it is applied: a proposal waits out a change of leader."""
LOOK_S = 0.1


class Reach:
    """Since when each manager that runs has reached each agent that runs, without a gap; looked at ten times a second.

    A node is taken for down wrongly where such a manager was in touch with the leader all the time, for then it would
    have been asked, and would have answered that it reaches the agent.
    """

    def __init__(
        self,
        cluster: SimulatedCluster,
        machines: Iterable[Machine],
        network: CallNetwork,
        violate: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._machines: Mapping[str, Machine] = {machine.name: machine for machine in machines}
        self._network = network
        self._violate = violate
        self._since: dict[tuple[str, str], float] = {}
        self.last_term = 0

    def look(self) -> None:
        """Write down who reaches whom now."""
        now = virtual_loop().now
        self.last_term = max([self.last_term, *(_term(site.program) for site in self._cluster.alive)])
        processes = {site.name: site.process for site in self._cluster.sites}
        running = {name: process for name, process in processes.items() if _runs(process, now)}
        agents = {name for name, machine in self._machines.items() if _runs(machine.process, now)}
        names = [*running, *sorted(agents)]
        steady = self._network.lost_answers == 0.0 and max(self._network.delay_s) < 0.1
        for one in running:
            for other in names:
                both = self._network.passes(one, other) and self._network.passes(other, one)
                if steady and both:
                    self._since.setdefault((one, other), now)
                else:
                    self._since.pop((one, other), None)
        for pair in [pair for pair in self._since if pair[0] not in running or pair[1] not in names]:
            del self._since[pair]

    def taken_for_down(self, node: str) -> None:
        """The cluster has decided that a node is down."""
        if virtual_loop().now - 1000 < STEADY_S:
            return
        leaders = [site.name for site in self._cluster.alive if _leads(site.program)]
        for leader in leaders:
            for manager in self._cluster.names:
                asked = manager == leader or self._steady(leader, manager)
                if asked and self._steady(manager, node) and self._steady(leader, leader):
                    self._violate(f"{leader} takes {node} for down, and {manager} has reached it all the time")
                    return

    def _steady(self, one: str, other: str) -> bool:
        since = self._since.get((one, other))
        return since is not None and virtual_loop().now - since > STEADY_S


def _runs(process: Process | None, now: float) -> bool:
    return process is not None and process.alive and process.paused_until <= now


def _term(program: object) -> int:
    raft = getattr(program, "raft", None)
    started = getattr(program, "started", False)
    return raft.term if started and isinstance(raft, RaftNode) else 0


def _leads(program: object) -> bool:
    raft = getattr(program, "raft", None)
    started = getattr(program, "started", False)
    return bool(started) and isinstance(raft, RaftNode) and raft.is_ready_leader
