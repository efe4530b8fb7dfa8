"""What a new address is, as people type it: ``NAME=HOST`` or ``NAME=HOST:PORT``; a port that is not given stays."""

import re
import time
from collections.abc import Callable, Iterable

import click

from okube.cli.exits import WaitedInVain

__all__ = ["host_of", "moved", "moves_of", "wait_until"]

_POLL_S = 0.2
_WITH_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):([0-9]{1,5})")


def moves_of(words: Iterable[str]) -> dict[str, str]:
    """Name and new place of each.

    Raises:
        click.UsageError: a word is none, or a name is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, place = word.partition("=")
        if not (name and equals and place):
            raise click.UsageError(f"{word!r} names no new address: write NAME=HOST or NAME=HOST:PORT")
        if name in found:
            raise click.UsageError(f"{name} is named twice")
        found[name] = place
    return found


def moved(before: str, place: str) -> str:
    """The new address of what was at ``before``."""
    with_port = _WITH_PORT.fullmatch(place)
    if with_port is not None:
        return place
    host = place.strip("[]")
    port = before.rpartition(":")[2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_of(address: str) -> str:
    """The host of an address, with its brackets."""
    return address.rpartition(":")[0]


def wait_until(arrived: Callable[[str], bool], names: Iterable[str], timeout_s: float, what: str) -> None:
    """Return when all of them are there.

    Raises:
        WaitedInVain: with those that are not.
    """
    deadline = time.monotonic() + timeout_s
    missing = list(names)
    while True:
        missing = [name for name in missing if not arrived(name)]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise WaitedInVain(
                f"{', '.join(missing)} {what} after {timeout_s:g} s. The cluster has the new address, and it listens "
                "there once its machine has it and its process hears of it; its log says more"
            )
        time.sleep(_POLL_S)
