"""What is to be placed: groups of equal tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CallRule", "CompanyRule", "PortRequest", "TaskGroup"]

_MOST_CORES = 2**20
_MOST_BYTES = 2**60
_MOST_COUNT = 2**40


@dataclass(frozen=True, slots=True)
class PortRequest:
    """A port of the container that is to be reached at a port of its node; host port 0 means any free one."""

    host: int
    container: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class CompanyRule:
    """Near tasks of a service, or apart from them, within one node or one zone; must be so where it has no weight.

    ``service`` is the id that groups have (empty: there is no such service), ``name`` what people call it. ``theirs``
    is a rule of that other service, which wants no tasks of this one near its own.
    """

    service: str
    name: str
    within: Literal["node", "zone"] = "node"
    apart: bool = False
    weight: int | None = None
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class CallRule:
    """That tasks call those of another service, or are called by them where that one ``depends`` on theirs.

    ``service`` is the id that groups have (empty: there is no such service), ``name`` what people call it. A latency is
    a round trip in seconds (None: any), bandwidth and traffic are in bit/s (0: any, unknown). One that is ``awaited``
    has to have a task on a node first.
    """

    service: str
    name: str
    max_latency_s: float | None = None
    min_bandwidth_bps: int = 0
    traffic_bps: int = 0
    awaited: bool = False
    depends: bool = False

    @property
    def limited(self) -> bool:
        """Whether there is a limit on the way."""
        return self.max_latency_s is not None or self.min_bandwidth_bps > 0


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Tasks of one service version: they differ in nothing but their id, and where each may or should not go.

    ``cpus`` are cores, ``memory`` and ``disk`` bytes. ``placed`` counts the tasks of the service that are on a node
    already; where a service comes in two groups of one call, the second knows of the first without being told. A task
    uses a node of its ``avoid`` (where it failed to start lately) only when nothing else fits, and no node but the one
    in ``pinned``; one with a node ``toward`` which it moves goes there, if that takes it. ``name`` is what people call
    the service, for the sentences; ``knows`` is the command version that an agent must know to do with such a task what
    its service asks for.

    ``prefer`` are constraints that nodes should rather meet, with weights of 1 to 100; ``company`` says beside which
    services the tasks should be, and ``others`` how many tasks of these are on each node already; no node gets more
    than ``max_per_node`` tasks of the service (0: any number). ``calls`` says with which services the tasks talk; how
    many tasks these have on each node stands in ``others`` as well. Where a task fits nowhere, what it asks for is kept
    free on the node in ``nominated``, on which others stop for it. ``named`` are whole numbers of countable resources,
    such as GPUs, by name.

    Raises ``ValueError`` for an amount that is negative or beyond counting.
    """

    service: str
    tasks: tuple[str, ...]
    cpus: float = 0.0
    memory: int = 0
    disk: int = 0
    ports: tuple[PortRequest, ...] = ()
    constraints: tuple[str, ...] = ()
    placed: Mapping[str, int] = field(default_factory=dict)
    avoid: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pinned: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    knows: int = 0
    prefer: tuple[tuple[str, int], ...] = ()
    company: tuple[CompanyRule, ...] = ()
    others: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    max_per_node: int = 0
    nominated: Mapping[str, str] = field(default_factory=dict)
    toward: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[CallRule, ...] = ()
    named: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        for name, amount, limit in (
            ("cpus", self.cpus, _MOST_CORES),
            ("memory", self.memory, _MOST_BYTES),
            ("disk", self.disk, _MOST_BYTES),
            *((name, count, _MOST_COUNT) for name, count in self.named),
        ):
            if not 0 <= amount <= limit:
                raise ValueError(f"service {self.service} asks for {name} {amount}: allowed is 0 to {limit}")
