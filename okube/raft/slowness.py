"""Whether the syncs of a leader's journal stay slow, so that a member with a faster disk should lead.

Only what lasts counts: how long the syncs since the last fast one have taken together, the one under way included. So
one long stall shows before it is over, a single hiccup does not, and neither does a quiet time between slow syncs.
"""

__all__ = ["SyncWatch"]


class SyncWatch:
    """Told when each sync begins and ends, one at a time, in seconds on one clock.

    Args:
        slow_s: a sync that takes longer is slow.
        enough_s: slow syncs that have taken so long together are too much.
    """

    def __init__(self, *, slow_s: float, enough_s: float) -> None:
        self._slow_s = slow_s
        self._enough_s = enough_s
        self._slow_for_s = 0.0
        self._began: float | None = None

    def began(self, now: float) -> None:
        """A sync begins."""
        self._began = now

    def ended(self, now: float) -> None:
        """It has ended; a fast one makes up for all before."""
        took_s = self._under_way_s(now)
        self._began = None
        self._slow_for_s = self._slow_for_s + took_s if took_s > self._slow_s else 0.0

    def slow_for_s(self, now: float) -> float:
        """How long slow syncs have taken since the last fast one."""
        under_way_s = self._under_way_s(now)
        return self._slow_for_s + (under_way_s if under_way_s > self._slow_s else 0.0)

    def is_too_much(self, now: float) -> bool:
        """Whether somebody else should lead."""
        return self.slow_for_s(now) >= self._enough_s

    def _under_way_s(self, now: float) -> float:
        return 0.0 if self._began is None else now - self._began
