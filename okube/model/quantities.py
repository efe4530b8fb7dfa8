"""Quantities as people write them: memory and disk, cpus, times, bandwidth; parsed to bytes, cores, seconds, bit/s."""

import functools
import re
from datetime import UTC, datetime, timedelta

__all__ = [
    "MAX_BANDWIDTH",
    "MAX_BYTES",
    "MAX_CPUS",
    "format_bandwidth",
    "format_bytes",
    "format_round_trip",
    "format_seconds",
    "parse_bandwidth",
    "parse_bytes",
    "parse_seconds",
    "rfc3339",
]

MAX_BYTES = 1 << 53  # above it JSON numbers lose exactness
MAX_CPUS = 65_536.0
MAX_BANDWIDTH = 10**15  # bit/s; far above any link, and far below where sums of many overflow
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_BANDWIDTH = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:bit(?:/s)?)?", re.IGNORECASE | re.ASCII)
_BITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_bytes(value: object) -> int:
    """Bytes from ``512M`` (= 512 MiB, as Docker has it) or a plain count of bytes.

    Raises:
        ValueError: with a sentence on what is allowed.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not an amount of bytes: write 512M, 2G or a number of bytes")
    if isinstance(value, int | float):
        count: float = value
    else:
        match = _BYTES.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not an amount of bytes: write 512M, 2G or a number of bytes")
        count = float(match[1]) * _FACTORS[match[2].lower()]
    if not 0 <= count <= MAX_BYTES:
        raise ValueError(f"{value!r} is out of range: 0 to {MAX_BYTES} bytes")
    return int(count)


def parse_bandwidth(value: object) -> int:
    """Bits a second from ``100M`` (= 100 Mbit/s, decimal as networks count) or a plain count of bits a second.

    Raises:
        ValueError: with a sentence on what is allowed.
    """
    advice = f"{value!r} is not a bandwidth: write 100M (100 Mbit/s), 1G or a number of bits a second"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(advice)
    if isinstance(value, int | float):
        bits: float = value
    else:
        match = _BANDWIDTH.fullmatch(value.strip())
        if match is None:
            raise ValueError(advice)
        bits = float(match[1]) * _BITS[match[2].lower()]
    if not 0 <= bits <= MAX_BANDWIDTH:
        raise ValueError(f"{value!r} is out of range: 0 to {MAX_BANDWIDTH // 10**12}T")
    return max(1, round(bits)) if bits else 0


def parse_seconds(value: object) -> float:
    """Seconds from ``500ms``, ``3s``, ``2m``, ``1h`` or a number of seconds.

    Raises:
        ValueError: with a sentence on what is allowed.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds: float = value
    elif isinstance(value, str) and (match := _TIME.fullmatch(value.strip())):
        seconds = float(match[1]) * _SECONDS[match[2]]
    else:
        raise ValueError(f"{value!r} is not a time: write 500ms, 3s, 2m or 1h")
    if not 0 <= seconds <= 86400 * 366:
        raise ValueError(f"{value!r} is out of range: 0 to 366 days")
    return float(seconds)


def format_bytes(count: int) -> str:
    """``2.0 GiB``: one decimal, the largest unit that leaves at least 1."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if round(size, 1) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} PiB"


def format_bandwidth(bits_a_second: int) -> str:
    """``100 Mbit/s``: the largest unit that leaves at least 1."""
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if bits_a_second >= unit:
            return f"{bits_a_second / unit:.4g} {name}bit/s"
    return f"{bits_a_second} bit/s"


def format_round_trip(seconds: float) -> str:
    """``0.25 ms``, ``2 ms``, ``1.5 s``: three digits."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def format_seconds(seconds: float) -> str:
    """``850ms``, ``4s``, ``3m``, ``2h``, ``5d``: the unit a person would use."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    for limit, unit, factor in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / factor:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"


@functools.lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")


def rfc3339(time_ms: int | None) -> str | None:
    """A time of the state (milliseconds since 1970, UTC) as RFC 3339, or None for none."""
    if time_ms is None:
        return None
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03}Z"
