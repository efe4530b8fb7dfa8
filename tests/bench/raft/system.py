"""What is compared: three members each, on hosts of their own, behind TLS, with every write synced."""

import signal
from typing import Protocol

import msgspec

__all__ = ["MEMBERS", "THINGS", "Ask", "System"]

MEMBERS = ("m1", "m2", "m3")
THINGS = 256
"""How many services, or keys, the load changes in turn."""


class Ask(msgspec.Struct, frozen=True):
    """One small write over HTTP."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = {}


class System(Protocol):
    """A running cluster; ``destroy`` leaves nothing of it."""

    name: str
    load: dict[str, str]
    """What the load's script must know."""

    def url(self, member: str) -> str:
        """Where a member answers."""

    def leader(self) -> str:
        """Who leads, once somebody does."""

    def pid(self, member: str) -> int:
        """The process of a member that lives."""

    def signal(self, member: str, number: signal.Signals) -> None:
        """Send a signal to a member that lives."""

    def repair(self) -> None:
        """Start what is missing, and wait until all members take part."""

    def small_write(self, number: int) -> Ask:
        """A change of one thing."""

    def destroy(self) -> None:
        """End it."""
