"""Carries out a change of one process: look, take the next step, look again, until nothing is left to do."""

import time
from collections.abc import Callable
from typing import Protocol

from okube.install.nodes import Done, Step
from okube.install.nodes_plan import Standing
from okube.model.errors import OkubeError

__all__ = ["Change", "NoEffect", "see_through"]

_MOST_REPEATS = 3


class NoEffect(OkubeError):
    """A step ended well, again and again, and nothing has changed by it."""

    kind = "no-effect"


class Change(Protocol):
    """What is changed, and how; ``okube.install.nodes_site`` has the real one."""

    async def look(self) -> Standing:
        """How things stand now."""

    def decide(self, standing: Standing) -> Step | Done:
        """The next step; raises OkubeError where it cannot be."""

    async def carry_out(self, step: Step) -> None:
        """Do it; raises OkubeError where that fails."""


async def see_through(
    change: Change,
    *,
    begins: Callable[[Step], None],
    ended: Callable[[Step, float], None],
    standing: Standing | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Done:
    """Do what is left to do.

    Args:
        change: what.
        begins: told of each step.
        ended: told of each step that is done, with its seconds.
        standing: how things stand, where that was looked at a moment ago.
        monotonic: seconds on a clock that never jumps.

    Raises:
        OkubeError: it cannot be, or a step failed; the steps before stay done, and the next call goes on from there.
    """
    before: tuple[Standing, Step] | None = None
    repeats = 0
    while True:
        now, standing = standing or await change.look(), None
        step = change.decide(now)
        if isinstance(step, Done):
            return step
        repeats = repeats + 1 if before == (now, step) else 0
        if repeats == _MOST_REPEATS:
            raise NoEffect(f"it {step.what}, and that was done {repeats} times without any effect")
        before = (now, step)
        begins(step)
        began = monotonic()
        await change.carry_out(step)
        ended(step, monotonic() - began)
