"""A leader hands over: it takes no more writes, waits until its successor has all, and lets that one campaign at once.

The successor does not ask first, so the others agree although they hear a leader (Ongaro's thesis, 3.10). What was
proposed before is committed before; so nobody is told that the outcome of a write is not known.
"""

__all__ = ["Handover"]


class Handover:
    """One try, until a time on the loop's clock."""

    def __init__(self, to: str, *, until: float, again_s: float) -> None:
        self.to = to
        self.until = until
        self._again_s = again_s
        self._say_at = 0.0

    def is_over(self, now: float, *, connected: bool) -> bool:
        """Whether there is no more hope: its time is over, or the link to the successor is down."""
        return now > self.until or not connected

    def is_due(self, now: float, *, match_index: int, commit_index: int, last_index: int) -> bool:
        """Whether to tell the successor now: it has all, all is committed, and it was not told a moment ago."""
        if now < self._say_at or not match_index == commit_index == last_index:
            return False
        self._say_at = now + self._again_s
        return True
