"""What a leader does about silent nodes: with other managers and agents of the test's own, on virtual time."""

import asyncio
from collections.abc import Sequence

from okube.manager.liveness import Liveness
from okube.manager.messenger import Messenger
from okube.manager.on_behalf import reach, relay
from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.model.wire import Assignment, AssignmentAnswer, ReachQuestion, RelayQuestion
from okube.raft import Member
from okube.seams.clock import SystemClock
from okube.state import Tables
from tests.builders import Cluster
from tests.simulation.loop import run_virtual
from tests.unit.manager.conftest import NotingAgents


class _Raft:
    members = tuple(Member(name, f"{name}-i", f"{name}:1", f"{name}:2") for name in ("m1", "m2", "m3"))


class _Core:
    """As much of a manager as liveness needs: tables, a clock, and proposals that are applied at once."""

    name = "m1"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.clock = SystemClock()
        self.raft = _Raft()

    @property
    def tables(self) -> Tables:
        return self._cluster.tables

    async def propose(self, commands: list[c.Command]) -> None:
        self._cluster.apply(*commands)


class _Peers:
    """The other managers; each reaches the agents of its own ``NotingAgents``, those in ``silent`` do not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.agents = {"m2": NotingAgents(), "m3": NotingAgents()}
        self.silent: set[str] = set()
        self.asked = 0

    async def reach(self, peer: Member, nodes: Sequence[Node]) -> dict[str, bool]:
        self.asked += 1
        if peer.name in self.silent:
            raise Unreachable(f"manager {peer.name} does not answer")
        question = ReachQuestion(tuple(n.name for n in nodes), tuple(n.id for n in nodes))
        answer = await reach(self._tables, self.agents[peer.name], question)
        return dict(zip(answer.nodes, answer.reached, strict=True))

    async def relay(self, peer: Member, node: Node, assignment: Assignment) -> AssignmentAnswer:
        if peer.name in self.silent:
            raise Unreachable(f"manager {peer.name} does not answer")
        return await relay(self.agents[peer.name], RelayQuestion(node.address, assignment))


class _Scene:
    def __init__(self, nodes: int = 3) -> None:
        self.cluster = Cluster()
        for number in range(1, nodes + 1):
            self.cluster.node(f"w{number}")
        self.agents = NotingAgents()
        self.peers = _Peers(self.cluster.tables)
        self.core = _Core(self.cluster)
        self.liveness = Liveness(self.core, self.agents, self.peers)  # type: ignore[arg-type]
        self.messenger = Messenger(self.core, self.agents, self.peers, self.liveness)  # type: ignore[arg-type]

    def dead(self, *names: str, to: Sequence[str] = ("m1", "m2", "m3")) -> None:
        for manager in to:
            (self.agents if manager == "m1" else self.peers.agents[manager]).dead |= set(names)

    def down(self) -> set[str]:
        return {node.name for node in self.cluster.tables.nodes.values() if node.state == "down"}

    async def pass_time(self, seconds: float, *, beating: Sequence[str] = ()) -> None:
        """Let the leader watch while some nodes go on sending heartbeats."""
        watching = asyncio.ensure_future(self.liveness.run())
        for _ in range(round(seconds)):
            for name in beating:
                self.liveness.heard(name)
            await asyncio.sleep(1.0)
        watching.cancel()
        await asyncio.wait([watching])


def test_a_node_that_nobody_reaches_is_down_within_half_a_second_of_its_limit() -> None:
    async def main() -> set[str]:
        scene = _Scene()
        scene.dead("w2")
        watching = asyncio.ensure_future(scene.liveness.run())
        for _ in range(7):
            scene.liveness.heard("w1")
            scene.liveness.heard("w3")
            await asyncio.sleep(0.5)
        watching.cancel()
        return scene.down()

    assert run_virtual(main()) == {"w2"}


def test_a_node_that_another_manager_reaches_stays_ready() -> None:
    async def main() -> set[str]:
        scene = _Scene()
        scene.dead("w2", to=("m1", "m2"))
        await scene.pass_time(60, beating=("w1", "w3"))
        return scene.down()

    assert run_virtual(main()) == set()


def test_a_node_that_only_answers_calls_for_long_gets_no_new_tasks_and_says_why() -> None:
    async def main() -> tuple[bool, list[str], bool]:
        scene = _Scene()
        await scene.pass_time(20, beating=("w1", "w3"))
        before = scene.cluster.tables.nodes["w2"].takes_tasks
        await scene.pass_time(20, beating=("w1", "w3"))
        node = scene.cluster.tables.nodes["w2"]
        return before, [condition.kind for condition in node.conditions], node.takes_tasks

    assert run_virtual(main()) == (True, ["no-heartbeats"], False)


def test_a_leader_that_hears_nobody_and_reaches_nobody_takes_none_for_down_without_a_second_manager() -> None:
    async def main() -> tuple[set[str], int]:
        scene = _Scene()
        scene.dead("w1", "w2", "w3")
        scene.peers.silent = {"m2", "m3"}
        await scene.pass_time(60)
        return scene.down(), scene.peers.asked

    down, asked = run_virtual(main())
    assert down == set()
    assert asked < 1000  # it asks again and again, and not in a circle


def test_when_a_second_manager_agrees_many_nodes_are_down_at_once() -> None:
    async def main() -> set[str]:
        scene = _Scene()
        scene.dead("w1", "w2", "w3")
        scene.peers.silent = {"m2"}
        await scene.pass_time(5)
        return scene.down()

    assert run_virtual(main()) == {"w1", "w2", "w3"}


def test_a_node_that_announced_its_absence_is_not_called_and_not_down_before_it_ends() -> None:
    async def main() -> tuple[set[str], set[str]]:
        scene = _Scene()
        scene.dead("w2")
        scene.liveness.heard("w2", absence_s=20.0)
        await scene.pass_time(15, beating=("w1", "w3"))
        before = scene.down()
        await scene.pass_time(15, beating=("w1", "w3"))
        return before, scene.down()

    assert run_virtual(main()) == (set(), {"w2"})


def _order(scene: _Scene) -> tuple[Node, Assignment]:
    node = scene.cluster.tables.nodes["w2"]
    return node, Assignment("w2", node.id, Epoch(1, 1), 7, None, ())


def test_orders_for_a_node_that_is_heard_but_not_reached_go_by_way_of_another_manager() -> None:
    async def main() -> tuple[bool, list[int]]:
        scene = _Scene()
        scene.dead("w2", to=("m1", "m2"))
        node, order = _order(scene)
        slow = scene.agents.assign

        async def assign(node: Node, assignment: Assignment) -> AssignmentAnswer:
            await asyncio.sleep(1.0)
            scene.liveness.heard("w2")
            return await slow(node, assignment)

        scene.agents.assign = assign  # type: ignore[method-assign]
        answer = await scene.messenger.assign(node, order)
        return answer.accepted, [len(agents.assigned) for agents in scene.peers.agents.values()]

    assert run_virtual(main()) == (True, [0, 1])


def test_orders_for_a_silent_node_trouble_nobody_else() -> None:
    async def main() -> list[int]:
        scene = _Scene()
        scene.dead("w2", to=("m1",))
        try:
            await scene.messenger.assign(*_order(scene))
        except Unreachable:
            return [len(agents.assigned) for agents in scene.peers.agents.values()]
        raise AssertionError("it was reached")

    assert run_virtual(main()) == [0, 0]


def test_nothing_new_goes_to_a_node_that_is_silent_for_a_moment_and_its_return_is_told() -> None:
    async def main() -> tuple[dict[str, str], dict[str, str], list[str]]:
        scene = _Scene()
        told: list[str] = []
        scene.liveness = Liveness(scene.core, scene.agents, scene.peers, lambda: told.append("again"))  # type: ignore[arg-type]
        await scene.pass_time(2, beating=("w1", "w3"))
        before = scene.liveness.unsure()
        scene.liveness.heard("w1")
        scene.liveness.heard("w2")
        scene.liveness.heard("w3", absence_s=30.0)
        return before, scene.liveness.unsure(), told

    assert run_virtual(main()) == (
        {"w2": "not heard of for a moment"},
        {"w3": "its agent was stopped a moment ago"},
        ["again"],
    )


def test_what_is_known_of_a_removed_node_is_forgotten() -> None:
    async def main() -> int | None:
        scene = _Scene()
        for name in ("w1", "w2", "w3"):
            scene.liveness.heard(name)
        scene.cluster.node_down("w3")
        scene.cluster.apply(c.RemoveNode("w3"))
        await scene.pass_time(2, beating=("w1", "w2"))
        return scene.liveness.last_seen_ms("w3")

    assert run_virtual(main()) is None
