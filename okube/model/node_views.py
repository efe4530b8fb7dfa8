"""The JSON shapes of nodes: what a machine has, what is promised of it, and what is used."""

from typing import Annotated

import msgspec

from okube.model.managers import Address
from okube.model.node import Availability, NodeState
from okube.model.resources import Counts
from okube.model.spec import Labels
from okube.model.views import Revision, Time

__all__ = ["ConditionView", "NodeChange", "NodeUsageView", "NodeView", "TaskUsageView", "UsageView"]


class ConditionView(msgspec.Struct, frozen=True):
    """Something wrong with a machine: a word, a sentence, and since when the cluster knows.

    In `engine-unreachable`, `disk-full`, `epoch-ahead` (its agent obeys a newer epoch than the leader's) and
    `no-heartbeats` (its agent only answers calls) a node gets no new tasks. The others are `disk-nearly-full`,
    `memory-low` and `leftovers` (containers or volumes of a cluster that has ended).
    """

    kind: str
    message: str
    since: Time | None


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A node with what its tasks were promised; ``last_seen`` is known to the leader alone, and null in stale reads."""

    name: str
    id: str
    address: str
    role: str
    state: NodeState
    availability: Availability
    labels: dict[str, str]
    zone: str
    cores: float
    cores_allocated: float
    memory: int
    memory_allocated: int
    disk: int
    disk_allocated: int
    task_count: int
    last_seen: Time | None
    runtime: str
    software: str
    revision: Revision
    conditions: list[ConditionView] = []
    held_until: Time | None = None  # it came and went too often, and gets no new tasks before then
    message: str = ""
    certificate_ends: Time | None = None  # of its agent; known to the leader alone, like `last_seen`
    region: str = ""
    rack: str = ""
    named: dict[str, int] = {}  # how many it has of each named resource, such as GPUs
    named_allocated: dict[str, int] = {}
    platform: str = ""


class NodeChange(msgspec.Struct, frozen=True):
    """What PATCH takes; what is left out stays as it is."""

    availability: Availability | None = None
    labels: Labels | None = None
    zone: Annotated[str, msgspec.Meta(max_length=63)] | None = None
    address: Address | None = None
    region: Annotated[str, msgspec.Meta(max_length=63)] | None = None
    rack: Annotated[str, msgspec.Meta(max_length=63)] | None = None
    named: Counts | None = None


class NodeUsageView(msgspec.Struct, frozen=True):
    """What a machine uses of what it has, by whatever runs on it."""

    name: str
    cpus: float
    memory: int
    disk: int
    cores: float
    memory_total: int
    disk_total: int


class TaskUsageView(msgspec.Struct, frozen=True):
    """What a running task uses: cores, as an average over the last interval, and bytes of memory."""

    id: str
    name: str
    service: str
    node: str
    cpus: float
    memory: int
    memory_limit: int | None = None


class UsageView(msgspec.Struct, frozen=True):
    """What is used now; ``silent`` are the nodes whose agents did not answer in time."""

    nodes: list[NodeUsageView]
    tasks: list[TaskUsageView]
    silent: list[str]
