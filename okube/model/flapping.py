"""Nodes that come and go: after some times in a row they get no new work for a while, each time for longer. Pure.

A node that goes down and comes back again and again costs its tasks each time. So the third time within ten minutes
that it is back it is held: what runs there stays, and nothing new is placed there for two minutes. If it comes and goes
on, each return doubles the time, up to half an hour. One hour without going down, and it begins anew; `uncordon` lifts
the hold at once and forgets. Where many nodes went down together the cause is not theirs, and that does not count.
"""

from datetime import UTC, datetime

import msgspec

from okube.model.node import Node

__all__ = [
    "CALM_MS",
    "FIRST_HOLD_MS",
    "FLAPS",
    "LONGEST_HOLD_MS",
    "WINDOW_MS",
    "after_down",
    "after_return",
    "calmed",
    "hold_message",
    "is_common",
    "released",
]

FLAPS = 3
WINDOW_MS = 10 * 60 * 1000
FIRST_HOLD_MS = 2 * 60 * 1000
LONGEST_HOLD_MS = 30 * 60 * 1000
CALM_MS = 60 * 60 * 1000


def after_down(node: Node, now_ms: int) -> Node:
    """The node has gone down now."""
    return msgspec.structs.replace(node, state="down", down_ms=now_ms)


def after_return(node: Node, now_ms: int, *, common: bool = False) -> Node:
    """The node is back from being down; ``common``: it went down together with many others."""
    node = msgspec.structs.replace(node, state="ready", returned_ms=now_ms)
    if common:
        return node
    calm = bool(node.downs_ms) and node.down_ms - node.downs_ms[-1] > CALM_MS
    downs_ms = (*node.downs_ms, node.down_ms)[-FLAPS:]
    holds = 0 if calm else node.holds
    if sum(down > now_ms - WINDOW_MS for down in downs_ms) < FLAPS:
        return msgspec.structs.replace(node, downs_ms=downs_ms, holds=holds)
    hold_ms = min(FIRST_HOLD_MS * 2 ** min(holds, 20), LONGEST_HOLD_MS)
    return msgspec.structs.replace(node, downs_ms=downs_ms, holds=holds + 1, held_until_ms=now_ms + hold_ms)


def is_common(together: int, nodes: int) -> bool:
    """Whether so many of the nodes went down together that it says nothing about one of them."""
    return together > 1 and 3 * together >= nodes


def released(node: Node) -> Node:
    """The hold is over; how often there was one is remembered."""
    return msgspec.structs.replace(node, held_until_ms=0)


def calmed(node: Node) -> Node:
    """Somebody has seen to the node: no hold, and nothing counts against it any more."""
    return msgspec.structs.replace(node, held_until_ms=0, holds=0, downs_ms=())


def hold_message(node: Node) -> str:
    """Why the node gets no new tasks and until when (UTC); empty where it is not held."""
    if not node.held_until_ms:
        return ""
    until = datetime.fromtimestamp(node.held_until_ms / 1000, UTC)
    return f"came and went {FLAPS} times in {WINDOW_MS // 60_000} min, no new tasks until {until:%H:%M:%S} UTC"
