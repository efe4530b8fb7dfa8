"""Which manager answered last: the next command asks it first, so that a dead one is met once."""

import contextlib
from pathlib import Path
from typing import Protocol

from okube.client.address import Address, parse_address

__all__ = ["FileMemory", "Memory", "NoMemory", "in_order"]


class Memory(Protocol):
    """Keeps one address."""

    def recall(self) -> Address | None:
        """The manager that answered last, if that is known."""

    def keep(self, manager: Address) -> None:
        """This one answered."""


class NoMemory:
    """Remembers nothing."""

    def recall(self) -> Address | None:
        """Nothing."""
        return None

    def keep(self, manager: Address) -> None:
        """Nothing."""


class FileMemory:
    """Keeps the address in a file; it is only a hint, so a file that cannot be read or written does no harm."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: Address | None = None

    def recall(self) -> Address | None:
        """What the file says."""
        try:
            self._kept = parse_address(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._kept = None
        return self._kept

    def keep(self, manager: Address) -> None:
        """Write it, if it is another than before."""
        if manager == self._kept:
            return
        self._kept = manager
        fresh = self._path.with_name(f"{self._path.name}.new")
        with contextlib.suppress(OSError):
            fresh.write_text(f"https://{manager}\n", encoding="utf-8")
            fresh.replace(self._path)


def in_order(managers: tuple[Address, ...], first: Address | None) -> tuple[Address, ...]:
    """The managers with ``first`` first, if it is one of them."""
    if first not in managers:
        return managers
    return (first, *(m for m in managers if m != first))
