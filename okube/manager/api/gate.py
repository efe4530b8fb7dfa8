"""How much is let in at a time: connections, requests and bytes of bodies, over all and for one client.

So one client that floods a manager is slowed down, and the others, the agents and the managers go on. Agents have
limits of their own, far above what an honest one needs; managers have none.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

from okube.model.errors import SlowDown
from okube.seams.doorman import Turned

__all__ = ["REASONS", "Gate", "Limits", "Pass", "Reason"]

Reason = Literal[
    "connections",
    "connections-of-address",
    "connections-of-agent",
    "requests",
    "requests-of-client",
    "requests-of-agent",
    "bytes",
    "head",
    "malformed",
    "slow",
]
"""Why something was not let in, or not read."""

REASONS: tuple[Reason, ...] = get_args(Reason)


class Limits(msgspec.Struct, frozen=True):
    """What is let in; times are seconds. A client is a name at an address."""

    connections: int = 4096
    connections_of_address: int = 512
    connections_of_agent: int = 32
    requests: int = 512
    requests_of_client: int = 64
    requests_of_agent: int = 16
    body_bytes: int = 2 << 20
    bodies_bytes: int = 64 << 20  # of all requests under way
    headers: int = 128
    line_bytes: int = 8190  # of the request line, and of each header
    head_s: float = 10.0  # from the first byte of a request to the end of its headers
    body_s: float = 30.0
    pause_s: float = 1.0  # before one hears that it asks too much, or is not known
    idle_s: float = 75.0  # longer than the 60 s for which managers keep theirs


class Pass:
    """One request that was let in; ``leave`` it once, as often as you like."""

    __slots__ = ("_bytes", "_client", "_gate")

    def __init__(self, gate: "Gate", client: str, size: int) -> None:
        self._gate: Gate | None = gate
        self._client = client
        self._bytes = size

    def leave(self) -> None:
        """The request is over, or has become a stream that goes on for as long as it likes."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.left(self._client, self._bytes)


class Gate:
    """Counts what is inside; it decides, and never waits."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.connections = 0
        self.requests = 0
        self.refused: Counter[Reason] = Counter()
        self.handshakes: Counter[Turned] = Counter()  # that came to nothing
        self._bytes = 0
        self._of_address: Counter[str] = Counter()
        self._of_client: Counter[str] = Counter()
        self._connections_of_agent: Counter[str] = Counter()
        self._requests_of_agent: Counter[str] = Counter()

    def connect(self, address: str) -> bool:
        """Whether one more connection of an address is let in; each that is ends with ``disconnect``."""
        if self.connections >= self.limits.connections:
            self.refused["connections"] += 1
            return False
        if self._of_address[address] >= self.limits.connections_of_address:
            self.refused["connections-of-address"] += 1
            return False
        self.connections += 1
        self._of_address[address] += 1
        return True

    def disconnect(self, address: str) -> None:
        """One of an address's connections is over."""
        self.connections -= 1
        _lower(self._of_address, address, 1)

    def connect_agent(self, name: str) -> bool:
        """The same for an agent; each that is let in ends with ``disconnect_agent``."""
        if self._connections_of_agent[name] >= self.limits.connections_of_agent:
            self.refused["connections-of-agent"] += 1
            return False
        self._connections_of_agent[name] += 1
        return True

    def disconnect_agent(self, name: str) -> None:
        """One of an agent's connections is over."""
        _lower(self._connections_of_agent, name, 1)

    @contextlib.contextmanager
    def agent(self, name: str) -> Iterator[None]:
        """One request of an agent.

        Raises:
            SlowDown: as many of its requests are under way as it may have.
        """
        if self._requests_of_agent[name] >= self.limits.requests_of_agent:
            self._refuse("requests-of-agent", f"{self.limits.requests_of_agent} requests of {name} are under way")
        self._requests_of_agent[name] += 1
        try:
            yield
        finally:
            _lower(self._requests_of_agent, name, 1)

    def enter(self, client: str, size: int) -> Pass:
        """Let a request with a body of ``size`` bytes in.

        Raises:
            SlowDown: too much is under way.
        """
        if self._of_client[client] >= self.limits.requests_of_client:
            self._refuse("requests-of-client", f"{self.limits.requests_of_client} of your requests are under way")
        if self.requests >= self.limits.requests:
            self._refuse("requests", f"{self.limits.requests} requests are under way")
        if self._bytes + size > self.limits.bodies_bytes:
            self._refuse("bytes", f"requests with {self.limits.bodies_bytes >> 20} MiB of bodies are under way")
        self.requests += 1
        self._of_client[client] += 1
        self._bytes += size
        return Pass(self, client, size)

    def left(self, client: str, size: int) -> None:
        """A request that was let in is over; ``Pass.leave`` calls it."""
        self.requests -= 1
        self._bytes -= size
        _lower(self._of_client, client, 1)

    def _refuse(self, why: Reason, sentence: str) -> None:
        self.refused[why] += 1
        raise SlowDown(f"{sentence} at this manager already: wait for some to end, and ask again")


def _lower(counts: Counter[str], key: str, by: int) -> None:
    counts[key] -= by
    if counts[key] <= 0:
        del counts[key]
