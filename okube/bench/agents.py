"""The process of simulated agents: ``python -m okube.bench.agents PLAN``, until its standard input ends."""

import asyncio
import gc
import logging
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from okube.bench.agent import NodePlan, run_agent
from okube.seams.clock import SystemClock
from okube.seams.standing import AGENT, take

__all__ = ["main"]

_log = logging.getLogger(__name__)
_JOINING = 8
"""So many agents join at a time: machines of a real fleet do not start in the same instant either."""
_FREEZE_EVERY = 50


def main() -> None:
    """Simulate the nodes of the plan (a file of JSON)."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    take(msgspec.structs.replace(AGENT, all_descriptors=True))
    plans = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=tuple[NodePlan, ...])
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(plans))


async def _serve(plans: tuple[NodePlan, ...]) -> None:
    """Until whoever started this process ends, or wants it to: nothing is ever written to its standard input."""
    serving = asyncio.create_task(_simulate(plans))
    asyncio.get_running_loop().add_reader(sys.stdin, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


async def _simulate(plans: tuple[NodePlan, ...]) -> None:
    clock, places = SystemClock(), asyncio.Semaphore(_JOINING)
    gc.set_threshold(
        50_000, 20, 50
    )  # almost nothing is garbage in cycles, and to look for it among all this takes long
    async with asyncio.TaskGroup() as group:
        for begun, plan in enumerate(plans):
            await places.acquire()
            joining = run_agent(plan, clock, random.Random(os.urandom(16)), joined=places.release)
            group.create_task(joining, name=plan.name)
            if begun % _FREEZE_EVERY == 0:
                gc.freeze()
        gc.freeze()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


if __name__ == "__main__":
    main()
