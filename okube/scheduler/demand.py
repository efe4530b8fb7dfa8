"""What one task of a group asks of a node."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from okube.model.constraints import Constraint, parse_constraint
from okube.scheduler.amounts import NANOCORES
from okube.scheduler.groups import PortRequest, TaskGroup
from okube.scheduler.nodes import IntArray

__all__ = ["Demand"]

_SHAPES_KEPT = 4096
_parsed = lru_cache(maxsize=_SHAPES_KEPT)(parse_constraint)


_Shape = tuple[float, int, int, tuple[str, ...], int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What one task of ``group`` asks of a node; ``resources`` has a row for each resource and one column.

    ``asked`` says the same as numbers. ``missing`` are the named resources that it asks for and no node offers: they
    have no row. ``shape`` is what tasks have in common for which every node is as good as for each other, but for rules
    about services: equal shapes are told by being equal, and mostly the same object.
    """

    resources: IntArray
    constraints: tuple[Constraint, ...]
    ports: tuple[PortRequest, ...]
    group: TaskGroup
    shape: Hashable
    asked: tuple[int, ...]
    knows: int = 0
    prefer: tuple[tuple[Constraint, int], ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, group: TaskGroup, named: Sequence[str] = ()) -> "Demand":
        """The demand of a task of the group, where nodes offer the ``named`` resources, as ``Ledger.named`` has them.

        Raises ``ValueError`` where a constraint cannot be read.
        """
        key = (group.cpus, group.memory, group.disk, group.constraints, group.knows, group.named)
        shape, resources, asked, constraints, missing = _read(key, tuple(named))
        prefer = tuple([(_parsed(text), weight) for text, weight in group.prefer])
        return cls(resources, constraints, group.ports, group, shape, asked, group.knows, prefer, missing)


@lru_cache(maxsize=_SHAPES_KEPT)
def _read(
    shape: _Shape, named: tuple[str, ...]
) -> tuple[_Shape, IntArray, tuple[int, ...], tuple[Constraint, ...], tuple[str, ...]]:
    """The parts of a demand that many groups have in common; read once, for thousands of services ask for the same."""
    cpus, memory, disk, texts, _, amounts = shape
    counts = dict(amounts)
    asked = (round(cpus * NANOCORES), memory, disk, *(counts.get(name, 0) for name in named))
    resources = np.array(asked, dtype=np.int64)[:, None]
    resources.flags.writeable = False
    constraints = tuple(map(_parsed, texts))
    missing = tuple(name for name in counts if name not in named)
    return shape, resources, asked, constraints, missing
