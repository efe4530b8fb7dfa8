"""A ledger of orders to registers, so that what clients see of them can be checked for linearizability."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tests.simulation.ledger import Ledger

__all__ = ["Order", "Registers", "is_stale"]


class Order(msgspec.Struct, frozen=True, array_like=True):
    """Write a value, or put it in the place of ``expected``. ``number`` tells it from all others."""

    number: int
    kind: Literal["write", "cas"]
    key: str
    value: int
    expected: int | None = None
    padding: bytes = b""


_decoder = msgspec.msgpack.Decoder(Order)


def is_stale(result: Any) -> bool:
    """Whether a batch was refused because its proposer was of another term."""
    return bool(result == "stale")


class Registers(Ledger):
    """Keeps the ledger, and what each key holds. The result of an order: whether it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, int] = {}
        self.known: dict[bytes, None] = {}

    def apply(self, index: int, term: int, payload: bytes) -> list[Any]:
        before = len(self.items)
        results = super().apply(index, term, payload)
        taken = self.items[before:]
        return [self._carry_out(item) for _, item in taken] if taken else results

    def restoring(self, data: bytes | memoryview) -> Iterator[bool]:
        for is_replaced in super().restoring(data):
            if is_replaced:
                self.values, self.known = {}, {}
                for _, item in self.items:
                    self._carry_out(item)
            yield is_replaced

    def _carry_out(self, item: bytes) -> bool:
        self.known[item] = None
        order = _decoder.decode(item)
        if order.kind == "cas" and self.values.get(order.key) != order.expected:
            return False
        self.values[order.key] = order.value
        return True
