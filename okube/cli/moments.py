"""Times as people write them: ``10m`` ago, or a moment."""

from datetime import UTC, datetime

import click

from okube.model.quantities import parse_seconds

__all__ = ["clock", "now_ms", "since_ms", "stamp"]


def now_ms() -> int:
    """Milliseconds since 1970, UTC, as this machine has it."""
    import time

    return time.time_ns() // 1_000_000


def since_ms(text: str | None, now_ms: int) -> int | None:
    """Milliseconds since 1970 from ``10m`` (ago) or an RFC 3339 time (UTC unless it says otherwise).

    Raises:
        click.UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        return max(0, now_ms - int(parse_seconds(text) * 1000))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--since {text!r} is no time: write 30s, 10m, 2h or 2026-01-31T12:00:00Z") from None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def clock(time_ms: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp(time_ms: int) -> str:
    """``20261125T231500Z``: for names of files, which so are in order."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y%m%dT%H%M%SZ}"
