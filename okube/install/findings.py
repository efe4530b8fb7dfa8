"""What a check of machines has found: for people, all at once, each with what to do."""

from collections.abc import Iterable
from typing import Literal

import msgspec

__all__ = ["Finding", "Severity", "in_order"]

Severity = Literal["error", "warning"]
_ORDER = {"error": 0, "warning": 1}


class Finding(msgspec.Struct, frozen=True):
    """Something about a machine, or about several (then ``machine`` is empty).

    An error stands in the way; a warning works, and should be thought over.
    """

    machine: str
    severity: Severity
    what: str
    advice: str = ""

    @classmethod
    def error(cls, machine: str, what: str, advice: str = "") -> "Finding":
        """Something that stands in the way."""
        return cls(machine, "error", what, advice)

    @classmethod
    def warning(cls, machine: str, what: str, advice: str = "") -> "Finding":
        """Something that works."""
        return cls(machine, "warning", what, advice)

    @property
    def sentence(self) -> str:
        """The whole of it: ``192.0.2.11: no Python of 3.11 or newer: install one``."""
        where = f"{self.machine}: " if self.machine else ""
        advice = f": {self.advice}" if self.advice else ""
        return f"{where}{self.what}{advice}"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by machine; what is said twice once."""
    return sorted(dict.fromkeys(findings), key=lambda found: (_ORDER[found.severity], found.machine))
