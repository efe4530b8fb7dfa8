"""Cores, bytes and bandwidth as the scheduler counts them, and as people read them."""

from collections.abc import Callable

__all__ = ["NANOCORES", "apart", "write_bandwidth", "write_bytes", "write_count", "write_nanocores"]

NANOCORES = 1_000_000_000
"""Nanocores in a core. Cores are counted in whole nanocores, because ten times 0.1 must fit into 1.0."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_BIT_UNITS = ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")
_MOST_DIGITS = 18


def write_bytes(count: int, digits: int) -> str:
    """Bytes in the largest unit that leaves something before the point: ``1.5 GiB``."""
    if count <= 0:
        return "none"
    amount, unit = float(count), 0
    while round(amount, digits) >= 1024 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1024, unit + 1
    return f"{count} B" if unit == 0 else f"{amount:.{digits}f} {_UNITS[unit]}"


def write_nanocores(count: int, digits: int) -> str:
    """Nanocores as cores: ``4 cores``, ``0.25 cores``."""
    if count <= 0:
        return "none"
    cores = f"{count / NANOCORES:.{digits + 1}f}".rstrip("0").rstrip(".")
    return f"{cores} core" if cores == "1" else f"{cores} cores"


def write_bandwidth(bps: int, digits: int) -> str:
    """Bits a second in the largest unit that leaves something before the point: ``100 Mbit/s``, ``1.5 Gbit/s``."""
    if bps <= 0:
        return "none"
    amount, unit = float(bps), 0
    while round(amount, digits) >= 1000 and unit + 1 < len(_BIT_UNITS):
        amount, unit = amount / 1000, unit + 1
    written = f"{amount:.{digits}f}".rstrip("0").rstrip(".")
    return f"{written} {_BIT_UNITS[unit]}"


def write_count(count: int, digits: int) -> str:
    """A whole number; there are no digits to show."""
    return str(count) if count > 0 else "none"


def apart(asked: int, there: int, write: Callable[[int, int], str]) -> tuple[str, str]:
    """Two different amounts with as many digits as show the difference: never ``2.0 GiB asked, 2.0 GiB free``."""
    written = ("", "")
    for digits in range(1, _MOST_DIGITS):
        written = write(asked, digits), write(there, digits)
        if written[0] != written[1]:
            break
    return written
