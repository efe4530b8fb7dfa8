"""What a manager knows of the age of its knowledge."""

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from okube.manager.core import ManagerCore
from okube.raft import RaftConfig
from okube.state import StateMachine


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time_ms(self) -> int:
        return round(self.now_s * 1000)


class Raft:
    """A member that last heard a leader at a moment, or (long before the clock began) never."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.config = RaftConfig()
        self.heard_at = -0.5
        self.listeners: list[Callable[[int | None], None]] = []

    @property
    def last_contact_s(self) -> float:
        return self.clock.now_s - self.heard_at

    def subscribe_leadership(self, listener: Callable[[int | None], None]) -> None:
        self.listeners.append(listener)

    def subscribe_resumed(self, listener: Callable[[], None]) -> None: ...

    def subscribe_synced(self, listener: Callable[[float], None]) -> None: ...

    def subscribe_told(self, listener: Callable[[], None]) -> None: ...


def _core() -> tuple[ManagerCore, Raft, Clock]:
    clock = Clock()
    raft: Any = Raft(clock)
    settings: Any = SimpleNamespace(cluster_id="c1", authority=None)
    core = ManagerCore(settings, machine=StateMachine(), raft=raft, clock=clock, rng=random.Random(1))
    return core, raft, clock


def test_before_a_leader_was_heard_the_age_is_unknown() -> None:
    core, _, clock = _core()
    clock.now_s += 5
    assert core.age_s is None


def test_a_follower_s_state_is_as_old_as_its_last_word_from_a_leader() -> None:
    core, raft, clock = _core()
    raft.heard_at = clock.now_s + 1
    clock.now_s += 4
    assert core.age_s == 3.0


def test_a_deposed_leader_s_state_is_as_old_as_the_end_of_its_reign() -> None:
    core, raft, clock = _core()
    clock.now_s += 10
    for listener in raft.listeners:
        listener(None)
    clock.now_s += 2
    assert core.age_s == 2.0
