"""What `okube manager` runs."""

import asyncio
import os

from okube.manager.process import bootstrap_manager, serve
from okube.manager.settings import ManagerSettings
from okube.manager.standin import StandIn
from okube.model.errors import OkubeError
from okube.seams.daemon import run_daemon
from okube.seams.notify import Supervisor
from okube.seams.standing import MANAGER
from okube.security.keyring import UnlockKey

__all__ = ["bootstrap", "bootstrap_joining", "run_manager"]


def bootstrap(settings: ManagerSettings) -> None:
    """Make the journal of a manager that was never started. Raises OkubeError where there is one already."""
    asyncio.run(bootstrap_manager(settings))


def bootstrap_joining(settings: ManagerSettings, members_index: int) -> None:
    """The same for one that joins a cluster; its members are those as of an entry of the log."""
    asyncio.run(bootstrap_manager(settings, members_index=members_index))


def run_manager(
    settings: ManagerSettings, *, unlock_key: UnlockKey | None = None, stand_in: StandIn | None = None
) -> int:
    """Run one manager until SIGTERM or SIGINT; returns the exit status.

    It may be told the unlock key at its start, and be given what stands in for all agents.
    """
    supervisor = Supervisor.of(os.environ, os.getpid())
    return run_daemon(
        f"manager {settings.name}",
        lambda stop: serve(settings, stop, unlock_key=unlock_key, ready=supervisor.ready, stand_in=stand_in),
        expected=(OkubeError, OSError),
        log=settings.directory / "log",
        standing=MANAGER,
        supervisor=supervisor,
    )
