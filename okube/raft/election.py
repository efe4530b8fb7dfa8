"""Pre-vote: who asks before it campaigns does not disturb a leader that the others hear.

A member whose time is up asks all others whether they would vote for it in the next term. They agree if they hear no
leader themselves and its log is not behind theirs. Only with a majority does it raise its term and campaign, so that
a single broken link makes no leader step down, and a member that was cut off comes back quietly.
"""

from collections.abc import Sequence
from typing import NamedTuple

from okube.raft.frames import PreVote

__all__ = ["LogEnd", "PreVoteRound", "majority", "majority_index", "would_vote"]


class LogEnd(NamedTuple):
    """Where a log ends; compared in this order, as Raft compares logs."""

    last_term: int
    last_index: int


def majority(members: int) -> int:
    """How many of so many members are a majority."""
    return members // 2 + 1


def majority_index(positions: Sequence[int]) -> int:
    """The highest index that a majority has reached; one position for each member."""
    return sorted(positions, reverse=True)[majority(len(positions)) - 1]


def would_vote(asked: PreVote, *, own_term: int, own_end: LogEnd, hears_leader: bool) -> bool:
    """Whether a member agrees to an election."""
    if hears_leader or asked.next_term <= own_term:
        return False
    return LogEnd(asked.last_term, asked.last_index) >= own_end


class PreVoteRound:
    """The answers collected for one term; each member counts once."""

    def __init__(self, next_term: int, own_name: str, members: int) -> None:
        self.next_term = next_term
        self._agreed = {own_name}
        self._needed = majority(members)

    def agree(self, member: str, next_term: int) -> bool:
        """Count an answer; whether it completes a majority (true once)."""
        if next_term != self.next_term or member in self._agreed:
            return False
        self._agreed.add(member)
        return len(self._agreed) == self._needed
