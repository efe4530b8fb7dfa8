"""What `okube manager` runs."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

from okube.manager.process import bootstrap_manager, serve
from okube.manager.settings import ManagerSettings
from okube.model.errors import OkubeError

__all__ = ["bootstrap", "run_manager"]

_log = logging.getLogger(__name__)


def bootstrap(settings: ManagerSettings) -> None:
    """Make the journal of a manager that was never started. Raises OkubeError where there is one already."""
    asyncio.run(bootstrap_manager(settings))


def run_manager(settings: ManagerSettings) -> int:
    """Run one manager until SIGTERM or SIGINT; returns the exit status."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    failed = False
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_main(settings))
    except* (OkubeError, OSError) as group:
        failed = True
        for error in _leaves(group):
            _log.critical("manager %s cannot run: %s", settings.name, error)
    except* Exception as group:
        failed = True
        _log.critical("manager %s ends by a defect of Okube", settings.name, exc_info=group)
    return 1 if failed else 0


async def _main(settings: ManagerSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)
    _log.info("manager %s has stopped", settings.name)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
