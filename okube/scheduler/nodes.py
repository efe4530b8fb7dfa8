"""The nodes of a cluster as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

__all__ = ["BoolArray", "FloatArray", "IntArray", "NodeTable"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def _unknown() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NodeTable:
    """One row a node, sorted by name, so that equal input gives equal placement.

    ``cpus_*`` are cores, ``memory_*`` and ``disk_*`` bytes. ``ports_used`` holds the (host port, protocol) pairs taken
    on each node. ``attributes`` holds what constraints ask about: ``node.name``, ``node.zone``, ``node.role``,
    ``node.runtime`` and ``node.labels.NAME``; a missing one counts as empty. The nodes without a zone are one zone.

    ``extra`` holds named countable resources, such as GPUs: how many each node has in all, and how many are free
    (below zero where more are promised than there are); a name that no node offers is not there.

    Four columns may be left out: ``tasks``, how many tasks of any service each node has (then none),
    ``knows``, the command version that each agent knows (then 0),
    ``availability``, the word that explains why a node is not schedulable (then ``cordoned``), and ``hosts``, the
    machine that a node is on (then each is on its own): nodes of one machine share its ports.

    Raises ``ValueError`` where the columns differ in length or the names are not sorted or not unique.
    """

    names: tuple[str, ...]
    ready: BoolArray
    schedulable: BoolArray
    cpus_free: FloatArray
    cpus_total: FloatArray
    memory_free: IntArray
    memory_total: IntArray
    disk_free: IntArray
    disk_total: IntArray
    ports_used: tuple[frozenset[tuple[int, str]], ...]
    attributes: tuple[Mapping[str, str], ...]
    tasks: IntArray = field(default_factory=_unknown)
    availability: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    knows: IntArray = field(default_factory=_unknown)
    extra: Mapping[str, tuple[IntArray, IntArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.tasks) == 0:
            object.__setattr__(self, "tasks", np.zeros(len(self), dtype=np.int64))
        if len(self.knows) == 0:
            object.__setattr__(self, "knows", np.zeros(len(self), dtype=np.int64))
        if not self.availability:
            words = tuple("active" if schedulable else "cordoned" for schedulable in self.schedulable.tolist())
            object.__setattr__(self, "availability", words)
        if not self.hosts:
            object.__setattr__(self, "hosts", self.names)
        columns = [(column.name, getattr(self, column.name)) for column in fields(self) if column.name != "extra"]
        columns += [(f"extra.{name}", part) for name, parts in self.extra.items() for part in parts]
        for name, values in columns:
            if len(values) != len(self):
                raise ValueError(f"column {name} has {len(values)} rows for {len(self)} nodes")
        if any(earlier >= later for earlier, later in zip(self.names, self.names[1:], strict=False)):
            raise ValueError("the rows of a node table are sorted by name, and no name comes twice")

    def __len__(self) -> int:
        return len(self.names)
