"""The leader's loop that moves tasks for balance without being asked, where somebody has said how often."""

import asyncio
import logging
from collections.abc import Callable

from okube.manager.core import ManagerCore
from okube.manager.rebalancing import moving, rebalance_view
from okube.manager.rehearsal import Surroundings
from okube.manager.scheduling import scheduling_in
from okube.manager.slices import in_turns
from okube.model.versions import version_of

__all__ = ["Balancing"]

_log = logging.getLogger(__name__)
_LOOK_S = 10.0  # how soon another setting is seen


class Balancing:
    """Counts from when its leader took over, and anew after each time that it looked."""

    def __init__(self, core: ManagerCore, surroundings: Callable[[], Surroundings]) -> None:
        self._core = core
        self._surroundings = surroundings

    async def run(self) -> None:
        """Look for moves every so often, and have them made."""
        clock = self._core.clock
        since_s = clock.monotonic()
        while True:
            said = scheduling_in(self._core.tables).rebalance
            now_s = clock.monotonic()
            if not said.every:
                since_s = now_s
            elif now_s >= since_s + said.every:
                await self.balance(said.max_moves)
                since_s = clock.monotonic()
            await asyncio.sleep(_LOOK_S if not said.every else min(_LOOK_S, max(0.0, since_s + said.every - now_s)))

    async def balance(self, most: int) -> None:
        """Look for moves once, and have at most so many made."""
        core = self._core
        work = rebalance_view(core.tables, core.clock.time_ms(), self._surroundings(), most=most)
        view = await in_turns(work)
        if not view.moves:
            return
        command = moving(view.moves, "")
        if version_of(command) <= core.tables.settings.command_version:
            _log.info("%d tasks are to move, for balance", len(view.moves))
            await core.propose([command])
