"""Processes whose clock is wrong, by Debian's libfaketime."""

from pathlib import Path

__all__ = ["wrong_clock"]


def wrong_clock(offset: str) -> dict[str, str]:
    """The environment of a process whose clock is off by so much, such as ``-2h``; monotonic time goes on as it is."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
