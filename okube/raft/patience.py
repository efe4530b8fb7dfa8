"""How long a follower waits for its leader: the election time-out, and twice that where links lose packets.

Where TCP stalls for a moment again and again, a leader that is merely late must not be taken for lost. What tells is a
pause that was longer than the time-out, and after which the same leader spoke again.
"""

__all__ = ["Patience"]

_FACTOR = 2.0
_LASTS = 120
"""For so many election time-outs after the last such pause, which is a minute."""


class Patience:
    """Of one follower; times in seconds on one clock."""

    def __init__(self, election_s: float) -> None:
        self._election_s = election_s
        self._whom: tuple[int, str] | None = None
        self._heard_at = 0.0
        self._stretched_until = float("-inf")

    def heard(self, term: int, leader: str, now: float) -> None:
        """The leader of a term spoke."""
        if self._whom == (term, leader) and now - self._heard_at > self._election_s:
            self._stretched_until = now + _LASTS * self._election_s
        self._whom, self._heard_at = (term, leader), now

    def election_s(self, now: float) -> float:
        """The shortest time-out at this moment."""
        return self._election_s * (_FACTOR if now < self._stretched_until else 1.0)
