"""How a manager and an agent run as a process: one loop, until a signal asks for its end, with an exit status."""

import asyncio
import faulthandler
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from okube.seams.journal import FORMAT, JournalFormatter, is_journal
from okube.seams.logfile import LogHandler
from okube.seams.notify import Supervisor
from okube.seams.standing import Standing, take

__all__ = ["LEAVE", "run_daemon"]

LEAVE = signal.SIGUSR1
"""Asks an agent to end without announcing that it will be back: whoever sends it removes its containers next."""

_log = logging.getLogger(__name__)


def run_daemon(
    name: str,
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    *,
    expected: tuple[type[Exception], ...],
    log: Path | None = None,
    standing: Standing | None = None,
    supervisor: Supervisor | None = None,
) -> int:
    """Run ``serve`` until SIGTERM or SIGINT sets its event and it returns.

    Args:
        name: what runs, for the log: ``manager m1``.
        serve: does the work; called on the new loop.
        expected: errors that are told in a sentence; any other is a defect, and its trace is logged.
        log: the file that it was started to write to, if any; it is kept from growing for ever.
        standing: how the kernel should treat this process.
        supervisor: hears signs of life of the loop, and when it is asked to end.

    Returns:
        The exit status: 0, or 1 where it ended by an error.
    """
    handler = LogHandler(log)
    handler.setFormatter(JournalFormatter() if is_journal(os.environ, 2) else logging.Formatter(FORMAT))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    if standing is not None:
        take(standing)
    supervisor = supervisor or Supervisor()
    if supervisor.is_there:
        faulthandler.enable()  # it ends one that hangs with SIGABRT, and then the log has where that was
    failed = False
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signalled(serve, supervisor))
        _log.info("%s has stopped", name)
    except* expected as group:
        failed = True
        for error in _leaves(group):
            _log.critical("%s cannot run: %s", name, error)
    except* Exception as group:
        failed = True
        _log.critical("%s ends by a defect of Okube", name, exc_info=group)
    return 1 if failed else 0


async def _until_signalled(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], supervisor: Supervisor) -> None:
    stop = asyncio.Event()

    def end() -> None:
        supervisor.ending()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_tell_of)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    async with supervisor.watched():
        await serve(stop)


def _tell_of(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the loop found that no task caught; a connection that ended is no defect.

    Where a protocol ends its connection while uvloop hands it what came, uvloop still wants to write, and calls what
    follows from that a fatal error.
    """
    error = context.get("exception")
    if isinstance(error, RuntimeError) and "transport" in context and "the handler is closed" in str(error):
        _log.debug("a connection ended while it was read: %s", context["transport"])
        return
    loop.default_exception_handler(context)


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
