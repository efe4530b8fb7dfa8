"""Writes down what clients do, as they do it."""

from collections.abc import Callable

from tests.checker.operations import Kind, Operation, Value

__all__ = ["Call", "Recorder"]


class Call:
    """One call under way. Neither ``done`` nor ``failed``: nobody knows whether it had an effect."""

    def __init__(self, operation: Operation, now: Callable[[], float]) -> None:
        self.operation: Operation | None = operation
        self._now = now

    def done(self, result: Value | bool = None) -> None:
        """It returned: what a read saw, whether a cas was done; nothing for a write."""
        begun = self.operation
        assert begun is not None
        assert begun.returned_s is None
        self.operation = Operation(
            begun.client, begun.key, begun.kind, begun.invoked_s, self._now(), begun.value, begun.expected, result
        )

    def failed(self) -> None:
        """It certainly had no effect, and will have none."""
        self.operation = None


class Recorder:
    """A history in the making. ``now()`` must never go back, and be the same clock for all clients."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._calls: list[Call] = []

    def begin(self, client: str, key: str, kind: Kind, *, value: Value = None, expected: Value = None) -> Call:
        """Right before the call is made."""
        call = Call(Operation(client, key, kind, self._now(), value=value, expected=expected), self._now)
        self._calls.append(call)
        return call

    @property
    def operations(self) -> list[Operation]:
        """All calls so far but those that had no effect; those under way are of unknown outcome."""
        return [call.operation for call in self._calls if call.operation is not None]
