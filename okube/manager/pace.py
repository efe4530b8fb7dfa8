"""How often what takes long is done: so that it never takes more than a third of the time."""

__all__ = ["Allowance", "Pace"]

_LONG_S = 0.03  # less than this is not worth a rest
_REST = 2.0  # times as long as the work took
_LONGEST_REST_S = 1.0


class Pace:
    """Work by key, each with its rest after it; times are seconds on a clock that never jumps."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def worked(self, key: str, began: float, ended: float) -> None:
        """The work for a key was done from one moment to the other."""
        took_s = ended - began
        if took_s < _LONG_S:
            self._until.pop(key, None)
        else:
            self._until[key] = ended + min(_REST * took_s, _LONGEST_REST_S)

    def rests(self, key: str, now: float) -> bool:
        """Whether the work for a key should wait; ``next_s`` says how long."""
        until = self._until.get(key)
        if until is not None and until <= now:
            del self._until[key]
            return False
        return until is not None

    def next_s(self, now: float) -> float | None:
        """In how many seconds the first rest is over, or None; one that is over is told once, with 0."""
        if not self._until:
            return None
        first = min(self._until.values())
        self._until = {key: until for key, until in self._until.items() if until > now}
        return max(0.0, first - now)


class Allowance:
    """Work of which some may be done at once, and beyond that only so much of the time; times are seconds.

    Args:
        share: how much of the time it may take in the long run, 0 to 1.
        at_once_s: how much of it may be done without a pause, after it rested for long enough.
    """

    def __init__(self, share: float, at_once_s: float) -> None:
        self._share = share
        self._ahead_s = at_once_s / share
        self._free_at = 0.0

    def reserve(self, now: float, seconds: float) -> float:
        """Take a place in the queue for work of so many seconds; how long to wait for it, which may be 0.

        This is the generic cell rate algorithm of ITU-T I.371: all that is kept is when the queue would be empty.
        """
        self._free_at = max(self._free_at, now - self._ahead_s)
        wait_s = max(0.0, self._free_at - now)
        self._free_at += seconds / self._share
        return wait_s
