"""The smallest state machine that shows every fault of replication: it keeps all items in the order applied."""

from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = ["Ledger", "seal"]

Sealed = tuple[int, list[bytes]]
_decoder = msgspec.msgpack.Decoder(Sealed)
_state_decoder = msgspec.msgpack.Decoder(tuple[int, list[tuple[int, bytes]]])


def seal(term: int, items: list[bytes]) -> bytes:
    """A batch that carries the term of its proposer."""
    return msgspec.msgpack.encode((term, items))


class Ledger:
    """Satisfies ``okube.raft.StateMachine``. Batches of a proposer of another term than the entry's are refused."""

    def __init__(self) -> None:
        self.items: list[tuple[int, bytes]] = []
        self.last_index = 0

    def apply(self, index: int, term: int, payload: bytes) -> list[Any]:
        sealed_in, items = _decoder.decode(payload)
        assert index > self.last_index, f"entry {index} after {self.last_index}"
        self.last_index = index
        if sealed_in != term:
            return ["stale" for _ in items]
        self.items += [(index, item) for item in items]
        return [b"done " + item for item in items]

    def snapshot(self) -> list[bytes]:
        data = msgspec.msgpack.encode((self.last_index, self.items))
        return [data[start : start + 1000] for start in range(0, len(data), 1000)]

    def restoring(self, data: bytes | memoryview) -> Iterator[bool]:
        yield False
        self.last_index, self.items = _state_decoder.decode(data)
        yield True
