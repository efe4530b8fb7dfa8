"""What changes of nodes mean to people, as events."""

from collections.abc import Iterator

import msgspec

from okube.model.event import Event, EventKind, Level
from okube.model.flapping import hold_message
from okube.model.node import BLOCKING_CONDITIONS, Node

__all__ = ["of_node"]

_AVAILABILITY: dict[str, EventKind] = {
    "active": "node-uncordoned",
    "cordoned": "node-cordoned",
    "draining": "node-draining",
    "drained": "node-drained",
}


def of_node(old: Node | None, new: Node | None, row: Node) -> Iterator[Event]:
    """A node came, changed or went; ``row`` is how it is, or was last."""
    if new is None:
        yield _node(row, "node-removed", "info", "")
        return
    if old is None and new.state == "down":
        yield _node(row, "node-joined", "info", f"may join, at {new.address}, and is ready when its agent is heard")
        return
    if old is None:
        yield _node(row, "node-joined", "info", f"{new.cores:g} cores, {new.memory / (1 << 30):.1f} GiB, {new.address}")
        return
    if new.state != old.state:
        if new.state == "down":
            yield _node(row, "node-down", "error", "its agent is silent; what ran there is placed elsewhere")
        else:
            yield _node(row, "node-ready", "info", "")
    if new.held_until_ms and not old.held_until_ms:
        yield _node(row, "node-flapping", "warning", hold_message(new))
    if new.address != old.address and new.readdressed:
        yield _node(row, "node-readdressed", "info", f"is reached at {new.address} now; it was at {old.address}")
    if new.availability != old.availability:
        yield _node(row, _AVAILABILITY[new.availability], "info", "")
    if new.conditions != old.conditions:
        yield from _of_conditions(old, new)


def _of_conditions(old: Node, new: Node) -> Iterator[Event]:
    """What is wrong with a machine that was not, and what is over; a sentence that changes is no event."""
    before, after = ({condition.kind: condition for condition in node.conditions} for node in (old, new))
    for kind, condition in after.items():
        if kind not in before:
            level: Level = "error" if kind in BLOCKING_CONDITIONS else "warning"
            told = _node(new, "node-condition", level, f"{kind}: {condition.message}")
            yield msgspec.structs.replace(told, reason=kind)
    for kind in sorted(before.keys() - after.keys()):
        yield msgspec.structs.replace(_node(new, "node-condition", "info", f"{kind} is over"), reason=kind)


def _node(node: Node, kind: EventKind, level: Level, message: str) -> Event:
    return Event(id="", kind=kind, level=level, subject_kind="node", subject=node.name, node=node.name, message=message)
