"""A node: a machine with a worker agent."""

from typing import Literal

import msgspec

__all__ = ["BLOCKING_CONDITIONS", "MAX_CONDITIONS", "Availability", "Condition", "Node", "NodeState"]

NodeState = Literal["ready", "down"]
Availability = Literal["active", "cordoned", "draining", "drained"]

BLOCKING_CONDITIONS = {
    "engine-unreachable": "the container engine does not answer",
    "disk-full": "the disk is full",
    "no-heartbeats": "its agent's heartbeats do not come through",
    "epoch-ahead": "its agent obeys a newer epoch than this leader's",
}
"""Conditions in which a node gets no new tasks, and why; what it has stays as it is."""
MAX_CONDITIONS = 16


class Condition(msgspec.Struct, frozen=True, array_like=True):
    """Something wrong with a node, as its agent or the leader found it, and since when it is known (milliseconds).

    ``kind`` is ``engine-unreachable``, ``disk-nearly-full``, ``disk-full``, ``epoch-ahead``,
    ``no-heartbeats``, ``memory-low``, ``leftovers``, or one that a newer agent knows.
    """

    kind: str
    message: str
    since_ms: int = 0


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the nodes table: ``id`` is the agent's instance; cores are floats, memory and disk bytes."""

    name: str
    id: str
    address: str
    role: str = "worker"
    state: NodeState = "ready"
    availability: Availability = "active"
    labels: dict[str, str] = {}
    zone: str = ""
    cores: float = 0.0
    memory: int = 0
    disk: int = 0
    runtime: str = ""
    software: str = ""  # the agent's version of Okube
    joined_ms: int = 0
    down_ms: int = 0  # when it went down last, and came back last
    returned_ms: int = 0
    downs_ms: tuple[int, ...] = ()  # when it alone went down lately, see flapping.py
    holds: int = 0  # how often it was held in a row
    held_until_ms: int = 0  # not 0: it came and went too often, and gets no new tasks before that
    revision: int = 0
    conditions: tuple[Condition, ...] = ()
    machine_id: str = ""  # a hash of the machine's own id; empty where its agent does not say
    knows: int = 0  # the command version of its agent's Okube; 0 where that is from before agents told it
    readdressed: bool = False  # its address was set since it joined, and what its agent says of it counts no more
    region: str = ""  # around zones: a site, a town
    rack: str = ""  # in a zone: what shares a switch
    named: dict[str, int] = {}  # how many it offers of each named resource, such as GPUs
    platform: str = ""  # its operating system and processor: ``linux/amd64``; empty where its agent does not say
    named_set: bool = False  # people said so, and what its agent says of it counts no more

    @property
    def blocked(self) -> str:
        """Why the state of its machine lets no new tasks onto it; empty where it does."""
        if not self.conditions:
            return ""
        kinds = (condition.kind for condition in self.conditions)
        return next((BLOCKING_CONDITIONS[kind] for kind in kinds if kind in BLOCKING_CONDITIONS), "")

    @property
    def takes_tasks(self) -> bool:
        """Whether new tasks may be placed here."""
        return self.state == "ready" and self.availability == "active" and not (self.held_until_ms or self.blocked)
