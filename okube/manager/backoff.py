"""How long the leader waits before it tries again what could not start."""

__all__ = ["start_delay_ms"]

_FIRST_MS = 1000
_LONGEST_MS = 5 * 60 * 1000


def start_delay_ms(attempt: int) -> int:
    """Milliseconds before the successor of a task that could not start is placed; ``attempt`` counts from 1.

    One second, doubling to five minutes.
    """
    if attempt < 1:
        return 0
    return int(min(_LONGEST_MS, _FIRST_MS * 2 ** min(attempt - 1, 20)))
