"""A fleet of simulated agents at real managers: what heartbeats cost the leader, and what its loss costs the fleet.

The managers are processes as ``okube up`` starts them, with TLS as always. The agents are Okube's own with their
sockets and certificates, and without containers: what they are told to run is reported to run.
"""

import random
import time
from collections.abc import Callable

import msgspec

from okube.bench.nodes import agents_of, plan_nodes
from okube.bench.site import Site, site
from okube.bench.watching import Seen, read, seen_between
from okube.client import Client
from okube.model.errors import OkubeError
from okube.model.manager_views import StatusView

__all__ = ["FleetOptions", "InVain", "bench_fleet"]

Echo = Callable[[str], None]
_READY_S = 300.0
_RUN_S = 600.0
_LOOK_S = 0.25
_LOOK_FOR_LEADER_S = 0.02
_LEADER_S = 60.0
_TASKS_OF_A_SERVICE = 100


class InVain(OkubeError):
    """What the bench waits for does not come about."""

    kind = "in-vain"


class FleetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How large a fleet, and for how long it is watched, in seconds."""

    nodes: int = 1000
    tasks: int = 10_000
    seconds: float = 60.0
    kill_leader: bool = True
    agent_processes: int = 1
    settle_s: float = 5.0  # after each step, before anything is measured


def bench_fleet(options: FleetOptions, echo: Echo) -> dict[str, float]:
    """Measure; a line for each step goes to ``echo``. The names of the figures stay.

    Raises:
        StartFailed: a manager does not start.
        InVain: nodes do not join, or tasks do not run.
    """
    with site(echo=echo) as made, made.client() as client:
        began = time.monotonic()
        plans = plan_nodes(made, options.nodes, rng=random.SystemRandom(), now_ms=time.time_ns() // 1_000_000)
        echo(f"{options.nodes} certificates made in {time.monotonic() - began:.1f} s")
        with agents_of(plans, processes=options.agent_processes, folder=made.config_path.parent):
            return _Fleet(made, client, options, echo).run()


class _Fleet:
    def __init__(self, made: Site, client: Client, options: FleetOptions, echo: Echo) -> None:
        self._site = made
        self._client = client
        self._options = options
        self._echo = echo

    def run(self) -> dict[str, float]:
        options = self._options
        join_s = self._wait(
            lambda status: status.nodes.get("ready", 0) >= options.nodes, "all nodes are ready", _READY_S
        )
        self._echo(f"{options.nodes} nodes are ready after {join_s:.1f} s")
        time.sleep(options.settle_s)
        downs, epoch = self._downs(), self._client.status().epoch
        figures = {"agents": float(options.nodes), "agents_join_s": join_s}
        figures |= self._place()
        time.sleep(options.settle_s)
        part_s = options.seconds / 2 if options.kill_leader else options.seconds
        figures |= self._observe(part_s, "agents", "steady")
        elections = float(self._client.status().epoch != epoch)
        if options.kill_leader:
            figures |= self._kill()
            figures |= self._observe(part_s, "agents_after", "after the leader's loss")
        figures["agents_false_downs"] = self._downs() - downs
        figures["agents_elections"] = elections
        self._echo(f"false downs {figures['agents_false_downs']:.0f}, elections of their own accord {elections:.0f}")
        return figures

    def _place(self) -> dict[str, float]:
        """Submit the tasks as services, and wait until all are placed, and all are reported to run."""
        tasks = self._options.tasks
        if not tasks:
            return {}
        sizes = [_TASKS_OF_A_SERVICE] * (tasks // _TASKS_OF_A_SERVICE)
        sizes += [rest] if (rest := tasks % _TASKS_OF_A_SERVICE) else []
        before = read(self._site)
        began = time.monotonic()
        self._client.apply(
            [
                {"name": f"fleet-{number}", "image": "host", "replicas": size, "resources": {"cpus": 0.01}}
                for number, size in enumerate(sizes)
            ]
        )
        submit_s = time.monotonic() - began
        self._wait(lambda status: _beyond_pending(status) >= tasks, "all tasks are placed", _RUN_S)
        place_s = time.monotonic() - began
        self._wait(lambda status: status.tasks.get("running", 0) >= tasks, "all tasks run", _RUN_S)
        run_s = time.monotonic() - began
        self._echo(
            f"{tasks} tasks: submitted in {submit_s:.1f} s, placed after {place_s:.1f} s, running after {run_s:.1f} s"
        )
        leader = self._client.status().leader or ""
        sent = 'okube_dispatch_assignments_total{outcome="accepted"}'
        figures = {"agents_tasks": float(tasks), "agents_placed_s": place_s, "agents_running_s": run_s}
        after = read(self._site)
        if leader in before and leader in after:
            counts = [reading[leader].samples.get(sent, 0.0) for reading in (before, after)]
            figures["agents_assignments_a_node"] = (counts[1] - counts[0]) / self._options.nodes
            self._tell(seen_between(before[leader], after[leader]), f"{leader} (leader) meanwhile")
        return figures

    def _observe(self, seconds: float, prefix: str, title: str) -> dict[str, float]:
        before = read(self._site)
        time.sleep(seconds)
        after = read(self._site)
        leader = self._client.status().leader
        self._echo(f"{title}, {seconds:.0f} s:")
        seen = {name: seen_between(before[name], after[name]) for name in before if name in after}
        for name, one in seen.items():
            self._tell(one, f"{name}{' (leader)' if name == leader else ''}")
        if leader is None or leader not in seen:
            raise InVain(f"no manager led all the time that was to be watched ({title})")
        lead, others = seen[leader], [one for name, one in seen.items() if name != leader]
        return {
            f"{prefix}_leader_cpu": lead.cpu_share,
            f"{prefix}_follower_cpu": max((one.cpu_share for one in others), default=0.0),
            f"{prefix}_heartbeats_s": lead.heartbeats_s,
            f"{prefix}_loop_lag_p50_ms": lead.lag_p50_ms,
            f"{prefix}_loop_lag_p99_ms": lead.lag_p99_ms,
            f"{prefix}_follower_loop_lag_p99_ms": max((one.lag_p99_ms for one in others), default=0.0),
        }

    def _tell(self, seen: Seen, who: str) -> None:
        self._echo(
            f"  {who:<14} cpu {100 * seen.cpu_share:5.1f} %   loop lag p50 {seen.lag_p50_ms:6.1f} ms, "
            f"p99 {seen.lag_p99_ms:6.1f} ms   {seen.heartbeats_s:7.1f} heartbeats/s   {seen.rss_mb:.0f} MB"
        )

    def _kill(self) -> dict[str, float]:
        leader = self._client.status().leader
        if leader is None:
            raise InVain("there is no leader that could be killed")
        began = time.monotonic()
        self._site.kill(leader)
        while True:
            now = self._client.status().leader
            took_s = time.monotonic() - began
            if now is not None and now != leader:
                break
            if took_s > _LEADER_S:
                raise InVain(f"nobody leads {took_s:.0f} s after the loss of {leader}")
            time.sleep(_LOOK_FOR_LEADER_S)
        self._echo(f"{leader} was killed, and {now} leads after {took_s:.2f} s")
        return {"agents_new_leader_s": took_s}

    def _downs(self) -> float:
        """How often a node was taken for down so far: none of them ever is."""
        return float(sum(event.count for event in self._client.events(kind="node-down")))

    def _wait(self, holds: Callable[[StatusView], bool], what: str, timeout_s: float) -> float:
        """Until it holds; how long that took, in seconds."""
        began = time.monotonic()
        while not holds(status := self._client.status()):
            if time.monotonic() - began > timeout_s:
                raise InVain(
                    f"waited {timeout_s:.0f} s in vain until {what}: nodes {status.nodes}, tasks {status.tasks}"
                )
            time.sleep(_LOOK_S)
        return time.monotonic() - began


def _beyond_pending(status: StatusView) -> int:
    return sum(count for state, count in status.tasks.items() if state in ("scheduled", "running"))
