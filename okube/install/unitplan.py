"""What is to be done so that a machine's supervisor runs the processes that it should: pure, and idempotent."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from okube.install.init import UnitState

__all__ = ["Found", "Step", "Wanted", "steps_for"]

Verb = Literal["write", "enable", "take over", "start", "restart"]


class Wanted(msgspec.Struct, frozen=True):
    """A unit as it should be: its file name and its text."""

    unit: str
    text: str


class Found(msgspec.Struct, frozen=True):
    """A unit as it is.

    ``text`` is None where there is none; ``elsewhere`` is the process that runs and that something else than the
    supervisor started, or 0.
    """

    text: str | None
    state: UnitState = UnitState("inactive")
    elsewhere: int = 0


class Step(msgspec.Struct, frozen=True):
    """One thing to do to one unit."""

    verb: Verb
    unit: str


def steps_for(wanted: Iterable[Wanted], found: dict[str, Found], *, start: bool = True) -> Iterator[Step]:
    """What differs, unit by unit, in an order in which each process is away once, for a moment.

    A unit whose text is another and that runs is started anew, for only then does it hold.
    """
    for each in wanted:
        now = found.get(each.unit, Found(None))
        differs = now.text != each.text
        if differs:
            yield Step("write", each.unit)
        if not now.state.is_enabled:
            yield Step("enable", each.unit)
        if not start:
            continue
        if now.elsewhere:
            yield Step("take over", each.unit)
        if now.elsewhere or not now.state.runs:
            yield Step("start", each.unit)
        elif differs:
            yield Step("restart", each.unit)
