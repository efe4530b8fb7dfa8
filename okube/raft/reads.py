"""Linearizable reads without a log entry: the index that must be applied before a read may be answered.

At the leader it is the commit index at the start of a round in which a majority confirmed that the leader's term is
the highest they know. A follower asks the leader. Either way there is one round at a time for all reads that wait, and
a read that arrives during a round waits for the next: that round may have begun before a write that it must see.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from okube.raft.election import majority
from okube.raft.frames import Body, Confirm, Confirmed, ReadAt, ReadRequest

__all__ = ["ReadIndex", "ReadIndexHost", "Rounds", "Unconfirmed"]


class Unconfirmed(Exception):
    """The round ended without an answer: no leader, a lost one, or one that is not ready. Ask again."""


class Rounds:
    """At most one round at a time; ``begin(number)`` is called when one starts."""

    def __init__(self, begin: Callable[[int], None]) -> None:
        self._begin = begin
        self._number = 0
        self._asked: list[asyncio.Future[int]] = []
        self._next: list[asyncio.Future[int]] = []

    @property
    def number(self) -> int | None:
        """The round under way."""
        return self._number if self._asked else None

    def join(self) -> asyncio.Future[int]:
        """Take part in a round that starts after this call."""
        future = asyncio.get_running_loop().create_future()
        self._next.append(future)
        self._start()
        return future

    def finish(self, number: int, index: int | None) -> None:
        """The round under way has its answer; None: it failed."""
        if number != self.number:
            return
        asked, self._asked = self._asked, []
        for future in asked:
            if future.done():
                continue
            if index is None:
                future.set_exception(Unconfirmed())
            else:
                future.set_result(index)
        self._start()

    def fail(self) -> None:
        """End everything without an answer."""
        self._asked += self._next
        self._next = []
        self.finish(self._number, None)

    def _start(self) -> None:
        if self._asked:
            return
        self._asked = [future for future in self._next if not future.done()]
        self._next = []
        if self._asked:
            self._number += 1
            self._begin(self._number)


class ReadIndexHost(Protocol):
    """What reads need to know."""

    @property
    def is_ready_leader(self) -> bool:
        """Whether this member leads and knows all that is committed."""

    @property
    def leader(self) -> str | None:
        """Who leads."""

    @property
    def commit_index(self) -> int:
        """Entries up to here are committed."""

    @property
    def peers(self) -> Collection[str]:
        """All others that there may be a link to."""

    @property
    def other_voters(self) -> Collection[str]:
        """The other members that count for a majority."""

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term."""

    def tell_commit(self) -> None:
        """Have followers know now what is committed; else they would hear of it a little later."""


class ReadIndex:
    """Both ends of it, at one member."""

    def __init__(self, host: ReadIndexHost) -> None:
        self._host = host
        self._confirming = Rounds(self._begin_confirming)
        self._asking = Rounds(self._begin_asking)
        self._index = 0
        self._confirmed: set[str] = set()

    async def get(self) -> int:
        """The index that must be applied before the read may be answered. Raises ``Unconfirmed``."""
        if self._host.is_ready_leader:
            return await self._confirming.join()
        if self._host.leader not in self._host.peers:  # nobody leads, or this member does and is not ready
            raise Unconfirmed
        return await self._asking.join()

    def repeat(self) -> None:
        """Ask again in the round under way; its frames may have been lost with a link.

        Who was asked may have left since, and with nobody else to answer this member is the majority.
        """
        number = self._confirming.number
        if number is not None:
            self._ask_all(number)
            self._finish_if_confirmed(number)

    def leadership_changed(self) -> None:
        """Nobody will answer what was asked before."""
        self._confirming.fail()
        self._asking.fail()

    def found(self, peer: str) -> None:
        """A link to a peer came up; what the leader was asked while there was none never reached it."""
        if peer == self._host.leader and self._asking.number is not None:
            self._host.send(peer, ReadRequest(self._asking.number))

    def lost(self, peer: str) -> None:
        """The link to a peer is down, and with it what the leader was asked."""
        if peer == self._host.leader:
            self._asking.fail()

    def receive(self, peer: str, body: Body) -> None:
        """Handle a frame of the current term; others must not come here."""
        match body:
            case Confirm():
                self._host.send(peer, Confirmed(body.round))
            case Confirmed():
                self._count(peer, body.round)
            case ReadRequest():
                self._serve(peer, body.request)
            case ReadAt():
                self._asking.finish(body.request, body.index)

    def _begin_confirming(self, number: int) -> None:
        self._index = self._host.commit_index
        self._confirmed = set()
        self._ask_all(number)
        self._finish_if_confirmed(number)

    def _ask_all(self, number: int) -> None:
        for peer in self._host.other_voters:
            self._host.send(peer, Confirm(number))

    def _count(self, peer: str, number: int) -> None:
        if number == self._confirming.number:
            self._confirmed.add(peer)
            self._finish_if_confirmed(number)

    def _finish_if_confirmed(self, number: int) -> None:
        others = self._host.other_voters
        if 1 + len(self._confirmed.intersection(others)) >= majority(1 + len(others)):
            self._confirming.finish(number, self._index)

    def _begin_asking(self, number: int) -> None:
        leader = self._host.leader
        if leader is None or leader not in self._host.peers:
            self._asking.finish(number, None)
        else:
            self._host.send(leader, ReadRequest(number))

    def _serve(self, peer: str, request: int) -> None:
        if not self._host.is_ready_leader:
            self._host.send(peer, ReadAt(request, None))
            return
        future = self._confirming.join()
        future.add_done_callback(lambda done: self._answer(peer, request, done))

    def _answer(self, peer: str, request: int, done: "asyncio.Future[int]") -> None:
        failed = done.cancelled() or done.exception() is not None
        self._host.tell_commit()
        self._host.send(peer, ReadAt(request, None if failed else done.result()))
