"""Speed and use of the machine's link, on virtual time."""

import asyncio
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

import psutil
import pytest

from okube.worker.link import NOTHING, UNKNOWN, Interface, LinkMeter, choose_interface, count_bytes, look_at_interfaces
from tests.simulation.loop import run_virtual, virtual_loop

P = ParamSpec("P")
T = TypeVar("T")
LO = Interface("lo", True, True, UNKNOWN, ("127.0.0.1",), 900, 900)
FAST = Interface("eth0", True, False, 10**10, ("192.0.2.1", "2001:db8::1"), 10, 20)
BUSY = Interface("eth1", True, False, 10**9, ("198.51.100.1",), 500, 500)


async def _at_once(func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Threads have no place on virtual time."""
    return func(*args, **kwargs)


class Machine:
    """Interfaces, and what goes over them, as the test sets them."""

    def __init__(self, *interfaces: Interface) -> None:
        self.interfaces: Iterable[Interface] = interfaces
        self.bytes: dict[str, tuple[int, int]] = {each.name: (0, 0) for each in interfaces}
        self.meter = self.meter_of(UNKNOWN)

    def meter_of(self, speed_bps: int) -> LinkMeter:
        """One that was told how fast the link is."""
        return LinkMeter(
            lambda: "192.0.2.1",
            lambda: virtual_loop().now,
            look=lambda: self.interfaces,
            count=lambda name: self.bytes[name],
            aside=_at_once,
            speed_bps=speed_bps,
        )


@pytest.mark.parametrize(
    ("host", "chosen"), [("192.0.2.1", FAST), ("2001:db8::1", FAST), ("127.0.0.1", LO), ("0.0.0.0", BUSY), ("w1", BUSY)]
)
def test_the_link_is_the_one_that_has_the_agent_s_address_or_else_the_busiest(host: str, chosen: Interface) -> None:
    assert choose_interface([LO, FAST, BUSY], host) is chosen


def test_what_is_down_is_no_link() -> None:
    assert choose_interface([LO, FAST._replace(up=False)], "192.0.2.1") is None


def test_what_goes_over_it_is_told_in_bits_a_second() -> None:
    async def scenario() -> None:
        machine = Machine(LO, FAST)
        running = asyncio.ensure_future(machine.meter.run())
        await asyncio.sleep(1)
        assert machine.meter.read() == (10**10, UNKNOWN, UNKNOWN)
        machine.bytes["eth0"] = (1000, 5000)
        await asyncio.sleep(5)
        assert machine.meter.read() == (10**10, 1600, 8000)
        machine.bytes["eth0"] = (0, 0)  # the counters began anew
        await asyncio.sleep(5)
        assert machine.meter.read() == (10**10, 0, 0)
        running.cancel()
        await asyncio.wait([running])

    run_virtual(scenario())


def test_a_link_that_is_gone_tells_nothing_until_there_is_another() -> None:
    async def scenario() -> None:
        machine = Machine(LO, FAST)
        running = asyncio.ensure_future(machine.meter.run())
        await asyncio.sleep(1)
        del machine.bytes["eth0"]
        machine.interfaces = (LO,)
        await asyncio.sleep(5)
        assert machine.meter.read() == NOTHING
        machine.interfaces, machine.bytes["eth1"] = (LO, BUSY), (0, 0)
        await asyncio.sleep(61)
        assert machine.meter.read()[0] == 10**9
        running.cancel()
        await asyncio.wait([running])

    run_virtual(scenario())


def test_a_machine_that_tells_nothing_of_interfaces_has_no_link() -> None:
    async def scenario() -> None:
        machine = Machine()
        machine.meter = LinkMeter(lambda: "", lambda: virtual_loop().now, look=_refuse, aside=_at_once)
        running = asyncio.ensure_future(machine.meter.run())
        await asyncio.sleep(1)
        assert machine.meter.read() == NOTHING
        running.cancel()
        await asyncio.wait([running])

    run_virtual(scenario())


def _refuse() -> Iterable[Interface]:
    raise PermissionError("not here")


def test_this_machine_has_interfaces_that_can_be_counted() -> None:
    found = look_at_interfaces()
    assert {each.name for each in found} <= set(psutil.net_if_stats())
    loopback = next(each for each in found if each.loopback)
    assert min(count_bytes(loopback.name)) >= min(loopback.sent, loopback.received)
    with pytest.raises(KeyError):
        count_bytes("nonesuch0")


def test_what_somebody_said_of_the_speed_counts_instead_of_what_the_interface_says() -> None:
    assert Machine().meter_of(2 * 10**9).read() == (2 * 10**9, UNKNOWN, UNKNOWN)
