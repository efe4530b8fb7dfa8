"""Guards of reads, and of whom an agent obeys."""

import asyncio
from typing import Any

import pytest

from okube.raft.node import RaftNode
from okube.raft.reads import ReadIndex, Rounds
from okube.worker.store import Store

__all__ = [
    "agents_remember_epochs_in_memory_only",
    "anybody_confirms_once_or_twice",
    "followers_answer_before_they_have_applied",
    "late_readers_join_the_round_under_way",
]


def followers_answer_before_they_have_applied(patch: pytest.MonkeyPatch) -> None:
    """A read is answered without waiting for what was committed before it."""

    async def wait_applied(_self: RaftNode, _index: int) -> None:
        await asyncio.sleep(0)

    patch.setattr(RaftNode, "wait_applied", wait_applied)


def late_readers_join_the_round_under_way(patch: pytest.MonkeyPatch) -> None:
    """A read takes the answer of a round that began before it."""
    true_join = Rounds.join

    def join(self: Any) -> asyncio.Future[int]:
        if not self._asked:
            return true_join(self)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        return future

    patch.setattr(Rounds, "join", join)


def anybody_confirms_once_or_twice(patch: pytest.MonkeyPatch) -> None:
    """A confirmation of an earlier round counts for this one."""

    def count(self: Any, peer: str, _number: int) -> None:
        if self._confirming.number is not None:
            self._confirmed.add(peer)
            self._finish_if_confirmed(self._confirming.number)

    patch.setattr(ReadIndex, "_count", count)


def agents_remember_epochs_in_memory_only(patch: pytest.MonkeyPatch) -> None:
    """An agent that starts again obeys a leader that it knew to be deposed."""

    async def save_fence(*_: object) -> None:
        await asyncio.sleep(0)

    patch.setattr(Store, "save_fence", save_fence)
