"""What is replicated, as the Raft layer sees it."""

from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ["StateMachine"]


class StateMachine(Protocol):
    """Deterministic: equal logs give equal states. No clock, no chance, no I/O."""

    def apply(self, index: int, term: int, payload: bytes) -> list[Any]:
        """Apply one committed payload; one result for each item of its batch. Must not raise anything else.

        Raises:
            UnknownVersion: only a newer Okube knows what it means; the member ends.
        """

    def snapshot(self) -> bytes | Iterable[bytes]:
        """The state of this moment. Pieces of an iterator are drawn later, while more entries are applied already."""

    def restoring(self, data: bytes | memoryview) -> Iterable[bool]:
        """Replace the state by what ``snapshot`` gave; drawn between turns of the loop.

        The old state stands until True comes, once; what follows is cleaning up.
        """
