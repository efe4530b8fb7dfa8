"""Tell every agent what its node should hold: a push when something changed, the whole where nothing is agreed on."""

import asyncio
import contextlib
import logging

from okube.manager.assignments import changed_assignment, whole_assignment
from okube.manager.changes import Changes
from okube.manager.core import ManagerCore
from okube.manager.messenger import Messenger
from okube.manager.pace import Allowance
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.model.wire import Assignment

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 5.0
_SHARE, _AT_ONCE_S = 0.33, 0.25
"""How much of the time assignments may take, and how much of that at once: a few hundred leave as they come. Of a bulk
every node gets its tasks in few requests, and not each task by itself."""
_REQUEST_S = 0.0006  # roughly what one costs
_UNDER_WAY = 32
"""So many nodes are told something at a time. A new leader has something to tell to all, with TLS before it: where it
began with a thousand at once, the last ones would have waited in vain before they were served."""
_BEGUN_AT_ONCE = 200  # conversations
_WHOLE_EVERY_S = 0.008
"""How often a node is told the whole of what it holds, where nothing of that has changed: after an election that is all
nodes, each by a connection that does not stand yet, and their heartbeats must come through meanwhile."""


class Dispatcher:
    """One conversation a node, for as long as this manager leads. Only committed state is ever sent."""

    def __init__(self, core: ManagerCore, changes: Changes, messenger: Messenger) -> None:
        self._core = core
        self._changes = changes
        self._messenger = messenger
        self._agreed: dict[str, int] = {}  # node → the revision that its agent has stored in this epoch
        self._suspected: dict[str, int] = {}  # node → the agreed revision that its last heartbeat lacked
        self._places = asyncio.Semaphore(_UNDER_WAY)
        self._allowance = Allowance(_SHARE, _AT_ONCE_S)
        self._next_whole_s = 0.0  # when the next node may be told the whole, by the clock's monotonic time

    async def run(self) -> None:
        """Serve all nodes until cancelled; nodes come and go with the table."""
        conversations: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changes.nodes_for_dispatch.clear()
                for count, name in enumerate(sorted(self._core.tables.nodes.keys() - conversations.keys())):
                    if count % _BEGUN_AT_ONCE == _BEGUN_AT_ONCE - 1:
                        await asyncio.sleep(0)
                    conversations[name] = group.create_task(self._converse(name), name=f"dispatch {name}")
                for name in sorted(conversations.keys() - self._core.tables.nodes.keys()):
                    conversations.pop(name).cancel()
                    self._changes.forget_node(name)
                    self._agreed.pop(name, None)
                await self._changes.nodes_for_dispatch.wait()

    def reconnected(self, name: str) -> None:
        """An agent has registered (again): it is told everything."""
        self._agreed.pop(name, None)
        self._changes.event_of(name).set()

    def agent_holds(self, name: str, *, same_epoch: bool, revision: int) -> None:
        """What a heartbeat says about the agent's assignment; one that lacks ours twice in a row gets the whole.

        Once is no proof: the heartbeat may have left before the assignment came.
        """
        agreed = self._agreed.get(name)
        lacks = agreed is not None and (not same_epoch or revision < agreed)
        if lacks and self._suspected.get(name) == agreed:
            del self._agreed[name]
        if lacks and agreed is not None:
            self._suspected[name] = agreed
        else:
            self._suspected.pop(name, None)
        if name not in self._agreed:
            self._changes.event_of(name).set()

    async def _converse(self, name: str) -> None:
        retry_s = _FIRST_RETRY_S
        changed = self._changes.event_of(name)
        while True:
            changed.clear()
            node = self._core.tables.nodes.get(name)
            if node is None or node.state == "down":
                self._agreed.pop(name, None)  # when it returns it is told everything
                await changed.wait()
            elif await self._send(name):
                retry_s = _FIRST_RETRY_S
                await changed.wait()
            else:
                await _either(changed, retry_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)

    async def _send(self, name: str) -> bool:
        """One assignment, if there is something to tell; whether the node now agrees with what was sent."""
        if name in self._agreed and not self._changes.has_tasks(name):
            return True
        if name not in self._agreed:
            await self._wait_for_whole(name)
        wait_s = self._allowance.reserve(self._core.clock.monotonic(), _REQUEST_S)
        if wait_s:  # in a bulk; what changes for the node meanwhile goes to it in the same request
            await asyncio.sleep(wait_s)
        async with self._places:
            return await self._send_now(name)

    async def _wait_for_whole(self, name: str) -> None:
        """Until it is this node's turn to be told the whole, or something changes for it: that does not wait."""
        clock, changed = self._core.clock, self._changes.event_of(name)
        turn_s = max(clock.monotonic(), self._next_whole_s)
        self._next_whole_s = turn_s + _WHOLE_EVERY_S
        while (left_s := turn_s - clock.monotonic()) > 0 and not self._changes.has_tasks(name):
            await _either(changed, left_s)
            changed.clear()

    async def _send_now(self, name: str) -> bool:
        made = self._next(name)
        if made is None:
            return True
        node, assignment = made
        epoch = assignment.epoch
        metrics, began = self._core.metrics, self._core.clock.monotonic()
        try:
            with metrics.dispatch_in_flight.track_inprogress():
                answer = await self._messenger.assign(node, assignment)
        except Unreachable as error:
            metrics.assignments.labels("unreachable").inc()
            _log.info("%s; trying again", error)
            return False
        metrics.dispatch_seconds.observe(self._core.clock.monotonic() - began)
        metrics.assignments.labels("accepted" if answer.accepted else "refused").inc()
        if answer.accepted:
            self._agreed[name] = assignment.revision
            return True
        if answer.epoch > epoch:
            _log.warning("agent %s obeys epoch %s; this leader's is %s", name, answer.epoch, epoch)
        else:
            _log.info("agent %s wants the whole assignment: %s", name, answer.message)
        return False

    def _next(self, name: str) -> tuple[Node, Assignment] | None:
        """What the node is to be told now; None where that is nothing."""
        tables, epoch = self._core.tables, self._core.epoch
        node = tables.nodes.get(name)
        if node is None or node.state == "down":
            return None
        tasks = self._changes.take_tasks(name)
        agreed = self._agreed.pop(name, None)
        if agreed is None:
            return node, whole_assignment(tables, node, epoch)
        return node, changed_assignment(tables, node, epoch, agreed, tasks)


async def _either(event: asyncio.Event, timeout_s: float) -> None:
    """Until the event is set, or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
