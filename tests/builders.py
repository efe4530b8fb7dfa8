"""Builders: what a test does not say is made up sensibly."""

import random
from typing import Any

import msgspec

from okube.manager.placement import plan_placement
from okube.manager.preempting import plan_preemption_in_slices
from okube.manager.reconcile import plan_nodes, plan_orphans, plan_service_in_slices
from okube.manager.slices import at_once
from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.names import new_id
from okube.model.sealed import Ring, Sealed, WrappedKey
from okube.model.secret import SecretKind
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.task import Task
from okube.model.versions import COMMAND_VERSION
from okube.state import BATCH_VERSION, StateMachine, Tables

__all__ = ["Cluster", "a_spec"]

_NONCE = b"n" * 12


def a_spec(name: str = "web", **fields: Any) -> ServiceSpec:
    return decode_spec({"name": name, "image": "example/web:1", **fields})


class Cluster:
    """A state machine with a leader's planners and agents that do as they are told; time is what the test says."""

    def __init__(self, seed: int = 0) -> None:
        self.machine = StateMachine()
        self.rng = random.Random(seed)
        self.now_ms = 1_800_000_000_000
        self.epoch = Epoch(1, 1)
        self.index = 0
        self.log: list[bytes] = []
        self.again_ms: int | None = None  # when the planners want to look again although nothing changes

    @property
    def tables(self) -> Tables:
        return self.machine.tables

    def apply(self, *commands: c.Command, request_id: str = "", fingerprint: bytes = b"") -> list[c.Result]:
        items = tuple(c.Item(c.encode_command(command), request_id, fingerprint) for command in commands)
        return self.apply_batch(c.Batch(BATCH_VERSION, self.epoch, self.now_ms, items))

    def apply_batch(self, batch: c.Batch) -> list[c.Result]:
        self.index += 1
        self.log.append(c.encode_batch(batch))
        return self.machine.apply(self.index, batch.epoch.term, self.log[-1])

    def secret(self, name: str, kind: SecretKind = "secret", *, how: str = "create", app: str = "") -> c.Result:
        """Make or rotate a secret; its value is sealed with nothing that anybody could open."""
        if self.tables.ring is None:
            self.apply(c.PutRing(Ring("u1", (WrappedKey("k1", _NONCE, b"wrapped"),))))
        sealed = Sealed("k1", _NONCE, b"sealed")
        return self.apply(c.PutSecret(kind, name, f"v{self.index}", sealed, 6, how, app=app))[0]

    def put(self, *specs: ServiceSpec, how: str = "upsert") -> c.Result:
        return self.apply(c.PutServices(specs, tuple(new_id(self.rng) for _ in specs), how))[0]

    def scale(self, name: str, replicas: int) -> c.Result:
        return self.apply(c.ScaleServices((name,), (replicas,)))[0]

    def node(
        self,
        name: str,
        *,
        cores: float = 4.0,
        memory: str = "8G",
        labels: dict[str, str] | None = None,
        knows: int = COMMAND_VERSION,
        named: dict[str, int] | None = None,
        address: str = "192.0.2.1:7201",
    ) -> None:
        size = int(memory.rstrip("G")) << 30
        (result,) = self.apply(
            c.RegisterNode(
                name,
                f"i-{name}",
                address,
                labels or {},
                "",
                cores,
                size,
                50 << 30,
                "docker",
                "1",
                knows=knows,
                named=named or {},
            )
        )
        assert isinstance(result, c.Applied), result

    def node_down(self, name: str) -> None:
        self.apply(c.SetNodeState((name,), (self.tables.nodes[name].id,), "down"))

    def node_back(self, name: str) -> None:
        node = self.tables.nodes[name]
        size = f"{node.memory >> 30}G"
        self.node(name, cores=node.cores, memory=size, labels=node.labels, named=node.named, address=node.address)

    def plan(self) -> bool:
        """One pass of all the leader's planners; whether anything was proposed."""
        did = False
        waits = []
        for service in list(self.tables.services.values()):
            plan = at_once(plan_service_in_slices(self.tables, service, self.now_ms, lambda: new_id(self.rng)))
            did |= self._propose(plan.commands)
            waits += [] if plan.again_in_ms is None else [self.now_ms + plan.again_in_ms]
        self.again_ms = min(waits, default=None)
        did |= self._propose(plan_orphans(self.tables))
        did |= self._propose(plan_placement(self.tables, self.now_ms))
        did |= self._propose([*at_once(plan_preemption_in_slices(self.tables, self.now_ms))])
        did |= self._propose(plan_nodes(self.tables, self.now_ms))
        return did

    def report(self, task: Task, **fields: Any) -> None:
        assert task.node is not None and task.node_id is not None
        entry = c.TaskReport(task.id, **{"state": "running", **fields})
        self.apply(c.ReportTasks(task.node, task.node_id, (entry,)))

    def agents_obey(self) -> bool:
        """Every agent that lives starts what it should run and ends what it should not; whether anything changed."""
        did = False
        for task in list(self.tables.tasks.values()):
            node = self.tables.nodes.get(task.node or "")
            if node is None or node.state == "down" or task.ended or node.id != task.node_id:
                continue
            if task.desired == "stop":
                self.report(task, state="completed", reason=task.stop_reason, ended_ms=self.now_ms)
                did = True
            elif not task.ready:
                self.report(task, ready=True, container_id=f"c-{task.id}", started_ms=self.now_ms)
                did = True
        return did

    def time_passes(self) -> bool:
        """Until the planners want to look again, if they do."""
        if self.again_ms is None:
            return False
        self.now_ms, self.again_ms = max(self.now_ms, self.again_ms), None
        return True

    def settle(self, rounds: int = 200) -> None:
        """Let planners and agents work until nothing changes any more."""
        for _ in range(rounds):
            planned = self.plan()
            obeyed = self.agents_obey()
            if not planned and not obeyed and not self.time_passes():
                return
        raise AssertionError("it does not settle")

    def active(self, service: str) -> list[Task]:
        """The tasks that should run, by slot."""
        service_id = self.tables.service_ids.get(service, "")
        tasks = [t for t in self.tables.tasks_of(service_id) if not t.ended and t.desired == "run"]
        return sorted(tasks, key=lambda t: (t.slot, t.created_ms))

    def ready(self, service: str) -> list[Task]:
        return [task for task in self.active(service) if task.ready]

    def _propose(self, commands: list[c.Command]) -> bool:
        if commands:
            for result in self.apply(*commands):
                assert isinstance(result, c.Applied), result
        return bool(commands)


def same_task(task: Task, **fields: Any) -> Task:
    return msgspec.structs.replace(task, **fields)
