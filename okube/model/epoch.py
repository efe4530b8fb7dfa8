"""The fencing token of a leader."""

import msgspec

__all__ = ["Epoch"]


class Epoch(msgspec.Struct, frozen=True, order=True, array_like=True):
    """(incarnation, Raft term), compared in that order; written ``1.7``."""

    incarnation: int = 0
    term: int = 0

    def __str__(self) -> str:
        return f"{self.incarnation}.{self.term}"

    @classmethod
    def parse(cls, text: str) -> "Epoch":
        """The epoch written as ``1.7``; raises ValueError for anything else."""
        incarnation, _, term = text.partition(".")
        return cls(int(incarnation), int(term))
