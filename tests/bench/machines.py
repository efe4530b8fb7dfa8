"""The made-up machines that placement is measured on."""

from tests.unit.scheduler.builders import GIB, Node

__all__ = ["a_machine"]


def a_machine(number: int) -> Node:
    """Of three sizes, loaded unevenly, in racks of 20; every second one has an ssd, every tenth has 443 taken."""
    return Node(
        f"w{number:05}",
        cores=(16, 32, 64)[number % 3],
        cores_used=number % 7 / 2,
        memory=(64, 128, 256)[number % 3] * GIB,
        memory_used=number % 11 * GIB,
        disk=1000 * GIB,
        zone=f"rack-{number // 20:03}",
        labels={"disk": ("ssd", "hdd")[number % 2]},
        ports=frozenset({(443, "tcp")} if number % 10 == 0 else ()),
    )
