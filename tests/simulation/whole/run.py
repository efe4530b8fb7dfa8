"""A run of a whole cluster from a seed: the loop that it has, and what its log says."""

import asyncio
import logging
from collections.abc import Collection

from tests.simulation.loop import VirtualLoop, running_process
from tests.simulation.report import Report
from tests.simulation.whole.course import FAULTS_S, Course
from tests.simulation.whole.world import World

__all__ = ["simulate_whole"]

TURNS_AT_ONE_MOMENT = 20_000
LOGGERS = ("okube", "pysyncobj", "asyncio")
EXPECTED_ERRORS = (
    "The container engine does not answer",
    "The container engine gives no sign of life",
    "Cannot store",
    "The cluster refuses this node",
    "the disk of /data/",
)
"""Errors in the log that faults of the simulated machines ask for."""


def simulate_whole(seed: int, *, duration_s: float = FAULTS_S, only: Collection[int] | None = None) -> Report:
    """Run one seed on a loop of its own. ``only``: with these of its faults."""
    made: list[World] = []

    async def main() -> Report:
        world = World(seed, only=only)
        made.append(world)
        listener = _Listen(world)
        for name in LOGGERS:
            logging.getLogger(name).addHandler(listener)
            logging.getLogger(name).setLevel(logging.INFO)
        try:
            return await Course(world).run(duration_s)
        finally:
            for name in LOGGERS:
                logging.getLogger(name).removeHandler(listener)
                logging.getLogger(name).setLevel(logging.NOTSET)

    with asyncio.Runner(loop_factory=_ImpatientLoop) as runner:
        try:
            return runner.run(main())
        except _Livelock as trouble:
            (world,) = made
            world.violations.append(str(trouble))
            return world.report()


class _Listen(logging.Handler):
    """The log is a part of the story, and an error in it is a violation."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.INFO)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        process = running_process()
        where = process.name if process is not None else "-"
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text} ({record.exc_info[1]!r})"
        self._world.note(f"{where} {record.levelname} {record.name}: {text}")
        if record.levelno >= logging.ERROR and not text.startswith(EXPECTED_ERRORS):
            self._world.violate(f"{where} logs {record.levelname}: {text}")


class _Livelock(Exception):
    """Something runs and runs, and no time passes."""


class _ImpatientLoop(VirtualLoop):
    """Ends a run in which no time passes any more; nothing real is that fast."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0
        self._turned_at = 0.0

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]  # it is there, and typeshed does not know it
        self._turns = self._turns + 1 if self.now == self._turned_at else 0
        self._turned_at = self.now
        if self._turns > TURNS_AT_ONE_MOMENT:
            self._turns = 0
            raise _Livelock("no time passes any more: some task runs in circles")
