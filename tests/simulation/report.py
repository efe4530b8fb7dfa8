"""What a seed showed."""

import hashlib

import msgspec

__all__ = ["Report", "Story"]


class Story:
    """All that happened, in order. ``asides`` (the log) are told, and no part of the digest."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._digest = hashlib.sha256()

    def note(self, at_s: float, event: str) -> None:
        """Something happened."""
        self._digest.update(f"{at_s:.6f} {event}\n".encode())
        self.aside(at_s, event)

    def aside(self, at_s: float, text: str) -> None:
        """Something was said about it."""
        self.lines.append(f"{at_s:10.4f} {text}")

    @property
    def trace(self) -> str:
        """A digest of everything that happened: two runs with the same one are the same run."""
        return self._digest.hexdigest()


class Report(msgspec.Struct, frozen=True):
    """``counts`` are figures that can be added up; ``faults`` says how often what went wrong.

    ``happened``: the numbers of the faults, for a run with only some of them. ``story`` is all that happened, in order,
    and ``trace`` a digest of it.
    """

    seed: int
    violations: list[str]
    counts: dict[str, int]
    faults: dict[str, int]
    happened: list[int]
    virtual_s: float
    settled_s: float
    trace: str
    story: list[str]
