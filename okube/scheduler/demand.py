"""What one task of a group asks of a node."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from okube.model.constraints import Constraint, parse_constraint
from okube.scheduler.amounts import NANOCORES
from okube.scheduler.groups import PortRequest, TaskGroup
from okube.scheduler.nodes import IntArray
from okube.scheduler.talk import Talk, talk_of

__all__ = ["Demand", "Shape"]

_SHAPES_KEPT = 4096
_parsed = lru_cache(maxsize=_SHAPES_KEPT)(parse_constraint)


_Asked = tuple[float, int, int, tuple[str, ...], int, tuple[tuple[str, int], ...]]


class Shape:
    """What tasks have in common for which every node is as good as for each other, but for rules about services.

    The same object stands for the same shape, mostly: where it is another, it costs time and changes nothing.
    """

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Demand:
    """What one task of ``group`` asks of a node; ``resources`` has a row for each resource and one column.

    ``asked`` says the same as numbers. ``missing`` are the named resources that it asks for and no node offers: they
    have no row. It is made for each group and not changed.
    """

    resources: IntArray
    constraints: tuple[Constraint, ...]
    ports: tuple[PortRequest, ...]
    group: TaskGroup
    shape: Shape
    asked: tuple[int, ...]
    talk: Talk
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
        return cls(
            resources, constraints, group.ports, group, shape, asked, talk_of(group.calls), group.knows, prefer, missing
        )


@lru_cache(maxsize=_SHAPES_KEPT)
def _read(
    wanted: _Asked, named: tuple[str, ...]
) -> tuple[Shape, IntArray, tuple[int, ...], tuple[Constraint, ...], tuple[str, ...]]:
    """The parts of a demand that many groups have in common; read once, for thousands of services ask for the same."""
    cpus, memory, disk, texts, _, amounts = wanted
    counts = dict(amounts)
    asked = (round(cpus * NANOCORES), memory, disk, *(counts.get(name, 0) for name in named))
    resources = np.array(asked, dtype=np.int64)[:, None]
    resources.flags.writeable = False
    constraints = tuple(map(_parsed, texts))
    missing = tuple(name for name in counts if name not in named)
    return Shape(), resources, asked, constraints, missing
