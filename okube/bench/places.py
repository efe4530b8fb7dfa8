"""Where simulated nodes stand: an address of this machine's loopback network for each, a zone, and round trips."""

import ipaddress
import random
from functools import cache

__all__ = ["MOST_NODES", "PlacedMeter", "address_of", "zone_of"]

_FIRST = ipaddress.IPv4Address("127.16.0.1")
MOST_NODES = 50_000
_ZONES = 4
_NEAR_S, _FAR_S = 0.0002, 0.002


def address_of(number: int) -> str:
    """The address of node ``number``: each has its own, as machines have, so that limits for one address hold."""
    return str(_FIRST + number)


def zone_of(number: int) -> str:
    """The zone of node ``number``."""
    return f"zone-{number % _ZONES + 1}"


class PlacedMeter:
    """Round trips of one node as its zone and the other's have it; nothing is sent (see ``RoundTripMeter``)."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self._number = number
        self._rng = rng

    async def measure(self, address: str) -> float:
        """Seconds to ``host:port`` and back."""
        usual_s = _NEAR_S if _number_at(address) % _ZONES == self._number % _ZONES else _FAR_S
        return usual_s * self._rng.uniform(1.0, 1.1)


@cache
def _number_at(address: str) -> int:
    return int(ipaddress.IPv4Address(address.rpartition(":")[0])) - int(_FIRST)
