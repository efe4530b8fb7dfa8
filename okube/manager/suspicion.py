"""Whether silent nodes are down: from how long they are silent and what calls to them showed. Pure.

Silence is checked before it is believed. Shortly before a node has been silent for too long the leader calls its agent
and asks the other managers to call it too; whoever is reached by any of them lives. Only a node that is silent for too
long and that nobody reached is down.

The brake: where many nodes are silent at once (see ``is_braked``), it is more likely that the leader's own link is
broken than that so many machines died in one moment. Then the leader's word alone counts for nothing, and a node is
down only once another manager has tried in vain too. A lone manager has nobody to ask and decides alone; where all
others cannot be reached there is no quorum, and nothing is decided at all.
"""

from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["Limits", "LivenessPlan", "Silence", "is_braked", "plan_liveness"]

_CALL_EARLY_S = 0.6
_BRAKED_SHARE = 3


class Limits(msgspec.Struct, frozen=True):
    """The cluster's times, in seconds: what counts as silence follows from them."""

    down_after_s: float
    heartbeat_s: float

    @property
    def unsure_after_s(self) -> float:
        """From here on nothing new is placed on a node: perhaps it is about to go down with others."""
        return 1.5 * self.heartbeat_s

    @property
    def silent_after_s(self) -> float:
        """From here on a node counts as silent for the brake: it has missed more than a late heartbeat."""
        return max(self.down_after_s - self.heartbeat_s, self.unsure_after_s)

    @property
    def call_after_s(self) -> float:
        """From here on it is called, so that the answers are there when it has been silent for too long."""
        return max(self.silent_after_s, self.down_after_s - _CALL_EARLY_S)


class Silence(msgspec.Struct, frozen=True):
    """A ready node that is silent.

    ``reached`` holds what calls since its last sign of life showed: manager → whether its call reached the agent. A
    manager that gave no answer is not in it; None stands for no calls, or for calls that are too long ago to count.
    """

    node: str
    silent_s: float
    asked: bool = False  # calls are under way
    reached: Mapping[str, bool] | None = None


class LivenessPlan(msgspec.Struct, frozen=True):
    """What is to be done about silent nodes, each list in the order in which they were given."""

    call: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    braked: bool = False


def is_braked(silent: int, ready: int) -> bool:
    """Whether so many of the ready nodes are silent that the leader suspects its own link.

    More than one and at least a third of them, or all.
    """
    return silent > 0 and (silent >= ready or (silent > 1 and _BRAKED_SHARE * silent >= ready))


def plan_liveness(silences: Iterable[Silence], *, ready: int, leader: str, others: int, limits: Limits) -> LivenessPlan:
    """What is to be done about the silent nodes now.

    Args:
        silences: the ready nodes that are silent at least for ``limits.silent_after_s``, and announced no absence.
        ready: how many nodes are ready, silent ones included.
        leader: who plans; its own call counts, and never as a second opinion.
        others: how many other managers there are.
        limits: the cluster's times.
    """
    silences = list(silences)
    braked = is_braked(len(silences), ready)
    call: list[str] = []
    alive: list[str] = []
    down: list[str] = []
    for silence in silences:
        reached = silence.reached
        too_long = silence.silent_s > limits.down_after_s
        if reached is None:
            if not silence.asked and silence.silent_s >= limits.call_after_s:
                call.append(silence.node)
        elif any(reached.values()):
            alive.append(silence.node)
        elif not too_long:
            continue
        elif _is_believed(reached, leader=leader, others=others, braked=braked):
            down.append(silence.node)
        elif not silence.asked:
            call.append(silence.node)
    return LivenessPlan(tuple(call), tuple(alive), tuple(down), braked)


def _is_believed(reached: Mapping[str, bool], *, leader: str, others: int, braked: bool) -> bool:
    """Whether calls that all were in vain are enough to take the node for down."""
    if leader not in reached:
        return False
    return others == 0 or not braked or len(reached) > 1
