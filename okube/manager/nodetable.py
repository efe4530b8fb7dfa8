"""The nodes of the tables as the scheduler's columns, kept from one plan to the next."""

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from okube.manager.scheduling import scheduling_in
from okube.manager.slices import at_once
from okube.model.flapping import hold_message
from okube.model.node import Node
from okube.model.scheduling import Overcommit
from okube.scheduler import NodeTable
from okube.scheduler.nodes import IntArray
from okube.state import Tables
from okube.state.allocation import Allocation
from okube.state.attributes import attributes_of

__all__ = ["NodeRows", "node_table"]

_HELD_BY_NAME = 3
_NODES_AT_ONCE = 1000
_NONE: Mapping[str, str] = MappingProxyType({})


class _Row(NamedTuple):
    """What the table says of a node, but for what others or a moment decide."""

    name: str
    ready: bool
    cpus_total: float
    cpus_free: float
    memory_total: int
    memory_free: int
    disk_total: int
    disk_free: int
    ports_used: frozenset[tuple[int, str]]
    attributes: Mapping[str, str]
    tasks: int
    knows: int
    host: str
    word: str | None  # why it takes no tasks; empty where it does, None where that depends on others


class _Known(NamedTuple):
    """A row, and what it was made of."""

    node: Node
    held: Allocation
    changes: int
    row: _Row


class NodeRows:
    """Rows of nodes: those of which neither node nor what it has promised has changed are as they were."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._most = Overcommit()
        self._known: dict[str, _Known] = {}

    def table(self, unsure: Mapping[str, str] = _NONE) -> NodeTable:
        """All nodes as they are now; ``unsure`` as for ``plan_placement``."""
        return at_once(self.table_in_slices(unsure))

    def table_in_slices(self, unsure: Mapping[str, str] = _NONE) -> Generator[None, None, NodeTable]:
        """The same with pauses, in which nodes may change: each is as it was when it was looked at."""
        known = yield from self._look()
        yield
        rows = [each.row for each in known]
        columns = zip(*rows, strict=True) if rows else ((),) * len(_Row._fields)
        (names, ready, cpus_total, cpus_free, memory_total, memory_free, disk_total, disk_free, ports_used, attributes,
         tasks, knows, hosts, words) = columns  # fmt: skip
        if unsure or None in words:
            words = _why_not_schedulable([each.node for each in known], words, unsure)
        named = any(each.node.named or each.held.named for each in known)
        return NodeTable(
            names=names,
            ready=np.array(ready, dtype=np.bool_),
            schedulable=np.array([not word for word in words], dtype=np.bool_),
            cpus_total=np.array(cpus_total, dtype=np.float64),
            cpus_free=np.array(cpus_free, dtype=np.float64),
            memory_total=np.array(memory_total, dtype=np.int64),
            memory_free=np.array(memory_free, dtype=np.int64),
            disk_total=np.array(disk_total, dtype=np.int64),
            disk_free=np.array(disk_free, dtype=np.int64),
            ports_used=ports_used,
            attributes=attributes,
            tasks=np.array(tasks, dtype=np.int64),
            availability=tuple(word or "active" for word in words),
            knows=np.array(knows, dtype=np.int64),
            hosts=hosts,
            extra=_extra(self._tables, known) if named else {},
        )

    def _look(self) -> Generator[None, None, list[_Known]]:
        """All nodes by name, each with its row as it is now."""
        tables, most = self._tables, scheduling_in(self._tables).overcommit
        before = self._known if most == self._most else {}
        found: dict[str, _Known] = {}
        for count, name in enumerate(sorted(tables.nodes)):
            if count % _NODES_AT_ONCE == _NODES_AT_ONCE - 1:
                yield
            node, held, known = tables.nodes.get(name), tables.allocation_of(name), before.get(name)
            if node is None:
                continue  # it went in a pause
            if known is None or known.node is not node or known.held is not held or known.changes != held.changes:
                same = known.row if known is not None and known.node is node else None
                known = _Known(node, held, held.changes, _row(node, held, most, same))
            found[name] = known
        self._most, self._known = most, found
        return list(found.values())


def node_table(tables: Tables, unsure: Mapping[str, str] = _NONE) -> NodeTable:
    """All nodes as the scheduler sees them; ``unsure`` as for ``plan_placement``."""
    return NodeRows(tables).table(unsure)


def _row(node: Node, held: Allocation, most: Overcommit, before: _Row | None) -> _Row:
    """The row of a node; of one that is itself as it was ``before``, only what it holds is looked at."""
    memory, disk = int(node.memory * most.memory), int(node.disk * most.disk)
    return _Row(
        name=node.name,
        ready=node.state == "ready",
        cpus_total=node.cores * most.cpus,
        cpus_free=node.cores * most.cpus - held.cores,
        memory_total=memory,
        memory_free=memory - held.memory,
        disk_total=disk,
        disk_free=disk - held.disk,
        ports_used=frozenset(held.ports),
        attributes=attributes_of(node) if before is None else before.attributes,
        tasks=held.tasks,
        knows=node.knows,
        host=node.address.rpartition(":")[0] if before is None else before.host,
        word=_word(node) if before is None else before.word,
    )


def _word(node: Node) -> str | None:
    if node.availability != "active":
        return node.availability
    return None if node.held_until_ms else node.blocked


def _why_not_schedulable(
    nodes: list[Node], words: tuple[str | None, ...], unsure: Mapping[str, str]
) -> tuple[str, ...]:
    """Why each node gets no new tasks, empty where it does; nodes that come and go by name, as long as they are few."""
    held = sum(node.held_until_ms > 0 for node in nodes)

    def why(node: Node, word: str | None) -> str:
        if word is None:
            return f"{node.name} {hold_message(node)}" if held <= _HELD_BY_NAME else "came and went too often lately"
        return word or unsure.get(node.name, "")

    return tuple(why(node, word) for node, word in zip(nodes, words, strict=True))


def _extra(tables: Tables, known: list[_Known]) -> dict[str, tuple[IntArray, IntArray]]:
    """The named resources that nodes offer, or hold though they offer them no more, and some service asks for."""
    there = {name for each in known for name in (*each.node.named, *each.held.named)}
    asked = {name for spec in tables.specs.values() for name in spec.resources.counts}
    return {name: _named(known, name) for name in sorted(there & asked)}


def _named(known: list[_Known], name: str) -> tuple[IntArray, IntArray]:
    total = np.array([each.node.named.get(name, 0) for each in known], dtype=np.int64)
    return total, total - np.array([each.held.named.get(name, 0) for each in known], dtype=np.int64)
