"""When a new member has learned enough to vote: the last bit of the log took it less than an election time-out.

The leader notes where its log ends; once the learner has that, one round is over. A round that was short means that
the learner will not hold up commits when they need it. (Ongaro's thesis, 4.2.1.)
"""

__all__ = ["CatchUp"]


class CatchUp:
    """Watches one learner at a time, at the leader."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._name = ""
        self._target = 0
        self._began = 0.0

    def has_caught_up(self, name: str, *, match_index: int, last_index: int, now: float) -> bool:
        """Look at the learner now; whether it may vote."""
        if name != self._name:
            self._begin(name, last_index, now)
        if match_index < self._target:
            return False
        if now - self._began <= self._patience_s:
            return True
        self._begin(name, last_index, now)
        return False

    def forget(self) -> None:
        """Begin anew: it is another term, or nobody learns."""
        self._name = ""

    def _begin(self, name: str, target: int, now: float) -> None:
        self._name, self._target, self._began = name, target, now
